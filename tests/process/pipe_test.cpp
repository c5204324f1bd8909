// `stele pipe`, `top`, `stats --prometheus` and `completion` as scripts see them.
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::exists_program;
using stele::test::run_program;
using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;

namespace {

struct PipeFixture {
  Steled daemon{};
  PipeFixture() { daemon.start(); }

  stele::test::Finished pipe(std::vector<std::string> options, std::string const& script) {
    options.insert(options.begin(), "pipe");
    for (auto const& word :
         {std::string{"--"}, std::string{"/bin/sh"}, std::string{"-c"}, script}) {
      options.push_back(word);
    }
    return run_stele(daemon, options);
  }
  std::string read(std::vector<std::string> options) {
    options.insert(options.begin(), {"read", "-o", "cat"});
    return run_stele(daemon, options).out;
  }
};

/// Whether the process has ended whose number stands in the file.
bool has_ended(std::string const& file) {
  auto const pid = stele::test::read_file(file);
  return pid.ends_with('\n') &&
         run_program({"/bin/kill", "-0", pid.substr(0, pid.size() - 1)}).exit_code != 0;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(pipe_test, PipeFixture)

BOOST_AUTO_TEST_CASE(the_lines_of_both_streams_are_stored_and_the_exit_code_is_the_commands) {
  auto const done = pipe({"-t", "job", "--stderr-level", "warn"},
                         "echo one; echo '<3>bad'; echo oops >&2; printf last; exit 7");
  BOOST_TEST(done.exit_code == 7, done.err);
  BOOST_TEST(done.out == "");
  BOOST_TEST(read({"--where", "stream=stdout"}) == "one\nbad\nlast\n");
  BOOST_TEST(read({"-p", "error"}) == "bad\n");
  BOOST_TEST(read({"--where", "identifier=job", "-p", "warn..warn"}) == "oops\n");
}

BOOST_AUTO_TEST_CASE(a_prefix_is_text_where_that_is_asked_for_and_bytes_stay_countable) {
  BOOST_TEST(pipe({"--no-level-prefix"}, R"(echo '<3>x'; printf 'b\377d\n')").exit_code == 0);
  BOOST_TEST(read({}) ==
             "<3>x\nb\xef\xbf\xbd"
             "d\n");
  BOOST_TEST(read({"--where", R"({"import":{"invalid_bytes":1}})"}) ==
             "b\xef\xbf\xbd"
             "d\n");
}

BOOST_AUTO_TEST_CASE(a_signal_that_ends_the_command_is_128_and_its_number) {
  BOOST_TEST(pipe({}, "kill -TERM $$").exit_code == 128 + SIGTERM);
  auto const missing = run_stele(daemon, {"pipe", "--", "/no/such/command"});
  BOOST_TEST(missing.exit_code == 127);
  BOOST_TEST(missing.err.find("cannot run /no/such/command") != std::string::npos, missing.err);
  BOOST_TEST(run_stele(daemon, {"pipe", "--", "/etc/passwd"}).exit_code == 126);
  BOOST_TEST(read({}) == "");
  BOOST_TEST(run_stele(daemon, {"pipe"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(what_a_command_leaves_running_is_read_to_its_end_or_until_a_signal) {
  auto const mark = daemon.home() + "/mark";
  BOOST_TEST(pipe({}, "(read x; echo late; echo yes >" + mark + ") <" + daemon.home() +
                          "/steled.log & echo started; exit 3")
                 .exit_code == 3);
  BOOST_TEST(stele::test::read_file(mark) == "yes\n");
  BOOST_TEST(run_stele(daemon, {"count", "--contains", "late"}).out == "1\n");
  std::string before;
  for (int const number : {SIGTERM, SIGINT}) {
    stele::test::Program running({stele_path(), "pipe", "--socket", daemon.socket(), "--",
                                  "/bin/sh", "-c", "echo $$; sleep 600 & exit 4"},
                                 {.in = "/dev/null", .out = mark});
    auto const has_ended = [&] {
      auto const pid = run_stele(daemon, {"read", "-o", "cat", "-n", "1"}).out;
      return pid.find("late") == pid.npos && pid.find("started") == pid.npos && pid != before &&
             run_program({"/bin/kill", "-0", pid.substr(0, pid.size() - 1)}).exit_code != 0;
    };
    while (!has_ended()) BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(10)));
    running.signal(number);
    BOOST_TEST(running.wait() == 4);
    before = run_stele(daemon, {"read", "-o", "cat", "-n", "1"}).out;
  }
}

BOOST_AUTO_TEST_CASE(a_signal_that_cuts_off_what_was_left_running_is_told_also_where_it_prints_on) {
  auto const out = daemon.home() + "/out";
  for (std::string const left : {"sleep 600 &", "while :; do echo on; sleep 0.01; done &"}) {
    stele::test::Program running({stele_path(), "pipe", "--socket", daemon.socket(), "--",
                                  "/bin/sh", "-c", left + " echo $$ >" + out + ".pid"},
                                 {.in = "/dev/null", .out = out});
    while (!has_ended(out + ".pid")) {
      BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(10)));
    }
    running.signal(SIGTERM);
    BOOST_TEST(running.wait() == 1, left);
    BOOST_TEST(stele::test::read_file(out).find("had its output open") != std::string::npos);
    std::filesystem::remove(out);
    std::filesystem::remove(out + ".pid");
  }
}

BOOST_AUTO_TEST_CASE(the_command_runs_without_a_daemon_and_the_exit_code_tells_of_what_is_lost) {
  auto const mark = daemon.home() + "/ran";
  stele::test::Program running({stele_path(), "pipe", "--socket", daemon.home() + "/nobody.sock",
                                "--", "/bin/sh", "-c", "echo lost; echo $$ >" + mark},
                               {.in = "/dev/null", .out = daemon.home() + "/out"});
  // The signal is for the pipe alone: the command would end by it, and its exit code be the pipe's.
  while (!has_ended(mark)) BOOST_REQUIRE(!running.wait_for(std::chrono::milliseconds(10)));
  running.signal(SIGTERM);
  BOOST_TEST(running.wait() == 1);
  BOOST_TEST(stele::test::read_file(daemon.home() + "/out").find("not every line is stored") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_line_above_the_limit_is_stored_in_parts_that_say_so) {
  BOOST_TEST(pipe({}, "head -c 3000000 /dev/zero | tr '\\0' x; echo; printf 'short\n'").exit_code ==
             0);
  auto whole = read({});
  std::erase(whole, '\n');
  BOOST_TEST((whole == std::string(3'000'000, 'x') + "short"));
  BOOST_TEST(run_stele(daemon, {"count", "part=1", "continues=true"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"count", "-g", "^x"}).out != "1\n");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "-g", "short", "stream=stdout"}).out ==
             "short\n");
}

BOOST_AUTO_TEST_CASE(many_lines_are_stored_once_and_in_order) {
  BOOST_TEST(pipe({}, "seq 1 20000").exit_code == 0);
  BOOST_TEST((read({}) == run_program({"/usr/bin/seq", "1", "20000"}).out));
}

BOOST_AUTO_TEST_CASE(top_prints_one_screen_where_the_output_is_no_terminal) {
  auto const top = run_stele(daemon, {"top", "--delay", "10ms"});
  BOOST_TEST(top.exit_code == 0, top.err);
  BOOST_TEST(top.out.starts_with("steled "), top.out);
  BOOST_TEST(top.out.find('\x1b') == std::string::npos);
  BOOST_TEST(run_stele(daemon, {"top", "--delay", "never"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(every_member_of_stats_that_is_a_metric_is_told_by_the_real_daemon) {
  auto const stats = run_stele(daemon, {"stats", "--prometheus"});
  BOOST_TEST(stats.exit_code == 0);
  for (auto const* name : {"stele_log_bytes", "stele_tails_lagged_total", "stele_writers",
                           "stele_commit_seconds_count", "stele_missing_torn"}) {
    BOOST_TEST(stats.out.find(std::string{"\n"} + name + "{log=\"") != std::string::npos, name);
  }
}

BOOST_AUTO_TEST_CASE(shells_and_man_take_what_is_made_for_them) {
  auto const checks = std::vector<std::vector<std::string>>{{"bash", "bash -n"},
                                                            {"zsh", "zsh -n"},
                                                            {"fish", "fish --no-execute"},
                                                            {"man", "mandoc -Tlint -Wwarning"}};
  for (auto const& check : checks) {
    auto const program = check[1].substr(0, check[1].find(' '));
    if (!exists_program(program)) continue;
    auto const text = run_stele(daemon, {"completion", check[0]});
    BOOST_REQUIRE(text.exit_code == 0);
    auto const path = daemon.home() + "/" + check[0];
    stele::test::write_file(path, text.out);
    auto const checked = run_program({"/bin/sh", "-c", check[1] + " < " + path});
    BOOST_TEST(checked.exit_code == 0, checked.out + checked.err);
  }
}

BOOST_AUTO_TEST_CASE(bash_completes_verbs_options_and_values) {
  stele::test::write_file(daemon.home() + "/c", run_stele(daemon, {"completion", "bash"}).out);
  auto const complete = [&](std::string const& words) {
    return run_program({"/bin/bash", "-c",
                        ". " + daemon.home() + "/c; COMP_WORDS=(stele " + words +
                            "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _stele; "
                            "echo \"${COMPREPLY[@]}\""})
        .out;
  };
  BOOST_TEST(complete("hel") == "\n");
  BOOST_TEST(complete("exp") == "export\n");
  BOOST_TEST(complete("read --sin") == "--since\n");
  BOOST_TEST(complete("read -o json-") == "json-pretty\n");
  BOOST_TEST(complete("--socket x read -p wa") == "warn\n");
}

BOOST_AUTO_TEST_SUITE_END()

// `stele pipe`, `top`, `stats --prometheus` and `completion` as scripts see them.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"

using stele::test::exists_program;
using stele::test::run_program;
using stele::test::run_stele;
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
  BOOST_TEST(run_stele(daemon, {"pipe", "--", "/no/such/command"}).exit_code == 127);
  BOOST_TEST(run_stele(daemon, {"pipe"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(what_a_command_leaves_running_is_not_waited_for) {
  BOOST_TEST(pipe({}, "echo here; sleep 600 & exit 3").exit_code == 3);
  BOOST_TEST(read({}) == "here\n");
  run_program({"/bin/sh", "-c", "true"});
}

BOOST_AUTO_TEST_CASE(nothing_runs_where_there_is_no_daemon) {
  auto const mark = daemon.home() + "/ran";
  BOOST_TEST(run_stele(daemon.home() + "/nobody.sock", {"pipe", "--", "touch", mark}).exit_code ==
             3);
  BOOST_TEST(run_program({"/bin/test", "-e", mark}).exit_code == 1);
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
  for (auto const* name : {"stele_log_bytes ", "stele_tails_lagged_total ", "stele_writers ",
                           "stele_commit_seconds_count ", "stele_missing_torn "}) {
    BOOST_TEST(stats.out.find(std::string{"\n"} + name) != std::string::npos, name);
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

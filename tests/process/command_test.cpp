// The stele command as scripts see it: what it prints, and its exit code.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::run_stele;
using stele::test::Steled;

namespace {

struct CommandFixture {
  Steled daemon{};
  CommandFixture() { daemon.start(); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(command_test, CommandFixture)

BOOST_AUTO_TEST_CASE(success_is_0) {
  BOOST_TEST(run_stele(daemon, {"ping"}).exit_code == 0);
  auto const written = run_stele(daemon, {"write", "hello", "--level", "warn"});
  BOOST_TEST(written.exit_code == 0, written.err);
  auto const read = run_stele(daemon, {"read", "-o", "cat"});
  BOOST_TEST(read.exit_code == 0);
  BOOST_TEST(read.out == "hello\n");
  auto const stats = run_stele(daemon, {"stats"});
  BOOST_TEST(stats.exit_code == 0);
  BOOST_TEST(!stats.out.empty());
  BOOST_TEST(run_stele(daemon, {"--help"}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(words_come_back_as_they_were_typed) {
  std::vector<std::vector<std::string>> const typed{
      {"[a,b]"},        {"[a]", "[b,c]"},   {"{}"}, {"a=b", ""}, {"%x"},
      {"'q'", "\"r\""}, {"--", "-n", "--x"}};
  std::string expected;
  for (auto words : typed) {
    std::string line;
    for (auto const& word : words) {
      if (word != "--") line += (line.empty() ? "" : " ") + word;
    }
    expected += line + '\n';
    words.insert(words.begin(), "write");
    BOOST_TEST(run_stele(daemon, words).exit_code == 0, line);
  }
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == expected);
  BOOST_TEST(run_stele(daemon, {"count", "--contains=", "--contains", "[a]"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"count", "--since=", "--contains"}).exit_code == 2);
  BOOST_TEST(run_stele(daemon, {"count", "--contains", "[a]"}).out == "1\n");
}

BOOST_AUTO_TEST_CASE(a_read_that_finds_nothing_is_still_a_success) {
  auto const read = run_stele(daemon, {"read", "-o", "cat"});
  BOOST_TEST(read.exit_code == 0);
  BOOST_TEST(read.out == "");
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_2) {
  BOOST_TEST(run_stele(daemon, {"raed"}).exit_code == 2);
  BOOST_TEST(run_stele(daemon, {"read", "--no-such-option"}).exit_code == 2);
  BOOST_TEST(run_stele(daemon, {"read", "--since", "the day before"}).exit_code == 2);
  BOOST_TEST(run_stele(daemon, {"read", "-o", "xml"}).exit_code == 2);
  BOOST_TEST(run_stele(daemon, {"write", "hello", "--level", "loud"}).exit_code == 2);
}

BOOST_AUTO_TEST_CASE(no_daemon_is_3_and_the_path_is_named) {
  auto const path = daemon.home() + "/nobody.sock";
  for (std::string const verb : {"ping", "read", "stats"}) {
    auto const result = run_stele(path, {verb});
    BOOST_TEST(result.exit_code == 3, verb);
    BOOST_TEST(result.err.find(path) != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_is_4_and_the_limit_is_named) {
  auto const refused = run_stele(daemon, {"write"}, std::string((1 << 20) + 1, 'x'));
  BOOST_TEST(refused.exit_code == 4, refused.err);
  BOOST_TEST(refused.err.find("1048576") != std::string::npos, refused.err);
}

BOOST_AUTO_TEST_CASE(since_and_until_choose_by_time) {
  run_stele(daemon, {"write", "now"});
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "--since", "10 min ago"}).out == "now\n");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "--until", "10 min ago"}).out == "");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "--since", "2001-01-01T00:00:00Z"}).out ==
             "now\n");
}

BOOST_AUTO_TEST_CASE(lines_are_the_last_n_in_order) {
  run_stele(daemon, {"import", "-"}, "one\ntwo\nthree\n");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "-n", "2"}).out == "two\nthree\n");
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_an_error_and_never_the_daemons_socket) {
  auto const shell = [&](std::string const& words) {
    return stele::test::run_program(
        {"/bin/sh", "-c",
         stele::test::stele_path() + " --socket " + daemon.socket() + " " + words});
  };
  auto const request = R"({"op":"write_log","entry":{"message":"injected"}})";
  run_stele(daemon, {"write", request});
  BOOST_TEST(shell("read -o cat >&-").exit_code == 1);
  BOOST_TEST(shell("import - <&-").exit_code == 1);
  BOOST_TEST(shell("write - <&-").exit_code == 1);
  BOOST_TEST(shell("read -o cat 2>&-").out == std::string{request} + '\n');
  BOOST_TEST(run_stele(daemon, {"count"}).out == "1\n");
  // A file that took the place of standard input would be taken for it, and have no times.
  auto const file = daemon.home() + "/a.log";
  stele::test::write_file(file, "2024-01-02T03:04:05Z x\n");
  BOOST_TEST(shell("import - " + file + " <&-").exit_code == 1);
  BOOST_TEST(run_stele(daemon, {"count", "--until", "2024-01-03"}).out == "1\n");
}

BOOST_AUTO_TEST_CASE(what_a_terminal_would_act_on_is_escaped_in_errors) {
  std::string const name = "no\x1b]0;title\a\nfile";
  for (auto const& words : std::vector<std::vector<std::string>>{{"import", name},
                                                                 {"verify", name},
                                                                 {"read", "-g", name + "("},
                                                                 {name},
                                                                 {"read", "--since", name},
                                                                 {"read", "--" + name}}) {
    auto const failed = run_stele(daemon.socket(), words);
    BOOST_TEST(failed.exit_code != 0);
    BOOST_TEST(failed.err.find('\x1b') == std::string::npos, words.front());
  }
  BOOST_TEST(run_stele(name, {"ping"}).err.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_search_has_no_wrong_negative) {
  run_stele(daemon, {"write"}, std::string(1300, 'x') + " mark.");
  run_stele(daemon, {"write"}, "A Serror\r");
  auto const count = [&](std::string const& pattern) {
    return run_stele(daemon, {"count", "-g", pattern});
  };
  BOOST_TEST(count(R"(^(.|x)*mark\.$)").out == "1\n");
  auto const too_much = count(R"(^(x+x+)+y)");
  BOOST_TEST((too_much.out == "0\n" || too_much.exit_code == 1), too_much.err);
  BOOST_TEST((too_much.exit_code == 0) == too_much.err.empty());
  BOOST_TEST(count(R"(a\Sserror)").out == "0\n");
  BOOST_TEST(count(R"(a\sserror$)").out == "1\n");
  BOOST_TEST(count("A serror").out == "0\n");
}

BOOST_AUTO_TEST_CASE(what_can_do_nothing_is_refused_and_what_is_meant_is_done) {
  run_stele(daemon, {"write", "--timestamp", "20240102030405", "-p", "3", "one"});
  BOOST_TEST(run_stele(daemon, {"count", "-p", "ERR", "--since", "20240102"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"count", "--since", "20240103"}).out == "0\n");
  BOOST_TEST(run_stele("", {"ping"}).exit_code == 2);
  for (auto const& words : std::vector<std::vector<std::string>>{
           {"read", "--no-tail"}, {"read", "--stream", "x"}, {"tail", "--reverse"}}) {
    BOOST_TEST(run_stele(daemon.socket(), words).exit_code == 2, words.back());
  }
}

BOOST_AUTO_TEST_CASE(a_tail_ends_with_its_reader) {
  run_stele(daemon, {"import", "-"}, "one\ntwo\n");
  auto const headed = stele::test::run_program(
      {"/bin/sh", "-c",
       stele::test::stele_path() + " tail -o cat --socket " + daemon.socket() + " | head -n 1"});
  BOOST_TEST(headed.out == "one\n");
}

BOOST_AUTO_TEST_SUITE_END()

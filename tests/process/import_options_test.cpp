// What an import was asked for and could not do is told, and the exit code says so.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::run_program;
using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;
using stele::test::write_file;

namespace {

struct ImportFixture {
  Steled daemon{};
  std::string file = daemon.home() + "/a.log";
  ImportFixture() { daemon.start(); }

  stele::test::Finished import(std::vector<std::string> words, std::string const& text) {
    write_file(file, text);
    words.insert(words.begin(), "import");
    words.push_back(file);
    return run_stele(daemon, words);
  }
  stele::test::Finished shell(std::string const& command) {
    return run_program({"/bin/sh", "-c",
                        "export STELE_SOCKET=" + daemon.socket() + " STELE=" + stele_path() +
                            "; cd " + daemon.home() + "; " + command});
  }
};

bool says(stele::test::Finished const& finished, std::string const& words) {
  return finished.err.find(words) != std::string::npos;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(import_options_test, ImportFixture)

BOOST_AUTO_TEST_CASE(an_option_that_had_no_effect_is_told_and_less_than_was_asked_for_is_1) {
  struct Case {
    std::vector<std::string> words;
    std::string text;
    int exit_code;
    std::string told;
  };
  std::string const dated = "2024-01-02T03:04:05Z INFO x\n";
  for (auto const& [words, text, exit_code, told] : std::vector<Case>{
           {{"--timezone", "UTC"}, dated, 0, "--timezone did nothing"},
           {{"--timezone", "UTC"}, "2024-01-02 03:04:05 x\n", 0, "times read as iso\n"},
           {{"--year", "2020"}, dated, 0, "--year did nothing"},
           {{"--year", "2020"}, "Feb 29 03:04:05 h x\n", 0, "without a year: 2020\n"},
           {{"--year", "2023"}, "Feb 29 03:04:05 h x\n", 1, "does not have"},
           {{"--level-pattern", "(WARN)"}, dated, 1, "--level-pattern did nothing"},
           {{"--level-pattern", "(x)"}, dated, 1, "finds no known level"},
           {{"--level-pattern", "(INFO)"}, dated, 0, "times read as iso\n"},
           {{"--format", "json", "--map", "message=text"}, "{\"msg\":\"x\"}\n", 1, "no line has"},
           {{"--format", "json", "--map", "level=l"}, "{\"msg\":\"x\"}\n", 1, "--map level=l did"},
           {{"--format", "json"}, "{\"a\":1}\n", 0, "without a member that is the message"},
           {{"--format", "json"}, "{\"msg\":\"x\",\"a\":1e400}\n", 0, "that no entry can hold"},
           {{"--format", "json", "--year", "2020"},
            "{\"msg\":\"x\",\"time\":\"Feb 29 03:04:05\"}\n",
            0,
            "times without a year: taken as of 2020"},
           {{"--format", "json", "--time", "none"},
            "{\"msg\":\"x\",\"time\":1700000000}\n",
            0,
            "imported 1 line"}}) {
    auto const done = import(words, text);
    BOOST_TEST(done.exit_code == exit_code, text + done.err);
    BOOST_TEST(says(done, told), told + " / " + done.err);
  }
  BOOST_TEST(run_stele(daemon, {"export", "--where", "time=1700000000"}).out != "");
}

BOOST_AUTO_TEST_CASE(a_time_zone_that_is_none_is_refused_where_it_would_date_lines) {
  write_file(file, "2024-01-02 03:04:05 x\n");
  BOOST_TEST(shell("TZ=Nonsense/X $STELE import a.log").exit_code == 2);
  BOOST_TEST(shell("TZ=Nonsense/X $STELE count --since '2024-01-02 03:04'").exit_code == 2);
  BOOST_TEST(shell("TZ=Nonsense/X $STELE import --time none a.log").exit_code == 0);
  BOOST_TEST(shell("TZ=Nonsense/X $STELE import - <a.log").exit_code == 0);
  BOOST_TEST(shell("TZ=Nonsense/X $STELE count --since 2024-01-02T03:04Z").exit_code == 0);
  BOOST_TEST(says(shell("TZ=Nonsense/X $STELE read -n 1"), "no time zone"));
  for (auto const* zone : {"", "UTC", ":Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3"}) {
    auto const done = shell("TZ='" + std::string{zone} + "' $STELE import a.log");
    BOOST_TEST(done.exit_code == 0, zone + done.err);
  }
}

BOOST_AUTO_TEST_CASE(a_pipe_with_a_name_has_the_times_of_its_lines_and_standard_input_tells) {
  write_file(file, "2024-01-02T03:04:05Z x\n");
  auto const named = shell("mkfifo p; cat a.log >p & $STELE import p");
  BOOST_TEST(named.exit_code == 0, named.err);
  BOOST_TEST(says(named, "times read as iso"), named.err);
  BOOST_TEST(run_stele(daemon, {"count", "--until", "2024-01-03"}).out == "1\n");
  auto const input = shell("$STELE import - <a.log");
  BOOST_TEST(input.exit_code == 0);
  BOOST_TEST(says(input, "has the time of its arrival"), input.err);
  BOOST_TEST(says(shell("$STELE import --time auto - <a.log"), "times read as iso"));
  BOOST_TEST(run_stele(daemon, {"count", "--until", "2024-01-03"}).out == "2\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_ends_where_its_file_is_damaged_is_marked) {
  std::string text = "one\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i * 7919 % 1009) + ' ';
  write_file(file, text + '\n');
  auto const cut = shell("gzip -c a.log | head -c 1000 >a.gz; $STELE import --time none a.gz");
  BOOST_TEST(cut.exit_code == 1);
  BOOST_TEST(says(cut, "cut off"), cut.err);
  BOOST_TEST(run_stele(daemon, {"count"}).out == "2\n");
  BOOST_TEST(run_stele(daemon, {"count", "--where", R"({"import":{"cut":true}})"}).out == "1\n");
  auto const rubbish = shell("(gzip -c a.log; echo more) >b.gz; $STELE import --time none b.gz");
  BOOST_TEST(rubbish.exit_code == 1);
  BOOST_TEST(says(rubbish, "something else"), rubbish.err);
}

BOOST_AUTO_TEST_CASE(what_is_no_text_of_one_file_is_refused_with_what_to_do) {
  write_file(file, "one\ntwo\n");
  auto const setup = shell(
      "tar cf t.tar a.log; gzip -c t.tar >t.tgz; iconv -t UTF-32 a.log >u32; gzip -c a.log >g;"
      "gzip -c g >gg; head -c 5 g >start; gzip -c </dev/null >empty.gz; xz -c </dev/null >empty.xz;"
      "bzip2 -c </dev/null >empty.bz2; iconv -t UTF-16LE a.log >u16");
  BOOST_TEST(setup.exit_code == 0, setup.err);
  for (auto const* name : {"t.tar", "t.tgz", "u32", "gg", "start"}) {
    auto const refused = shell(std::string{"$STELE import "} + name);
    BOOST_TEST(refused.exit_code == 1, name);
    BOOST_TEST(says(refused, std::string{name}), refused.err);
    BOOST_TEST(says(shell(std::string{"cat "} + name + " | $STELE import -"), "standard input"));
  }
  BOOST_TEST(run_stele(daemon, {"count"}).out == "0\n");
  for (auto const* name : {"empty.gz", "empty.xz", "empty.bz2", "u16"}) {
    auto const taken = shell(std::string{"$STELE import "} + name);
    BOOST_TEST(taken.exit_code == 0, name + taken.err);
  }
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(what_an_import_did_not_take_for_what_it_is_is_told_with_the_way_to_it) {
  struct Case {
    std::vector<std::string> words;
    std::string text;
    int exit_code;
    std::string told;
    int lines;
  };
  for (auto const& [words, text, exit_code, told, lines] : std::vector<Case>{
           {{}, R"({"message":"x","time":"2024-01-02T03:04:05Z"})", 0, "--format json would", 1},
           {{}, "02/01/2024 03:04:05 x", 1, "--time day-first or --time month-first", 1},
           {{"--time", "day-first"}, "02/01/2024 03:04:05 x", 0, "times read as day-first", 1},
           {{}, "24-01-02 03:04:05 x", 1, "or year-first", 1},
           {{"--time", "year-first"}, "24-01-02 03:04:05 x", 0, "times read as year-first", 1},
           {{}, "03:04:05,123 INFO x", 1, "have no date: --time FORMAT", 1},
           {{}, "2024 foo 3 x 12.04.05 y", 1, "are not understood", 1},
           {{"--time", "none"}, "03:04:05,123 INFO x", 0, "imported 1 line", 1},
           {{}, "no time at all, 10.0.0.12:1234", 0, "none, for no form was found", 1},
           {{"--format", "json"}, R"([{"message":"x"}])", 1, "jq -c", 1},
           {{"--format", "journal"}, "__CURSOR=s=1\nMESSAGE=x\n", 1, "journal-remote", 0},
           {{},
            std::string("\xff\xfe"
                        "a\0\0\xd8\n\0",
                        8),
            0,
            "half of a surrogate pair",
            1}}) {
    auto const before = std::stoi(run_stele(daemon, {"count"}).out);
    auto const done = import(words, text);
    BOOST_TEST(done.exit_code == exit_code, text + done.err);
    BOOST_TEST(says(done, told), done.err);
    BOOST_TEST(std::stoi(run_stele(daemon, {"count"}).out) == before + lines, text);
  }
}

BOOST_AUTO_TEST_CASE(a_time_that_may_mean_several_is_refused_with_what_it_may_mean) {
  auto const time = [&](std::string const& text) {
    return run_stele(daemon, {"write", "--timestamp", text, "x"});
  };
  BOOST_TEST(says(time("1969"), "before 1970"));
  BOOST_TEST(says(time("1969-12-31"), "before 1970"));
  auto const seconds = time("1700000000");
  BOOST_TEST(seconds.exit_code == 2);
  BOOST_TEST(says(seconds, "@1700000000 are seconds"), seconds.err);
  BOOST_TEST(time("2024").exit_code == 0);
  BOOST_TEST(run_stele(daemon, {"count", "--since", "2024", "--until", "202401"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"count", "--since", "2025"}).out == "0\n");
}

BOOST_AUTO_TEST_SUITE_END()

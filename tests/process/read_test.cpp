// `stele read` and `stele tail` against the real daemon.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::Program;
using stele::test::read_file;
using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;

namespace {

struct ReadFixture {
  Steled daemon{};
  ReadFixture() { daemon.start(); }

  void write(std::vector<std::string> words) {
    words.insert(words.begin(), "write");
    auto const written = run_stele(daemon, words);
    BOOST_REQUIRE_MESSAGE(written.exit_code == 0, written.err);
  }
  /// The messages, one a line.
  std::string read(std::vector<std::string> options) {
    options.insert(options.begin(), {"read", "-o", "cat"});
    auto const result = run_stele(daemon, options);
    return result.exit_code == 0 ? result.out : result.err;
  }
};

/// `stele tail` in the background; what it prints is in a file.
struct Tail {
  std::string out;
  std::unique_ptr<Program> program;

  Tail(Steled const& daemon, std::string const& name, std::vector<std::string> options)
      : out(daemon.home() + "/" + name) {
    options.insert(options.begin(),
                   {stele_path(), "tail", "--socket", daemon.socket(), "-o", "cat"});
    program = std::make_unique<Program>(
        options, Program::Files{.out = out, .err = daemon.home() + "/" + name + ".err"});
  }
};

bool comes_true(std::function<bool()> const& condition) {
  auto const give_up = std::chrono::steady_clock::now() + stele::test::patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string numbered_lines(int first, int last) {
  std::string lines;
  for (int i = first; i <= last; ++i) lines += "line " + std::to_string(i) + "\n";
  return lines;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(read_test, ReadFixture)

BOOST_AUTO_TEST_CASE(every_term_of_the_protocol_has_its_option) {
  write({"-p", "warn", "--metadata", R"({"disk":"sda","used":91})", "disk full"});
  write({"-p", "error", "--metadata", R"({"disk":"sdb"})", "disk lost"});
  write({"all well"});
  BOOST_TEST(read({"-p", "warning"}) == "disk full\ndisk lost\n");
  BOOST_TEST(read({"-p", "info..warn"}) == "disk full\nall well\n");
  BOOST_TEST(read({"--contains", "disk"}) == "disk full\ndisk lost\n");
  BOOST_TEST(read({"--where", "disk=sda", "--where", "used=91.0"}) == "disk full\n");
  BOOST_TEST(read({"--where", R"({"disk":"sdb"})"}) == "disk lost\n");
  BOOST_TEST(read({"disk=sda", "used=91"}) == "disk full\n");
  BOOST_TEST(run_stele(daemon, {"count", "disk=sdb"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"read", "disk"}).exit_code == 2);
  BOOST_TEST(read({"--origin", "uid=0", "--after-seq", "2"}) == "all well\n");
  BOOST_TEST(read({"--origin", "uid=12345"}) == "");
  BOOST_TEST(read({"-g", "^DISK|well$"}) == "all well\n");
}

BOOST_AUTO_TEST_CASE(lines_count_what_is_printed_also_where_the_command_judges_itself) {
  run_stele(daemon, {"import", "-"}, numbered_lines(1, 3000));
  BOOST_TEST(read({"-n", "2"}) == "line 2999\nline 3000\n");
  BOOST_TEST(read({"-n", "+2"}) == "line 1\nline 2\n");
  BOOST_TEST(read({"-n", "2", "-r"}) == "line 3000\nline 2999\n");
  BOOST_TEST(read({"-n", "2", "-g", "7$"}) == "line 2987\nline 2997\n");
  BOOST_TEST(read({"-n", "+2", "-g", "7$"}) == "line 7\nline 17\n");
  BOOST_TEST(read({"-n", "2", "-r", "-g", "7$"}) == "line 2997\nline 2987\n");
  auto const ten = read({"-n"});
  BOOST_TEST(std::count(ten.begin(), ten.end(), '\n') == 10);
}

BOOST_AUTO_TEST_CASE(a_cursor_goes_on_where_a_read_ended) {
  run_stele(daemon, {"import", "-"}, numbered_lines(1, 5));
  auto const first = read({"-n", "+2", "--show-cursor"});
  auto const mark = first.find("-- cursor: ");
  BOOST_REQUIRE_MESSAGE(mark != std::string::npos, first);
  auto cursor = first.substr(mark + 11);
  cursor.pop_back();
  BOOST_TEST(read({"-n", "+2", "--cursor", cursor}) == "line 3\nline 4\n");
}

BOOST_AUTO_TEST_CASE(json_has_a_time_and_pretty_json_is_the_same_value) {
  write({"--timestamp", "1700000000000000", "--metadata", R"({"a":[1,{"b":"c"}]})", "x"});
  auto const json = run_stele(daemon, {"read", "-o", "json"}).out;
  BOOST_TEST(json.find("\"time\":\"2023-11-14T22:13:20.000000Z\"") != std::string::npos);
  auto const pretty = run_stele(daemon, {"read", "-o", "json-pretty"}).out;
  BOOST_TEST(std::count(pretty.begin(), pretty.end(), '\n') > 10);
  BOOST_TEST((boost::json::parse(json) == boost::json::parse(pretty)));
}

BOOST_AUTO_TEST_CASE(a_count_is_a_number_bars_or_json) {
  for (std::string const time : {"100", "250", "300", "1000"}) {
    write({"--timestamp", "@" + time, "-p", time == "250" ? "warn" : "info", "x" + time});
  }
  BOOST_TEST(run_stele(daemon, {"count"}).out == "4\n");
  BOOST_TEST(run_stele(daemon, {"count", "-p", "warn"}).out == "1\n");
  BOOST_TEST(run_stele(daemon, {"count", "--until", "@250", "--contains", "x"}).out == "2\n");
  BOOST_TEST(run_stele(daemon, {"count", "--bucket", "5min", "--json"}).out ==
             "{\"count\":4,\"bucket_us\":300000000,"
             "\"buckets\":[[0,2],[300000000,1],[900000000,1]]}\n");
  auto const bars = run_stele(daemon, {"count", "--histogram"}).out;
  BOOST_TEST(std::count(bars.begin(), bars.end(), '\n') == 7);  // Of a minute; 10 empty.
  BOOST_TEST(run_stele(daemon, {"count", "--bucket", "soon"}).exit_code == 2);
  auto const reversed = run_stele(daemon, {"count", "--since", "@300", "--until", "@250"});
  BOOST_TEST(reversed.exit_code == 2);
  BOOST_TEST(reversed.err.starts_with("stele: --since is behind --until"), reversed.err);
  BOOST_TEST(run_stele(daemon, {"count", "--since", "@300", "--until", "@300"}).out == "1\n");
  // What the daemon cannot judge is counted here, with the same result.
  BOOST_TEST(run_stele(daemon, {"count", "-p", "trace..info"}).out == "3\n");
  BOOST_TEST(run_stele(daemon, {"count", "-g", "^X[12]"}).out == "0\n");
  BOOST_TEST(run_stele(daemon, {"count", "-g", "^x", "--bucket", "5min", "--json"}).out ==
             run_stele(daemon, {"count", "--bucket", "5min", "--json"}).out);
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_5_only_where_that_was_asked_for) {
  BOOST_TEST(run_stele(daemon, {"read"}).exit_code == 0);
  BOOST_TEST(run_stele(daemon, {"read", "--fail-empty"}).exit_code == 5);
  write({"x"});
  BOOST_TEST(run_stele(daemon, {"read", "--fail-empty"}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(a_reader_that_goes_away_ends_a_read_without_a_word) {
  run_stele(daemon, {"import", "-"}, numbered_lines(1, 20'000));
  auto const shell = stele::test::run_program(
      {"/bin/sh", "-c",
       stele_path() + " read --socket " + daemon.socket() + " -o cat | head -n 1"});
  BOOST_TEST(shell.out == "line 1\n");
  BOOST_TEST(shell.err == "");
}

BOOST_AUTO_TEST_CASE(a_tail_has_the_newest_ten_first_and_goes_on_over_a_restart) {
  run_stele(daemon, {"import", "-"}, numbered_lines(1, 30));
  Tail const tail(daemon, "tail", {});
  BOOST_TEST(comes_true([&] { return read_file(tail.out) == numbered_lines(21, 30); }));
  run_stele(daemon, {"import", "-"}, numbered_lines(31, 32));
  BOOST_TEST(comes_true([&] { return read_file(tail.out) == numbered_lines(21, 32); }));
  daemon.kill_hard();
  daemon.start();
  run_stele(daemon, {"import", "-"}, numbered_lines(33, 40));
  BOOST_TEST(comes_true([&] { return read_file(tail.out) == numbered_lines(21, 40); }),
             read_file(tail.out));
}

BOOST_AUTO_TEST_CASE(a_tail_has_the_newest_ten_that_match_first) {
  run_stele(daemon, {"import", "-"}, numbered_lines(1, 3000));
  Tail const tail(daemon, "tail", {"-g", "99$", "-n", "3"});
  auto expected = "line 2799\nline 2899\nline 2999\n" + std::string{};
  BOOST_TEST(comes_true([&] { return read_file(tail.out) == expected; }));
  Tail const oldest(daemon, "oldest", {"-g", "^line 1$", "-n", "3"});  // Over pages of the log.
  BOOST_TEST(comes_true([&] { return read_file(oldest.out) == "line 1\n"; }));
  run_stele(daemon, {"import", "-"}, numbered_lines(3001, 3200));
  expected += "line 3099\nline 3199\n";
  BOOST_TEST(comes_true([&] { return read_file(tail.out) == expected; }));
}

BOOST_AUTO_TEST_CASE(many_tails_at_once_have_every_entry_once_and_in_order) {
  auto const tails = stele::test::number_from_environment(
      "STELE_TAILS", stele::test::is_sanitized() ? 25 : 100);
  std::vector<Tail> running;
  for (std::uint64_t i = 0; i < tails; ++i) {
    running.emplace_back(daemon, "tail" + std::to_string(i), std::vector<std::string>{"--no-tail"});
  }
  std::string expected;
  for (int i = 0; i < 5; ++i) {
    auto const lines = numbered_lines(100 * i + 1, 100 * i + 100);
    BOOST_TEST(run_stele(daemon, {"import", "--batch", "7", "-"}, lines).exit_code == 0);
    expected += lines;
  }
  for (auto const& tail : running) {
    bool const complete = comes_true([&] { return read_file(tail.out).size() >= expected.size(); });
    BOOST_TEST(complete);
    BOOST_TEST((read_file(tail.out) == expected), tail.out);
  }
}

BOOST_AUTO_TEST_SUITE_END()

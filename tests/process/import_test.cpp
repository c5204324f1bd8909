// Real logs through the real command: import, kill -9, restart, and the same bytes come back.
// STELE_LOG_DIR names a directory of logs; without it, the test makes one with every oddity.
#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;

namespace {

std::string odd_log() {
  std::string log = "first line\r\nno carriage return\nstray \r inside\n\n\r\n";
  log += std::string("nul \0 and \x1b[31mescape\x7f\n", 22);
  log +=
      "gr\xc3\xbc\xc3\x9f"
      "e \xe6\x9c\xa8 \xf0\x9f\xaa\xb5 \xef\xbb\xbf inside\n";
  log += "{\"looks\":\"like JSON\"}\n\"quoted\" \\ back\\\\slash\n";
  log += std::string(300'000, 'L') + "\n";
  for (int i = 0; i < 3000; ++i) log += "line " + std::to_string(i * 7919 % 3000) + "\n";
  return log;
}

struct NamedLog {
  std::string name;
  std::string content;
};

std::vector<NamedLog> logs() {
  std::vector<NamedLog> found;
  if (char const* const folder = std::getenv("STELE_LOG_DIR")) {
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() != ".log") continue;
      found.push_back({entry.path().filename(), stele::test::read_file(entry.path())});
    }
    BOOST_REQUIRE(!found.empty());
  }
  found.push_back({"odd.log", odd_log()});
  return found;
}

/// What `read -o cat` prints for it: each line ends with \n.
std::string with_last_line_end(std::string log) {
  if (!log.empty() && log.back() != '\n') log += '\n';
  return log;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(import_test)

BOOST_DATA_TEST_CASE(an_imported_log_comes_back_byte_for_byte_also_after_kill_9,
                     stele::test::backends(), backend) {
  for (auto const& log : logs()) {
    BOOST_TEST_CONTEXT(log.name) {
      Steled daemon(backend);
      daemon.start();
      auto const path = daemon.home() + "/" + log.name;
      stele::test::write_file(path, log.content);
      auto const imported = run_stele(daemon, {"import", path});
      BOOST_TEST(imported.exit_code == 0, imported.err);
      daemon.kill_hard();
      daemon.start();
      auto const read = run_stele(daemon, {"read", "-o", "cat"});
      BOOST_TEST(read.exit_code == 0, read.err);
      auto const expected = with_last_line_end(log.content);
      BOOST_TEST(std::count(read.out.begin(), read.out.end(), '\n') ==
                 std::count(expected.begin(), expected.end(), '\n'));
      BOOST_TEST((read.out == expected), "the bytes differ");
    }
  }
}

BOOST_DATA_TEST_CASE(an_import_goes_on_over_kills_and_stores_each_line_once,
                     stele::test::backends(), backend) {
  Steled daemon(backend, {"--retain-bytes", "0"});
  daemon.start();
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += "line " + std::to_string(i) + '\n';
  auto const path = daemon.home() + "/many.log";
  stele::test::write_file(path, lines);
  stele::test::Program import({stele_path(), "import", "--socket", daemon.socket(), path},
                              {.in = "/dev/null", .out = daemon.home() + "/import.out"});
  // The first connection is not tried again: who cannot connect at all has a wrong path.
  auto const has_begun = [&] {
    auto const stats = stele::test::WirePeer(daemon.socket()).ask(R"({"op":"stats"})");
    return stats.at("store").at("entries").to_number<int>() > 0;
  };
  while (!has_begun()) BOOST_REQUIRE(!import.wait_for(std::chrono::milliseconds(1)));
  int kills = 0;
  while (!import.wait_for(std::chrono::milliseconds(30)) && kills < 20) {
    daemon.kill_hard();
    daemon.start();
    ++kills;
  }
  BOOST_TEST(import.wait() == 0, stele::test::read_file(daemon.home() + "/import.out"));
  BOOST_TEST(kills > 2);
  BOOST_TEST((run_stele(daemon, {"read", "-o", "cat"}).out == lines), "the lines differ");
}

BOOST_AUTO_TEST_CASE(standard_input_is_imported_too_and_a_last_line_needs_no_end) {
  Steled daemon;
  daemon.start();
  BOOST_TEST(run_stele(daemon, {"import", "-"}, "one\ntwo").exit_code == 0);
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\ntwo\n");
}

BOOST_AUTO_TEST_CASE(invalid_utf8_is_replaced_counted_and_told) {
  Steled daemon;
  daemon.start();
  auto const imported = run_stele(daemon, {"import", "-"},
                                  "good\nb\xff\xfe"
                                  "d\ngood\n");
  BOOST_TEST(imported.exit_code == 0, imported.err);
  BOOST_TEST((imported.out + imported.err).find("2") != std::string::npos);
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out ==
             "good\nb\xef\xbf\xbd\xef\xbf\xbd"
             "d\ngood\n");
  auto const json = run_stele(daemon, {"read", "-o", "json"}).out;
  BOOST_TEST(json.find("\"invalid_bytes\":2") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

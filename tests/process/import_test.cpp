// Real logs through the real command: import, kill -9, restart, and the same bytes come back.
// STELE_LOG_DIR names a directory of logs; without it, the test makes one with every oddity.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
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
      // A read is in order of time: that of the lines would be another than theirs in the file.
      auto const imported = run_stele(daemon, {"import", "--time", "none", path});
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

BOOST_AUTO_TEST_CASE(what_was_read_is_stored_within_a_second_and_at_every_end) {
  Steled daemon;
  daemon.start();
  for (int const number : {SIGINT, SIGTERM}) {
    auto const out = daemon.home() + "/import.out";
    auto const pipe = daemon.home() + "/pipe" + std::to_string(number);
    BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    int const writer = ::open(pipe.c_str(), O_RDWR);
    stele::test::Program reader({stele_path(), "import", "--socket", daemon.socket(), "-"},
                                {.in = pipe, .out = out});
    BOOST_REQUIRE(::write(writer, "one\ntwo", 7) == 7);
    auto const held = [&] { return run_stele(daemon, {"count", "--contains", "one"}).out; };
    auto const expected = number == SIGINT ? "1\n" : "2\n";
    while (held() != expected) BOOST_REQUIRE(!reader.wait_for(std::chrono::milliseconds(10)));
    reader.signal(number);
    BOOST_TEST(reader.wait() == 128 + number, stele::test::read_file(out));
    ::close(writer);
  }
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\ntwo\none\ntwo\n");
}

BOOST_AUTO_TEST_CASE(what_a_text_is_packed_in_is_taken_away_and_what_is_no_text_is_refused) {
  Steled daemon;
  daemon.start();
  auto const file = daemon.home() + "/log";
  auto const shell = [&](std::string const& command) {
    return stele::test::run_program({"/bin/sh", "-c", "cd " + daemon.home() + " && " + command});
  };
  shell(
      R"(printf 'gr\303\274n\r\ntwo\n' >log; gzip -k log; xz -k log; bzip2 -k log; )"
      R"(zstd -q log || true; iconv -f UTF-8 -t UTF-16 log >log.u16; )"
      R"(iconv -f UTF-8 -t UTF-16BE log >log.be; printf '\357\273\277' | cat - log >log.bom; )"
      R"(cat log.gz log.gz >log.twice; head -c 15 log.gz >log.cut; head -c 4000 /bin/sh >log.elf)");
  std::string expected;
  for (std::string const name : {"", ".gz", ".xz", ".bz2", ".u16", ".be", ".bom"}) {
    auto const imported = run_stele(daemon, {"import", file + name});
    BOOST_TEST(imported.exit_code == 0, name + imported.err);
    expected += "gr\xc3\xbcn\r\ntwo\n";
    BOOST_TEST((run_stele(daemon, {"read", "-o", "cat"}).out == expected), name);
  }
  for (auto const& [name, word] : std::vector<std::pair<std::string, std::string>>{
           {".cut", "cannot unpack"}, {".elf", "is a program"}, {".none", "cannot open"}}) {
    auto const refused = run_stele(daemon, {"import", file + name});
    BOOST_TEST(refused.exit_code == 1);
    BOOST_TEST(refused.err.find(word) != std::string::npos, refused.err);
  }
  BOOST_TEST(run_stele(daemon, {"import", file + ".twice"}).exit_code == 0);
  BOOST_TEST((run_stele(daemon, {"read", "-o", "cat"}).out ==
              expected + "gr\xc3\xbcn\r\ntwo\ngr\xc3\xbcn\r\ntwo\n"));
}

BOOST_AUTO_TEST_CASE(bytes_that_a_crash_left_are_kept_counted_and_exported_as_they_are) {
  Steled daemon;
  daemon.start();
  auto const nuls = std::string(200'000, '\0');
  BOOST_TEST(run_stele(daemon, {"write"}, nuls).exit_code == 0);
  auto const imported = run_stele(daemon, {"import", "-"}, "before\n" + nuls + "after\n");
  BOOST_TEST(imported.exit_code == 0, imported.err);
  BOOST_TEST(imported.err.find("200000 NUL bytes kept") != std::string::npos, imported.err);
  Steled other;
  other.start();
  auto const exported = run_stele(daemon, {"export"});
  auto const again = run_stele(other, {"import", "--format", "stele"}, exported.out);
  BOOST_TEST(again.exit_code == 0, again.err);
  BOOST_TEST(
      (run_stele(other, {"read", "-o", "cat"}).out == nuls + "\nbefore\n" + nuls + "after\n"));
}

BOOST_AUTO_TEST_CASE(a_log_has_the_times_of_its_lines_and_the_form_is_named) {
  Steled daemon;
  daemon.start();
  auto const file = daemon.home() + "/a.log";
  stele::test::write_file(file,
                          "# head\n2024-01-02T03:04:05Z WARN one\n  more\n"
                          "2024-01-02T03:04:06Z two\n");
  auto const imported = run_stele(daemon, {"import", file});
  BOOST_TEST(imported.exit_code == 0, imported.err);
  BOOST_TEST(imported.err.find("times read as iso\n2 lines without a time") != std::string::npos,
             imported.err);
  BOOST_TEST(run_stele(daemon, {"read", "--utc"}).out ==
             "2024-01-02T03:04:05.000000Z info  # head\n"
             "2024-01-02T03:04:05.000000Z warn  2024-01-02T03:04:05Z WARN one\n"
             "2024-01-02T03:04:05.000000Z info    more\n"
             "2024-01-02T03:04:06.000000Z info  2024-01-02T03:04:06Z two\n");
  auto const wrong = run_stele(daemon, {"import", "--time", "syslog", file});
  BOOST_TEST(wrong.exit_code == 1);
  BOOST_TEST(wrong.err.find("no time of the form 'syslog'") != std::string::npos, wrong.err);
  BOOST_TEST(wrong.err.find("'iso'") != std::string::npos, wrong.err);
  BOOST_TEST(run_stele(daemon, {"count"}).out == "4\n");
  auto const late = run_stele(daemon, {"import", "--time", "syslog", "-"}, "no time\n");
  BOOST_TEST(late.exit_code == 1, late.err);
  BOOST_TEST(run_stele(daemon, {"import", "-"}, "2024-01-02T03:04:07Z x\n").exit_code == 0);
  BOOST_TEST(run_stele(daemon, {"count", "--until", "2024-01-03"}).out == "4\n");
}

BOOST_AUTO_TEST_CASE(the_year_of_a_whole_file_is_that_before_it_was_last_written) {
  Steled daemon;
  daemon.start();
  auto const file = daemon.home() + "/old.log";
  stele::test::write_file(file,
                          "Nov  1 00:00:00 h one\nJan  2 00:00:00 h two\n"
                          "Oct  3 00:00:00 h three\nJan  4 00:00:00 h four\n");
  stele::test::run_program({"/bin/touch", "-d", "2012-03-01", file});
  auto const imported = run_stele(daemon, {"import", "--timezone", "UTC", file});
  BOOST_TEST(imported.exit_code == 0, imported.err);
  BOOST_TEST(run_stele(daemon, {"read", "--utc"}).out ==
             "2010-11-01T00:00:00.000000Z info  Nov  1 00:00:00 h one\n"
             "2011-01-02T00:00:00.000000Z info  Jan  2 00:00:00 h two\n"
             "2011-10-03T00:00:00.000000Z info  Oct  3 00:00:00 h three\n"
             "2012-01-04T00:00:00.000000Z info  Jan  4 00:00:00 h four\n");
}

BOOST_AUTO_TEST_SUITE_END()

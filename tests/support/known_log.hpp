// A log whose every payload is known, to be damaged and then opened: what comes back is checked
// against what was written.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/log_check.hpp"

namespace stele::test {

inline bool is_named(std::vector<wal::Gap> const& gaps, wal::Seq seq) {
  return std::ranges::any_of(
      gaps, [&](wal::Gap const& gap) { return gap.first_seq <= seq && seq <= gap.last_seq; });
}

inline std::string text_of(std::vector<wal::Gap> const& gaps) {
  std::string text;
  for (auto const& gap : gaps) {
    text += std::to_string(gap.first_seq) + "-" + std::to_string(gap.last_seq) + " " +
            std::string(to_string(gap.reason)) + " in segment " + std::to_string(gap.segment_no) +
            ", ";
  }
  return text;
}

/// What one start said and delivered.
struct Start {
  std::map<wal::Seq, std::string> payloads{};
  std::vector<wal::Gap> gaps{};
  std::vector<std::string> findings{};
  wal::Seq next_seq = 0;

  bool complains() const { return !findings.empty(); }
  std::string text() const {
    std::string all;
    for (auto const& finding : findings) all += finding + "\n";
    return all;
  }
};

class KnownLog {
 public:
  explicit KnownLog(wal::Options options = LogFixture::small_options())
      : options_(std::move(options)) {}

  /// Lives one life: `work` writes with write(); a crash ends it.
  void live(std::function<void(LogFixture&)> const& work) {
    LogFixture life(disk, options_);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    work(life);
    life.crash(Crash::kill);
  }
  wal::Seq write(LogFixture& life, std::string const& payload) {
    auto const seq = life.write(payload);
    BOOST_TEST(life.listener.durable == seq);
    payloads[seq] = payload;
    return seq;
  }
  /// About eleven of these fill a segment.
  void write_large(LogFixture& life, int count) {
    for (int i = 0; i < count; ++i) {
      auto const head = std::to_string(life.log->next_seq()) + ":";
      write(life, head + std::string(5000 - head.size(), 'x'));
    }
  }

  /// Opens a (damaged) copy of the disk and checks what every start must keep, however damaged:
  ///  - no payload comes back with other bytes, or at a seq that it did not have;
  ///  - every payload that does not come back is named by a gap; none that does is;
  ///  - no seq of a proven payload is given out again;
  ///  - a check of the log before the start finds the same, place by place;
  ///  - the segments that were there are there, byte for byte;
  ///  - the next start delivers the same and complains of nothing that a gap record names.
  Start check_start(SimulatedDisk& damaged) const {
    auto const before = segment_files(damaged);
    auto const checked = check(damaged);
    LogFixture life(damaged, options_);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    Start const start{.payloads = life.sink.payloads,
                      .gaps = life.report().gaps,
                      .findings = life.report().findings,
                      .next_seq = life.log->next_seq()};
    check_delivered(start);
    check_agreement(*checked, start);
    auto const appended = life.write("appended behind the damage");
    BOOST_TEST(life.listener.durable == appended);
    life.crash(Crash::kill);
    check_unchanged(before, damaged);

    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    auto expected = start.payloads;
    expected[appended] = "appended behind the damage";
    BOOST_TEST((life.sink.payloads == expected), "the second start delivers something else");
    BOOST_TEST((life.report().gaps == start.gaps),
               "the second start names other gaps: " << text_of(life.report().gaps) << "and before "
                                                     << text_of(start.gaps));
    for (auto const& finding : life.report().findings) {
      BOOST_TEST(finding.ends_with("missing: no entries"), "found again: " << finding);
    }
    life.crash(Crash::kill);
    return start;
  }

  SimulatedDisk disk{{}};
  std::map<wal::Seq, std::string> payloads{};

 private:
  static wal::Result<wal::LogCheck> check(SimulatedDisk const& disk) {
    auto copy = disk.clone();
    auto const directory = copy.mount();
    return wal::check_log(*directory, [] { return false; });
  }
  static void check_agreement(wal::LogCheck const& checked, Start const& start) {
    std::vector<std::string> news;
    for (auto const& finding : checked.findings) {
      // Of notes a start tells those that are about files.
      bool const is_told = finding.kind != wal::Finding::Kind::note ||
                           std::ranges::find(start.findings, finding.text) != start.findings.end();
      if (is_told && !finding.named) news.push_back(finding.text);
    }
    BOOST_TEST(news == start.findings, boost::test_tools::per_element());
    BOOST_TEST((checked.report.gaps == start.gaps),
               "the check names other gaps: " << text_of(checked.report.gaps));
    BOOST_TEST(checked.end.next_seq == start.next_seq);
  }
  void check_delivered(Start const& start) const {
    for (auto const& [seq, payload] : start.payloads) {
      auto const original = payloads.find(seq);
      BOOST_TEST((original != payloads.end() && original->second == payload),
                 "seq " << seq << " came back wrong");
      BOOST_TEST(!is_named(start.gaps, seq), "seq " << seq << " is there and named as missing");
    }
    for (auto const& [seq, payload] : payloads) {
      if (start.payloads.contains(seq)) continue;
      BOOST_TEST(is_named(start.gaps, seq), "seq " << seq << " is missing and unnamed");
    }
    BOOST_TEST(start.next_seq > payloads.rbegin()->first);
  }
  /// A spare that was never written to may have been made again.
  static void check_unchanged(Files const& before, SimulatedDisk& disk) {
    auto const after = segment_files(disk);
    for (auto const& [name, bytes] : before) {
      auto const written = std::ranges::any_of(
          bytes.begin() + std::min<std::ptrdiff_t>(std::ssize(bytes), wal::first_commit_offset),
          bytes.end(), [](std::byte byte) { return byte != std::byte{0}; });
      if (!written) continue;
      auto const stray = name + std::string(wal::stray_suffix);
      bool const is_kept = disk.has(stray) && disk.bytes(stray) == bytes;
      auto const found = after.find(name);
      bool const is_there = found != after.end() && found->second == bytes;
      BOOST_TEST((is_kept || is_there), name << " was changed");
    }
  }

  wal::Options options_;
};

}  // namespace stele::test

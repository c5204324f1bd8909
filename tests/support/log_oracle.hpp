// Remembers what was sent to a log and what it promised, and checks what comes back after a crash.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/log_fixture.hpp"

namespace stele::test {

/// What check() proves of a log that has just been opened, on a disk that nobody damaged:
///  - every payload that was reported durable is there, at its seq, with its bytes;
///  - every payload that is there was appended, at that seq;
///  - what a restart has once delivered, every later restart delivers;
///  - a group is there as a whole or not at all;
///  - a missing seq below a present one is named by a gap record, and none of them was durable;
///  - no start reports damage: a crash alone never looks like it.
/// What retention removed counts as there.
class LogOracle {
 public:
  void sent(wal::Seq first, std::vector<std::string> payloads) {
    groups_.push_back({first, std::move(payloads)});
  }
  void durable(wal::Seq seq) { durable_ = std::max(durable_, seq); }

  void check(LogFixture const& life) {
    auto const& found = life.sink.payloads;
    auto const& report = life.report();
    wal::Seq const expired = expired_to(report.gaps);
    for (auto const& finding : report.findings) {
      bool const torn = finding.find("an unfinished commit was set aside") != std::string::npos;
      BOOST_TEST(torn, "finding: " << finding);
    }
    for (auto const& gap : report.gaps) BOOST_TEST((gap.reason != wal::GapReason::damaged));

    std::map<wal::Seq, std::string> expected;
    for (auto const& group : groups_) {
      if (!is_there(group, found)) continue;
      for (std::size_t i = 0; i < group.payloads.size(); ++i) {
        expected[group.first + i] = group.payloads[i];
      }
    }
    BOOST_TEST((found == expected));
    for (auto seq = expired + 1; seq <= durable_; ++seq) {
      BOOST_TEST((found.contains(seq) || names(gaps_, seq)), "durable seq " << seq << " is lost");
    }
    for (auto const& [seq, payload] : delivered_) {
      if (seq <= expired) continue;
      auto const again = found.find(seq);
      BOOST_TEST((again != found.end() && again->second == payload),
                 "seq " << seq << " was delivered once and is gone");
    }
    check_density(found, report.gaps);
    delivered_ = found;
    gaps_ = report.gaps;
    durable_ = std::max(durable_, life.log->next_seq() - 1);
  }

 private:
  struct SentGroup {
    wal::Seq first = 0;
    std::vector<std::string> payloads{};
  };

  static wal::Seq expired_to(std::vector<wal::Gap> const& gaps) {
    bool const any = !gaps.empty() && gaps.front().reason == wal::GapReason::expired;
    return any ? gaps.front().last_seq : 0;
  }

  static bool is_there(SentGroup const& group, std::map<wal::Seq, std::string> const& found) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < group.payloads.size(); ++i) {
      auto const at = found.find(group.first + i);
      if (at != found.end() && at->second == group.payloads[i]) ++count;
    }
    BOOST_TEST((count == 0 || count == group.payloads.size()), "a group is there in part");
    return count > 0;
  }

  static bool names(std::vector<wal::Gap> const& gaps, wal::Seq seq) {
    return std::ranges::any_of(
        gaps, [&](wal::Gap const& gap) { return gap.first_seq <= seq && seq <= gap.last_seq; });
  }

  static void check_density(std::map<wal::Seq, std::string> const& found,
                            std::vector<wal::Gap> const& gaps) {
    wal::Seq next = 1;
    for (auto const& [seq, payload] : found) {
      for (; next < seq; ++next) BOOST_TEST(names(gaps, next), "seq " << next << " is unnamed");
      BOOST_TEST(!names(gaps, seq));
      next = seq + 1;
    }
  }

  std::vector<SentGroup> groups_{};
  std::map<wal::Seq, std::string> delivered_{};
  std::vector<wal::Gap> gaps_{};
  wal::Seq durable_ = 0;
};

}  // namespace stele::test

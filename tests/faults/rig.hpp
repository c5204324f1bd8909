// What the fault tests share: whether they can run here, which ways of writing they try, and how
// they report.
#pragma once

#include <boost/test/tree/decorator.hpp>
#include <boost/test/unit_test_suite.hpp>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "support/kill_oracle.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

namespace stele::test {

/// For cases that need root, loop devices, ext4 and FUSE. Makes the mounts of this process private.
boost::test_tools::assertion_result has_fault_disks(boost::unit_test::test_unit_id unit);

/// How the daemon writes.
struct WayOfWriting {
  std::string backend{};
  bool buffered = false;
};
std::string to_string(WayOfWriting const& way);
std::ostream& operator<<(std::ostream& out, WayOfWriting const& way);
std::vector<WayOfWriting> const& ways_of_writing();

/// Flags of a daemon whose log turns its segments, and removes them, often.
std::vector<std::string> small_log_flags(WayOfWriting const& way);
inline constexpr std::uint64_t small_segment_bytes = 1 << 20;
inline constexpr std::uint64_t small_retain_bytes = 4 << 20;

/// What a started daemon holds, and says about itself.
struct Findings {
  std::vector<WireEntry> stored{};  ///< By seq.
  std::uint64_t removed_seq = 0;
  std::uint64_t log_bytes = 0;
  std::string state{};
  std::vector<NamedGap> gaps{};         ///< Of unfinished commits.
  std::vector<std::string> findings{};  ///< Of the recovery.
};
Findings look_at(Steled& daemon);

/// The oracle's sentences, and: an undamaged disk is not called damaged; what is unfinished is a
/// torn tail; retention has left what it must.
std::vector<std::string> judge_start(KillOracle const& oracle, Findings const& found);

/// Prints a line for people: what was tried how often, what failed, and how to do it again.
struct Report {
  std::string fault{};
  std::size_t cases = 0;
  std::size_t failures = 0;
  std::string details{};
  std::string repeat{};  ///< Environment: STELE_SEED=…
};
void print(Report const& report);

}  // namespace stele::test

// What `stele top` shows, from two looks at the daemon's statistics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/terminal/terminal_text.hpp"

namespace stele::cli {

/// One look: the numbers of the reply to `stats` by their path (`wal.commits`), and its texts.
struct TopSample {
  std::map<std::string, std::uint64_t, std::less<>> numbers{};
  std::string version{};
  std::string state{};
  /// [lower bound in microseconds, commits], since the daemon's start.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> commit_us{};

  std::uint64_t number(std::string_view path) const noexcept;
};

/// Nothing if the text is no JSON object.
std::optional<TopSample> parse_top_sample(std::string_view stats_json);

/// Lines of at most `size.columns` columns, at most `size.rows` of them. Rates and latencies are of
/// the `seconds` between the two looks; where a counter went back, the daemon was restarted, and
/// they are of the time since.
std::string top_screen(TopSample const& before, TopSample const& now, double seconds,
                       TerminalSize size);

}  // namespace stele::cli

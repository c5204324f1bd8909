// Lines of many machines in the order of their times, in memory that does not grow with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/ship/destination.hpp"

namespace stele::ship {

/// An entry as it was shipped, with what it is sorted by.
struct ShippedLine {
  std::uint64_t timestamp = 0;
  std::uint64_t seq = 0;
  std::string store{};
  std::string line{};
};

struct SortOptions {
  bool newest_first = false;
  /// Only the first, or only the last N of what is sorted are wanted.
  std::optional<std::uint64_t> first{};
  std::optional<std::uint64_t> last{};
  /// More than that goes into a file without a name in `directory`.
  std::size_t memory_bytes = std::size_t{32} << 20;
  std::string directory{};
};

/// Sorts by (timestamp, store, seq).
class LineSorter {
 public:
  explicit LineSorter(SortOptions options);

  Outcome<void> add(ShippedLine line);
  /// Calls `visit` with each line that is wanted, in order, until it says false. Once.
  Outcome<void> visit(std::function<bool(ShippedLine const&)> const& visit);

  /// How many are wanted of those that were added.
  std::uint64_t wanted() const noexcept;
  std::uint64_t runs() const noexcept { return runs_.size(); }

 private:
  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  class RunReader;

  bool before(ShippedLine const& a, ShippedLine const& b) const noexcept;
  void sort_held();
  void drop_unwanted();
  Outcome<void> write_run();

  SortOptions options_;
  std::vector<ShippedLine> held_{};
  std::size_t held_bytes_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t dropped_in_front_ = 0;  ///< Sorted before all that are wanted.
  std::vector<Run> runs_{};
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, &std::fclose};
  std::uint64_t file_bytes_ = 0;
};

/// `$TMPDIR`, or where large files may be.
std::string temporary_directory();

}  // namespace stele::ship

// Lines on their way to the log: made into entries, and gathered into batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "client-lib/cli/import/import_notes.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

struct LineEntry {
  LogEntry entry{};
  std::size_t invalid_bytes = 0;  ///< Replaced by U+FFFD, and counted in the entry's metadata.
  Notes notes{};
};

/// The entry for one line. A line that is UTF-8 becomes the message as it is, with metadata `{}`;
/// otherwise the metadata is `{"import":{"invalid_bytes":n}}`.
LineEntry make_line_entry(std::string_view line, Level level);

/// Marks the entry of a plain line of which only the start could be read, beside what its metadata
/// say: `{"import":{"cut":true}}`.
void mark_as_cut(LineEntry& made);

/// What the entry limit counts: the message, and metadata other than `{}`.
std::size_t entry_bytes(LogEntry const& entry) noexcept;

/// The entries of one write_many_logs.
class ImportBatch {
 public:
  struct Limits {
    std::size_t entries_max = 1000;
    std::size_t bytes_max = std::size_t{1} << 20;
  };
  explicit ImportBatch(Limits limits) : limits_(limits) {}

  /// Whether the entry belongs into this batch. A batch takes any first entry.
  bool has_room_for(LogEntry const& entry) const noexcept;
  void add(LogEntry entry, std::uint64_t line_number);
  void clear() noexcept;

  std::span<LogEntry const> entries() const noexcept { return entries_; }
  bool empty() const noexcept { return entries_.empty(); }
  std::uint64_t first_line() const noexcept { return first_line_; }
  std::uint64_t last_line() const noexcept { return last_line_; }

 private:
  Limits limits_;
  std::vector<LogEntry> entries_{};
  std::size_t bytes_ = 0;
  std::uint64_t first_line_ = 0;
  std::uint64_t last_line_ = 0;
};

}  // namespace stele::cli

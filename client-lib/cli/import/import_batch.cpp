#include "client-lib/cli/import/import_batch.hpp"

#include <string>
#include <utility>

#include "stele/utf8.hpp"

namespace stele::cli {

LineEntry make_line_entry(std::string_view line, Level level) {
  LineEntry made{.entry = {.level = level}};
  made.invalid_bytes = append_as_utf8(made.entry.message, line);
  if (made.invalid_bytes > 0) {
    made.entry.metadata =
        "{\"import\":{\"invalid_bytes\":" + std::to_string(made.invalid_bytes) + "}}";
  }
  return made;
}

void mark_as_cut(LineEntry& made) {
  made.notes.set(static_cast<std::size_t>(Note::cut));
  std::string const bytes =
      made.invalid_bytes > 0 ? "\"invalid_bytes\":" + std::to_string(made.invalid_bytes) + ',' : "";
  made.entry.metadata = "{\"import\":{" + bytes + "\"cut\":true}}";
}

std::size_t entry_bytes(LogEntry const& entry) noexcept {
  return entry.message.size() + (entry.metadata == "{}" ? 0 : entry.metadata.size());
}

bool ImportBatch::has_room_for(LogEntry const& entry) const noexcept {
  if (entries_.empty()) return true;
  return entries_.size() < limits_.entries_max && bytes_ + entry_bytes(entry) <= limits_.bytes_max;
}

void ImportBatch::add(LogEntry entry, std::uint64_t line_number) {
  if (entries_.empty()) first_line_ = line_number;
  last_line_ = line_number;
  bytes_ += entry_bytes(entry);
  entries_.push_back(std::move(entry));
}

void ImportBatch::clear() noexcept {
  entries_.clear();
  bytes_ = 0;
}

}  // namespace stele::cli

// An entry to be written, whose texts belong to somebody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/limits.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

/// As a LogEntry.
struct EntryText {
  std::optional<std::uint64_t> timestamp{};
  Level level = Level::info;
  std::uint8_t version = entry_version;
  std::string_view message{};
  std::string_view metadata{};
};

/// Its JSON text, as a client writes it.
void append_entry(std::string& out, EntryText const& entry);

}  // namespace stele::protocol

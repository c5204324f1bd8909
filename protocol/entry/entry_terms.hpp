// What a read or a count may ask of an entry, besides its timestamp.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stele/log_entry.hpp"

namespace stele::protocol {

/// All of them must hold. As they stand here, every entry does.
struct EntryTerms {
  std::optional<std::uint64_t> after_seq{};  ///< Only entries with a greater seq.
  Level min_level = Level::trace;
  std::string_view contains{};  ///< UTF-8 that the message holds somewhere, byte for byte.
  std::string_view where{};     ///< The text of a JSON object: members that the metadata has, too.
  std::optional<std::int32_t> pid{};
  std::optional<std::uint32_t> uid{};
};

}  // namespace stele::protocol

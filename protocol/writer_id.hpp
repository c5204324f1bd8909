// The name of one who numbers its writes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele::protocol {

/// 128 bits, random: who knows them may write under this name. All zeros are nobody.
using WriterId = std::array<std::uint8_t, 16>;

/// 32 hexadecimal digits, the letters of either case. Nothing for any other text, or for nobody.
std::optional<WriterId> parse_writer_id(std::string_view text) noexcept;
/// The same digits, the letters small.
std::string to_text(WriterId const& id);

}  // namespace stele::protocol

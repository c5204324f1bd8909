#include "protocol/writer_id.hpp"

#include <charconv>

#include "protocol/text/json_text.hpp"

namespace stele::protocol {

std::optional<WriterId> parse_writer_id(std::string_view text) noexcept {
  WriterId id{};
  if (text.size() != 2 * id.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    auto const* const digits = text.data() + 2 * i;
    auto const result = std::from_chars(digits, digits + 2, id[i], 16);
    if (result.ec != std::errc{} || result.ptr != digits + 2) return std::nullopt;
  }
  if (id == WriterId{}) return std::nullopt;
  return id;
}

std::string to_text(WriterId const& id) {
  std::string text;
  for (auto const byte : id) append_hex(text, byte);
  return text;
}

}  // namespace stele::protocol

#include "wal/format/segment_name.hpp"

#include <charconv>

namespace stele::wal {
namespace {

constexpr std::string_view prefix = "wal-";
constexpr std::string_view segment_suffix = ".seg";
constexpr std::string_view pack_suffix = ".pack";
constexpr std::size_t digit_count = 16;

std::string name_of(std::uint64_t segment_no, std::string_view suffix) {
  char digits[digit_count];
  auto const end = std::to_chars(digits, digits + digit_count, segment_no, 16).ptr;
  auto const used = static_cast<std::size_t>(end - digits);
  std::string name(prefix);
  name.append(digit_count - used, '0');
  name.append(digits, used);
  name.append(suffix);
  return name;
}

std::optional<std::uint64_t> parse(std::string_view name, std::string_view suffix) noexcept {
  if (name.size() != prefix.size() + digit_count + suffix.size() || !name.starts_with(prefix) ||
      !name.ends_with(suffix)) {
    return std::nullopt;
  }
  auto const digits = name.substr(prefix.size(), digit_count);
  if (digits.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

}  // namespace

std::string segment_name(std::uint64_t segment_no) { return name_of(segment_no, segment_suffix); }
std::string pack_name(std::uint64_t segment_no) { return name_of(segment_no, pack_suffix); }

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  return parse(name, segment_suffix);
}
std::optional<std::uint64_t> parse_pack_name(std::string_view name) noexcept {
  return parse(name, pack_suffix);
}

std::string unfinished(std::string_view name) {
  return std::string(name).append(unfinished_suffix);
}

bool is_unfinished_name(std::string_view name) noexcept {
  if (!name.ends_with(unfinished_suffix)) return false;
  name.remove_suffix(unfinished_suffix.size());
  return name == manifest_name || parse_segment_name(name) || parse_pack_name(name);
}

bool is_stray_name(std::string_view name) noexcept {
  auto const at = name.find(stray_suffix);
  if (at == std::string_view::npos) return false;
  name = name.substr(0, at);
  return parse_segment_name(name) || parse_pack_name(name);
}

}  // namespace stele::wal

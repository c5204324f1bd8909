#include "protocol/text/error_text.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "protocol/limits.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

/// Insertions, deletions and replacements that turn one word into the other (Levenshtein).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      std::size_t const replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string excerpt(std::string_view bytes) {
  std::string out = "\"";
  std::size_t i = 0;
  while (i < bytes.size() && i < excerpt_bytes_max) {
    auto const length = utf8_sequence_bytes(bytes.substr(i));
    bool const is_control = static_cast<unsigned char>(bytes[i]) < 0x20 || bytes[i] == 0x7f;
    if (length == 0 || is_control) {
      out += "\\x";
      append_hex(out, static_cast<std::uint8_t>(bytes[i]));
      ++i;
    } else {
      out.append(bytes, i, length);
      i += length;
    }
  }
  if (i < bytes.size()) out += "…";
  out += '"';
  return out;
}

std::string_view cut(std::string_view text) noexcept {
  if (text.size() <= excerpt_bytes_max) return text;
  return text.substr(0, utf8_valid_bytes(text.substr(0, excerpt_bytes_max)));
}

std::string shortened(std::string_view text) {
  auto const shown = cut(text);
  std::string out(shown);
  if (shown.size() < text.size()) out += "…";
  return out;
}

std::string list_names(std::span<std::string_view const> names) {
  std::string out;
  for (auto const name : names) {
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

std::string did_you_mean(std::string_view given, std::span<std::string_view const> names) {
  constexpr std::size_t distance_max = 3;
  std::string_view nearest;
  std::size_t distance = distance_max + 1;
  for (auto const name : names) {
    // A word that shares less than half of its letters is no typing error.
    if (given.size() > name.size() + distance_max) continue;
    auto const d = edit_distance(given, name);
    if (d < distance && 2 * d <= name.size()) {
      nearest = name;
      distance = d;
    }
  }
  if (nearest.empty()) return {};
  return "; did you mean \"" + std::string(nearest) + "\"?";
}

Detail& Detail::string(std::string_view name, std::string_view value) {
  JsonWriter(text_).member(name, value);
  return *this;
}

Detail& Detail::number(std::string_view name, std::uint64_t value) {
  JsonWriter(text_).member(name, value);
  return *this;
}

Detail& Detail::strings(std::string_view name, std::span<std::string_view const> values) {
  JsonWriter writer(text_);
  writer.begin_array(name);
  for (auto const value : values) writer.value(value);
  writer.end_array();
  return *this;
}

}  // namespace stele::protocol

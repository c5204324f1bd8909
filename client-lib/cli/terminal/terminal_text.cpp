#include "client-lib/cli/terminal/terminal_text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "client-lib/cli/text/text_scanner.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

constexpr std::array unsafe_ranges{
    Range{0x00, 0x1f},      // C0
    Range{0x7f, 0x9f},      // DEL and C1
    Range{0xad, 0xad},      // soft hyphen: shown or not, as the terminal likes
    Range{0x61c, 0x61c},    // Arabic letter mark
    Range{0x180e, 0x180e},  // Mongolian vowel separator
    Range{0x200b, 0x200f},  // zero width characters, direction marks
    Range{0x2028, 0x202e},  // separators, direction embeddings and overrides
    Range{0x2060, 0x206f},  // word joiner, invisible operators, direction isolates
    Range{0xfeff, 0xfeff},  // zero width no-break space
    Range{0xfff9, 0xfffb},  // annotation marks
};

bool is_unsafe(std::uint32_t value) noexcept {
  return std::any_of(unsafe_ranges.begin(), unsafe_ranges.end(), [value](Range const& range) {
    return range.first <= value && value <= range.last;
  });
}

void append_escape(std::string& out, std::uint32_t value) {
  switch (value) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u";
  protocol::append_hex(out, static_cast<std::uint8_t>(value >> 8));
  protocol::append_hex(out, static_cast<std::uint8_t>(value & 0xff));
}

constexpr std::size_t cells_max = 1'000;

std::size_t from_environment(char const* name, std::size_t otherwise) noexcept {
  auto const* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  auto const number = parse_number(text);
  return number && *number > 0 ? std::min<std::size_t>(*number, cells_max) : otherwise;
}

}  // namespace

CodePoint first_code_point(std::string_view text) noexcept {
  auto const bytes = protocol::utf8_sequence_bytes(text);
  if (bytes == 0) return {};
  auto const lead = static_cast<unsigned char>(text.front());
  // A lead byte of n bytes starts with n ones and a zero; ASCII with a zero alone.
  std::uint32_t value = bytes == 1 ? lead : lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  return {value, bytes};
}

void append_visible(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto const plain_end =
        std::find_if_not(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    auto const plain_bytes = static_cast<std::size_t>(plain_end - text.begin());
    out += text.substr(0, plain_bytes);
    text.remove_prefix(plain_bytes);
    if (text.empty()) return;

    auto const point = first_code_point(text);
    if (point.bytes == 0) {
      append_escape(out, static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (is_unsafe(point.value)) {
      append_escape(out, point.value);
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
}

TerminalSize terminal_size() noexcept {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    return {.columns = window.ws_col, .rows = window.ws_row};
  }
  TerminalSize const usual{};
  return {.columns = from_environment("COLUMNS", usual.columns),
          .rows = from_environment("LINES", usual.rows)};
}

}  // namespace stele::cli

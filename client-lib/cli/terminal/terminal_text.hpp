// Text from a log that is safe to show: it cannot move the cursor, change colours, hide or reorder
// what is on the screen, and stays on one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele::cli {

/// The first code point of `text` and its length in bytes; length 0 if the text is empty or does
/// not start with a well-formed sequence (RFC 3629).
struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;
};
CodePoint first_code_point(std::string_view text) noexcept;

/// Appends `text` with these spelled as JSON escapes (\n, \t, \u001b …): control characters (C0,
/// DEL, C1), marks that change the direction of writing, line and paragraph separators, characters
/// without width. A byte that is not UTF-8 becomes \u00xx too. All else stays as it is; JSON text
/// stays JSON with the same meaning.
void append_visible(std::string& out, std::string_view text);

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Of standard output; where that is no terminal $COLUMNS and $LINES, else 80 by 24.
TerminalSize terminal_size() noexcept;

}  // namespace stele::cli

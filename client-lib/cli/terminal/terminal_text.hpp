// Text from a log that is safe to show: it cannot move the cursor, change colours, hide or reorder
// what is on the screen, and stays on one line.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

/// Appends `text` with these spelled as JSON escapes (\n, \t, \u001b …): control characters (C0,
/// DEL, C1), marks that change the direction of writing, line and paragraph separators, characters
/// without width. A byte that is not UTF-8 becomes \u00xx too. All else stays as it is; JSON text
/// stays JSON with the same meaning.
void append_visible(std::string& out, std::string_view text);

}  // namespace stele::cli

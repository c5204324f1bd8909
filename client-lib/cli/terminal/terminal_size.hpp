// How much a terminal can show.
#pragma once

#include <cstddef>

namespace stele::cli {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// Of standard output; where that is no terminal $COLUMNS and $LINES, else 80 by 24.
TerminalSize terminal_size() noexcept;

}  // namespace stele::cli

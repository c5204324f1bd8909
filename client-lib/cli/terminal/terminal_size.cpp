#include "client-lib/cli/terminal/terminal_size.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "client-lib/cli/text/text_scanner.hpp"

namespace stele::cli {
namespace {

constexpr std::size_t cells_max = 1'000;

std::size_t from_environment(char const* name, std::size_t otherwise) noexcept {
  auto const* const text = std::getenv(name);
  if (text == nullptr) return otherwise;
  auto const number = parse_number(text);
  return number && *number > 0 ? std::min<std::size_t>(*number, cells_max) : otherwise;
}

}  // namespace

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

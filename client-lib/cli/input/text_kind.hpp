// What the first bytes of a file say about it.
#pragma once

#include <optional>
#include <string_view>

#include "client-lib/cli/text/utf16.hpp"

namespace stele::cli {

/// What is not imported: the rest of a sentence that begins with the file's name, and what to do.
struct NoText {
  std::string_view what;
  std::string_view hint{};
};

/// Why a file with these first bytes is no text. Nothing if it may be one. NUL bytes alone make no
/// binary file: a crash leaves them in logs.
std::optional<NoText> recognise_binary(std::string_view first_bytes) noexcept;

/// The same of a text in an encoding that is not read.
std::optional<NoText> recognise_other_encoding(std::string_view first_bytes) noexcept;

/// Whether more bytes may say more. No whole line waits for them.
bool may_say_more(std::string_view first_bytes) noexcept;

}  // namespace stele::cli

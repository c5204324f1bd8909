// Bytes as text that a person can read and a test can compare: the lines of `hexdump -C`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace stele::test {

/// 16 bytes a line; lines equal to the one before are one `*`; the last line is the length.
std::string hex_dump(std::span<std::byte const> bytes);

/// The bytes that hex_dump() made this of.
std::vector<std::byte> parse_hex_dump(std::string_view text);

/// Pairs of hex digits; white space between them is skipped.
std::vector<std::byte> from_hex(std::string_view digits);

/// A text file of the project, by its path from the top.
std::string read_project_file(std::string const& path);

}  // namespace stele::test

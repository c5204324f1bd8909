#include "support/hex_dump.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace stele::test {
namespace {

constexpr std::size_t line_bytes = 16;

std::string hex(std::uint64_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4) {
    *at = "0123456789abcdef"[value & 15];
  }
  return text;
}

std::string dump_line(std::size_t offset, std::span<std::byte const> bytes) {
  std::string line = hex(offset, 8) + " ";
  for (std::size_t i = 0; i < line_bytes; ++i) {
    if (i % 8 == 0) line += ' ';
    line += i < bytes.size() ? hex(std::to_integer<std::uint64_t>(bytes[i]), 2) + " " : "   ";
  }
  line += " |";
  for (auto const byte : bytes) {
    auto const character = std::to_integer<char>(byte);
    line += character >= ' ' && character <= '~' ? character : '.';
  }
  return line + "|\n";
}

}  // namespace

std::string hex_dump(std::span<std::byte const> bytes) {
  std::string text;
  std::span<std::byte const> before;
  bool squeezed = false;
  for (std::size_t offset = 0; offset < bytes.size(); offset += line_bytes) {
    auto const line = bytes.subspan(offset, std::min(line_bytes, bytes.size() - offset));
    if (std::ranges::equal(line, before)) {
      if (!squeezed) text += "*\n";
      squeezed = true;
      continue;
    }
    text += dump_line(offset, line);
    before = line;
    squeezed = false;
  }
  return text + hex(bytes.size(), 8) + "\n";
}

std::vector<std::byte> parse_hex_dump(std::string_view text) {
  std::vector<std::byte> bytes;
  std::vector<std::byte> last;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line == "*" || line.empty()) continue;
    std::size_t digits = 0;
    auto const offset = std::stoul(line, &digits, 16);
    while (bytes.size() < offset) bytes.insert(bytes.end(), last.begin(), last.end());
    auto const text_at = line.find('|');
    if (text_at == std::string::npos) continue;
    last = from_hex(std::string_view(line).substr(digits, text_at - digits));
    bytes.insert(bytes.end(), last.begin(), last.end());
  }
  return bytes;
}

std::vector<std::byte> from_hex(std::string_view digits) {
  std::vector<std::byte> bytes;
  std::string pair;
  for (auto const digit : digits) {
    if (digit == ' ' || digit == '\n') continue;
    pair += digit;
    if (pair.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoul(pair, nullptr, 16)));
    pair.clear();
  }
  return bytes;
}

std::string read_project_file(std::string const& path) {
  std::ifstream file(std::string(STELE_SOURCE_DIR "/") + path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace stele::test

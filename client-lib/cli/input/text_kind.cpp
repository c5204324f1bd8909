#include "client-lib/cli/input/text_kind.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "client-lib/cli/input/unpacker.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::cli {
namespace {

using namespace std::literals;

constexpr std::size_t judged_bytes_max = std::size_t{64} << 10;
// Of bytes that are not NUL: text has hardly any control characters but line ends and colours.
constexpr std::size_t bytes_for_one_control_min = 32;
constexpr std::size_t few_controls = 4;
constexpr std::size_t utf8_bytes_max = 4;
constexpr std::size_t utf32_bytes_min = 8;
constexpr std::size_t utf32_looked_at_bytes = 256;
/// Of a header of tar.
constexpr std::size_t tar_bytes = 512;

struct Magic {
  std::string_view bytes;
  NoText no_text;
  std::size_t offset = 0;
};
constexpr std::array binary_magics{
    Magic{"LPKSHHRH"sv,
          {"is a journal of systemd",
           "journalctl --file FILE -o json --all | stele import --format journal"}},
    Magic{"STELEWAL"sv, {"is a segment of a stele log", "stele dump DIRECTORY prints its entries"}},
    Magic{"ustar"sv, {"is a tar archive", "tar -xOf FILE | stele import -"}, 257},
    Magic{"PK\x03\x04"sv, {"is a zip archive", "unzip -p FILE | stele import -"}},
    Magic{"7z\xbc\xaf"sv, {"is a 7z archive", "7z x -so FILE | stele import -"}},
    Magic{"Rar!\x1a\x07"sv, {"is a rar archive", "unrar p -inul FILE | stele import -"}},
    Magic{"!<arch>\n"sv, {"is an archive of ar, or a package of Debian"}},
    Magic{"070701"sv, {"is a cpio archive"}},
    Magic{"070702"sv, {"is a cpio archive"}},
    Magic{"\xed\xab\xee\xdb"sv, {"is a package of RPM"}},
    Magic{"\x1f\x9d"sv, {"is packed by compress", "zcat FILE | stele import -"}},
    Magic{"\x1f\xa0"sv, {"is packed by compress", "zcat FILE | stele import -"}},
    Magic{"\x1f\x1e"sv, {"is packed by pack", "zcat FILE | stele import -"}},
    Magic{"LZIP\x01"sv, {"is packed by lzip", "lzip -dc FILE | stele import -"}},
    Magic{"\x89LZO\0\r\n\x1a\n"sv, {"is packed by lzop", "lzop -dc FILE | stele import -"}},
    Magic{"\x5d\0\0"sv, {"is packed by lzma", "xz -dc FILE | stele import -"}},
    Magic{"\x02\x21\x4c\x18"sv, {"is packed by an old lz4", "lz4 -dc FILE | stele import -"}},
    Magic{"\xff\x06\0\0sNaPpY"sv, {"is packed by snappy"}},
    Magic{"\x7f"
          "ELF"sv,
          {"is a program"}},
    Magic{"ElfFile\0"sv,
          {"is an event log of Windows", "convert it first: wevtutil qe FILE /lf /f:text"}},
    Magic{"%PDF-"sv, {"is a PDF document"}},
    Magic{"SQLite format 3\0"sv, {"is a database of SQLite"}},
};

bool is_unusual_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 &&
         "\0\t\n\v\f\r\b\x1b"sv.find(c) == std::string_view::npos;
}

// What a header of tar without a magic has: its checksum.
bool is_old_tar(std::string_view first_bytes) noexcept {
  if (first_bytes.size() < tar_bytes) return false;
  constexpr std::size_t sum_offset = 148;
  constexpr std::size_t sum_bytes = 8;
  std::uint32_t sum = sum_bytes * ' ';
  for (std::size_t i = 0; i < tar_bytes; ++i) {
    bool const is_sum = i >= sum_offset && i < sum_offset + sum_bytes;
    if (!is_sum) sum += static_cast<unsigned char>(first_bytes[i]);
  }
  std::uint32_t written = 0;
  bool has_digits = false;
  for (char const c : first_bytes.substr(sum_offset, sum_bytes)) {
    if (c < '0' || c > '7') {
      if (has_digits) break;
      continue;
    }
    has_digits = true;
    written = written * 8 + static_cast<std::uint32_t>(c - '0');
  }
  return has_digits && written == sum;
}

std::uint32_t unit_at(std::string_view bytes, std::size_t at, ByteOrder order) noexcept {
  std::uint32_t unit = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    auto const byte = order == ByteOrder::big ? i : 3 - i;
    unit = unit << 8U | static_cast<unsigned char>(bytes[at + byte]);
  }
  return unit;
}

// Four bytes of text, or bytes that a crash left zero, are hardly ever such a number.
bool is_utf32(std::string_view bytes, ByteOrder order) noexcept {
  bytes = bytes.substr(0, utf32_looked_at_bytes);
  if (bytes.size() < utf32_bytes_min) return false;
  for (std::size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    auto const unit = unit_at(bytes, at, order);
    if (unit == 0 || unit > 0x10ffff || (unit >= 0xd800 && unit < 0xe000)) return false;
  }
  return true;
}

}  // namespace

std::optional<NoText> recognise_other_encoding(std::string_view first_bytes) noexcept {
  bool const has_mark =
      first_bytes.starts_with("\xff\xfe\0\0"sv) || first_bytes.starts_with("\0\0\xfe\xff"sv);
  if (!has_mark && !is_utf32(first_bytes, ByteOrder::little) &&
      !is_utf32(first_bytes, ByteOrder::big)) {
    return std::nullopt;
  }
  return NoText{"is written in UTF-32", "iconv -f UTF-32 -t UTF-8 FILE | stele import -"};
}

std::optional<NoText> recognise_binary(std::string_view first_bytes) noexcept {
  for (auto const& magic : binary_magics) {
    bool const is_long_enough = first_bytes.size() >= magic.offset + magic.bytes.size();
    if (is_long_enough && first_bytes.substr(magic.offset).starts_with(magic.bytes)) {
      return magic.no_text;
    }
  }
  if (is_old_tar(first_bytes)) return NoText{"is a tar archive", "tar -xOf FILE | stele import -"};
  if (is_packed(first_bytes)) return NoText{"is packed twice", "unpack it once before"};
  auto const judged = first_bytes.substr(0, judged_bytes_max);
  auto const controls = static_cast<std::size_t>(std::ranges::count_if(judged, is_unusual_control));
  auto const others = judged.size() - static_cast<std::size_t>(std::ranges::count(judged, '\0'));
  // The last character may be cut off.
  bool const is_utf8 = protocol::utf8_valid_bytes(judged) + utf8_bytes_max > judged.size();
  auto const controls_min = is_utf8 ? few_controls + 1 : 1;
  if (controls >= controls_min && controls > others / bytes_for_one_control_min) {
    return NoText{"is no text but binary"};
  }
  return std::nullopt;
}

bool may_say_more(std::string_view first_bytes) noexcept {
  return first_bytes.size() < tar_bytes && first_bytes.find('\n') == std::string_view::npos;
}

}  // namespace stele::cli

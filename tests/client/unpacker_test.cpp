// What is packed comes out whole, or the fault is told.
#include "client-lib/cli/input/unpacker.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/sanitized.hpp"

using stele::cli::is_packed;
using stele::cli::is_start_of_packed;
using stele::cli::may_become_packed;
using stele::cli::NextBytes;
using stele::cli::Unpacker;

BOOST_AUTO_TEST_SUITE(unpacker_test)

namespace {

constexpr std::array formats{ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ,
                             ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_LZ4};

std::string packed(int format, std::string_view text) {
  using namespace std::literals;
  if (format == ARCHIVE_FILTER_LZ4 && text.empty()) {  // libarchive cannot write that.
    return std::string{"\x04\x22\x4d\x18\x64\x40\xa7\0\0\0\0\x05\x5d\xcc\x02"sv};
  }
  std::string bytes(text.size() + 4096, '\0');
  std::size_t used = 0;
  auto* const writer = archive_write_new();
  archive_write_add_filter(writer, format);
  archive_write_set_format_raw(writer);
  archive_write_set_bytes_per_block(writer, 0);
  archive_write_open_memory(writer, bytes.data(), bytes.size(), &used);
  auto* const entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(writer, entry);
  archive_write_data(writer, text.data(), text.size());
  archive_entry_free(entry);
  archive_write_close(writer);
  archive_write_free(writer);
  bytes.resize(used);
  return bytes;
}

/// The text, or `failed: ` and why, from bytes that come in parts of this size.
std::string unpacked(std::string_view bytes, std::size_t part_bytes = 4096) {
  std::string part;
  Unpacker unpacker("FILE", [&]() -> NextBytes {
    part = bytes.substr(0, part_bytes);
    bytes.remove_prefix(part.size());
    return std::optional{std::string_view{part}};
  });
  std::string text;
  for (;;) {
    auto const more = unpacker.read();
    if (!more) return "failed: " + more.error().message;
    if ((*more)->empty()) return text;
    text += **more;
  }
}

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "line " + std::to_string(i * 7919 % 4001) + '\n';
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_text_of_any_length_comes_out_of_every_format_whole) {
  for (auto const format : formats) {
    for (auto const& text : {std::string{}, std::string{"x"}, lines(3), lines(100'000)}) {
      auto const bytes = packed(format, text);
      BOOST_TEST_CONTEXT(format << ' ' << text.size()) {
        BOOST_TEST(is_packed(bytes));
        BOOST_TEST((unpacked(bytes) == text));
        if (text.size() < 1000) BOOST_TEST((unpacked(bytes, 1) == text));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_that_stand_one_behind_the_other_are_all_read) {
  auto const text = lines(40);
  for (auto const first : formats) {
    for (auto const second : formats) {
      auto const bytes = packed(first, text) + packed(first, "") + packed(second, "second\n");
      for (std::size_t const part_bytes : {1U, 7U, 4096U}) {
        auto const found = unpacked(bytes, part_bytes);
        // xz and zstd let nothing of another kind follow: that is a fault that is told.
        bool const is_fault = first != second && found.starts_with("failed: ");
        BOOST_TEST((is_fault || found == text + "second\n"),
                   first << ' ' << second << ' ' << part_bytes);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_else_comes_behind_a_packed_part_is_a_fault_and_zeros_are_none) {
  for (auto const format : formats) {
    auto const bytes = packed(format, "one\n");
    for (auto const* behind :
         {"t", "tw", "two", "two\n", "two\nlines\n", "B", "\x1f", "more than any header has"}) {
      auto const text = unpacked(bytes + behind);
      BOOST_TEST(text.starts_with("failed: cannot unpack FILE: "), format << behind << text);
    }
    if (format == ARCHIVE_FILTER_ZSTD) continue;  // It knows no filling.
    BOOST_TEST(unpacked(bytes + std::string(512, '\0')) == "one\n", format);
  }
}

BOOST_AUTO_TEST_CASE(a_part_that_is_cut_off_anywhere_is_a_fault) {
  for (auto const format : formats) {
    auto const bytes = packed(format, lines(40));
    for (std::size_t size = 4; size < bytes.size(); ++size) {
      auto const text = unpacked(std::string_view{bytes}.substr(0, size));
      BOOST_TEST(text.starts_with("failed: "), format << ' ' << size);
    }
  }
}

// A bit of a header may say nothing about the text, such as the time of gzip's.
BOOST_AUTO_TEST_CASE(a_bit_that_is_wrong_changes_no_text_unseen) {
  using namespace std::literals;
  // Over the bytes, it meets each bit.
  constexpr std::size_t step = stele::test::is_sanitized_test ? 13 : 1;
  for (auto const format : formats) {
    auto text = lines(40);
    auto bytes = packed(format, text);
    if (format == ARCHIVE_FILTER_ZSTD) {  // With a checksum, which zstd writes and libarchive not.
      text = "line 1\nline 2\nline 3\n";
      bytes = "\x28\xb5\x2f\xfd\x04\x68\xa9\0\0line 1\nline 2\nline 3\n\x45\x7f\x8e\x5c"s;
    }
    std::size_t seen = 0;
    std::size_t tried = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += step) {
      auto damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      auto const found = unpacked(damaged);
      // gzip's checksum and length, which change no text, are compared all the same.
      bool const is_trailer = format == ARCHIVE_FILTER_GZIP && bit / 8 + 8 >= bytes.size();
      bool const is_whole = found == text && !is_trailer;
      BOOST_TEST((is_whole || found.starts_with("failed: ")), format << ' ' << bit);
      ++tried;
      if (found != text) ++seen;
    }
    BOOST_TEST(seen > tried * 3 / 4, format);
  }
}

BOOST_AUTO_TEST_CASE(the_first_bytes_tell_what_is_packed_or_what_is_left_of_it) {
  for (auto const format : formats) {
    auto const bytes = packed(format, "x\n");
    bool was_packed = false;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
      auto const start = std::string_view{bytes}.substr(0, size);
      BOOST_TEST((is_packed(start) || may_become_packed(start)), format << ' ' << size);
      BOOST_TEST((!was_packed || is_packed(start)));
      was_packed = is_packed(start);
    }
    BOOST_TEST(is_start_of_packed(bytes.substr(0, 1)) ==
                   (format != ARCHIVE_FILTER_BZIP2 && format != ARCHIVE_FILTER_ZSTD),
               format);
  }
  for (std::string_view const text : {"BZh", "BZ", "B", "(", "BZhello", "plain", ""}) {
    BOOST_TEST(!is_packed(text));
    BOOST_TEST(!is_start_of_packed(text), text);
  }
  BOOST_TEST(is_start_of_packed("BZh91AY"));
}

BOOST_AUTO_TEST_SUITE_END()

// What the first bytes of a file say, and what becomes of UTF-16.
#include <array>
#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <string>
#include <string_view>

#include "client-lib/cli/input/text_kind.hpp"
#include "client-lib/cli/text/utf16.hpp"

using stele::cli::ByteOrder;
using stele::cli::recognise_binary;
using stele::cli::recognise_other_encoding;
using stele::cli::utf16_byte_order;
using stele::cli::Utf16Decoder;

using namespace std::literals;

BOOST_AUTO_TEST_SUITE(decoded_input_test)

BOOST_AUTO_TEST_CASE(text_with_colours_and_what_a_crash_left_is_no_binary) {
  for (auto const text : {"plain\n"sv, "\x1b[31mred\x1b[0m\r\n"sv, "before\0\0\0\0\0after\n"sv,
                          "gr\xc3\xbc\xc3\x9f"
                          "e\n"sv,
                          "latin \xfc\xdf\n"sv, ""sv}) {
    BOOST_TEST(!recognise_binary(text).has_value());
  }
  BOOST_TEST(!recognise_binary(std::string(1000, '\0')).has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_text_is_named) {
  BOOST_TEST(recognise_binary("\x7f"
                              "ELF\x02"sv)
                 ->what == "is a program");
  BOOST_TEST(recognise_binary("PK\x03\x04"sv)->what == "is a zip archive");
  BOOST_TEST(recognise_binary("LPKSHHRH"sv)->what == "is a journal of systemd");
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7919 % 251);
  BOOST_TEST(recognise_binary(bytes)->what == "is no text but binary");
  for (auto const [start, what] : std::initializer_list<std::array<std::string_view, 2>>{
           {"\x1f\x9d\x90\x68\xd2\xa0"sv, "is packed by compress"},
           {"LZIP\x01\x0c"sv, "is packed by lzip"},
           {"\x5d\0\0\x80\0"sv, "is packed by lzma"},
           {"\x1f\x8b\x08\0x"sv, "is packed twice"},
           {"!<arch>\ndebian-binary"sv, "is an archive of ar, or a package of Debian"},
           {"STELEWAL\x01"sv, "is a segment of a stele log"},
           {"\xd4\xc3\xb2\xa1\x02\0\x04\0"sv, "is no text but binary"}}) {
    auto const found = recognise_binary(start);
    BOOST_REQUIRE_MESSAGE(found.has_value(), what);
    BOOST_TEST(found->what == what);
  }
}

BOOST_AUTO_TEST_CASE(an_archive_of_tar_is_named_also_without_its_magic) {
  std::string header(512, '\0');
  header.replace(0, 5, "a.log");
  header.replace(100, 8, "0000644\0"sv);
  header.replace(124, 12, "00000000013\0"sv);
  unsigned sum = 8 * ' ';
  for (char const c : header) sum += static_cast<unsigned char>(c);
  std::string digits;
  for (int shift = 15; shift >= 0; shift -= 3) {
    digits += static_cast<char>('0' + (sum >> shift) % 8);
  }
  header.replace(148, 6, digits);
  BOOST_TEST(recognise_binary(header + "hello world")->what == "is a tar archive");
  BOOST_TEST(!recognise_binary("x" + header.substr(1)).has_value());
  header.replace(257, 5, "ustar");
  BOOST_TEST(recognise_binary(header)->what == "is a tar archive");
}

BOOST_AUTO_TEST_CASE(a_text_in_utf32_is_named) {
  for (auto const text : {"\xff\xfe\0\0"sv, "\0\0\xfe\xff"sv, "l\0\0\0o\0\0\0"sv,
                          "\0\0\0l\0\0\0o\0\0\0\n"sv, "\x3a\x04\0\0\x0a\0\0\0"sv}) {
    BOOST_TEST(recognise_other_encoding(text)->what == "is written in UTF-32");
  }
  for (auto const text : {"log text\n"sv, "abcd\0\0\0\0"sv, "l\0\0\0"sv, "\0\0\0\0\0\0\0\0"sv,
                          "l\0o\0g\0s\0\n\0\n\0"sv, ""sv}) {
    BOOST_TEST(!recognise_other_encoding(text).has_value());
  }
}

BOOST_AUTO_TEST_CASE(the_byte_order_of_utf16_is_seen_with_a_mark_or_without) {
  BOOST_TEST((utf16_byte_order("\xff\xfe"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\xfe\xff"sv) == ByteOrder::big));
  BOOST_TEST((utf16_byte_order("l\0o\0g\0 \0"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\0l\0o\0g\0 "sv) == ByteOrder::big));
  BOOST_TEST((utf16_byte_order("x\0\n\0"sv) == ByteOrder::little));
  // Russian, Chinese, and a smiling face, with few letters of ASCII between.
  BOOST_TEST((utf16_byte_order("\x3b\x04\x3e\x04\x33\x04 \0\x31\0\n\0"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\x04\x3b\x04\x3e\x04\x33\0 \0\x31\0\n"sv) == ByteOrder::big));
  BOOST_TEST((utf16_byte_order("\xe5\x65\xd7\x5f\x00\x4e \0\x37\0\n\0"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\x3d\xd8\x00\xde \0o\0k\0\n\0"sv) == ByteOrder::little));
  for (auto const text :
       {"log text"sv, "l\0o\0"sv, "\0\0\0\0\0\0\0\0"sv, ""sv, "before\0\0\0\0\0after\n"sv,
        "A=1\0B=2\0C=3\0D=4\0"sv, "gr\xc3\xbc\xc3\x9f\0\n"sv, "one\0two\0three\0four\0five\0"sv}) {
    BOOST_TEST(!utf16_byte_order(text).has_value());
  }
}

BOOST_AUTO_TEST_CASE(utf16_may_be_cut_anywhere_and_half_of_a_pair_is_replaced) {
  auto const bytes =
      "a\0\xfc\0\x3d\xd8\x00\xde\x3d\xd8z\0"sv;  // a, U+FC, U+1F600, half of a pair, z
  auto const expected =
      "a\xc3\xbc\xf0\x9f\x98\x80\xef\xbf\xbd"
      "z"sv;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Utf16Decoder decoder(ByteOrder::little);
    std::string text;
    decoder.append(text, bytes.substr(0, cut));
    decoder.append(text, bytes.substr(cut));
    decoder.finish(text);
    BOOST_TEST(text == expected, cut);
  }
  Utf16Decoder decoder(ByteOrder::big);
  std::string text;
  decoder.append(text, "\0a\xd8\0\0b\xdc\0\xd8"sv);
  decoder.finish(text);
  BOOST_TEST(text ==
             "a\xef\xbf\xbd"
             "b\xef\xbf\xbd\xef\xbf\xbd");
  BOOST_TEST(decoder.replaced() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

#include "client-lib/cli/decoded_input.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

using stele::cli::ByteOrder;
using stele::cli::recognise_binary;
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
}

BOOST_AUTO_TEST_CASE(the_byte_order_of_utf16_is_seen_with_a_mark_or_without) {
  BOOST_TEST((utf16_byte_order("\xff\xfe"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\xfe\xff"sv) == ByteOrder::big));
  BOOST_TEST((utf16_byte_order("l\0o\0g\0 \0"sv) == ByteOrder::little));
  BOOST_TEST((utf16_byte_order("\0l\0o\0g\0 "sv) == ByteOrder::big));
  for (auto const text : {"log text"sv, "l\0o\0"sv, "\0\0\0\0\0\0\0\0"sv, ""sv}) {
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
  decoder.append(text, "\0a\xd8"sv);
  decoder.finish(text);
  BOOST_TEST(text == "a\xef\xbf\xbd");
}

BOOST_AUTO_TEST_SUITE_END()

// A text that is read in parts gives the tokens that it gives at once, wherever it is cut.
#include "protocol/json/json_tokens.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.hpp"

BOOST_AUTO_TEST_SUITE(json_tokens_test)

namespace {

using stele::protocol::JsonReader;
using stele::protocol::JsonToken;

struct Texts {
  void take(JsonToken const& token) { all.emplace_back(token.text); }
  std::vector<std::string> all{};
};

/// The texts of all tokens; the parts end behind `first` bytes, and then behind each `bytes`.
std::vector<std::string> read_in_parts(std::string_view text, std::size_t first,
                                       std::size_t bytes) {
  std::string scratch;
  Texts texts;
  JsonReader<Texts> reader(text, stele::protocol::json_depth_max, scratch, texts);
  auto part = first;
  while (reader.read(part)) part = bytes;
  BOOST_TEST(!reader.fault().has_value(), "cut at " << first << " and by " << bytes);
  BOOST_TEST(reader.read_bytes() == text.size());
  return std::move(texts.all);
}

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

// What a part can end in, and what may follow: characters of 1 to 4 bytes, and each kind of escape.
constexpr std::string_view units[] = {
    "x",         "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", R"(\u20AC)", R"(\uD83D\uDE00)",
    R"(\u00e9)", R"(\n)",   R"(\\)"};

}  // namespace

BOOST_AUTO_TEST_CASE(a_text_is_the_same_wherever_it_is_cut) {
  constexpr std::size_t bytes = 3 * BOOST_JSON_STACK_BUFFER_SIZE;
  for (auto const cut : units) {
    for (auto const behind : units) {
      std::string text = "{\"";
      text += cut;
      text += repeated(behind, bytes);
      text += "\":\"";
      auto const value_at = text.size();
      text += cut;
      text += repeated(behind, bytes);
      text += "\"}";
      auto const whole = read_in_parts(text, text.size(), text.size());
      for (std::size_t at = 0; at <= 14; ++at) {
        BOOST_TEST((read_in_parts(text, 2 + at, bytes) == whole), cut << behind << ' ' << at);
        BOOST_TEST((read_in_parts(text, value_at + at, text.size()) == whole),
                   cut << behind << ' ' << at);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_text_is_the_same_in_parts_of_any_size) {
  for (auto const unit : units) {
    auto const text = "[\"" + repeated(unit, 20'000) + "\"]";
    auto const whole = read_in_parts(text, text.size(), text.size());
    for (std::size_t const bytes : {1, 2, 3, 5, 7, 1021, 1024, 2047, 2048, 2049, 4099}) {
      BOOST_TEST((read_in_parts(text, bytes, bytes) == whole), unit << " by " << bytes);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "client-lib/cli/input/line_splitter.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

using stele::cli::LineSplitter;

namespace {

using Lines = std::vector<std::string>;

void take_lines(LineSplitter& splitter, Lines& lines) {
  while (auto const line = splitter.next()) {
    lines.push_back(line->too_long ? "<" + std::to_string(line->bytes) + ">"
                                   : std::string{line->text});
  }
}

// Lines that are too long are shown as <length>.
Lines split(std::vector<std::string> const& chunks, std::size_t line_bytes_max = 100) {
  LineSplitter splitter{line_bytes_max};
  Lines lines;
  for (auto const& chunk : chunks) {
    splitter.feed(chunk);
    take_lines(splitter, lines);
  }
  if (auto const last = splitter.finish()) {
    lines.push_back(last->too_long ? "<" + std::to_string(last->bytes) + ">"
                                   : std::string{last->text});
  }
  return lines;
}

// The bytes again: that nothing but the line ends was taken away.
std::string join(Lines const& lines) {
  std::string text;
  for (auto const& line : lines) text += line + '\n';
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_splitter_test)

BOOST_AUTO_TEST_CASE(only_the_line_end_is_removed) {
  BOOST_TEST((split({"a\r\nb\rc\n"}) == Lines{"a\r", "b\rc"}));
}

BOOST_AUTO_TEST_CASE(empty_lines_are_lines) {
  BOOST_TEST((split({"\n\na\n\n"}) == Lines{"", "", "a", ""}));
}

BOOST_AUTO_TEST_CASE(a_last_line_without_an_end_is_a_line) {
  BOOST_TEST((split({"a\nb"}) == Lines{"a", "b"}));
  BOOST_TEST((split({"a\nb\r"}) == Lines{"a", "b\r"}));
}

BOOST_AUTO_TEST_CASE(no_bytes_are_no_line) {
  BOOST_TEST((split({}) == Lines{}));
  BOOST_TEST((split({""}) == Lines{}));
}

BOOST_AUTO_TEST_CASE(nul_bytes_and_bytes_that_are_not_utf8_are_kept) {
  std::string const text("a\0b\xff\n", 5);
  BOOST_TEST((split({text}) == Lines{text.substr(0, 4)}));
}

BOOST_AUTO_TEST_CASE(lines_are_the_same_wherever_the_bytes_are_cut) {
  std::string const text = "one\r\n\r\n\ntw\ro\n\xe2\x82\xac\nlast";
  auto const whole = split({text});
  BOOST_TEST(join(whole) == text + '\n');
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      auto const lines =
          split({text.substr(0, first), text.substr(first, second - first), text.substr(second)});
      BOOST_TEST_CONTEXT("cut at " << first << " and " << second) { BOOST_TEST((lines == whole)); }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_line_above_the_limit_is_told_with_its_length_and_the_next_is_whole) {
  std::string const text = "12345\n123456\n1234\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    auto const lines = split({text.substr(0, cut), text.substr(cut)}, 5);
    BOOST_TEST_CONTEXT("cut at " << cut) { BOOST_TEST((lines == Lines{"12345", "<6>", "1234"})); }
  }
  BOOST_TEST((split({"123", "456"}, 5) == Lines{"<6>"}));
}

BOOST_AUTO_TEST_SUITE_END()

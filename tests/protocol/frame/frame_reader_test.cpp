#include "protocol/frame/frame_reader.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

namespace {

using namespace stele;
using namespace stele::protocol;
using Status = FrameReader::Status;

std::string binary(std::string_view json) {
  std::string out;
  FrameBuilder frame(out, FrameForm::binary);
  out += json;
  frame.finish();
  return out;
}

/// What a connection delivered: its messages, then how it ended.
struct Heard {
  std::vector<std::string> messages{};
  Status status = Status::need_more;
  boost::system::error_code code{};
  std::string text{};

  bool operator==(Heard const&) const = default;
};

void drain(FrameReader& reader, Heard& heard) {
  for (;;) {
    auto const next = reader.next();
    if (next.status == Status::blank) continue;
    heard.status = next.status;
    if (next.status != Status::message) {
      heard.code = next.failure.code;
      heard.text = next.failure.message;
      return;
    }
    heard.messages.emplace_back(next.message);
  }
}

void give(FrameReader& reader, std::string_view bytes) {
  auto const room = reader.prepare(bytes.size());
  BOOST_REQUIRE(room.size() >= bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  reader.commit(bytes.size());
}

/// The bytes in pieces that end at the given places, then the end of the stream.
Heard hear(std::string_view bytes, std::vector<std::size_t> const& ends,
           std::size_t frame_bytes_max = 1000) {
  FrameReader reader(frame_bytes_max);
  Heard heard;
  std::size_t start = 0;
  for (auto const end : ends) {
    give(reader, bytes.substr(start, end - start));
    start = end;
    drain(reader, heard);
    if (heard.status == Status::failed) return heard;
  }
  reader.finish();
  drain(reader, heard);
  return heard;
}

Heard hear_whole(std::string_view bytes, std::size_t frame_bytes_max = 1000) {
  return hear(bytes, {bytes.size()}, frame_bytes_max);
}

/// However a stream is cut, the same messages come out of it.
void check_every_split(std::string_view bytes, std::vector<std::string> const& messages) {
  std::vector<std::size_t> each_byte;
  for (std::size_t i = 1; i <= bytes.size(); ++i) each_byte.push_back(i);
  BOOST_TEST(hear(bytes, each_byte).messages == messages, boost::test_tools::per_element());
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    BOOST_TEST_CONTEXT("cut at " << cut) {
      auto const heard = hear(bytes, {cut, bytes.size()});
      BOOST_TEST(heard.messages == messages, boost::test_tools::per_element());
      BOOST_TEST((heard.status == Status::end));
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frame_reader_test)

BOOST_AUTO_TEST_CASE(binary_frames_come_out_whole_however_they_are_cut) {
  auto const bytes = binary("{}") + binary(std::string(300, 'x')) + binary("\n");
  check_every_split(bytes, {"{}", std::string(300, 'x'), "\n"});
}

BOOST_AUTO_TEST_CASE(lines_come_out_whole_however_they_are_cut) {
  check_every_split("{\"op\":\"ping\"}\nping\r\n\n \t\r\nlast without an end",
                    {"{\"op\":\"ping\"}", "ping", "last without an end"});
}

BOOST_AUTO_TEST_CASE(a_carriage_return_inside_a_line_stays) {
  BOOST_TEST(hear_whole("a\rb\r\n").messages == std::vector<std::string>{"a\rb"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_first_byte_decides_the_form) {
  for (int first = 0; first < 256; ++first) {
    FrameReader reader(frame_bytes_default);
    BOOST_TEST(!reader.form());
    give(reader, std::string(1, static_cast<char>(first)));
    auto const expected = first <= binary_first_byte_max ? FrameForm::binary : FrameForm::line;
    BOOST_TEST((reader.form() == expected), first);
  }
}

BOOST_AUTO_TEST_CASE(a_stream_without_bytes_ends_without_an_error) {
  FrameReader reader(1000);
  BOOST_TEST((reader.next().status == Status::need_more));
  reader.finish();
  BOOST_TEST((reader.next().status == Status::end));
}

BOOST_AUTO_TEST_CASE(length_zero_is_a_bad_frame) {
  auto const heard = hear_whole(std::string(4, '\0'));
  BOOST_TEST((heard.status == Status::failed));
  BOOST_TEST((heard.code == Error::bad_frame));
}

BOOST_AUTO_TEST_CASE(a_binary_frame_may_be_as_long_as_the_limit_and_no_longer) {
  BOOST_TEST(hear_whole(binary(std::string(1000, 'x'))).messages.size() == 1u);
  auto const heard = hear_whole(binary(std::string(1001, 'x')));
  BOOST_TEST((heard.code == Error::frame_too_large));
  BOOST_TEST(heard.text == "a frame announces 1001 bytes; the limit is 1000");
}

BOOST_AUTO_TEST_CASE(an_oversized_length_is_refused_before_its_bytes_arrive) {
  FrameReader reader(SIZE_MAX);
  give(reader, std::string_view("\x04\x00\x00\x01", 4));
  auto const next = reader.next();
  BOOST_TEST((next.status == Status::failed));
  BOOST_TEST((next.failure.code == Error::frame_too_large));
  BOOST_TEST(next.failure.detail == R"({"frame_bytes_max":67108864,"frame_bytes":67108865})");
}

BOOST_AUTO_TEST_CASE(a_line_may_be_as_long_as_the_limit_and_no_longer) {
  auto const longest = std::string(1000, 'x');
  BOOST_TEST(hear_whole(longest + "\r\n").messages.size() == 1u);
  BOOST_TEST((hear_whole(longest + "x\n").code == Error::frame_too_large));
  // Without its end, too: the buffer must not grow for ever.
  FrameReader reader(1000);
  give(reader, longest + "x");
  BOOST_TEST((reader.next().failure.code == Error::frame_too_large));
}

BOOST_AUTO_TEST_CASE(an_end_inside_a_binary_frame_is_a_bad_frame) {
  auto const frame = binary("{}");
  for (std::size_t bytes = 1; bytes < frame.size(); ++bytes) {
    BOOST_TEST_CONTEXT(bytes << " bytes") {
      auto const heard = hear_whole(std::string_view(frame).substr(0, bytes));
      BOOST_TEST((heard.status == Status::failed));
      BOOST_TEST((heard.code == Error::bad_frame));
    }
  }
}

BOOST_AUTO_TEST_CASE(messages_before_a_bad_frame_are_handed_out) {
  auto const heard = hear_whole(binary("{}") + std::string(4, '\0') + binary("{}"));
  BOOST_TEST(heard.messages.size() == 1u);
  BOOST_TEST((heard.code == Error::bad_frame));
}

BOOST_AUTO_TEST_CASE(nothing_comes_after_a_failure) {
  FrameReader reader(1000);
  give(reader, std::string(4, '\0') + binary("{}"));
  BOOST_TEST((reader.next().status == Status::failed));
  BOOST_TEST((reader.next().status == Status::end));
}

BOOST_AUTO_TEST_CASE(unread_bytes_are_those_not_yet_handed_out) {
  FrameReader reader(1000);
  give(reader, binary("{}") + "\0");
  BOOST_TEST(reader.unread_bytes() == 6u);
  give(reader, std::string_view("\0\0", 2));
  BOOST_TEST((reader.next().status == Status::message));
  BOOST_TEST(reader.unread_bytes() == 2u);
}

BOOST_AUTO_TEST_CASE(the_buffer_grows_with_what_arrived_and_not_with_what_was_announced) {
  FrameReader reader(frame_bytes_ceiling);
  give(reader, std::string_view("\x03\xff\xff\xff", 4));
  BOOST_TEST((reader.next().status == Status::need_more));
  BOOST_TEST(reader.prepare(4096).size() < std::size_t{64} << 10);
}

BOOST_AUTO_TEST_CASE(the_buffer_shrinks_after_a_large_frame) {
  FrameReader reader(frame_bytes_ceiling);
  give(reader, binary(std::string(std::size_t{8} << 20, 'x')));
  BOOST_TEST((reader.next().status == Status::message));
  BOOST_TEST(reader.prepare(4096).size() <= std::size_t{256} << 10);
  give(reader, binary("{}"));
  BOOST_TEST(reader.next().message == "{}");
}

BOOST_AUTO_TEST_CASE(the_buffer_keeps_what_its_owner_allows_and_what_is_unread) {
  constexpr std::size_t kept_bytes = std::size_t{1} << 20;
  FrameReader reader(frame_bytes_ceiling, kept_bytes);
  give(reader, binary(std::string(std::size_t{8} << 20, 'x')) + binary("{}"));
  BOOST_TEST((reader.next().status == Status::message));
  auto const room = reader.prepare(4096).size();
  BOOST_TEST(room + reader.unread_bytes() == kept_bytes);
  BOOST_TEST(reader.next().message == "{}");
}

BOOST_AUTO_TEST_CASE(the_buffer_of_a_large_frame_becomes_no_larger_than_it) {
  constexpr std::size_t frame_bytes = (std::size_t{5} << 20) + 4;
  FrameReader reader(frame_bytes_ceiling);
  auto const bytes = binary(std::string(frame_bytes - 4, 'x'));
  give(reader, std::string_view(bytes).substr(0, 4));
  BOOST_TEST(reader.front_bytes() == frame_bytes);
  for (std::size_t at = 4; at < bytes.size();) {
    BOOST_TEST(reader.front_is_partial());
    auto const part = std::min<std::size_t>(100'000, bytes.size() - at);
    give(reader, std::string_view(bytes).substr(at, part));
    BOOST_TEST(reader.capacity() <= frame_bytes);
    at += part;
  }
  BOOST_TEST(!reader.front_is_partial());
  BOOST_TEST(reader.next().message.size() == frame_bytes - 4);
  reader.release();
  BOOST_TEST(reader.capacity() == 0U);
  give(reader, binary("{}"));
  BOOST_TEST(reader.next().message == "{}");
}

BOOST_AUTO_TEST_CASE(a_line_is_partial_once_it_was_seen_to_be) {
  FrameReader reader(1000);
  BOOST_TEST(!reader.front_is_partial());
  give(reader, "{}\n{");
  BOOST_TEST(!reader.front_is_partial());
  BOOST_TEST(reader.next().message == "{}");
  BOOST_TEST((reader.next().status == Status::need_more));
  BOOST_TEST(reader.front_is_partial());
  BOOST_TEST(reader.front_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(large_frames_that_follow_one_another_share_a_buffer) {
  std::string const large(std::size_t{5} << 20, 'x');
  SpareBuffers spares(2 * large.size());
  char const* first = nullptr;
  for (int i = 0; i < 4; ++i) {
    FrameReader reader(frame_bytes_ceiling, FrameReader::kept_bytes_default, &spares);
    give(reader, binary(large));
    auto const message = reader.next().message;
    BOOST_TEST((message == large));
    if (first == nullptr) first = message.data();
    BOOST_TEST((message.data() == first));
    BOOST_TEST(spares.bytes() == 0U);
    // By itself, for the small ones that follow, and at the end of the connection.
    if (i == 1) reader.release();
    if (i == 2) give(reader, binary("{}"));
    if (i == 1 || i == 2) BOOST_TEST(spares.bytes() >= large.size());
    if (i == 2) BOOST_TEST(reader.next().message == "{}");
  }
  BOOST_TEST(spares.bytes() >= large.size());
}

BOOST_AUTO_TEST_CASE(spare_buffers_are_bounded_and_freed_when_nobody_wants_them) {
  constexpr std::size_t bytes = std::size_t{5} << 20;
  auto const frame = binary(std::string(bytes, 'x'));
  SpareBuffers spares(frame.size() * 2);
  {
    std::vector<FrameReader> readers;
    for (int i = 0; i < 3; ++i) {
      readers.emplace_back(frame_bytes_ceiling, FrameReader::kept_bytes_default, &spares);
      give(readers.back(), frame);
    }
  }
  BOOST_TEST(spares.bytes() == 2 * frame.size());
  BOOST_TEST(!spares.take(frame.size() / 2));  // Whoever takes one is charged for its own size.
  spares.free_unwanted();
  BOOST_TEST(spares.bytes() == 2 * frame.size());
  spares.take(frame.size()).reset();  // Wanted, and given back.
  spares.free_unwanted();
  BOOST_TEST(spares.bytes() == frame.size());
  spares.free_unwanted();
  BOOST_TEST(spares.bytes() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

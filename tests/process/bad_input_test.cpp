// Input that breaks a rule: each gets its documented code on the wire, and nobody else notices.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "support/process_figures.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

struct BadRequest {
  std::string name;
  std::string text;
  std::string code;
};

std::ostream& operator<<(std::ostream& out, BadRequest const& bad) { return out << bad.name; }

std::string entry(std::string_view members) {
  return R"({"op":"write_log","entry":{)" + std::string(members) + "}}";
}

std::string nested(std::size_t depth) {
  return entry(R"("message":"m","metadata":{"a":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}");
}

/// Requests in whole frames: the connection stays usable after each.
std::vector<BadRequest> const& bad_requests() {
  static std::vector<BadRequest> const all{
      {"not_json", "hello, daemon", "bad_json"},
      {"two_values", R"({"op":"ping"}{"op":"ping"})", "bad_json"},
      {"trailing_comma", R"({"op":"ping",})", "bad_json"},
      {"deep_nesting", nested(40), "bad_json"},
      {"very_deep_nesting", nested(100'000), "bad_json"},
      {"invalid_utf8_byte", entry("\"message\":\"a\xff\""), "bad_json"},
      {"overlong_utf8", entry("\"message\":\"\xc0\x80\""), "bad_json"},
      {"encoded_surrogate", entry("\"message\":\"\xed\xa0\x80\""), "bad_json"},
      {"lone_surrogate", entry(R"("message":"\ud800")"), "bad_json"},
      {"raw_control_byte", entry("\"message\":\"a\tb\""), "bad_json"},
      {"byte_order_mark", "\xef\xbb\xbf{\"op\":\"ping\"}", "bad_json"},
      {"nan", entry(R"("message":"m","metadata":{"a":NaN})"), "bad_json"},
      {"infinity", entry(R"("message":"m","metadata":{"a":Infinity})"), "bad_json"},
      {"an_array", R"(["ping"])", "bad_request"},
      {"no_op", R"({"id":1})", "bad_request"},
      {"op_not_a_string", R"({"op":1})", "bad_request"},
      {"unknown_op", R"({"op":"write_logs"})", "unknown_op"},
      {"unknown_member", R"({"op":"read_logs","strat_ts":1})", "bad_request"},
      {"duplicate_member", R"({"op":"ping","op":"stats"})", "bad_request"},
      {"fractional_id", R"({"op":"ping","id":1.5})", "bad_request"},
      {"no_entry", R"({"op":"write_log"})", "bad_request"},
      {"no_entries", R"({"op":"write_many_logs"})", "bad_request"},
      {"empty_batch", R"({"op":"write_many_logs","entries":[]})", "bad_request"},
      {"negative_start", R"({"op":"read_logs","start_ts":-1})", "bad_request"},
      {"fractional_end", R"({"op":"read_logs","end_ts":1.5})", "bad_request"},
      {"end_past_u64", R"({"op":"read_logs","end_ts":18446744073709551616})", "bad_request"},
      {"unknown_order", R"({"op":"read_logs","order":"up"})", "bad_request"},
      {"made_up_cursor", R"({"op":"read_logs","cursor":"no such cursor"})", "bad_request"},
      {"no_message", entry(R"("level":"info")"), "invalid_entry"},
      {"message_not_a_string", entry(R"("message":1)"), "invalid_entry"},
      {"unknown_level", entry(R"("message":"m","level":"loud")"), "invalid_entry"},
      {"unknown_entry_member", entry(R"("message":"m","mesage":"m")"), "invalid_entry"},
      {"duplicate_entry_member", entry(R"("message":"m","message":"n")"), "invalid_entry"},
      {"duplicate_metadata_key", entry(R"("message":"m","metadata":{"a":1,"a":2})"),
       "invalid_entry"},
      {"duplicate_nested_key", entry(R"("message":"m","metadata":{"b":{"a":1,"\u0061":2}})"),
       "invalid_entry"},
      {"metadata_not_an_object", entry(R"("message":"m","metadata":[])"), "invalid_entry"},
      {"negative_timestamp", entry(R"("message":"m","timestamp":-1)"), "invalid_entry"},
      {"fractional_timestamp", entry(R"("message":"m","timestamp":1.5)"), "invalid_entry"},
      {"timestamp_with_exponent", entry(R"("message":"m","timestamp":1e3)"), "invalid_entry"},
      {"timestamp_past_u64", entry(R"("message":"m","timestamp":18446744073709551616)"),
       "invalid_entry"},
      {"timestamp_as_text", entry(R"("message":"m","timestamp":"1")"), "invalid_entry"},
      {"forged_seq", entry(R"("message":"m","seq":1)"), "invalid_entry"},
      {"forged_origin", entry(R"("message":"m","origin":{"pid":1})"), "invalid_entry"},
      {"version_2", entry(R"("message":"m","version":2)"), "unsupported_version"},
      {"a_bad_entry_in_a_batch",
       R"({"op":"write_many_logs","entries":[{"message":"a"},{"message":"b","version":2}]})",
       "unsupported_version"},
      {"message_of_1_mib_and_1", entry("\"message\":\"" + std::string((1 << 20) + 1, 'x') + "\""),
       "entry_too_large"},
  };
  return all;
}

struct BadFrame {
  std::string name;
  std::string bytes;
  bool half_close;
  std::string code;
};

std::ostream& operator<<(std::ostream& out, BadFrame const& bad) { return out << bad.name; }

/// Bytes that break the framing itself: answered, then the connection is closed.
std::vector<BadFrame> const& bad_frames() {
  using namespace std::string_literals;
  static std::vector<BadFrame> const all{
      {"zero_length", "\0\0\0\0"s, false, "bad_frame"},
      {"length_above_the_limit", "\x01\0\0\1"s, false, "frame_too_large"},
      {"largest_length", "\x08\xff\xff\xff"s, false, "frame_too_large"},
      {"header_cut_short", "\0\0"s, true, "bad_frame"},
      {"body_cut_short", "\0\0\0\x20{\"op\":\"ping\""s, true, "bad_frame"},
      {"body_missing", "\0\0\0\x20"s, true, "bad_frame"},
  };
  return all;
}

/// Another client of the same daemon, which must not notice anything.
class Bystander {
 public:
  explicit Bystander(Steled const& daemon) : peer_(daemon.socket()) {}

  /// True if its next write gets the next seq, and the log holds its writes and no others.
  bool writes_on_undisturbed() {
    ++writes_;
    auto const reply = peer_.ask(R"({"op":"write_log","entry":{"message":"bystander"}})");
    return reply.at("ok").as_bool() && reply.at("seq").to_number<int>() == writes_ &&
           stele::test::read_entries(peer_).size() == static_cast<std::size_t>(writes_);
  }

 private:
  WirePeer peer_;
  int writes_ = 0;
};

Steled& shared_daemon() {
  static Steled daemon;
  static bool const started = (daemon.start(), true);
  static_cast<void>(started);
  return daemon;
}

Bystander& bystander() {
  static Bystander other(shared_daemon());
  return other;
}

/// Sends these bytes, and with them a descriptor, as unix(7) has it.
void send_with_descriptor(int socket, std::string bytes, int descriptor) {
  iovec piece{.iov_base = bytes.data(), .iov_len = bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof descriptor)]{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  BOOST_TEST_REQUIRE(::sendmsg(socket, &message, 0) == static_cast<ssize_t>(bytes.size()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_input_test)

BOOST_DATA_TEST_CASE(a_bad_request_gets_its_code_and_the_connection_lives, bad_requests(), bad) {
  WirePeer peer(shared_daemon().socket());
  auto const reply = peer.ask(bad.text);
  BOOST_TEST_CONTEXT(bad.name) {
    BOOST_TEST(error_code_of(reply) == bad.code);
    BOOST_TEST(!reply.at("error").at("message").as_string().empty());
    BOOST_TEST(peer.ask(R"({"op":"ping"})").at("ok").as_bool());
    BOOST_TEST(bystander().writes_on_undisturbed());
  }
}

BOOST_DATA_TEST_CASE(a_bad_request_in_the_line_form_gets_the_same_code, bad_requests(), bad) {
  WirePeer peer(shared_daemon().socket(), WirePeer::Form::line);
  peer.ask("ping");
  BOOST_TEST_CONTEXT(bad.name) {
    // What does not begin as JSON is taken for a bare word, and the answer says which there are.
    auto const expected = bad.name == "not_json" ? "bad_request" : bad.code;
    BOOST_TEST(error_code_of(peer.ask(bad.text)) == expected);
    BOOST_TEST(peer.ask("ping").at("ok").as_bool());
    BOOST_TEST(bystander().writes_on_undisturbed());
  }
}

BOOST_DATA_TEST_CASE(broken_framing_is_answered_then_closed, bad_frames(), bad) {
  WirePeer peer(shared_daemon().socket());
  peer.send_bytes(bad.bytes);
  if (bad.half_close) peer.finish_sending();
  BOOST_TEST_CONTEXT(bad.name) {
    BOOST_TEST(error_code_of(peer.receive_json()) == bad.code);
    BOOST_TEST(!peer.receive());
    BOOST_TEST(bystander().writes_on_undisturbed());
  }
}

BOOST_AUTO_TEST_CASE(garbage_is_one_bad_line_and_no_more) {
  WirePeer peer(shared_daemon().socket(), WirePeer::Form::line);
  std::string garbage;
  for (int i = 0; i < 5000; ++i) garbage += static_cast<char>(0x80 + i * 37 % 0x7f);
  BOOST_TEST(error_code_of(peer.ask(garbage)) == "bad_request");
  BOOST_TEST(peer.ask("ping").at("ok").as_bool());
  BOOST_TEST(bystander().writes_on_undisturbed());
}

BOOST_AUTO_TEST_CASE(a_connection_that_says_nothing_or_vanishes_mid_frame_harms_nobody) {
  for (int i = 0; i < 50; ++i) {
    WirePeer peer(shared_daemon().socket());
    if (i % 2 == 1) peer.send_bytes(std::string("\0\0\1\0{\"op\":", 10));
  }
  BOOST_TEST(bystander().writes_on_undisturbed());
}

BOOST_AUTO_TEST_CASE(a_message_of_exactly_1_mib_is_taken) {
  auto const message = std::string(1 << 20, 'x');
  Steled daemon;
  daemon.start();
  WirePeer writer(daemon.socket());
  BOOST_TEST(writer.ask(entry("\"message\":\"" + message + "\"")).at("seq").to_number<int>() == 1);
  auto const entries = stele::test::read_entries(writer);
  BOOST_REQUIRE_EQUAL(entries.size(), 1U);
  BOOST_TEST(entries[0].body.size() > message.size());
}

BOOST_AUTO_TEST_CASE(passed_descriptors_are_closed_and_urgent_bytes_are_no_part_of_a_frame) {
  auto const daemon = shared_daemon().process().pid();
  WirePeer peer(shared_daemon().socket());
  peer.ask(R"({"op":"ping"})");
  auto const before = stele::test::figures_of(daemon).descriptors;
  int pipe_ends[2];
  BOOST_TEST_REQUIRE(::pipe(pipe_ends) == 0);
  auto const request = stele::test::frame(R"({"op":"ping"})");
  for (int i = 0; i < 20; ++i) {
    peer.send_bytes(std::string_view(request).substr(0, 7));
    // Kernels without CONFIG_AF_UNIX_OOB refuse it.
    static_cast<void>(::send(peer.fd(), "!", 1, MSG_OOB));
    send_with_descriptor(peer.fd(), request.substr(7), pipe_ends[1]);
    BOOST_TEST(peer.receive_json().at("ok").as_bool());
  }
  BOOST_TEST(stele::test::figures_of(daemon).descriptors == before);
  ::close(pipe_ends[1]);
  char byte = 0;
  BOOST_TEST(::read(pipe_ends[0], &byte, 1) == 0, "the daemon still holds the other end");
  ::close(pipe_ends[0]);
  BOOST_TEST(bystander().writes_on_undisturbed());
}

BOOST_AUTO_TEST_SUITE_END()

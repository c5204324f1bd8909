// A session without a socket: bytes in, bytes out, and a disk that syncs when told.
#pragma once

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/session/session_state.hpp"
#include "protocol/frame/frame.hpp"

namespace stele::test {

inline constexpr std::string_view ping = "{\"op\":\"ping\"}\n";
inline constexpr std::string_view read_all = "{\"op\":\"read_logs\"}\n";

/// The code of a refusal.
inline std::string code_of(boost::json::object const& reply) {
  return std::string(reply.at("error").at("code").as_string());
}

struct SessionFixture : HandlerFixture {
  explicit SessionFixture(daemon::SessionLimits const& limits = daemon::session_limits({}))
      : session(handler, Origin{1, 2, 3}, limits) {}

  /// Bytes arrive; returns how many of them the session would take off the socket.
  std::size_t receive(std::string_view bytes) { return receive(session, bytes); }
  static std::size_t receive(daemon::SessionState& state, std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && state.may_read()) {
      auto const room = state.read_buffer();
      auto const part = bytes.substr(taken, room.size());
      std::memcpy(room.data(), part.data(), part.size());
      state.on_received(part.size());
      state.advance();
      while (state.awaits_turn() && !state.has_output()) state.advance();
      taken += part.size();
    }
    return taken;
  }
  void end_input() {
    session.on_input_end();
    session.advance();
  }
  void commit() {
    make_durable();
    session.advance();
  }

  /// What one write of the socket would carry.
  std::string send_once() { return send_once(session); }
  static std::string send_once(daemon::SessionState& state) {
    std::string sent;
    if (!state.has_output()) return sent;
    auto& batch = state.begin_write();
    while (!batch.empty()) {
      daemon::ReplyBatch::Parts parts;
      std::size_t bytes = 0;
      for (auto const part : batch.unsent(parts)) {
        sent += part;
        bytes += part.size();
      }
      batch.on_sent(bytes);
    }
    state.end_write();
    state.advance();
    return sent;
  }
  /// All that goes out without further events.
  std::string send_all() {
    std::string sent;
    for (;;) {
      if (session.has_output()) {
        sent += send_once();
      } else if (session.awaits_turn()) {
        session.advance();
      } else {
        return sent;
      }
    }
  }
  std::vector<boost::json::object> replies() {
    std::vector<boost::json::object> result;
    std::string const sent = send_all();
    for (std::size_t at = 0; at < sent.size();) {
      auto const end = sent.find('\n', at);
      BOOST_REQUIRE(end != std::string::npos);
      result.push_back(boost::json::parse(sent.substr(at, end - at)).as_object());
      at = end + 1;
    }
    return result;
  }

  static std::string write_line(std::string_view id, std::string_view message = "m") {
    std::string line = R"({"op":"write_log","id":)";
    line.append(id).append(R"(,"entry":{"message":")").append(message).append("\"}}\n");
    return line;
  }
  static std::string frame(std::string_view text) {
    auto const header = protocol::encode_frame_header(static_cast<std::uint32_t>(text.size()));
    std::string bytes(header.begin(), header.end());
    return bytes.append(text);
  }

  daemon::SessionState session;
};

}  // namespace stele::test

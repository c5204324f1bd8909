// A client's state and the daemon's end of its connection.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/connection/client_state.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "protocol/reply/reply.hpp"

namespace stele::test {

class Connection {
 public:
  client::ClientState state{};

  /// The daemon receives all that was not sent; returns the requests in it.
  std::vector<std::string> send_all() {
    std::vector<std::string> requests;
    auto const bytes = std::string{state.unsent()};
    state.sent(bytes.size());
    auto const room = daemon_reader_.prepare(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    daemon_reader_.commit(bytes.size());
    for (;;) {
      auto const next = daemon_reader_.next();
      if (next.status != protocol::FrameReader::Status::message) return requests;
      requests.emplace_back(next.message);
    }
  }

  void send_bytes(std::size_t bytes) { state.sent(bytes); }

  void reply_raw(std::string_view bytes) {
    while (!bytes.empty()) {
      auto const room = state.receive_buffer();
      auto const n = std::min(bytes.size(), room.size());
      std::copy_n(bytes.begin(), n, room.begin());
      state.received(n);
      bytes.remove_prefix(n);
    }
  }

  void reply(std::string_view json) { reply_raw(frame(json)); }

  void reply_seq(std::uint64_t id, std::uint64_t seq) {
    std::string text;
    protocol::append_write_log_reply(text, std::to_string(id), {seq, seq});
    reply(text);
  }

  static std::string frame(std::string_view json) {
    std::string bytes;
    protocol::FrameBuilder builder{bytes, protocol::FrameForm::binary};
    bytes += json;
    builder.finish();
    return bytes;
  }

 private:
  protocol::FrameReader daemon_reader_{protocol::frame_bytes_ceiling};
};

}  // namespace stele::test

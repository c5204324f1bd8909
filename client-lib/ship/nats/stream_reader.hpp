// The messages of a stream of NATS JetStream, in its order, as many at a time as were asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client-lib/ship/destination.hpp"
#include "client-lib/ship/nats/nats_connection.hpp"

namespace stele::ship {

struct StreamExtent {
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t messages = 0;
};

struct StreamMessage {
  natsMsg* message = nullptr;
  std::uint64_t seq = 0;        ///< Its place in the stream.
  std::uint64_t stored_us = 0;  ///< When the server took it.
};

/// Asks for a few messages at a time: what is on its way is bounded, however long the stream. A
/// consumer that is lost, with its server or with a connection, is made again behind the last
/// message that came.
class StreamReader {
 public:
  StreamReader(natsConnection* connection, jsCtx* context, std::string stream);

  Outcome<StreamExtent> extent();

  /// What is read next: from this place on, or from what was stored at this time or later.
  void seek(std::uint64_t seq);
  void seek_time(std::uint64_t stored_us);

  /// Waits for so long at most, and calls `visit` with what has come; how much that was. A failure
  /// that is not final may go away.
  Outcome<std::size_t> fetch(std::chrono::milliseconds wait,
                             std::function<void(StreamMessage const&)> const& visit);

  /// The place behind the last message that came.
  std::uint64_t next_seq() const noexcept { return next_seq_; }
  /// Whether there was nothing behind it.
  bool at_end() const noexcept { return at_end_; }
  std::string const& name() const noexcept { return stream_; }

 private:
  using Subscription =
      std::unique_ptr<natsSubscription, Destroy<natsSubscription, natsSubscription_Destroy>>;

  ShipError trouble(natsStatus status) const;
  Outcome<void> subscribe();
  /// False: messages were lost on the way.
  bool take(natsMsg* message, std::function<void(StreamMessage const&)> const& visit);
  void look_for_end();

  natsConnection* connection_;
  jsCtx* context_;
  std::string stream_;
  Subscription subscription_{};
  std::uint64_t next_seq_ = 1;
  std::optional<std::uint64_t> start_us_{};
  std::uint64_t delivered_ = 0;  ///< By the consumer of now.
  bool at_end_ = false;
};

}  // namespace stele::ship

// A stream of NATS JetStream as a destination. The one header here that knows of libnats; its
// callbacks come from threads of its own.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/ship/destination.hpp"

namespace stele::ship {

struct NatsOptions {
  std::vector<std::string> servers{};  ///< `nats://host:port`
  std::string stream{};
  Layout layout = Layout::entries;
  SubjectPattern pattern;
  /// Makes the stream with this many replicas if it is not there.
  std::optional<int> create_replicas{};
  std::string host{};
  std::string store{};
  /// Another one, whose cursor is taken for this one's: its log was salvaged into this one.
  std::string continued_store{};
  bool tls = false;
  std::string ca_file{};
  std::string certificate_file{};
  std::string key_file{};
  std::string credentials_file{};
  std::string nkey{};
  std::string nkey_seed_file{};
  /// An acknowledgement that takes longer has failed.
  std::chrono::milliseconds ack_timeout{5'000};
};

/// Blocks until a server is there; prints once that it waits. Fails if what was asked for cannot be
/// done with any.
///
/// No message is stored twice or out of order: each says which message of the stream (layout
/// `entries`) or of its subject (`batches`) must be the last, and the server refuses it otherwise.
/// Two shippers of one store cannot interleave: one of them is refused and reads the cursor again.
/// The message id is there too, but a server forgets ids after its window, two minutes by default.
Outcome<std::unique_ptr<Destination>> connect_nats(NatsOptions options);

}  // namespace stele::ship

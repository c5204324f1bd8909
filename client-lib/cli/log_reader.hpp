// Reads, counts and follows with every term of the protocol, over one connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/connection.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"
#include "stele/client.hpp"

namespace stele::cli {

struct EntryCount {
  std::uint64_t count = 0;
  /// Where a stretch of time starts, and how many entries it has; by rising time.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> buckets{};
};

/// One request at a time. After a failure other than a stele::Error the connection is gone.
class LogReader {
 public:
  static Result<LogReader> connect(ClientOptions const& options);

  /// Starts a read or a follow; then next() until a reply has `more` false.
  void begin(protocol::ReadLogs const& read);
  /// The next part of the read. A follow waits as long as it takes.
  Result<protocol::Reply> next();

  Result<EntryCount> count(protocol::CountLogs const& count);

  /// Changes when the store was wiped or replaced.
  std::string const& store_id() const noexcept { return store_id_; }

 private:
  LogReader(client::UnixStream stream, std::chrono::milliseconds request_timeout)
      : connection_(std::move(stream)), request_timeout_(request_timeout) {}
  Result<client::ClientState::Answer> receive();

  client::Connection connection_;
  std::chrono::milliseconds request_timeout_;
  std::string store_id_{};
  bool follows_ = false;
};

}  // namespace stele::cli

// Who is at the other end of a connection.
#pragma once

#include <cstdint>
#include <optional>

#include "daemon/access.hpp"
#include "protocol/writer_id.hpp"
#include "stele/log_entry.hpp"

namespace stele::daemon {

struct Peer {
  Origin origin{};  ///< As the kernel says.
  /// As its last hello with a writer said.
  std::optional<protocol::WriterId> writer{};
  /// The highest number that a write of this writer had on this connection, whatever became of it;
  /// 0 until it has begun with one that the daemon could judge.
  std::uint64_t counted_to = 0;
  Access access{};
};

}  // namespace stele::daemon

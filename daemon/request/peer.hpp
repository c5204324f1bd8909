// Who is at the other end of a connection.
#pragma once

#include "daemon/security/access.hpp"
#include "daemon/store/writer_table.hpp"
#include "stele/log_entry.hpp"

namespace stele::daemon {

struct Peer {
  Origin origin{};                   ///< As the kernel says.
  WriterTable::Attachment writer{};  ///< As its last hello with a writer said.
  Access access{};
};

}  // namespace stele::daemon

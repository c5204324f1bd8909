// Blocking system calls on one hidden helper thread.
#pragma once

#include <memory>

#include "wal/error.hpp"
#include "wal/io/io_backend.hpp"

namespace stele::wal {

/// `dsync`: pwritev2 takes RWF_DSYNC here; otherwise a durable write is a write and an fdatasync.
/// The thread blocks all signals. It takes durable writes first, so that a commit waits for at most
/// one other request.
Result<std::unique_ptr<IoBackend>> open_posix_backend(bool dsync, int event_fd);

}  // namespace stele::wal

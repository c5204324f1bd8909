// Requests through an io_uring that can do nothing but write and sync.
#pragma once

#include <memory>

#include "wal/error.hpp"
#include "wal/io/io_backend.hpp"

namespace stele::wal {

/// Fails where the kernel has no io_uring with restrictions (Linux 5.10) or forbids it; the message
/// says which step. `dsync`: writes take RWF_DSYNC here; otherwise a durable write is a write and,
/// when all of it was taken, an fdatasync.
Result<std::unique_ptr<IoBackend>> open_uring_backend(bool dsync, int event_fd);

}  // namespace stele::wal

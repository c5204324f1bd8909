// Memory for many chunks of records at once. Asks the system for it; no I/O.
#pragma once

#include <cstddef>
#include <vector>

#include "client-lib/logger/record_queue.hpp"

namespace stele::client {

/// What make_chunks() takes from the system: a huge page of x86-64, and of most others.
inline constexpr std::size_t chunk_block_bytes = std::size_t{2} << 20;

/// Chunks that share one huge page, where the system has such. To touch a page for the first time
/// costs a program more than all else that it does with it, and there are 512 times fewer of these.
/// The page goes back to the system with the last of its chunks. None: there is no memory.
std::vector<RecordChunk> make_chunks(std::size_t capacity);

}  // namespace stele::client

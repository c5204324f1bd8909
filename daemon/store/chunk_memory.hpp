// Memory of chunks: mappings of their own, so that each goes back to the system whole, whatever
// else lives.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>

namespace stele::daemon {

struct UnmapMemory {
  std::size_t bytes = 0;
  void operator()(char* memory) const noexcept;
};
using ChunkMemory = std::unique_ptr<char[], UnmapMemory>;

/// What all chunks hold but those of one larger entry. Large enough that a frame of entries is one
/// or two slices, small enough that retention frees memory in fine steps; a large page where the
/// system has those.
constexpr std::size_t chunk_bytes = std::size_t{2} << 20;

/// At least `bytes`, rounded up to whole pages; the system gives them when they are first touched.
ChunkMemory map_chunk_memory(std::size_t bytes);
/// The same in large pages as far as they are filled, where the system has those.
ChunkMemory map_large_memory(std::size_t bytes);
/// Gives back the pages behind the first `bytes`, if they are worth it.
void trim_chunk_memory(ChunkMemory& memory, std::size_t bytes) noexcept;

/// Memory that is made ready in parts: a first touch of a page may cost many times what filling it
/// does, and whoever needs megabytes at once would hold up all others.
class PreparedMemory {
 public:
  /// None, which is ready.
  PreparedMemory() = default;
  /// At least `bytes`, in small pages: a large one is made in one piece, which may take long.
  explicit PreparedMemory(std::size_t bytes);
  /// This, which was used before and is ready.
  explicit PreparedMemory(ChunkMemory used) noexcept
      : memory_(std::move(used)), touched_bytes_(bytes()) {}

  bool is_ready() const noexcept { return touched_bytes_ >= bytes(); }
  /// Makes up to `pages_max` more ready; returns how many it were.
  std::size_t prepare(std::size_t pages_max) noexcept;
  std::size_t bytes() const noexcept { return memory_ ? memory_.get_deleter().bytes : 0; }
  std::size_t ready_bytes() const noexcept { return touched_bytes_; }
  char* begin() noexcept { return memory_.get(); }
  /// Null if there is none.
  ChunkMemory take() noexcept { return std::move(memory_); }

 private:
  ChunkMemory memory_{};
  std::size_t touched_bytes_ = 0;
};

/// Gives chunks memory that the system has given already. Making a page costs more time than
/// filling it with entries, and here a thread of its own spends it, ahead of need, on processors
/// that nobody else wants. It sleeps while what is in reserve is enough. Nobody ever waits for it:
/// it may be without a processor for as long as others want them, so there is no lock between.
class ChunkReserve {
 public:
  ChunkReserve();
  ChunkReserve(ChunkReserve const&) = delete;
  ChunkReserve& operator=(ChunkReserve const&) = delete;
  ~ChunkReserve();

  /// chunk_bytes, without waiting: if none are ready, they come from the system page by page, as
  /// they are touched.
  ChunkMemory take();
  /// The same for those who have time: if none are ready, as one large page, whose first touch may
  /// take milliseconds.
  ChunkMemory take_large();
  /// Null: none are ready.
  ChunkMemory take_ready();

 private:
  /// A recovery takes one after another faster than they are made; for writers one would do.
  static constexpr std::size_t ready_max = 2;

  void fill();
  bool fill_slot(std::atomic<char*>& slot);

  std::array<std::atomic<char*>, ready_max> ready_{};  ///< Null: nothing is ready here.
  std::counting_semaphore<> taken_{0};                 ///< How often somebody took, or the end.
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

}  // namespace stele::daemon

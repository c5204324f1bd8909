// Entries of a chunk that a reply shares until they are sent.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <string_view>

namespace stele::daemon {

class Chunk;

/// Shares the bytes as long as the store needs the chunk anyway, or most of it is shared; else it
/// has a copy. So what a reply keeps of the store is never more than its own bytes. Does not move:
/// the chunk knows it.
class ChunkSlice : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  ChunkSlice(std::shared_ptr<Chunk const> chunk, std::string_view bytes);
  ChunkSlice(ChunkSlice const&) = delete;
  ChunkSlice& operator=(ChunkSlice const&) = delete;
  ~ChunkSlice() { release(); }

  std::string_view bytes() const noexcept { return bytes_; }
  /// Lets go of the chunk, or of the copy; the bytes are gone, their number stays.
  void release() noexcept;
  bool is_released() const noexcept { return chunk_ == nullptr && copy_ == nullptr; }

 private:
  friend class Chunk;
  /// Returns the chunk that it has let go of.
  std::shared_ptr<Chunk const> copy_out();

  std::shared_ptr<Chunk const> chunk_;
  std::unique_ptr<char[]> copy_{};
  std::string_view bytes_;
};

}  // namespace stele::daemon

// Bytes on their way to one client: text made for it, and slices of the store that it shares.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/store/chunk.hpp"

namespace stele::daemon {

/// Filled with frames, then sent with gather writes:
///
///   text t t t t | slice | text t t | slice | slice | text t
///                                ^sent so far
class ReplyBatch {
 public:
  /// The kernel takes more in one call, but Boost.Asio hands it no more.
  static constexpr std::size_t parts_max = 64;
  /// Some 25 us of copying: a call to the kernel holds up everybody else for as long as it takes.
  static constexpr std::size_t call_bytes_max = std::size_t{128} << 10;

  /// Append here what comes next.
  std::string& text() noexcept { return text_; }
  /// Shares bytes of the store, to come after the text so far.
  void add_slice(std::shared_ptr<Chunk const> chunk, std::string_view bytes);

  /// Bytes that are still to be sent.
  std::size_t unsent_bytes() const noexcept { return text_.size() + slice_bytes_ - sent_bytes_; }
  bool empty() const noexcept { return unsent_bytes() == 0; }
  /// The memory that it takes: slices count whether they are copies or not, since they may become
  /// so.
  std::size_t held_bytes() const noexcept {
    return text_.capacity() + slice_bytes_held_ + slices_.size() * sizeof(Slice);
  }
  /// All that was ever sent.
  std::uint64_t sent_bytes_total() const noexcept { return sent_bytes_total_; }

  using Parts = std::array<std::string_view, parts_max>;
  /// The next bytes to be sent in one call, in order; at least one part unless the batch is empty.
  std::span<std::string_view const> unsent(Parts& parts) const noexcept;
  void on_sent(std::size_t bytes) noexcept;

  /// Forgets everything, and lets go of the store.
  void clear();
  void swap(ReplyBatch& other) noexcept;

 private:
  struct Slice {
    Slice(std::size_t end, std::shared_ptr<Chunk const> chunk, std::string_view bytes)
        : text_end(end), shared(std::move(chunk), bytes) {}
    std::size_t text_end;  ///< Of the text that comes before the slice.
    ChunkSlice shared;
  };
  /// Text parts and slices by turns: an even part is text, and may be empty.
  std::string_view part(std::size_t index) const noexcept;
  void let_go_of(ChunkSlice& slice) noexcept;
  std::size_t part_count() const noexcept { return 2 * slices_.size() + 1; }

  std::string text_{};
  std::deque<Slice> slices_{};  ///< They stay in place.
  std::size_t slice_bytes_ = 0;
  std::size_t slice_bytes_held_ = 0;  ///< Of those that are not sent whole.
  std::uint64_t sent_bytes_total_ = 0;
  std::size_t sent_bytes_ = 0;
  std::size_t sent_parts_ = 0;       ///< Parts that are sent whole,
  std::size_t sent_part_bytes_ = 0;  ///< and what is sent of the next one.
};

}  // namespace stele::daemon

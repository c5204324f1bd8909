// Large pieces of memory that are free again, kept for those who want as much next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace stele::protocol {

/// Memory that is new to the process costs many times what it takes to fill it, page by page; where
/// large things follow one another, the same few pieces serve them. `Memory` is moved, and frees
/// itself; made from nothing it is null.
template <class Memory>
class SpareMemory {
 public:
  struct Piece {
    Memory memory{};
    std::size_t capacity = 0;
  };

  explicit SpareMemory(std::size_t bytes_max = 0) noexcept : bytes_max_(bytes_max) {}

  /// How much may lie spare.
  void set_bytes_max(std::size_t bytes) noexcept { bytes_max_ = bytes; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// One with a capacity between these two; null if there is none.
  Piece take(std::size_t capacity_min, std::size_t capacity_max) noexcept {
    auto const found = std::ranges::find_if(spares_, [=](Spare const& spare) {
      return spare.piece.capacity >= capacity_min && spare.piece.capacity <= capacity_max;
    });
    if (found == spares_.end()) return {};
    auto piece = std::move(found->piece);
    bytes_ -= piece.capacity;
    spares_.erase(found);
    return piece;
  }

  /// Those that have been spare for longest make room for it.
  void put(Piece piece) noexcept {
    while (!spares_.empty() && bytes_ + piece.capacity > bytes_max_) {
      bytes_ -= spares_.front().piece.capacity;
      spares_.erase(spares_.begin());
    }
    if (bytes_ + piece.capacity > bytes_max_) return;
    bytes_ += piece.capacity;
    spares_.push_back({std::move(piece), false});
  }

  /// To be called now and then: frees those that nobody has wanted since the last time.
  void free_unwanted() noexcept {
    std::erase_if(spares_, [this](Spare const& spare) {
      if (spare.is_old) bytes_ -= spare.piece.capacity;
      return spare.is_old;
    });
    for (auto& spare : spares_) spare.is_old = true;
  }
  void free_all() noexcept {
    spares_.clear();
    bytes_ = 0;
  }

 private:
  struct Spare {
    Piece piece;
    bool is_old;
  };

  std::vector<Spare> spares_{};
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

class SpareBuffers {
 public:
  /// Smaller ones are left to the heap, which keeps them by itself.
  static constexpr std::size_t buffer_bytes_min = std::size_t{4} << 20;

  /// Frees a buffer, or makes it spare.
  struct GiveBack {
    SpareBuffers* spares = nullptr;  ///< Outlives the buffer, if there is one.
    std::size_t capacity = 0;
    void operator()(char* memory) const noexcept;
  };
  using Buffer = std::unique_ptr<char[], GiveBack>;

  explicit SpareBuffers(std::size_t bytes_max = 0) noexcept : spares_(bytes_max) {}
  SpareBuffers(SpareBuffers const&) = delete;
  SpareBuffers& operator=(SpareBuffers const&) = delete;

  /// How much may lie spare.
  void set_bytes_max(std::size_t bytes) noexcept { spares_.set_bytes_max(bytes); }
  std::size_t bytes() const noexcept { return spares_.bytes(); }

  /// A spare one with `capacity` bytes or hardly more; null if there is none.
  Buffer take(std::size_t capacity) noexcept;
  /// To be called now and then: frees those that nobody has wanted since the last time.
  void free_unwanted() noexcept { spares_.free_unwanted(); }
  void free_all() noexcept { spares_.free_all(); }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };

  SpareMemory<std::unique_ptr<char[], Free>> spares_;
};

}  // namespace stele::protocol

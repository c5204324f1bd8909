// Large buffers that are free again, kept for the next frames that are as large.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace stele::protocol {

/// Memory that is new to the process costs many times what it takes to fill it, page by page; where
/// large frames follow one another, the same few buffers serve them.
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

  explicit SpareBuffers(std::size_t bytes_max = 0) noexcept : bytes_max_(bytes_max) {}
  SpareBuffers(SpareBuffers const&) = delete;
  SpareBuffers& operator=(SpareBuffers const&) = delete;

  /// How much may lie spare.
  void set_bytes_max(std::size_t bytes) noexcept { bytes_max_ = bytes; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// A spare one with `capacity` bytes or hardly more; null if there is none.
  Buffer take(std::size_t capacity) noexcept;
  /// To be called now and then: frees those that nobody has wanted since the last time.
  void free_unwanted() noexcept;
  void free_all() noexcept;

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  struct Spare {
    std::unique_ptr<char[], Free> memory;
    std::size_t capacity;
    bool is_old;
  };

  void put(char* memory, std::size_t capacity) noexcept;

  std::vector<Spare> spares_{};
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
};

}  // namespace stele::protocol

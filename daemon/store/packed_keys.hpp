// Neighbouring keys of the time index in a few bytes each.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

namespace stele::daemon {

/// Position of an entry in the order of reads.
struct TimeKey {
  std::uint64_t timestamp = 0;
  std::uint64_t seq = 0;

  auto operator<=>(TimeKey const&) const = default;
};

inline constexpr TimeKey time_key_min{};
inline constexpr TimeKey time_key_max{std::numeric_limits<std::uint64_t>::max(),
                                      std::numeric_limits<std::uint64_t>::max()};

/// Rising keys as the first one and the distances between them: one to ten bytes for the time, and
/// as many for the seq unless the seqs follow one another.
class PackedKeys {
 public:
  PackedKeys() = default;
  /// Precondition: `keys` rise, there are some, and no more than fit into 32 bits.
  explicit PackedKeys(std::span<TimeKey const> keys);

  std::size_t size() const noexcept { return count_; }
  TimeKey first() const noexcept { return first_; }
  TimeKey last() const noexcept { return last_; }
  /// What they occupy besides the object.
  std::size_t bytes() const noexcept { return bytes_; }
  /// All of them, at the front of `into`. Precondition: into.size() >= size().
  std::span<TimeKey const> unpack(std::span<TimeKey> into) const noexcept;

 private:
  std::unique_ptr<std::byte[]> deltas_{};
  std::uint32_t bytes_ = 0;
  std::uint32_t count_ = 0;
  bool seqs_follow_ = true;  ///< Each seq is that of the key before it and one more.
  TimeKey first_{};
  TimeKey last_{};
};

}  // namespace stele::daemon

// Counts durations in buckets whose width grows with the value, so that any percentile is known to
// within 1/64 of itself, at a fixed size.
//
//   value in ns     0 … 127         128 … 255      256 … 511     …
//   bucket width    1               2              4             …    64 buckets an octave
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stele::bench {

class LatencyHistogram {
 public:
  static constexpr unsigned sub_bucket_bits = 6;
  static constexpr std::uint64_t sub_buckets = std::uint64_t{1} << sub_bucket_bits;

  void record(std::uint64_t nanoseconds) noexcept;
  void clear() noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::uint64_t max() const noexcept { return max_; }
  /// The least value that at least `share` (0 to 1) of the recorded ones do not exceed, rounded up
  /// to the end of its bucket; the largest recorded is exact. 0 if nothing was recorded.
  std::uint64_t at_share(double share) const noexcept;

  static std::size_t bucket_of(std::uint64_t value) noexcept;
  /// The largest value of a bucket.
  static std::uint64_t bucket_end(std::size_t bucket) noexcept;

 private:
  static constexpr std::size_t bucket_count = (64 - sub_bucket_bits + 1) * sub_buckets;

  std::array<std::uint64_t, bucket_count> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace stele::bench

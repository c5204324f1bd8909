#include "bench/latency_histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace stele::bench {

std::size_t LatencyHistogram::bucket_of(std::uint64_t value) noexcept {
  auto const bits = static_cast<unsigned>(std::bit_width(value));
  auto const shift = bits > sub_bucket_bits + 1 ? bits - sub_bucket_bits - 1 : 0;
  return shift * sub_buckets + (value >> shift);
}

std::uint64_t LatencyHistogram::bucket_end(std::size_t bucket) noexcept {
  if (bucket < 2 * sub_buckets) return bucket;
  auto const shift = bucket / sub_buckets - 1;
  auto const first = (bucket - shift * sub_buckets) << shift;
  return first + ((std::uint64_t{1} << shift) - 1);
}

void LatencyHistogram::record(std::uint64_t nanoseconds) noexcept {
  ++counts_[bucket_of(nanoseconds)];
  ++count_;
  max_ = std::max(max_, nanoseconds);
}

void LatencyHistogram::clear() noexcept { *this = {}; }

std::uint64_t LatencyHistogram::at_share(double share) const noexcept {
  auto const wanted =
      std::max(1.0, std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_)));
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < bucket_count && count_ > 0; ++i) {
    passed += counts_[i];
    if (static_cast<double>(passed) >= wanted) return std::min(bucket_end(i), max_);
  }
  return max_;
}

}  // namespace stele::bench

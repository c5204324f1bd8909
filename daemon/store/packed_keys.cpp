#include "daemon/store/packed_keys.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <vector>

namespace stele::daemon {
namespace {

/// Seven bits a byte, the low ones first; the highest bit says that another byte follows.
void append(std::vector<std::uint8_t>& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::uint64_t take(std::uint8_t const*& in) noexcept {
  std::uint64_t value = *in & 0x7fU;
  for (unsigned shift = 7; *in++ >= 0x80; shift += 7) value |= std::uint64_t{*in & 0x7fU} << shift;
  return value;
}

/// Small for small distances in both directions; wraps round.
std::uint64_t zigzag(std::uint64_t distance) noexcept {
  return (distance << 1) ^ (std::uint64_t{0} - (distance >> 63));
}
std::uint64_t unzigzag(std::uint64_t value) noexcept {
  return (value >> 1) ^ (std::uint64_t{0} - (value & 1));
}

}  // namespace

PackedKeys::PackedKeys(std::span<TimeKey const> keys)
    : count_(static_cast<std::uint32_t>(keys.size())), first_(keys.front()), last_(keys.back()) {
  for (std::size_t i = 1; i < keys.size(); ++i) {
    BOOST_ASSERT(keys[i - 1] < keys[i]);
    seqs_follow_ = seqs_follow_ && keys[i].seq == keys[i - 1].seq + 1;
  }
  std::vector<std::uint8_t> deltas;
  deltas.reserve(keys.size() * 3);
  for (std::size_t i = 1; i < keys.size(); ++i) {
    append(deltas, keys[i].timestamp - keys[i - 1].timestamp);
    if (!seqs_follow_) append(deltas, zigzag(keys[i].seq - keys[i - 1].seq - 1));
  }
  bytes_ = static_cast<std::uint32_t>(deltas.size());
  deltas_ = std::make_unique_for_overwrite<std::uint8_t[]>(deltas.size());
  std::ranges::copy(deltas, deltas_.get());
}

std::span<TimeKey const> PackedKeys::unpack(std::span<TimeKey> into) const noexcept {
  BOOST_ASSERT(into.size() >= count_);
  auto const* in = deltas_.get();
  TimeKey key = first_;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (i > 0) {
      key.timestamp += take(in);
      key.seq += 1 + (seqs_follow_ ? 0 : unzigzag(take(in)));
    }
    into[i] = key;
  }
  return into.first(count_);
}

}  // namespace stele::daemon

#include "daemon/store/packed_keys.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <vector>

#include "wal/varint.hpp"

namespace stele::daemon {
namespace {

/// As wal::take_varint(), of bytes that are right.
std::uint64_t take(std::byte const*& in) noexcept {
  auto const at = [&in] { return std::to_integer<std::uint64_t>(*in); };
  auto value = at() & 0x7f;
  for (unsigned shift = 7; std::to_integer<unsigned>(*in++) >= 0x80; shift += 7) {
    value |= (at() & 0x7f) << shift;
  }
  return value;
}

}  // namespace

PackedKeys::PackedKeys(std::span<TimeKey const> keys)
    : count_(static_cast<std::uint32_t>(keys.size())), first_(keys.front()), last_(keys.back()) {
  for (std::size_t i = 1; i < keys.size(); ++i) {
    BOOST_ASSERT(keys[i - 1] < keys[i]);
    seqs_follow_ = seqs_follow_ && keys[i].seq == keys[i - 1].seq + 1;
  }
  std::vector<std::byte> deltas;
  deltas.reserve(keys.size() * 3);
  for (std::size_t i = 1; i < keys.size(); ++i) {
    wal::append_varint(deltas, keys[i].timestamp - keys[i - 1].timestamp);
    if (!seqs_follow_)
      wal::append_varint(deltas, wal::fold_sign(keys[i].seq - keys[i - 1].seq - 1));
  }
  bytes_ = static_cast<std::uint32_t>(deltas.size());
  deltas_ = std::make_unique_for_overwrite<std::byte[]>(deltas.size());
  std::ranges::copy(deltas, deltas_.get());
}

std::span<TimeKey const> PackedKeys::unpack(std::span<TimeKey> into) const noexcept {
  BOOST_ASSERT(into.size() >= count_);
  auto const* in = deltas_.get();
  TimeKey key = first_;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (i > 0) {
      key.timestamp += take(in);
      key.seq += 1 + (seqs_follow_ ? 0 : wal::unfold_sign(take(in)));
    }
    into[i] = key;
  }
  return into.first(count_);
}

}  // namespace stele::daemon

#include "daemon/store/forgotten_writers.hpp"

#include <cstring>
#include <new>
#include <utility>

namespace stele::daemon {
namespace {

constexpr unsigned probes = 8;

/// Spreads what clients chose (the finaliser of MurmurHash3).
std::uint64_t spread(std::uint64_t value) noexcept {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdU;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53U;
  return value ^ (value >> 33);
}

/// The places of a writer, by double hashing.
class Places {
 public:
  explicit Places(protocol::WriterId const& writer) noexcept {
    std::memcpy(&place_, writer.data(), sizeof place_);
    std::memcpy(&step_, writer.data() + sizeof place_, sizeof step_);
    step_ = spread(step_ ^ spread(place_)) | 1;
    place_ = spread(place_ + step_);
  }
  std::size_t next() noexcept { return static_cast<std::size_t>((place_ += step_) >> 32) % bits; }

 private:
  static constexpr std::size_t bits = ForgottenWriters::bits;
  std::uint64_t place_ = 0;
  std::uint64_t step_ = 0;
};

}  // namespace

void ForgottenWriters::prepare(Generation& generation) {
  if (generation.words) return;
  auto* const words = static_cast<std::uint64_t*>(std::calloc(bits / 64, sizeof(std::uint64_t)));
  if (words == nullptr) throw std::bad_alloc();
  generation.words.reset(words);
}

void ForgottenWriters::insert(protocol::WriterId const& writer) {
  if (newer_.writers == writers_max) {
    if (older_.writers > 0) is_complete_ = false;
    std::swap(newer_, older_);
    newer_ = {};
  }
  prepare(newer_);
  ++newer_.writers;
  Places places(writer);
  for (unsigned i = 0; i < probes; ++i) {
    auto const place = places.next();
    newer_.words[place / 64] |= std::uint64_t{1} << (place % 64);
  }
}

bool ForgottenWriters::contains(protocol::WriterId const& writer) const noexcept {
  return contains(newer_, writer) || contains(older_, writer);
}

bool ForgottenWriters::contains(Generation const& generation,
                                protocol::WriterId const& writer) noexcept {
  if (generation.writers == 0) return false;
  Places places(writer);
  for (unsigned i = 0; i < probes; ++i) {
    auto const place = places.next();
    if ((generation.words[place / 64] >> (place % 64) & 1) == 0) return false;
  }
  return true;
}

}  // namespace stele::daemon

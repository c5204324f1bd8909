#include "faults/disk_trace.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

namespace stele::test {
namespace {

constexpr std::size_t commit_tear_bytes = 512;
constexpr std::size_t tear_bytes = 4096;
/// How many writes of commits a lying drive has in its cache.
constexpr std::size_t lied_about = 4;

/// Part of a write that takes effect as a whole or not at all.
struct Piece {
  std::size_t offset = 0;
  std::span<std::byte const> bytes{};
};

void apply(DiskBytes& media, std::size_t offset, std::span<std::byte const> bytes) {
  std::ranges::copy(bytes, media.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::vector<Piece> pieces_of(DiskOperation const& write, bool torn) {
  std::vector<Piece> pieces;
  std::span<std::byte const> const all(write.bytes);
  auto const step = !torn ? all.size() : write.is_commit ? commit_tear_bytes : tear_bytes;
  for (std::size_t at = 0; at < all.size(); at += step) {
    pieces.push_back({write.offset + at, all.subspan(at, std::min(step, all.size() - at))});
  }
  return pieces;
}

}  // namespace

int DiskRecorder::on_write(DiskBytes& /*media*/, std::size_t offset,
                           std::span<std::byte const> bytes) {
  // A commit of many pages may come in several writes.
  bool const goes_on = !trace_.empty() && trace_.back().is_commit &&
                       trace_.back().offset + trace_.back().bytes.size() == offset;
  trace_.push_back({.kind = DiskOperation::Kind::write,
                    .is_commit = begins_commit(bytes) || goes_on,
                    .offset = offset,
                    .bytes = DiskBytes(bytes.begin(), bytes.end())});
  ++position_;
  return 0;
}

int DiskRecorder::on_flush(DiskBytes& /*media*/) {
  trace_.push_back({});
  ++position_;
  return 0;
}

PowerCuts::PowerCuts(DiskBytes start, DiskTrace const& trace, Flushes flushes)
    : durable_(std::move(start)), trace_(trace), flushes_(flushes) {}

void PowerCuts::flush() {
  std::size_t commits = 0;
  for (auto const* const write : pending_) commits += write->is_commit;
  std::vector<DiskOperation const*> held_back;
  for (auto const* const write : pending_) {
    if (flushes_ == Flushes::lying && write->is_commit && commits-- <= lied_about) {
      held_back.push_back(write);
    } else {
      apply(durable_, write->offset, write->bytes);
    }
  }
  pending_ = std::move(held_back);
}

DiskBytes PowerCuts::image_at(std::size_t operations, std::mt19937_64& random) {
  BOOST_ASSERT(operations >= position_ && operations <= trace_.size());
  for (; position_ < operations; ++position_) {
    auto const& operation = trace_[position_];
    if (operation.kind == DiskOperation::Kind::flush) {
      flush();
    } else {
      pending_.push_back(&operation);
    }
  }
  // Some cuts keep all, or nothing, or whole writes; most tear.
  auto const kind = random() % 8;
  auto const kept_of_64 = kind == 0 ? 0 : kind == 1 ? 64 : 1 + random() % 63;
  std::vector<Piece> pieces;
  for (auto const* const write : pending_) {
    for (auto const& piece : pieces_of(*write, kind > 3)) {
      if (random() % 64 < kept_of_64) pieces.push_back(piece);
    }
  }
  std::ranges::shuffle(pieces, random);
  auto image = durable_;
  for (auto const& piece : pieces) apply(image, piece.offset, piece.bytes);
  return image;
}

}  // namespace stele::test

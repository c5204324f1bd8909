#include "wal/pack/packed_segment.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cerrno>
#include <cstring>

namespace stele::wal {
namespace {

/// Copies what `bytes`, which stand at `at`, have of the stretch that begins at `offset`.
void copy_overlap(std::uint64_t at, std::span<std::byte const> bytes, std::uint64_t offset,
                  std::span<std::byte> into) noexcept {
  auto const begin = std::max(at, offset);
  auto const end = std::min(at + bytes.size(), offset + into.size());
  if (begin >= end) return;
  std::memcpy(into.data() + (begin - offset), bytes.data() + (begin - at),
              static_cast<std::size_t>(end - begin));
}

}  // namespace

PackedSegment::PackedSegment(std::unique_ptr<File> file, std::string name,
                             std::unique_ptr<PackReader> pack, PendingReads& pending)
    : file_(std::move(file)),
      name_(std::move(name)),
      pack_(std::move(pack)),
      pending_(pending),
      commits_(*pack_) {}

Result<std::unique_ptr<PackedSegment>> PackedSegment::open(std::unique_ptr<File> file,
                                                           std::string name,
                                                           PendingReads& pending) {
  auto pack = PackReader::open(*file);
  if (!pack) return Failure{pack.error().code, name + ": " + pack.error().message};
  return std::unique_ptr<PackedSegment>(
      new PackedSegment(std::move(file), std::move(name), std::move(*pack), pending));
}

Result<std::uint64_t> PackedSegment::size() const { return pack_->header().segment.segment_bytes; }

Result<std::size_t> PackedSegment::read_at(std::uint64_t offset, std::span<std::byte> into) {
  auto const size = pack_->header().segment.segment_bytes;
  if (offset >= size) return std::size_t{0};
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size - offset)));
  std::ranges::fill(into, std::byte{0});
  copy_headers(offset, into);
  if (!copy_commits(offset, into)) {
    return disk_failure(name_, "what is read at offset " + std::to_string(offset) + " is lost",
                        EIO);
  }
  copy_patches(offset, into);
  return into.size();
}

void PackedSegment::copy_headers(std::uint64_t offset, std::span<std::byte> into) const {
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    copy_overlap(copy * header_block_bytes, pack_->header().segment_bytes, offset, into);
  }
}

void PackedSegment::copy_patches(std::uint64_t offset, std::span<std::byte> into) const {
  for (auto const& patch : pack_->patches()) {
    copy_overlap(patch.segment_offset, patch.bytes, offset, into);
  }
}

/// False: the stretch has bytes of commits that are lost.
bool PackedSegment::copy_commits(std::uint64_t offset, std::span<std::byte> into) {
  auto const end = offset + into.size();
  auto const begin_of_current = [&]() -> std::uint64_t {
    if (auto const* commit = std::get_if<RestoredCommit>(&current_)) return commit->offset;
    if (auto const* lost = std::get_if<LostCommits>(&current_)) return lost->offset;
    return commits_.offset();
  };
  if (offset < begin_of_current()) {
    commits_.seek(offset);
    current_ = {};
  }
  while (begin_of_current() < end) {
    if (std::holds_alternative<std::monostate>(current_)) {
      current_ = commits_.next();
      if (std::holds_alternative<std::monostate>(current_)) break;
      continue;
    }
    std::uint64_t current_end = 0;
    if (auto const* commit = std::get_if<RestoredCommit>(&current_)) {
      copy_overlap(commit->offset, commit->bytes, offset, into);
      current_end = commit->end_offset();
    } else {
      auto const& lost = std::get<LostCommits>(current_);
      if (lost.end_offset > offset) return false;
      current_end = lost.end_offset;
    }
    if (current_end > end) break;
    current_ = {};
  }
  return true;
}

void PackedSegment::read(std::uint64_t offset, std::span<std::byte> into, Completion& completion) {
  auto const done = read_at(offset, into);
  auto error = done ? boost::system::error_code{} : done.error().code;
  if (done && *done < into.size()) error = disk_error(EIO);
  pending_.emplace_back(&completion, error);
}

void PackedSegment::write_at(std::uint64_t /*offset*/, std::span<std::byte const> /*bytes*/,
                             Persistence /*persistence*/, Completion& completion) {
  BOOST_ASSERT_MSG(false, "a pack is never written to");
  pending_.emplace_back(&completion, disk_error(EROFS));
}

}  // namespace stele::wal

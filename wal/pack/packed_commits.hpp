// The commits of a pack as they lay in their segment, to the byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "wal/format/commit_buffer.hpp"
#include "wal/pack/pack_reader.hpp"

namespace stele::wal {

/// With header, body and padding; valid until the next call.
struct RestoredCommit {
  std::uint64_t offset = 0;
  std::span<std::byte const> bytes{};

  std::uint64_t end_offset() const noexcept { return offset + bytes.size(); }
};

/// Where commits lay that cannot be made again: a block that they need is lost. Up to where the
/// next one begins that can.
struct LostCommits {
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
};

/// Nothing: the last commit was returned before.
using NextCommit = std::variant<std::monostate, RestoredCommit, LostCommits>;

class PackedCommits {
 public:
  /// `pack` outlives this.
  explicit PackedCommits(PackReader& pack) : pack_(pack) {}

  NextCommit next();
  /// Goes on with the first commit of the block in which the one begins that lies at this offset of
  /// the segment.
  void seek(std::uint64_t segment_offset);
  /// Of the commit that next() returns.
  std::uint64_t offset() const noexcept;

 private:
  bool begin_block();
  LostCommits lose_block();
  std::optional<RestoredCommit> restore(FramedCommit const& commit);
  bool gather(std::uint32_t payloads, std::vector<std::string_view>& into);
  std::uint64_t begin_of(std::size_t block) const noexcept;

  PackReader& pack_;
  Decompressor decompressor_{};
  std::size_t block_ = 0;   ///< Whose commits are being restored,
  bool has_block_ = false;  ///< once it was read.
  std::vector<FramedCommit> commits_{};
  std::size_t next_commit_ = 0;
  /// From block_ on, as far as commits that begin in it go.
  std::deque<UnpackedBlock> unpacked_{};
  std::size_t payload_block_ = 0;  ///< In unpacked_: where the next payload is,
  std::size_t payload_ = 0;        ///< and its index in there.
  PackedBlock packed_{};

  std::uint64_t offset_ = 0;
  std::uint64_t commit_no_ = 0;
  std::uint32_t chain_ = 0;
  Seq seq_ = 0;
  CommitBuffer buffer_{};
};

}  // namespace stele::wal

// Writes a log as a whole, once, with the seqs that its payloads have already. Nobody reads it
// before it is finished.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/commit_buffer.hpp"
#include "wal/format/manifest.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Segments are laid out in memory and written when they are full; the last is no longer than it
/// has to be. MANIFEST comes last: until it is there the directory holds no log.
class SalvageWriter {
 public:
  /// `first_seq`: what lies below has expired. `entropy`: of the store id and the salts.
  SalvageWriter(Directory& directory, Seq first_seq, std::function<std::uint64_t()> entropy);

  /// Precondition: `first_seq` is not below any seq that was added.
  Result<void> add_group(WriterMark const& writer, Seq first_seq,
                         std::span<std::string_view const> payloads);
  Result<void> add_gap(Gap const& gap);
  /// The log goes on with `next_seq`.
  Result<void> finish(Seq next_seq);

 private:
  Result<void> open_commit(CommitKind kind, std::size_t bytes);
  Result<void> close_commit();
  void open_segment();
  Result<void> close_segment();

  Directory& directory_;
  std::function<std::uint64_t()> entropy_;
  Manifest manifest_{};
  SegmentHeader segment_{};
  AlignedBuffer image_{};
  std::size_t image_bytes_ = 0;
  CommitBuffer commit_{};
  CommitHeader header_{};  ///< Of the commit that is open.
  Seq next_seq_;
};

}  // namespace stele::wal

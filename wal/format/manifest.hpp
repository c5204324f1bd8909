// MANIFEST: which segments must be there. Without it nobody could know that the last one is gone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "wal/format/format.hpp"

namespace stele::wal {

/// Replaced as a whole (written beside, synced, renamed, directory synced), and only when a segment
/// is made or removed; never on the way of a commit.
struct Manifest {
  StoreId store_id{};
  std::uint64_t first_segment_no = 1;
  std::uint64_t last_segment_no = 0;  ///< 0: none was made yet. The last may be an unused spare.
  /// What the first commit of the first segment must carry: a log whose old segments retention
  /// removed begins there.
  std::uint64_t first_commit_no = wal::first_commit_no;
  std::uint32_t first_chain = wal::first_chain;
  Seq first_seq = 1;
  /// Known to be on disk when this was written.
  std::uint64_t durable_commit = 0;
  /// Not 0: the log was closed with durable_commit as its last commit, and would have gone on with
  /// this seq. A 1.0 log does not say it.
  Seq end_seq = 0;
  /// The salt of the last segment; 0: not known. Before 1.2 nobody says it.
  std::uint64_t last_salt = 0;
  /// Not 0: a copy of the log is being made here, whose new segments, from this one on, do not go
  /// on where the last one ends. They are no part of the log yet.
  std::uint64_t copied_from_segment_no = 0;
  /// Segments may have been packed: a program that does not know packs is to refuse the log, and
  /// not to take them for lost.
  bool has_packs = false;

  /// What lies before the first segment of the other one has expired.
  void begin_as(Manifest const& other) noexcept {
    first_segment_no = other.first_segment_no;
    first_commit_no = other.first_commit_no;
    first_chain = other.first_chain;
    first_seq = other.first_seq;
  }

  bool operator==(Manifest const&) const = default;
};

/// One block, so that it can be written directly.
inline constexpr std::size_t manifest_bytes = 4096;
using ManifestBytes = std::array<std::byte, manifest_bytes>;

void encode_manifest(Manifest const& manifest, std::span<std::byte, manifest_bytes> out) noexcept;
Decoded<Manifest> decode_manifest(std::span<std::byte const, manifest_bytes> bytes) noexcept;

}  // namespace stele::wal

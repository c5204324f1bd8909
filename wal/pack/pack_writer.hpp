// Makes a pack of the commits of one segment: a function of them, without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wal/pack/commit_frame.hpp"
#include "wal/pack/compressor.hpp"
#include "wal/pack/pack_format.hpp"
#include "wal/pack/parity.hpp"
#include "wal/pack_notes.hpp"

namespace stele::wal {

struct PackOptions {
  char separator = '\n';  ///< Between two payloads of a block.
  /// A block with that many bytes of payloads is full; one payload may be larger.
  std::size_t block_bytes = std::size_t{256} << 10;
  StripeGeometry geometry{};
  PackNotes* notes = nullptr;  ///< Outlives the writer; null: there are none.
  bool keeps_blocks = false;   ///< For take_blocks().
};

/// A commit as it lies in its segment: valid by conditions 1 to 5 of FORMAT.md.
struct PackedCommit {
  CommitHeader header{};
  std::uint32_t crc = 0;  ///< Of the header: the next commit's chain.
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
  std::span<std::byte const> body{};
};

enum class PackRefusal : std::uint8_t {
  out_of_order,  ///< It does not follow on the commit before it, in number, chain, seq or place.
  not_exact,     ///< It says something that a pack has no place for.
  too_large,     ///< A payload, or what belongs to one block, is larger than readers take.
};

/// add() in order, add_patch() behind that, finish() once. What take_output() gives stands one
/// after the other in the file. Holds a block, and a window of shards with the parity of those
/// before it.
class PackWriter {
 public:
  /// `compressor` outlives this.
  PackWriter(PackHeader const& header, PackOptions const& options, Compressor& compressor);
  PackWriter(PackWriter const&) = delete;
  PackWriter& operator=(PackWriter const&) = delete;
  ~PackWriter() = default;

  /// Nothing: it is in the pack. Else the segment cannot be packed; nothing more may be called.
  std::optional<PackRefusal> add(PackedCommit const& commit);
  /// Bytes of the segment that are not as the commits make them.
  std::optional<PackRefusal> add_patch(std::uint64_t segment_offset,
                                       std::span<std::byte const> bytes);
  void finish();

  /// Whole shards, those made since the last call; of all of it once finish() was called.
  std::vector<std::byte> take_output();
  PackDirectory const& directory() const noexcept { return directory_; }
  /// All with payloads, without their frames.
  std::vector<PackedBlock> take_blocks() noexcept { return std::move(blocks_); }

 private:
  bool is_next(PackedCommit const& commit) const noexcept;
  std::optional<PackRefusal> add_groups(PackedCommit const& commit, FramedCommit& framed);
  void add_payload(std::string_view payload, bool continues);
  bool is_empty() const noexcept;
  void begin_block();
  std::optional<PackRefusal> end_block();
  void emit(std::span<std::byte const> bytes);
  void note_gaps(std::span<std::byte const> body);
  std::vector<std::byte> encode_map(std::uint64_t directory_offset,
                                    std::uint32_t directory_bytes) const;

  PackOptions options_;
  Compressor& compressor_;
  PackDirectory directory_{};
  std::vector<PackedBlock> blocks_{};
  std::uint64_t commit_align_;

  // The block that gathers, and what the next commit must be.
  BlockHeader block_{};
  std::vector<std::byte> payloads_{};
  std::vector<std::byte> lengths_{};
  FrameWriter frame_{};
  Seq next_payload_ = 0;
  std::size_t patch_bytes_ = 0;

  std::vector<std::byte> output_{};
  std::size_t sharded_bytes_ = 0;  ///< Of output_: those that parity has.
  std::uint64_t body_bytes_ = 0;
  ParityWriter parity_;
};

}  // namespace stele::wal

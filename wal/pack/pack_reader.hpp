// Reads a pack, whatever its bytes are: its blocks, its payloads, and which of them are lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wal/file/read_ahead.hpp"
#include "wal/pack/commit_frame.hpp"
#include "wal/pack/compressor.hpp"
#include "wal/pack/pack_file.hpp"
#include "wal/pack/pack_format.hpp"

namespace stele::wal {

/// The payloads of a block.
struct UnpackedBlock {
  std::vector<std::byte> bytes{};     ///< With a separator between two of them.
  std::vector<std::uint32_t> ends{};  ///< Where each ends.

  /// Precondition: index < ends.size().
  std::string_view payload(std::size_t index) const noexcept;
};

/// `content` begins with the block's payloads and lengths. Reuses the memory of `into`. False: the
/// block does not hold what its header says, which a right checksum leaves to a defect.
bool unpack_payloads(BlockHeader const& header, std::span<std::byte const> content,
                     Decompressor& decompressor, UnpackedBlock& into);
inline bool unpack_payloads(PackedBlock const& block, Decompressor& decompressor,
                            UnpackedBlock& into) {
  return unpack_payloads(block.header, block.bytes, decompressor, into);
}
/// The commits that begin in the block; nothing: as above.
std::optional<std::vector<FramedCommit>> unpack_commits(PackedBlock const& block,
                                                        Decompressor& decompressor);

/// Seqs that a pack cannot give any more.
struct LostSeqs {
  Seq first = 0;
  Seq last = 0;

  bool operator==(LostSeqs const&) const = default;
};

class PackReader {
 public:
  /// Errc::unsupported_version, or Errc::damaged if nothing says any more what it is. `file`
  /// outlives the reader.
  static Result<std::unique_ptr<PackReader>> open(File& file);

  PackHeader const& header() const noexcept { return directory_.header; }
  /// Null: the directory is lost; the blocks below were found one by one.
  PackSummary const* summary() const noexcept {
    return has_directory_ ? &directory_.summary : nullptr;
  }
  std::vector<BlockHeader> const& blocks() const noexcept { return directory_.blocks; }
  std::vector<Patch> const& patches() const noexcept { return directory_.patches; }
  std::span<std::byte const> note() const noexcept { return directory_.note; }

  /// Whether the block was read, repaired if need be. Precondition: index < blocks().size().
  bool read_block(std::size_t index, PackedBlock& into);
  /// The same for who reads all of them in order: `reader` has opened the file of the pack.
  bool read_block(std::size_t index, PackedBlock& into, ReadAhead& reader);
  File& file() noexcept { return raw_file_; }

  /// Shards that were made again so far.
  std::size_t repaired_shards() const noexcept { return file_.repaired().size(); }

  struct Check {
    std::vector<std::uint64_t> bad_shards{};  ///< They are not as they were written,
    bool wrong_size = false;                  ///< or the file is longer or shorter.
    bool directory_lost = false;
    std::vector<LostSeqs> lost{};  ///< Ascending. Without a directory: behind the last block that
                                   ///< was found there may be more.
    bool is_intact() const noexcept {
      return bad_shards.empty() && !wrong_size && !directory_lost && lost.empty();
    }
  };
  /// Reads all of it.
  Check check();

 private:
  explicit PackReader(File& file) : raw_file_(file), file_(file) {}
  std::optional<Failure> load();
  HeaderFault const* load_header();
  HeaderFault const* load_directory(std::uint64_t offset, std::uint64_t bytes);
  bool take_directory(PackDirectory&& found, std::uint64_t offset);
  void scan_blocks();
  std::optional<BlockHeader> block_at(std::uint64_t offset);
  bool is_directory_at(std::uint64_t offset);
  bool is_right(PackedBlock const& block) const noexcept;

  File& raw_file_;
  PackFile file_;
  PackDirectory directory_{};
  bool has_header_ = false;
  bool has_directory_ = false;
};

}  // namespace stele::wal

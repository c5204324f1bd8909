// What commits say besides their payloads, in columns, so that it compresses well.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "wal/pack/pack_format.hpp"
#include "wal/varint.hpp"

namespace stele::wal {

struct FramedGroup {
  WriterMark writer{};
  std::uint32_t payload_count = 0;

  bool operator==(FramedGroup const&) const = default;
};

/// One commit without its payloads: number, salt, first_seq, chain and checksums follow from what
/// is before it and what is in it.
struct FramedCommit {
  CommitKind kind = CommitKind::entries;
  std::uint64_t durable_commit = 0;
  std::vector<FramedGroup> groups{};
  std::vector<std::byte> gap_body{};  ///< Of kind gap.

  bool operator==(FramedCommit const&) const = default;
};

/// Gathers the commits that begin in one block.
class FrameWriter {
 public:
  void add(FramedCommit const& commit, std::uint64_t commit_no);
  std::uint32_t commit_count() const noexcept { return commit_count_; }
  std::size_t bytes() const noexcept;
  /// The frame; begins the next one.
  std::vector<std::byte> take();

  static constexpr std::size_t columns = 6;

 private:
  struct Writer {
    std::uint64_t index = 0;
    std::uint64_t write_no = 0;
  };
  void add_group(FramedGroup const& group);

  std::array<std::vector<std::byte>, columns> columns_{};
  std::map<WriterId, Writer> writers_{};
  std::uint32_t commit_count_ = 0;
};

/// Reads what FrameWriter wrote, whatever the bytes are.
class FrameReader {
 public:
  /// Keeps no copy of the frame.
  explicit FrameReader(std::span<std::byte const> frame) noexcept;

  /// The next one; nothing if there is none, or the bytes are not a frame.
  std::optional<FramedCommit> next(std::uint64_t commit_no);
  /// Whether all of it was read.
  bool at_end() const noexcept;

 private:
  struct Writer {
    WriterId id{};
    std::uint64_t write_no = 0;
  };
  bool read_groups(FramedCommit& commit);
  bool read_gap_body(FramedCommit& commit);
  std::optional<WriterMark> read_writer();

  std::array<std::span<std::byte const>, FrameWriter::columns> columns_{};
  bool is_frame_ = true;
  std::vector<Writer> writers_{};
};

}  // namespace stele::wal

// The groups of one commit, laid out as they will lie on disk. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/format.hpp"

namespace stele::wal {

/// Life: add_group() any number of times, then seal() once; clear() begins the next life and keeps
/// the memory, so that steady work allocates nothing.
///
///   | commit header | group header | record | record | group header | record | padding |
///   0               64                                               ^size_
class CommitBuffer {
 public:
  CommitBuffer() = default;

  void add_group(WriterMark const& writer, std::span<std::string_view const> payloads);
  void add_gap(Gap const& gap);
  /// A gap record that is encoded already.
  void add_record(std::span<std::byte const, gap_record_bytes> record);

  /// Completes the header (payload_count, body_bytes and body_crc are filled in here) and pads to
  /// a multiple of `commit_align`. The bytes are to be written at once and live until clear().
  std::span<std::byte const> seal(CommitHeader header, std::size_t commit_align);

  /// The header's own checksum, once sealed: the chain value of the next commit.
  std::uint32_t chain() const noexcept { return chain_; }

  std::size_t body_bytes() const noexcept { return size_ - commit_header_bytes; }
  std::uint32_t payload_count() const noexcept { return payload_count_; }
  std::size_t payload_bytes() const noexcept { return payload_bytes_; }
  bool empty() const noexcept { return size_ == commit_header_bytes; }

  void clear() noexcept;
  /// Gives back what only large groups need. Memory that is new to the process costs many times
  /// what it takes to fill it: so not between two of them. Precondition: empty().
  void shrink() noexcept;
  std::size_t capacity() const noexcept { return memory_.capacity(); }

 private:
  std::byte* extend(std::size_t bytes);

  AlignedBuffer memory_{};
  std::size_t size_ = commit_header_bytes;
  std::uint32_t payload_count_ = 0;
  std::size_t payload_bytes_ = 0;
  std::uint32_t chain_ = 0;
};

}  // namespace stele::wal

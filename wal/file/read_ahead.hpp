// Reads a file from front to back: while one piece is looked at, the next is on its way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wal/format/aligned_buffer.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Shows any stretch of a file as one run of bytes. What is asked for in rising order is there
/// before it is asked for, in pieces that grow from 64 KiB to 4 MiB; anything else, and what lies
/// beside bytes that the device does not give, is read when it is asked for.
///
/// Two pieces of memory take turns. A stretch that begins in one and ends in the next is made whole
/// by copying its beginning in front of the next:
///
///   one    |      |.....####|          ####  the stretch, up to the end of this piece
///   next   |  ####|###......|                and copied before the rest of it
///          0      ^room_bytes
class ReadAhead {
 public:
  /// `directory` outlives this, and every file that it reads.
  explicit ReadAhead(Directory& directory);
  ReadAhead(ReadAhead const&) = delete;
  ReadAhead& operator=(ReadAhead const&) = delete;
  ~ReadAhead();

  /// Reads this file from now on, until close().
  void open(File& file);
  /// Waits for what is on its way.
  void close();

  struct View {
    std::span<std::byte const> bytes{};  ///< Fewer than asked: the file ends there.
    bool readable = true;
  };
  /// Valid until the next call.
  View view(std::uint64_t offset, std::size_t bytes);

 private:
  struct Piece final : Completion {
    void on_complete(boost::system::error_code result) noexcept override;
    void forget() noexcept;

    AlignedBuffer memory{};
    std::byte* start = nullptr;  ///< Of the byte at `begin` in the file.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool in_flight = false;
    boost::system::error_code error{};
  };

  bool shows(std::uint64_t offset, std::size_t bytes) const noexcept;
  bool fetch(std::uint64_t offset, std::size_t bytes);
  bool turn(std::uint64_t offset);
  bool load(std::uint64_t offset, std::uint64_t end);
  void request_next();
  void await(Piece const& piece);

  Directory& directory_;
  File* file_ = nullptr;
  std::uint64_t file_end_ = 0;  ///< Up to the last whole block.
  std::array<Piece, 2> pieces_{};
  Piece* shown_ = &pieces_[0];
  Piece* next_ = &pieces_[1];
  std::size_t piece_bytes_ = 0;  ///< Of the next large read.
  /// For a piece, and as much again in front of it for what is copied there: no more than the file
  /// can need.
  std::size_t room_bytes_ = 0;
  /// Up to here the device refuses some of what it was asked for at once: no more than what is
  /// needed is read.
  std::uint64_t refused_end_ = 0;
};

}  // namespace stele::wal

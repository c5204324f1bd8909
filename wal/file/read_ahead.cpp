#include "wal/file/read_ahead.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>
#include <utility>

#include "wal/format/format.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t piece_bytes_min = std::size_t{64} << 10;
constexpr std::size_t piece_bytes_max = std::size_t{4} << 20;
std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) noexcept {
  return value / alignment * alignment;
}

}  // namespace

void ReadAhead::Piece::on_complete(boost::system::error_code result) noexcept {
  in_flight = false;
  error = result;
}

void ReadAhead::Piece::forget() noexcept {
  begin = end = 0;
  error = {};
}

ReadAhead::ReadAhead(Directory& directory) : directory_(directory) {}

ReadAhead::~ReadAhead() { close(); }

void ReadAhead::open(File& file) {
  close();
  file_ = &file;
  auto const size = file.size();
  file_end_ = size ? align_down(size.value(), directory_.alignment()) : 0;
  auto const all = align_up(size ? size.value() : 0, AlignedBuffer::alignment);
  room_bytes_ = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes_max, all));
  piece_bytes_ = piece_bytes_min;
  refused_end_ = 0;
}

void ReadAhead::close() {
  for (auto& piece : pieces_) {
    await(piece);
    piece.forget();
  }
  file_ = nullptr;
}

ReadAhead::View ReadAhead::view(std::uint64_t offset, std::size_t bytes) {
  if (!shows(offset, bytes) && !fetch(offset, bytes)) return {.readable = false};
  if (offset >= shown_->end) return {};
  auto const count = std::min<std::uint64_t>(bytes, shown_->end - offset);
  return {.bytes = {shown_->start + (offset - shown_->begin), static_cast<std::size_t>(count)}};
}

bool ReadAhead::shows(std::uint64_t offset, std::size_t bytes) const noexcept {
  return offset >= shown_->begin && offset + bytes <= shown_->end;
}

/// Afterwards the bytes are shown, or those of them that the file has. False if the device does not
/// give them.
bool ReadAhead::fetch(std::uint64_t offset, std::size_t bytes) {
  auto const end = offset + bytes;
  // Who goes on is read ahead for, and not who takes one look: many files get no more than that.
  bool const goes_on =
      shown_->begin < shown_->end && shown_->begin <= offset && offset <= shown_->end;
  bool const nothing_sent_for = next_->begin == next_->end;
  if (goes_on && nothing_sent_for && shown_->end >= refused_end_) request_next();
  while (turn(offset)) {
    if (shows(offset, bytes)) return true;
  }
  // A large read first; if the device refuses some sector of it, only what was asked for.
  if (offset >= refused_end_) {
    if (load(offset, std::max(end, offset + piece_bytes_))) return true;
    refused_end_ = offset + piece_bytes_;
  }
  return load(offset, end);
}

/// Shows the next piece, and in front of it what is shown now from `offset` on. False if the next
/// piece does not follow, or did not come.
bool ReadAhead::turn(std::uint64_t offset) {
  await(*next_);
  if (next_->error) {
    refused_end_ = next_->end;
    next_->forget();
  }
  bool const follows = next_->begin == shown_->end && next_->begin < next_->end;
  if (!follows || offset < shown_->begin || offset > shown_->end) return false;
  auto const kept_begin = align_down(offset, directory_.alignment());
  auto const kept = static_cast<std::size_t>(shown_->end - kept_begin);
  if (kept > room_bytes_) return false;
  next_->start -= kept;
  std::memcpy(next_->start, shown_->start + (kept_begin - shown_->begin), kept);
  next_->begin -= kept;
  std::swap(shown_, next_);
  request_next();
  return true;
}

/// Reads now. False if the device refuses.
bool ReadAhead::load(std::uint64_t offset, std::uint64_t end) {
  await(*next_);
  next_->forget();
  shown_->forget();
  auto const alignment = directory_.alignment();
  auto const begin = align_down(offset, alignment);
  auto const bytes = static_cast<std::size_t>(align_up(end, alignment) - begin);
  shown_->memory.reserve(room_bytes_ + std::max(bytes, room_bytes_), 0);
  shown_->start = shown_->memory.data() + room_bytes_;
  auto const read = file_->read_at(begin, {shown_->start, bytes});
  if (!read) return false;
  shown_->begin = begin;
  shown_->end = begin + read.value();
  return true;
}

/// Sends for what follows on what is shown.
void ReadAhead::request_next() {
  auto const begin = shown_->end;
  next_->forget();
  if (begin >= file_end_ || begin % directory_.alignment() != 0) return;
  piece_bytes_ = std::min(piece_bytes_ * 2, piece_bytes_max);
  auto const bytes = std::min<std::uint64_t>(piece_bytes_, file_end_ - begin);
  next_->memory.reserve(room_bytes_ + room_bytes_, 0);
  next_->start = next_->memory.data() + room_bytes_;
  next_->begin = begin;
  next_->end = begin + bytes;
  next_->in_flight = true;
  file_->read(begin, {next_->start, static_cast<std::size_t>(bytes)}, *next_);
}

void ReadAhead::await(Piece const& piece) {
  while (piece.in_flight) directory_.wait();
}

}  // namespace stele::wal

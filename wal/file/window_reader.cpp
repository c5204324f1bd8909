#include "wal/file/window_reader.hpp"

#include <algorithm>
#include <cstring>

namespace stele::wal {
namespace {

constexpr std::size_t window_bytes_min = std::size_t{64} << 10;
constexpr std::size_t window_bytes_max = AlignedBuffer::large_page_bytes;
/// Whatever the alignment of a directory is, this is a multiple of it.
constexpr std::size_t block_bytes = AlignedBuffer::alignment;

}  // namespace

bool WindowReader::read(std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    bool const is_there = begin_ <= offset && offset < end_;
    if (!is_there && !load(offset)) return false;
    auto const count =
        static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), end_ - offset));
    std::memcpy(into.data(), window_.data() + (offset - begin_), count);
    into = into.subspan(count);
    offset += count;
  }
  return true;
}

bool WindowReader::load(std::uint64_t offset) {
  window_.reserve(window_bytes_max, 0);
  auto const begin = offset / block_bytes * block_bytes;
  bool const goes_on = window_bytes_ > 0 && begin == end_;
  window_bytes_ = goes_on ? std::min(2 * window_bytes_, window_bytes_max) : window_bytes_min;
  begin_ = end_ = begin;
  auto loaded = file_.read_at(begin_, {window_.data(), window_bytes_});
  // The device refuses some sector of it: perhaps none that is needed now.
  if (!loaded) loaded = file_.read_at(begin_, {window_.data(), block_bytes});
  if (!loaded) return false;
  end_ += *loaded;
  return offset < end_;
}

}  // namespace stele::wal

#include "wal/pack/pack_file.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <cstring>

#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

std::uint64_t align_down(std::uint64_t value) noexcept { return value / shard_bytes * shard_bytes; }

}  // namespace

PackFile::PackFile(File& file) : reader_(file) {
  if (auto const size = file.size()) size_ = size.value();
  find_map();
}

bool PackFile::read(std::uint64_t offset, std::span<std::byte> into) {
  return offset <= size_ && into.size() <= size_ - offset && reader_.read(offset, into);
}

bool PackFile::read_shard(std::uint64_t shard, Shard into) {
  return read(shard * shard_bytes, into);
}

/// The last shard is one of the map, unless it is damaged, or the file is shorter or longer.
void PackFile::find_map() {
  std::vector<std::byte> bytes(shard_bytes);
  auto const shard = std::span(bytes).first<shard_bytes>();
  auto const decode = [&](std::uint64_t number) -> std::optional<PackMap> {
    if (!read_shard(number, shard)) return std::nullopt;
    auto const decoded = decode_pack_map(shard);
    auto const* map = std::get_if<PackMap>(&decoded);
    return map != nullptr ? std::optional(*map) : std::nullopt;
  };
  auto const shards = size_ / shard_bytes;
  for (auto number = shards; number-- > 0 && !map_;) {
    auto const found = decode(number);
    // A forged one costs no more memory than the file takes.
    if (found &&
        PackLayout(found->data_shards, found->geometry).total_shards() <= 2 * shards + 16) {
      map_ = found;
    }
  }
  if (!map_) return;
  layout_.emplace(map_->data_shards, map_->geometry);
  code_.emplace(map_->geometry);
  crcs_.resize(static_cast<std::size_t>(layout_->data_shards + layout_->parity_shards));
  for (auto const first : {layout_->first_map(), layout_->second_map()}) {
    for (std::uint64_t i = 0; i < layout_->map_shards; ++i) {
      if (auto const found = decode(first + i); found && found->index == i) take_map(*found);
    }
  }
}

/// Whether it says the same as what is known already.
bool PackFile::is_ours(PackMap const& map) const {
  if (map.salt != map_->salt || map.data_shards != map_->data_shards ||
      map.geometry != map_->geometry || map.directory_offset != map_->directory_offset) {
    return false;
  }
  auto const begin = std::size_t{map.index} * map_crcs;
  for (std::size_t i = 0; i < map_crcs && begin + i < crcs_.size(); ++i) {
    if (crcs_[begin + i].value_or(map.crcs[i]) != map.crcs[i]) return false;
  }
  return true;
}

void PackFile::take_map(PackMap const& map) {
  if (!is_ours(map)) return;
  auto const begin = std::size_t{map.index} * map_crcs;
  for (std::size_t i = 0; i < map_crcs && begin + i < crcs_.size(); ++i) {
    crcs_[begin + i] = map.crcs[i];
  }
}

std::optional<bool> PackFile::is_right(std::uint64_t shard,
                                       std::span<std::byte const> bytes) const {
  auto const index = layout_->crc_index(shard);
  if (!index || !crcs_[static_cast<std::size_t>(*index)]) return std::nullopt;
  return *crcs_[static_cast<std::size_t>(*index)] == crc32c(bytes);
}

/// The shards of its stripe, of data and then of parity.
std::vector<std::uint64_t> PackFile::stripe_of(std::uint64_t data_shard) const {
  auto const& geometry = layout_->geometry;
  auto const window = data_shard / geometry.window;
  auto const begin = window * geometry.window;
  auto const end = std::min<std::uint64_t>(begin + geometry.window, layout_->data_shards);
  auto const stripes = layout_->stripes_of_window(window);
  auto const number = (data_shard - begin) % stripes;
  std::vector<std::uint64_t> stripe;
  for (auto at = begin + number; at < end; at += stripes) stripe.push_back(at);
  // All windows before this one are whole.
  auto const stripes_before =
      window * ((geometry.window + geometry.data - 1) / geometry.data) + number;
  for (std::uint32_t i = 0; i < geometry.parity; ++i) {
    stripe.push_back(layout_->first_parity() + stripes_before * geometry.parity + i);
  }
  return stripe;
}

bool PackFile::restore(std::uint64_t shard, Shard into) {
  auto const stripe = stripe_of(shard);
  std::vector<std::byte> memory(stripe.size() * shard_bytes);
  std::vector<std::byte*> shards;
  std::vector<std::size_t> lost;
  for (std::size_t i = 0; i < stripe.size(); ++i) {
    Shard const bytes(shards.emplace_back(memory.data() + i * shard_bytes), shard_bytes);
    bool const is_there =
        read_shard(stripe[i], bytes) && is_right(stripe[i], bytes).value_or(false);
    if (!is_there) lost.push_back(i);
  }
  if (!code_->restore(shards, lost)) return false;
  auto const wanted = std::ranges::find(stripe, shard) - stripe.begin();
  auto const* made = shards[static_cast<std::size_t>(wanted)];
  if (!is_right(shard, {made, shard_bytes}).value_or(false)) return false;
  std::memcpy(into.data(), made, shard_bytes);
  return true;
}

bool PackFile::read_repaired(std::uint64_t offset, std::span<std::byte> into) {
  if (!layout_) return false;
  auto const end = offset + into.size();
  if (end > layout_->data_shards * shard_bytes || end < offset) return false;
  std::vector<std::byte> memory(shard_bytes);
  auto const bytes = std::span(memory).first<shard_bytes>();
  for (auto at = align_down(offset); at < end; at += shard_bytes) {
    auto const shard = at / shard_bytes;
    bool const is_read = read_shard(shard, bytes);
    if (!is_read || !is_right(shard, bytes).value_or(false)) {
      if (!restore(shard, bytes)) return false;
      repaired_.insert(shard);
    }
    auto const begin = std::max(offset, at);
    auto const count = std::min(end, at + shard_bytes) - begin;
    std::memcpy(into.data() + (begin - offset), bytes.data() + (begin - at),
                static_cast<std::size_t>(count));
  }
  return true;
}

PackFile::Check PackFile::check() {
  Check found;
  if (!layout_) {
    found.wrong_size = true;
    return found;
  }
  found.wrong_size = size_ != layout_->total_shards() * shard_bytes;
  std::vector<std::byte> memory(shard_bytes);
  auto const bytes = std::span(memory).first<shard_bytes>();
  for (std::uint64_t shard = 0; shard < layout_->total_shards(); ++shard) {
    bool right = read_shard(shard, bytes);
    if (right && layout_->crc_index(shard)) {
      right = is_right(shard, bytes).value_or(true);
    } else if (right) {
      auto const first =
          shard >= layout_->second_map() ? layout_->second_map() : layout_->first_map();
      auto const decoded = decode_pack_map(bytes);
      auto const* map = std::get_if<PackMap>(&decoded);
      right = map != nullptr && map->index == shard - first && is_ours(*map);
    }
    if (!right) found.bad.insert(shard);
  }
  for (auto const shard : found.bad) {
    if (shard < layout_->data_shards && !restore(shard, bytes)) found.lost.insert(shard);
  }
  return found;
}

}  // namespace stele::wal

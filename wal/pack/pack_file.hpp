// The shards of a pack: read, checked against the map, and made again from parity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "wal/file/window_reader.hpp"
#include "wal/pack/pack_format.hpp"
#include "wal/pack/parity.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Bytes of a pack by their place. What the device gives is taken as it is by read(), for who has a
/// checksum of his own, and repaired by read_repaired().
class PackFile {
 public:
  /// `file` outlives this. Whatever its bytes are.
  explicit PackFile(File& file);
  PackFile(PackFile const&) = delete;
  PackFile& operator=(PackFile const&) = delete;

  /// False: the device does not give them, or the file ends before them.
  bool read(std::uint64_t offset, std::span<std::byte> into);
  /// Data shards only: each is right by the map's checksum. False: too many shards of a stripe are
  /// lost, or the map is.
  bool read_repaired(std::uint64_t offset, std::span<std::byte> into);

  std::uint64_t size() const noexcept { return size_; }
  /// One of its shards; null: none is there.
  PackMap const* map() const noexcept { return map_ ? &*map_ : nullptr; }
  /// Those that were not as they must be, and were made again in read_repaired().
  std::set<std::uint64_t> const& repaired() const noexcept { return repaired_; }

  /// Looks at each shard. Those that are not as they must be: by themselves, and of the data those
  /// that cannot be made again.
  struct Check {
    std::set<std::uint64_t> bad{};
    std::set<std::uint64_t> lost{};
    bool wrong_size = false;  ///< The file is shorter or longer than the map says.
  };
  Check check();

 private:
  using Shard = std::span<std::byte, shard_bytes>;
  void find_map();
  bool is_ours(PackMap const& map) const;
  void take_map(PackMap const& map);
  bool read_shard(std::uint64_t shard, Shard into);
  /// Whether the bytes have the checksum that the map has for it; nothing: it has none.
  std::optional<bool> is_right(std::uint64_t shard, std::span<std::byte const> bytes) const;
  bool restore(std::uint64_t shard, Shard into);

  std::vector<std::uint64_t> stripe_of(std::uint64_t data_shard) const;

  WindowReader reader_;
  std::uint64_t size_ = 0;
  std::optional<PackMap> map_{};
  std::optional<PackLayout> layout_{};
  std::vector<std::optional<std::uint32_t>> crcs_{};  ///< Of data, then of parity.
  std::optional<StripeCode> code_{};
  std::set<std::uint64_t> repaired_{};
};

}  // namespace stele::wal

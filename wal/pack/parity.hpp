// Reed-Solomon parity over the shards of a stripe: as many as there is parity are made again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "wal/pack/pack_format.hpp"

namespace stele::wal {

/// The shards of one stripe: those of data, geometry.data of them or fewer, then those of parity.
using StripeShards = std::span<std::byte* const>;

class StripeCode {
 public:
  explicit StripeCode(StripeGeometry const& geometry);

  /// Fills the parity of the stripe that has this data.
  void encode(std::span<std::byte const* const> data, std::span<std::byte* const> parity) const;

  /// Makes the shards named by `lost` (their numbers in the stripe, ascending) from the others.
  /// False: those of data are more than there is parity left. Lost parity stays lost.
  bool restore(StripeShards shards, std::span<std::size_t const> lost) const;

 private:
  StripeGeometry geometry_;
  std::vector<std::uint8_t> matrix_{};  ///< A row of geometry.data coefficients for each shard.
};

/// Takes the data shards of a pack in order; has their checksums, and makes their parity window by
/// window.
class ParityWriter {
 public:
  explicit ParityWriter(StripeGeometry const& geometry);

  void add(std::span<std::byte const, shard_bytes> shard);
  void finish();

  std::uint64_t data_shards() const noexcept { return data_crcs_.size(); }
  std::vector<std::uint32_t> const& data_crcs() const noexcept { return data_crcs_; }
  std::vector<std::uint32_t> const& parity_crcs() const noexcept { return parity_crcs_; }
  std::span<std::byte const> parity() const noexcept { return parity_; }

 private:
  void close_window();

  StripeGeometry geometry_;
  StripeCode code_;
  std::vector<std::byte> window_{};
  std::vector<std::byte> parity_{};
  std::vector<std::uint32_t> data_crcs_{};
  std::vector<std::uint32_t> parity_crcs_{};
};

}  // namespace stele::wal

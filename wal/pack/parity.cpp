#include "wal/pack/parity.hpp"

#include <isa-l/erasure_code.h>

#include <algorithm>
#include <array>
#include <boost/assert.hpp>

#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t table_bytes = 32;  // ISA-L's, of each coefficient.

/// out[r] = the sum of coefficients[r][i] * in[i].
void multiply(std::span<std::uint8_t> coefficients, std::span<unsigned char*> in,
              std::span<unsigned char*> out) {
  std::vector<std::uint8_t> tables(table_bytes * in.size() * out.size());
  auto const inputs = static_cast<int>(in.size());
  auto const outputs = static_cast<int>(out.size());
  ec_init_tables(inputs, outputs, coefficients.data(), tables.data());
  ec_encode_data(static_cast<int>(shard_bytes), inputs, outputs, tables.data(), in.data(),
                 out.data());
}

unsigned char* as_uchar(std::byte const* bytes) noexcept {
  // ISA-L does not write through the pointers of its input.
  return reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes));
}

}  // namespace

StripeCode::StripeCode(StripeGeometry const& geometry) : geometry_(geometry) {
  auto const shards = geometry.data + geometry.parity;
  matrix_.resize(std::size_t{shards} * geometry.data);
  // The identity, and a Cauchy matrix below it: each square part of that can be inverted.
  gf_gen_cauchy1_matrix(matrix_.data(), static_cast<int>(shards), static_cast<int>(geometry.data));
}

void StripeCode::encode(std::span<std::byte const* const> data,
                        std::span<std::byte* const> parity) const {
  BOOST_ASSERT(data.size() <= geometry_.data && parity.size() == geometry_.parity);
  std::vector<std::uint8_t> coefficients;
  for (std::size_t row = 0; row < parity.size(); ++row) {
    auto const begin =
        matrix_.begin() + static_cast<std::ptrdiff_t>((geometry_.data + row) * geometry_.data);
    coefficients.insert(coefficients.end(), begin,
                        begin + static_cast<std::ptrdiff_t>(data.size()));
  }
  std::vector<unsigned char*> in;
  std::vector<unsigned char*> out;
  for (auto const* shard : data) in.push_back(as_uchar(shard));
  for (auto* shard : parity) out.push_back(as_uchar(shard));
  multiply(coefficients, in, out);
}

// The parity rows that are there, without what the data that is there adds to them, are a small
// matrix (a part of Cauchy's, so it can be inverted) times what is lost.
bool StripeCode::restore(StripeShards shards, std::span<std::size_t const> lost) const {
  auto const data = shards.size() - geometry_.parity;
  auto const is_lost = [&](std::size_t shard) { return std::ranges::binary_search(lost, shard); };
  auto const coefficient = [&](std::size_t parity, std::size_t shard) {
    return matrix_[(geometry_.data + parity - data) * geometry_.data + shard];
  };
  auto const unknown = std::vector(lost.begin(), std::ranges::lower_bound(lost, data));
  auto const count = unknown.size();
  std::vector<std::size_t> known;  // First as many of parity as there are unknown, then the data.
  for (auto shard = data; shard < shards.size() && known.size() < count; ++shard) {
    if (!is_lost(shard)) known.push_back(shard);
  }
  if (known.size() < count) return false;
  if (count == 0) return true;
  std::vector<std::uint8_t> system;
  for (auto const parity : known) {
    for (auto const shard : unknown) system.push_back(coefficient(parity, shard));
  }
  std::vector<std::uint8_t> inverse(count * count);
  if (gf_invert_matrix(system.data(), inverse.data(), static_cast<int>(count)) != 0) return false;

  for (std::size_t shard = 0; shard < data; ++shard) {
    if (!is_lost(shard)) known.push_back(shard);
  }
  std::vector<std::uint8_t> coefficients;
  for (std::size_t i = 0; i < count; ++i) {
    auto const of_row = std::span(inverse).subspan(i * count, count);
    coefficients.insert(coefficients.end(), of_row.begin(), of_row.end());
    for (auto const shard : std::span(known).subspan(count)) {
      std::uint8_t sum = 0;
      for (std::size_t j = 0; j < count; ++j)
        sum ^= gf_mul(of_row[j], coefficient(known[j], shard));
      coefficients.push_back(sum);
    }
  }
  std::vector<unsigned char*> in;
  std::vector<unsigned char*> out;
  for (auto const shard : known) in.push_back(as_uchar(shards[shard]));
  for (auto const shard : unknown) out.push_back(as_uchar(shards[shard]));
  multiply(coefficients, in, out);
  return true;
}

ParityWriter::ParityWriter(StripeGeometry const& geometry) : geometry_(geometry), code_(geometry) {}

void ParityWriter::add(std::span<std::byte const, shard_bytes> shard) {
  data_crcs_.push_back(crc32c(shard));
  window_.insert(window_.end(), shard.begin(), shard.end());
  if (window_.size() == geometry_.window * shard_bytes) close_window();
}

void ParityWriter::finish() {
  if (!window_.empty()) close_window();
}

void ParityWriter::close_window() {
  auto const shards = window_.size() / shard_bytes;
  auto const stripes = (shards + geometry_.data - 1) / geometry_.data;
  for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
    std::vector<std::byte const*> data;
    for (auto at = stripe; at < shards; at += stripes) {
      data.push_back(window_.data() + at * shard_bytes);
    }
    auto const begin = parity_.size();
    parity_.resize(begin + geometry_.parity * shard_bytes);
    std::vector<std::byte*> out;
    for (auto at = begin; at < parity_.size(); at += shard_bytes) {
      out.push_back(parity_.data() + at);
    }
    code_.encode(data, out);
    for (auto const* shard : out) parity_crcs_.push_back(crc32c({shard, shard_bytes}));
  }
  window_.clear();
}

}  // namespace stele::wal

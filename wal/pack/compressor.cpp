#include "wal/pack/compressor.hpp"

#include <zstd.h>

#include <boost/assert.hpp>
#include <new>

namespace stele::wal {
namespace {

constexpr int zstd_level = 1;

PackedPart append_raw(std::span<std::byte const> bytes, std::vector<std::byte>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
  auto const count = static_cast<std::uint32_t>(bytes.size());
  return {.codec = Codec::raw, .bytes = count, .raw_bytes = count};
}

class RawCompressor final : public Compressor {
 public:
  PackedPart append(std::span<std::byte const> bytes, std::vector<std::byte>& out) override {
    return append_raw(bytes, out);
  }
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }

  PackedPart append(std::span<std::byte const> bytes, std::vector<std::byte>& out) override {
    auto const begin = out.size();
    out.resize(begin + ZSTD_compressBound(bytes.size()));
    auto const packed = ZSTD_compressCCtx(context_, out.data() + begin, out.size() - begin,
                                          bytes.data(), bytes.size(), zstd_level);
    bool const shrinks = ZSTD_isError(packed) == 0 && packed < bytes.size();
    out.resize(begin + (shrinks ? packed : 0));
    if (!shrinks) return append_raw(bytes, out);
    return {.codec = Codec::zstd,
            .bytes = static_cast<std::uint32_t>(packed),
            .raw_bytes = static_cast<std::uint32_t>(bytes.size())};
  }

 private:
  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Compressor> make_zstd_compressor() { return std::make_unique<ZstdCompressor>(); }
std::unique_ptr<Compressor> make_raw_compressor() { return std::make_unique<RawCompressor>(); }

struct Decompressor::Context {
  Context() : zstd(ZSTD_createDCtx()) {
    if (zstd == nullptr) throw std::bad_alloc();
  }
  Context(Context const&) = delete;
  Context& operator=(Context const&) = delete;
  ~Context() { ZSTD_freeDCtx(zstd); }

  ZSTD_DCtx* zstd;
};

Decompressor::Decompressor() : context_(std::make_unique<Context>()) {}
Decompressor::~Decompressor() = default;

bool Decompressor::unpack(PackedPart const& part, std::span<std::byte const> bytes,
                          std::vector<std::byte>& out) {
  BOOST_ASSERT(bytes.size() == part.bytes);
  if (part.codec == Codec::raw) {
    out.assign(bytes.begin(), bytes.end());
    return bytes.size() == part.raw_bytes;
  }
  out.resize(part.raw_bytes);
  auto const unpacked =
      ZSTD_decompressDCtx(context_->zstd, out.data(), out.size(), bytes.data(), bytes.size());
  return ZSTD_isError(unpacked) == 0 && unpacked == part.raw_bytes;
}

}  // namespace stele::wal

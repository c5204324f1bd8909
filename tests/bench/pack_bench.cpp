// How small a log becomes when its segments are packed, and how fast: the payloads of a log
// directory, by compressor and size of block, and as a whole pack.
#include <lz4.h>
#include <zstd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/made_segment.hpp"
#include "wal/file/read_ahead.hpp"
#include "wal/io/disk_directory.hpp"
#include "wal/recover/log_reading.hpp"

namespace {

using namespace stele::wal;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Payloads final : RecoverySink {
  void on_payload(Seq /*seq*/, std::string_view payload) override { all.emplace_back(payload); }

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (auto const& payload : all) sum += payload.size();
    return sum;
  }
  /// Lines of all sources in any order, with six random digits at the end of each message.
  void interleave() {
    std::mt19937_64 random(1);
    std::shuffle(all.begin(), all.end(), random);
    for (auto& payload : all) {
      auto const end = payload.find("\",\"metadata\"");
      if (end == std::string::npos) continue;
      auto const digits = std::to_string(1'000'000 + random() % 1'000'000);
      payload.insert(end, " " + digits.substr(1));
    }
  }

  std::vector<std::string> all{};
};

struct Compression {
  std::string name{};
  std::function<std::size_t(std::string const& from, std::string& into)> pack{};
  std::function<void(std::string_view from, std::string& into)> unpack{};
};

std::vector<Compression> compressions() {
  auto const zstd = [](int level) {
    return Compression{"zstd -" + std::to_string(level),
                       [level](std::string const& from, std::string& into) {
                         return ZSTD_compress(into.data(), into.size(), from.data(), from.size(),
                                              level);
                       },
                       [](std::string_view from, std::string& into) {
                         (void)ZSTD_decompress(into.data(), into.size(), from.data(), from.size());
                       }};
  };
  Compression const lz4{"LZ4",
                        [](std::string const& from, std::string& into) {
                          return static_cast<std::size_t>(LZ4_compress_default(
                              from.data(), into.data(), static_cast<int>(from.size()),
                              static_cast<int>(into.size())));
                        },
                        [](std::string_view from, std::string& into) {
                          (void)LZ4_decompress_safe(from.data(), into.data(),
                                                    static_cast<int>(from.size()),
                                                    static_cast<int>(into.size()));
                        }};
  return {lz4, zstd(1), zstd(3)};
}

void measure_blocks(Payloads const& payloads, Compression const& compression,
                    std::size_t block_bytes) {
  double packing = 0;
  double unpacking = 0;
  std::size_t packed = 0;
  std::string block;
  std::string into;
  auto const flush = [&] {
    into.resize(ZSTD_compressBound(block.size()) + block.size() / 100);
    auto const begin = Clock::now();
    auto const size = compression.pack(block, into);
    packing += seconds_since(begin);
    packed += size;
    std::string back(block.size(), '\0');
    auto const then = Clock::now();
    compression.unpack(std::string_view(into).substr(0, size), back);
    unpacking += seconds_since(then);
    block.clear();
  };
  for (auto const& payload : payloads.all) {
    if (!block.empty() && block.size() + payload.size() > block_bytes) flush();
    if (!block.empty()) block += ',';
    block += payload;
  }
  flush();
  auto const raw = static_cast<double>(payloads.bytes());
  auto const count = static_cast<double>(payloads.all.size());
  std::printf("| %s, %zu KiB | %.1f | %.1f | %.2f GB/s, %.2f µs | %.2f GB/s, %.2f µs |\n",
              compression.name.c_str(), block_bytes >> 10, static_cast<double>(packed) / count,
              raw / static_cast<double>(packed), raw / packing / 1e9, packing / count * 1e6,
              raw / unpacking / 1e9, unpacking / count * 1e6);
}

/// All of it as one pack, with so many payloads a commit.
void measure_pack(Payloads const& payloads, std::size_t commit_payloads) {
  stele::test::MadeSegment segment({}, 4096);
  WriterMark mark{.writer = {1, 2, 3}};
  for (std::size_t at = 0; at < payloads.all.size(); at += commit_payloads) {
    auto const end = std::min(payloads.all.size(), at + commit_payloads);
    for (auto i = at; i < end; ++i) {
      ++mark.write_no;
      segment.add_group({payloads.all[i]}, mark);
    }
    segment.commit(CommitKind::entries);
  }
  segment.finish();
  auto const compressor = make_zstd_compressor();
  auto begin = Clock::now();
  auto packed = segment.pack({.separator = ','}, *compressor);
  auto const packing = seconds_since(begin);
  auto const size = static_cast<double>(packed.size());
  stele::test::OpenPack open(std::move(packed));
  std::uint64_t content = 0;
  for (auto const& block : open.pack->blocks()) content += block.content_bytes();
  begin = Clock::now();
  Decompressor decompressor;
  PackedBlock block;
  UnpackedBlock unpacked;
  for (std::size_t i = 0; i < open.pack->blocks().size(); ++i) {
    if (open.pack->read_block(i, block)) unpack_payloads(block, decompressor, unpacked);
  }
  auto const unpacking = seconds_since(begin);
  auto const raw = static_cast<double>(payloads.bytes());
  auto const count = static_cast<double>(payloads.all.size());
  std::printf("| %zu | %.2f | %.2f | %.2f | %.1f | %.2f GB/s | %.2f GB/s |\n", commit_payloads,
              static_cast<double>(segment.bytes.size()) / count,
              static_cast<double>(content) / count, size / count, raw / size, raw / packing / 1e9,
              raw / unpacking / 1e9);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"How small the log in a directory becomes as packs, and how fast."};
  std::string directory_path;
  bool interleaved = false;
  app.add_option("directory", directory_path, "Of a log that no daemon has open")->required();
  app.add_flag("--interleave", interleaved,
               "In any order, with six random digits at the end of each message");
  CLI11_PARSE(app, argc, argv);
  std::string note;
  auto directory = open_disk_directory({.path = directory_path}, note);
  if (!directory) return std::fprintf(stderr, "%s\n", directory.error().message.c_str()), 1;
  Payloads payloads;
  RecoveryReport report;
  ReadAhead reader(**directory);
  auto const read = read_log(**directory, reader, payloads, report);
  if (!read) return std::fprintf(stderr, "%s\n", read.error().message.c_str()), 1;
  if (payloads.all.empty()) return std::fprintf(stderr, "the log has no entries\n"), 1;
  if (interleaved) payloads.interleave();
  std::printf("%zu entries of %.1f bytes\n\n", payloads.all.size(),
              static_cast<double>(payloads.bytes()) / static_cast<double>(payloads.all.size()));
  std::printf("| compressor, block | bytes an entry | ratio | compress | decompress |\n");
  for (auto const& compression : compressions()) {
    for (std::size_t const kib : {64U, 256U, 1024U}) {
      measure_blocks(payloads, compression, kib << 10);
    }
  }
  std::printf(
      "\n| entries a commit | segment, bytes an entry | kept in memory | pack | ratio | pack "
      "| read and unpack |\n");
  for (std::size_t const commit_payloads : {1U, 64U, 1000U})
    measure_pack(payloads, commit_payloads);
  return 0;
}

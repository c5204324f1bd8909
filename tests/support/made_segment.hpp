// A segment made of groups and gap records, its pack, and both held against each other.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/memory_file.hpp"
#include "wal/format/commit_buffer.hpp"
#include "wal/format/format.hpp"
#include "wal/pack/pack_reader.hpp"
#include "wal/pack/pack_writer.hpp"
#include "wal/pack/packed_segment.hpp"

namespace stele::test {

/// The bytes of one segment, commit by commit.
class MadeSegment {
 public:
  explicit MadeSegment(wal::LogEnd const& begin = {}, std::uint32_t commit_align = 512)
      : end_(begin) {
    header.segment_bytes = std::uint64_t{1} << 40;  // Until it is known.
    header.commit_align = commit_align;
    header.store_id = {0x11, 0x22, 0x33};
    header.segment_no = 7;
    header.salt = 0x0123456789abcdef;
    header.prev_segment_no = 6;
    header.prev_salt = 99;
    bytes.resize(wal::first_commit_offset);
  }

  void add_group(std::vector<std::string> const& group, wal::WriterMark const& writer = {}) {
    std::vector<std::string_view> const views(group.begin(), group.end());
    buffer_.add_group(writer, views);
    for (auto const& payload : group) payloads[next_seq_in_commit_++] = payload;
  }
  void add_gap(wal::Gap const& gap) { buffer_.add_gap(gap); }
  void commit(wal::CommitKind kind, std::optional<std::uint64_t> durable = {}) {
    auto const count = buffer_.payload_count();
    wal::CommitHeader sealed{.kind = kind,
                             .salt = header.salt,
                             .commit_no = end_.commit_no,
                             .first_seq = end_.next_seq,
                             .durable_commit = durable.value_or(end_.commit_no - 1),
                             .chain = end_.chain};
    auto const written = buffer_.seal(sealed, header.commit_align);
    auto const offset = bytes.size();
    bytes.insert(bytes.end(), written.begin(), written.end());
    commits.push_back(offset);
    end_ = {end_.commit_no + 1, buffer_.chain(), end_.next_seq + count};
    next_seq_in_commit_ = end_.next_seq;
    buffer_.clear();
  }
  /// Seqs that nobody gets.
  void skip(std::uint64_t count) {
    end_.next_seq += count;
    next_seq_in_commit_ = end_.next_seq;
  }
  /// Behind the last commit; nothing more may be added.
  void finish(std::vector<std::byte> const& torn = {}, std::size_t zeros = 8192) {
    torn_ = torn;
    used_ = bytes.size();
    bytes.insert(bytes.end(), torn.begin(), torn.end());
    bytes.resize(wal::align_up(bytes.size() + zeros, 4096));
    header.segment_bytes = bytes.size();
    auto const encoded = wal::encode_segment_header(header);
    for (std::size_t copy = 0; copy < wal::header_blocks; ++copy) {
      std::memcpy(bytes.data() + copy * wal::header_block_bytes, encoded.data(), encoded.size());
    }
  }

  wal::PackedCommit commit_at(std::uint64_t offset) const {
    auto const head = std::span(bytes).subspan(offset).first<wal::commit_header_bytes>();
    auto const commit_header = std::get<wal::CommitHeader>(wal::decode_commit_header(head));
    return {.header = commit_header,
            .crc = wal::header_crc(head),
            .offset = offset,
            .end_offset = wal::align_up(
                offset + wal::commit_header_bytes + commit_header.body_bytes, header.commit_align),
            .body = std::span(bytes).subspan(offset + wal::commit_header_bytes,
                                             commit_header.body_bytes)};
  }

  /// Packs it, and takes the output at once or in pieces.
  std::vector<std::byte> pack(wal::PackOptions const& options, wal::Compressor& compressor) const {
    wal::PackWriter writer({.segment = header, .segment_bytes = wal::encode_segment_header(header)},
                           options, compressor);
    std::vector<std::byte> packed;
    auto const take = [&] {
      auto const more = writer.take_output();
      require(more.size() % wal::shard_bytes == 0);
      packed.insert(packed.end(), more.begin(), more.end());
    };
    for (auto const offset : commits) {
      require(!writer.add(commit_at(offset)));
      take();
    }
    if (!torn_.empty()) require(!writer.add_patch(used_, torn_));
    writer.finish();
    take();
    return packed;
  }

  wal::LogEnd const& end() const noexcept { return end_; }

  wal::SegmentHeader header{};
  std::vector<std::byte> bytes{};
  std::vector<std::uint64_t> commits{};  ///< Where each begins.
  std::map<wal::Seq, std::string> payloads{};

 private:
  static void require(bool holds) {
    if (!holds) std::abort();
  }

  wal::LogEnd end_;
  wal::Seq next_seq_in_commit_ = end_.next_seq;
  wal::CommitBuffer buffer_{};
  std::vector<std::byte> torn_{};
  std::size_t used_ = 0;
};

/// Payloads by chance, of all sizes up to `size_max`: text as logs have it, or bytes that do not
/// shrink.
class PayloadMaker {
 public:
  PayloadMaker(std::uint64_t seed, std::size_t size_max) : random_(seed), size_max_(size_max) {}

  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  std::string make() {
    auto const kind = below(16);
    if (kind == 0) return {};
    std::string payload;
    if (kind <= 2) {
      auto const size = kind == 1 ? below(size_max_ + 1) : below(300);
      for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>(below(256));
      return payload;
    }
    auto const parts = kind == 3 ? size_max_ / 30 : below(8);
    for (std::size_t i = 0; i < parts; ++i) {
      payload +=
          "\"request " + std::to_string(below(1000)) + " took\":" + std::to_string(below(99));
    }
    return payload.substr(0, size_max_);
  }

 private:
  std::mt19937_64 random_;
  std::size_t size_max_;
};

/// A segment by chance: groups with and without writers, marks, gap records, a torn tail, a SEAL.
inline MadeSegment make_segment(std::uint64_t seed, int commits, std::size_t size_max) {
  PayloadMaker maker(seed, size_max);
  wal::LogEnd const begin{1 + maker.below(1000),
                          static_cast<std::uint32_t>(maker.below(UINT32_MAX)),
                          1 + maker.below(1U << 20)};
  MadeSegment segment(begin, std::uint32_t{512} << maker.below(4));
  auto const writer = [&]() -> wal::WriterMark {
    if (maker.below(3) == 0) return {};
    wal::WriterMark mark{.write_no = maker.below(4) == 0 ? maker.below(UINT64_MAX / 2) : 7,
                         .late = maker.below(5) == 0};
    mark.writer[0] = static_cast<std::uint8_t>(maker.below(5));
    return mark;
  };
  for (int i = 0; i < commits; ++i) {
    auto const kind = maker.below(12);
    if (kind == 0) {
      segment.commit(wal::CommitKind::mark);
    } else if (kind == 1) {
      segment.add_gap({.first_seq = 1, .last_seq = 2, .reason = wal::GapReason::torn});
      segment.add_gap(wal::age_record(std::chrono::milliseconds(maker.below(1U << 30))));
      segment.commit(wal::CommitKind::gap);
    } else {
      if (kind == 2) segment.skip(1 + maker.below(5));
      for (auto groups = 1 + maker.below(4); groups > 0; --groups) {
        std::vector<std::string> group;
        for (auto payloads = 1 + maker.below(i % 10 == 9 ? 60 : 4); payloads > 0; --payloads) {
          group.push_back(maker.make());
        }
        segment.add_group(group, writer());
      }
      segment.commit(wal::CommitKind::entries, segment.end().commit_no - 1 - maker.below(2));
    }
  }
  if (maker.below(2) == 0) segment.commit(wal::CommitKind::seal);
  std::vector<std::byte> torn;
  for (auto size = maker.below(3) * 600; size > 0; --size) {
    torn.push_back(static_cast<std::byte>(maker.below(256)));
  }
  segment.finish(torn, maker.below(3) * 4096);
  return segment;
}

/// A pack in memory, opened.
struct OpenPack {
  explicit OpenPack(std::vector<std::byte> bytes) : file(std::move(bytes)) { reopen(); }
  void reopen() {
    auto opened = wal::PackReader::open(file);
    pack = opened ? std::move(*opened) : nullptr;
  }
  /// All payloads that it gives.
  std::map<wal::Seq, std::string> payloads() {
    std::map<wal::Seq, std::string> found;
    wal::Decompressor decompressor;
    wal::PackedBlock block;
    wal::UnpackedBlock unpacked;
    for (std::size_t i = 0; i < pack->blocks().size(); ++i) {
      if (!pack->read_block(i, block)) continue;
      if (!wal::unpack_payloads(block, decompressor, unpacked)) continue;
      for (std::size_t at = 0; at < unpacked.ends.size(); ++at) {
        found[block.header.first_seq + at] = unpacked.payload(at);
      }
    }
    return found;
  }

  MemoryFile file;
  std::unique_ptr<wal::PackReader> pack{};
};

}  // namespace stele::test

#include "wal/pack/pack_writer.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

#include "wal/format/commit_body.hpp"
#include "wal/format/crc32c.hpp"

namespace stele::wal {
namespace {

/// A frame that has become so large ends its block.
constexpr std::size_t frame_bytes_full = std::size_t{64} << 10;

std::span<std::byte const> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

}  // namespace

PackWriter::PackWriter(PackHeader const& header, PackOptions const& options, Compressor& compressor)
    : options_(options),
      compressor_(compressor),
      commit_align_(header.segment.commit_align),
      parity_(options.geometry) {
  directory_.header = header;
  directory_.header.separator = options.separator;
  directory_.summary.salt = header.segment.salt;
  directory_.summary.end_offset = first_commit_offset;
  if (options_.notes != nullptr) options_.notes->begin_pack();
  emit(encode_pack_header(directory_.header));
}

bool PackWriter::is_next(PackedCommit const& commit) const noexcept {
  auto const& summary = directory_.summary;
  if (commit.offset != summary.end_offset) return false;
  if (summary.commit_count == 0) return true;
  auto const& header = commit.header;
  return header.commit_no == summary.end.commit_no && header.chain == summary.end.chain &&
         header.first_seq >= summary.end.next_seq;
}

std::optional<PackRefusal> PackWriter::add(PackedCommit const& commit) {
  auto const& header = commit.header;
  auto& summary = directory_.summary;
  if (!is_next(commit)) return PackRefusal::out_of_order;
  auto const extent = commit_header_bytes + std::uint64_t{header.body_bytes};
  bool const is_exact = header.salt == summary.salt && is_well_formed(header, commit.body) &&
                        header_crc(encode_commit_header(header)) == commit.crc &&
                        commit.end_offset == align_up(commit.offset + extent, commit_align_);
  if (!is_exact) return PackRefusal::not_exact;
  if (header.body_bytes > block_raw_bytes_max) return PackRefusal::too_large;
  if (summary.commit_count == 0) {
    summary.begin = {header.commit_no, header.chain, header.first_seq};
    summary.end = summary.begin;
    next_payload_ = header.first_seq;
    begin_block();
  }
  bool const is_full =
      payloads_.size() >= options_.block_bytes || frame_.bytes() >= frame_bytes_full;
  bool const skips = header.first_seq != summary.end.next_seq;
  if (!is_empty() && (is_full || skips)) {
    if (auto const refusal = end_block()) return refusal;
  }
  if (is_empty()) {
    next_payload_ = header.first_seq;
    begin_block();
  }
  FramedCommit framed{.kind = header.kind, .durable_commit = header.durable_commit};
  if (header.kind == CommitKind::gap)
    framed.gap_body.assign(commit.body.begin(), commit.body.end());
  GroupReader groups(commit.body);
  while (auto const group = header.kind == CommitKind::entries ? groups.next() : std::nullopt) {
    framed.groups.push_back({group->header.writer, group->header.payload_count});
  }
  frame_.add(framed, header.commit_no);
  ++summary.commit_count;
  summary.payload_count += header.payload_count;
  summary.durable_commit = std::max(summary.durable_commit, header.durable_commit);
  summary.sealed = header.kind == CommitKind::seal;
  summary.end_offset = commit.end_offset;
  summary.end = {header.commit_no + 1, commit.crc, header.first_seq + header.payload_count};
  if (header.kind == CommitKind::gap) note_gaps(commit.body);
  if (header.kind == CommitKind::entries) return add_groups(commit, framed);
  return std::nullopt;
}

std::optional<PackRefusal> PackWriter::add_groups(PackedCommit const& commit,
                                                  FramedCommit& framed) {
  std::size_t const begun_in = directory_.blocks.size();
  GroupReader groups(commit.body);
  for (auto const& of : framed.groups) {
    auto const group = groups.next();
    if (options_.notes != nullptr) {
      options_.notes->on_group(of.writer, next_payload_, next_payload_ + of.payload_count - 1);
    }
    RecordReader records(group->records);
    while (auto const payload = records.next()) {
      bool const is_full = payloads_.size() + 1 + payload->size() > options_.block_bytes ||
                           block_.payload_count == block_payloads_max;
      if (block_.payload_count > 0 && is_full) {
        if (auto const refusal = end_block()) return refusal;
        begin_block();
      }
      add_payload(*payload, directory_.blocks.size() > begun_in);
    }
  }
  if (options_.notes != nullptr) options_.notes->on_commit(commit.end_offset - commit.offset);
  return std::nullopt;
}

void PackWriter::add_payload(std::string_view payload, bool continues) {
  if (block_.payload_count > 0) payloads_.push_back(static_cast<std::byte>(options_.separator));
  auto const bytes = as_bytes(payload);
  payloads_.insert(payloads_.end(), bytes.begin(), bytes.end());
  append_varint(lengths_, payload.size());
  if (options_.notes != nullptr) options_.notes->on_payload(next_payload_, payload);
  ++next_payload_;
  ++block_.payload_count;
  if (continues) ++block_.continued_count;
  directory_.summary.payload_bytes += payload.size();
}

void PackWriter::note_gaps(std::span<std::byte const> body) {
  auto const age = decode_age(body);
  if (!age) return;
  auto& summary = directory_.summary;
  if (!summary.first_age) summary.first_age = age;
  summary.last_age = std::max(summary.last_age, *age);
}

bool PackWriter::is_empty() const noexcept {
  return block_.payload_count == 0 && frame_.commit_count() == 0;
}

/// What comes behind the commits that were taken so far; a commit of which some payloads are still
/// to come is among them.
void PackWriter::begin_block() {
  auto const& summary = directory_.summary;
  block_ = {.salt = summary.salt,
            .first_seq = next_payload_,
            .commit_no = summary.end.commit_no,
            .segment_offset = summary.end_offset,
            .chain = summary.end.chain};
}

std::optional<PackRefusal> PackWriter::end_block() {
  block_.offset = body_bytes_;
  block_.commit_count = frame_.commit_count();
  std::vector<std::byte> content;
  block_.payloads = compressor_.append(payloads_, content);
  block_.lengths = compressor_.append(lengths_, content);
  if (options_.notes != nullptr) {
    auto const note = options_.notes->take_block_note();
    block_.note_bytes = static_cast<std::uint32_t>(note.size());
    content.insert(content.end(), note.begin(), note.end());
  }
  auto const raw_frame = frame_.take();
  if (raw_frame.size() > frame_raw_bytes_max) return PackRefusal::too_large;
  std::vector<std::byte> frame;
  block_.frame = compressor_.append(raw_frame, frame);
  block_.content_crc = crc32c(content);
  block_.frame_crc = crc32c(frame);
  emit(encode_block_header(block_));
  emit(content);
  emit(frame);
  directory_.blocks.push_back(block_);
  if (options_.keeps_blocks && block_.payload_count > 0) {
    blocks_.push_back({block_, std::move(content)});
  }
  payloads_.clear();
  lengths_.clear();
  block_ = {};
  return std::nullopt;
}

std::optional<PackRefusal> PackWriter::add_patch(std::uint64_t segment_offset,
                                                 std::span<std::byte const> bytes) {
  patch_bytes_ += bytes.size();
  if (patch_bytes_ > patch_bytes_max) return PackRefusal::too_large;
  directory_.patches.push_back({segment_offset, {bytes.begin(), bytes.end()}});
  return std::nullopt;
}

void PackWriter::emit(std::span<std::byte const> bytes) {
  output_.insert(output_.end(), bytes.begin(), bytes.end());
  body_bytes_ += bytes.size();
  while (output_.size() - sharded_bytes_ >= shard_bytes) {
    parity_.add(
        std::span<std::byte const, shard_bytes>(output_.data() + sharded_bytes_, shard_bytes));
    sharded_bytes_ += shard_bytes;
  }
}

std::vector<std::byte> PackWriter::take_output() {
  std::vector<std::byte> taken(output_.begin() + static_cast<std::ptrdiff_t>(sharded_bytes_),
                               output_.end());
  output_.resize(sharded_bytes_);
  sharded_bytes_ = 0;
  std::swap(taken, output_);
  return taken;
}

void PackWriter::finish() {
  if (!is_empty()) {
    [[maybe_unused]] auto const refusal = end_block();
    BOOST_ASSERT(!refusal);
  }
  if (options_.notes != nullptr) directory_.note = options_.notes->take_pack_note();
  auto const directory_offset = body_bytes_;
  auto const directory = encode_pack_directory(directory_);
  emit(directory);
  emit(std::vector<std::byte>(align_up(body_bytes_, shard_bytes) - body_bytes_));
  parity_.finish();

  auto const map = encode_map(directory_offset, static_cast<std::uint32_t>(directory.size()));
  auto const parity = parity_.parity();
  output_.insert(output_.end(), map.begin(), map.end());
  output_.insert(output_.end(), parity.begin(), parity.end());
  output_.insert(output_.end(), map.begin(), map.end());
  sharded_bytes_ = output_.size();
}

std::vector<std::byte> PackWriter::encode_map(std::uint64_t directory_offset,
                                              std::uint32_t directory_bytes) const {
  PackMap map{.salt = directory_.summary.salt,
              .segment_no = directory_.header.segment.segment_no,
              .data_shards = parity_.data_shards(),
              .directory_offset = directory_offset,
              .directory_bytes = directory_bytes,
              .geometry = options_.geometry};
  auto crcs = parity_.data_crcs();
  crcs.insert(crcs.end(), parity_.parity_crcs().begin(), parity_.parity_crcs().end());
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at < crcs.size(); at += map_crcs, ++map.index) {
    map.crcs = {};
    std::copy_n(crcs.begin() + static_cast<std::ptrdiff_t>(at),
                std::min(map_crcs, crcs.size() - at), map.crcs.begin());
    bytes.resize(bytes.size() + shard_bytes);
    encode_pack_map(map, std::span(bytes).last<shard_bytes>());
  }
  return bytes;
}

}  // namespace stele::wal

#include "wal/offline/salvage_writer.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "wal/file/new_file.hpp"
#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t gather_bytes = std::size_t{1} << 20;
constexpr std::size_t new_segment_bytes_min = std::size_t{64} << 10;
constexpr std::size_t segment_bytes_max = std::size_t{64} << 20;
constexpr std::size_t image_bytes_first = std::size_t{1} << 20;
static_assert(image_bytes_first >= new_segment_bytes_min);
constexpr std::size_t commit_align = commit_align_min;

StoreId make_store_id(std::uint64_t first, std::uint64_t second) noexcept {
  StoreId id;
  std::memcpy(id.data(), &first, sizeof first);
  std::memcpy(id.data() + sizeof first, &second, sizeof second);
  // RFC 9562: version 4, variant 10.
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

}  // namespace

SalvageWriter::SalvageWriter(Directory& directory, Seq first_seq,
                             std::function<std::uint64_t()> entropy)
    : directory_(directory), entropy_(std::move(entropy)), next_seq_(first_seq) {
  auto const first = entropy_();
  manifest_.store_id = make_store_id(first, entropy_());
  manifest_.first_seq = first_seq;
  header_.commit_no = first_commit_no - 1;
  open_segment();
}

void SalvageWriter::open_segment() {
  auto const prev = std::exchange(segment_, {});
  segment_.commit_align = commit_align;
  segment_.store_id = manifest_.store_id;
  segment_.segment_no = ++manifest_.last_segment_no;
  segment_.salt = entropy_();
  segment_.prev_segment_no = prev.segment_no;
  segment_.prev_salt = prev.salt;
  image_bytes_ = first_commit_offset;
}

Result<void> SalvageWriter::open_commit(CommitKind kind, std::size_t bytes) {
  bool const follows =
      header_.kind == kind && header_.first_seq + commit_.payload_count() == next_seq_;
  bool const joins = !commit_.empty() && follows && commit_.body_bytes() + bytes <= gather_bytes;
  if (joins) return {};
  if (auto const closed = close_commit(); !closed) return closed;
  header_.kind = kind;
  header_.first_seq = next_seq_;
  return {};
}

Result<void> SalvageWriter::close_commit() {
  bool const is_seal = header_.kind == CommitKind::seal;
  if (commit_.empty() && !is_seal) return {};
  auto const bytes = align_up(commit_header_bytes + commit_.body_bytes(), commit_align);
  if (image_bytes_ > first_commit_offset && image_bytes_ + bytes > segment_bytes_max) {
    if (auto const closed = close_segment(); !closed) return closed;
    open_segment();
  }
  header_.salt = segment_.salt;
  header_.durable_commit = header_.commit_no++;
  auto const sealed = commit_.seal(header_, commit_align);
  if (auto const needed = image_bytes_ + sealed.size(); needed > image_.capacity()) {
    image_.reserve(std::max({image_bytes_first, needed, image_.capacity() * 2}),
                   image_.capacity() == 0 ? 0 : image_bytes_);
  }
  std::memcpy(image_.data() + image_bytes_, sealed.data(), sealed.size());
  image_bytes_ += sealed.size();
  header_.chain = commit_.chain();
  commit_.clear();
  return {};
}

Result<void> SalvageWriter::add_group(WriterMark const& writer, Seq first_seq,
                                      std::span<std::string_view const> payloads) {
  std::size_t bytes = 0;
  for (auto const payload : payloads) bytes += payload.size();
  next_seq_ = first_seq;
  auto const opened = open_commit(CommitKind::entries, group_bytes(payloads.size(), bytes));
  if (!opened) return opened;
  commit_.add_group(writer, payloads);
  next_seq_ = first_seq + payloads.size();
  return {};
}

Result<void> SalvageWriter::add_gap(Gap const& gap) {
  if (auto const opened = open_commit(CommitKind::gap, gap_record_bytes); !opened) return opened;
  commit_.add_gap(gap);
  return {};
}

Result<void> SalvageWriter::finish(Seq next_seq) {
  if (auto const closed = close_commit(); !closed) return closed;
  header_.kind = CommitKind::seal;
  header_.first_seq = next_seq;
  if (auto const closed = close_commit(); !closed) return closed;
  if (auto const closed = close_segment(); !closed) return closed;
  if (auto const synced = sync_names(directory_); !synced) return synced;
  manifest_.durable_commit = header_.commit_no;
  manifest_.end_seq = next_seq;
  manifest_.last_salt = segment_.salt;
  return write_manifest(directory_, manifest_);
}

Result<void> SalvageWriter::close_segment() {
  auto const whole = align_up(image_bytes_, header_block_bytes);
  segment_.segment_bytes = std::max<std::uint64_t>(new_segment_bytes_min, whole);
  auto const encoded = encode_segment_header(segment_);
  auto const bytes = static_cast<std::size_t>(segment_.segment_bytes);
  std::memset(image_.data(), 0, first_commit_offset);
  std::memset(image_.data() + image_bytes_, 0, bytes - image_bytes_);
  for (std::size_t copy = 0; copy < header_blocks; ++copy) {
    std::memcpy(image_.data() + copy * header_block_bytes, encoded.data(), encoded.size());
  }
  return write_file(directory_, segment_name(segment_.segment_no), {image_.data(), bytes});
}

}  // namespace stele::wal

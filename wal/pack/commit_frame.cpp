#include "wal/pack/commit_frame.hpp"

#include <algorithm>

namespace stele::wal {
namespace {

// The columns of a frame. FORMAT.md says what is in each.
enum Column : std::size_t { kinds, durables, counts, writer_refs, writer_ids, gap_bodies };

constexpr std::uint64_t nobody = 0;

}  // namespace

void FrameWriter::add(FramedCommit const& commit, std::uint64_t commit_no) {
  ++commit_count_;
  columns_[kinds].push_back(static_cast<std::byte>(commit.kind));
  append_varint(columns_[durables], fold_sign(commit_no - 1 - commit.durable_commit));
  if (commit.kind == CommitKind::entries) {
    append_varint(columns_[counts], commit.groups.size());
    for (auto const& group : commit.groups) add_group(group);
  }
  if (commit.kind == CommitKind::gap) {
    append_varint(columns_[counts], commit.gap_body.size());
    auto& bodies = columns_[gap_bodies];
    bodies.insert(bodies.end(), commit.gap_body.begin(), commit.gap_body.end());
  }
}

void FrameWriter::add_group(FramedGroup const& group) {
  append_varint(columns_[counts], group.payload_count);
  auto const& mark = group.writer;
  if (mark == WriterMark{}) return append_varint(columns_[writer_refs], nobody);
  auto const [found, is_new] = writers_.try_emplace(mark.writer, Writer{writers_.size() + 1});
  auto& writer = found->second;
  append_varint(columns_[writer_refs], writer.index << 1 | (mark.late ? 1U : 0U));
  if (is_new) {
    auto const id = std::as_bytes(std::span(mark.writer));
    columns_[writer_ids].insert(columns_[writer_ids].end(), id.begin(), id.end());
  }
  append_varint(columns_[writer_refs], fold_sign(mark.write_no - writer.write_no));
  writer.write_no = mark.write_no;
}

std::size_t FrameWriter::bytes() const noexcept {
  std::size_t all = 0;
  for (auto const& column : columns_) all += column.size();
  return all;
}

std::vector<std::byte> FrameWriter::take() {
  std::vector<std::byte> frame;
  for (auto const& column : columns_) append_varint(frame, column.size());
  for (auto& column : columns_) {
    frame.insert(frame.end(), column.begin(), column.end());
    column.clear();
  }
  writers_.clear();
  commit_count_ = 0;
  return frame;
}

FrameReader::FrameReader(std::span<std::byte const> frame) noexcept {
  std::array<std::uint64_t, FrameWriter::columns> sizes{};
  for (auto& size : sizes) {
    auto const taken = take_varint(frame);
    is_frame_ = is_frame_ && taken;
    size = taken.value_or(0);
  }
  for (std::size_t column = 0; column < sizes.size(); ++column) {
    if (!is_frame_ || sizes[column] > frame.size()) {
      is_frame_ = false;
      return;
    }
    columns_[column] = frame.first(static_cast<std::size_t>(sizes[column]));
    frame = frame.subspan(static_cast<std::size_t>(sizes[column]));
  }
  is_frame_ = frame.empty();
}

bool FrameReader::at_end() const noexcept {
  return is_frame_ && std::ranges::all_of(columns_, [](auto column) { return column.empty(); });
}

std::optional<FramedCommit> FrameReader::next(std::uint64_t commit_no) {
  if (!is_frame_ || columns_[kinds].empty()) return std::nullopt;
  FramedCommit commit;
  auto const kind = std::to_integer<std::uint8_t>(columns_[kinds].front());
  columns_[kinds] = columns_[kinds].subspan(1);
  commit.kind = static_cast<CommitKind>(kind);
  auto const durable = take_varint(columns_[durables]);
  is_frame_ = kind >= 1 && kind <= static_cast<std::uint8_t>(CommitKind::gap) && durable;
  if (!is_frame_) return std::nullopt;
  commit.durable_commit = commit_no - 1 - unfold_sign(*durable);
  if (commit.kind == CommitKind::entries) is_frame_ = read_groups(commit);
  if (commit.kind == CommitKind::gap) is_frame_ = read_gap_body(commit);
  if (!is_frame_) return std::nullopt;
  return commit;
}

bool FrameReader::read_groups(FramedCommit& commit) {
  auto& column = columns_[counts];
  auto const groups = take_varint(column);
  // Each takes a byte at least: a forged count costs no more memory than the frame has bytes.
  if (!groups || *groups > column.size()) return false;
  commit.groups.reserve(static_cast<std::size_t>(*groups));
  for (auto left = *groups; left > 0; --left) {
    auto const payloads = take_varint(column);
    auto const writer = read_writer();
    if (!payloads || *payloads > UINT32_MAX || !writer) return false;
    commit.groups.push_back({*writer, static_cast<std::uint32_t>(*payloads)});
  }
  return true;
}

std::optional<WriterMark> FrameReader::read_writer() {
  auto& column = columns_[writer_refs];
  auto const reference = take_varint(column);
  if (!reference) return std::nullopt;
  if (*reference == nobody) return WriterMark{};
  auto const index = *reference >> 1;
  if (index == 0 || index > writers_.size() + 1) return std::nullopt;
  if (index == writers_.size() + 1) {
    auto& ids = columns_[writer_ids];
    Writer writer;
    if (ids.size() < writer.id.size()) return std::nullopt;
    std::ranges::copy(ids.first(writer.id.size()),
                      std::as_writable_bytes(std::span(writer.id)).begin());
    ids = ids.subspan(writer.id.size());
    writers_.push_back(writer);
  }
  auto& writer = writers_[static_cast<std::size_t>(index - 1)];
  auto const difference = take_varint(column);
  if (!difference) return std::nullopt;
  writer.write_no += unfold_sign(*difference);
  return WriterMark{writer.id, writer.write_no, (*reference & 1) != 0};
}

bool FrameReader::read_gap_body(FramedCommit& commit) {
  auto const bytes = take_varint(columns_[counts]);
  auto& bodies = columns_[gap_bodies];
  if (!bytes || *bytes > bodies.size()) return false;
  auto const body = bodies.first(static_cast<std::size_t>(*bytes));
  commit.gap_body.assign(body.begin(), body.end());
  bodies = bodies.subspan(body.size());
  return true;
}

}  // namespace stele::wal

#include "wal/write/commit_pipeline.hpp"

#include <algorithm>
#include <boost/assert.hpp>
#include <utility>

namespace stele::wal {
namespace {

/// One in flight, one gathering, one for the moment in which they change places.
constexpr std::size_t spare_buffers_max = 3;

}  // namespace

CommitPipeline::CommitPipeline(LogEnd const& start, Settings const& settings)
    : settings_(settings),
      next_commit_no_(start.commit_no),
      durable_commit_(start.commit_no - 1),
      chain_(start.chain),
      next_seq_(start.next_seq),
      durable_seq_(start.next_seq - 1) {}

Seq CommitPipeline::append(WriterMark const& writer, std::span<std::string_view const> payloads) {
  BOOST_ASSERT(!failed_);
  BOOST_ASSERT(!payloads.empty());
  std::size_t payload_bytes = 0;
  for (auto const payload : payloads) payload_bytes += payload.size();
  open_commit(CommitKind::entries, group_bytes(payloads.size(), payload_bytes))
      .buffer.add_group(writer, payloads);
  pending_bytes_ += payload_bytes;
  return std::exchange(next_seq_, next_seq_ + payloads.size());
}

Gathering CommitPipeline::gathering() const noexcept {
  std::size_t const in_flight_bytes = in_flight_ ? in_flight_->buffer.payload_bytes() : 0;
  return {next_commit_no_, pending_bytes_ - in_flight_bytes};
}

std::uint64_t CommitPipeline::append_gap(Gap const& gap) {
  BOOST_ASSERT(!failed_);
  open_commit(CommitKind::gap, gap_record_bytes).buffer.add_gap(gap);
  return next_commit_no_ + queue_.size() - 1;
}

CommitPipeline::Queued& CommitPipeline::open_commit(CommitKind kind, std::size_t bytes) {
  bool const joins = !queue_.empty() && queue_.back().kind == kind &&
                     queue_.back().buffer.body_bytes() + bytes <= settings_.gather_bytes;
  if (!joins) push(kind, bytes);
  return queue_.back();
}

/// The smallest that has room, or else the largest: few are large then, and seldom is there one to
/// be made larger, which takes many milliseconds.
CommitBuffer CommitPipeline::take_spare_buffer(std::size_t body_bytes) noexcept {
  if (spare_buffers_.empty()) return {};
  auto const is_better = [body_bytes](CommitBuffer const& a, CommitBuffer const& b) {
    bool const has_room = a.capacity() >= commit_header_bytes + body_bytes;
    if (has_room != (b.capacity() >= commit_header_bytes + body_bytes)) return has_room;
    return has_room ? a.capacity() < b.capacity() : a.capacity() > b.capacity();
  };
  auto const found = std::ranges::min_element(spare_buffers_, is_better);
  std::swap(*found, spare_buffers_.back());
  auto buffer = std::move(spare_buffers_.back());
  spare_buffers_.pop_back();
  return buffer;
}

void CommitPipeline::push(CommitKind kind, std::size_t bytes) {
  Queued queued;
  queued.buffer = take_spare_buffer(bytes);
  queued.kind = kind;
  queued.first_seq = next_seq_;
  queue_.push_back(std::move(queued));
}

void CommitPipeline::queue_mark() {
  mark_deadline_.reset();
  for (auto& buffer : spare_buffers_) buffer.shrink();
  push(CommitKind::mark);
}

void CommitPipeline::queue_seal() { push(CommitKind::seal); }

std::size_t CommitPipeline::disk_bytes(Queued const& queued) const noexcept {
  return align_up(commit_header_bytes + queued.buffer.body_bytes(), settings_.commit_align);
}

std::optional<std::size_t> CommitPipeline::next_commit_bytes() const noexcept {
  if (queue_.empty()) return std::nullopt;
  return disk_bytes(queue_.front());
}

std::size_t CommitPipeline::queued_commit_bytes() const noexcept {
  std::size_t bytes = 0;
  for (auto const& queued : queue_) bytes += disk_bytes(queued);
  return bytes;
}

std::size_t CommitPipeline::spare_bytes() const noexcept {
  std::size_t bytes = 0;
  for (auto const& buffer : spare_buffers_) bytes += buffer.capacity();
  return bytes;
}

std::span<std::byte const> CommitPipeline::begin(std::uint64_t salt) {
  BOOST_ASSERT(!failed_);
  BOOST_ASSERT(!in_flight_);
  BOOST_ASSERT(!queue_.empty());
  in_flight_ = std::move(queue_.front());
  queue_.pop_front();
  mark_deadline_.reset();
  // One in flight: every commit before this one is on disk.
  BOOST_ASSERT(durable_commit_ + 1 == next_commit_no_);
  CommitHeader const header{.kind = in_flight_->kind,
                            .salt = salt,
                            .commit_no = next_commit_no_,
                            .first_seq = in_flight_->first_seq,
                            .durable_commit = durable_commit_,
                            .chain = chain_};
  auto const bytes = in_flight_->buffer.seal(header, settings_.commit_align);
  chain_ = in_flight_->buffer.chain();
  ++next_commit_no_;
  return bytes;
}

Seq CommitPipeline::on_durable(Instant now) {
  BOOST_ASSERT(!failed_);
  BOOST_ASSERT(in_flight_);
  durable_commit_ = next_commit_no_ - 1;
  durable_seq_ = in_flight_->first_seq + in_flight_->payload_count() - 1;
  pending_bytes_ -= in_flight_->buffer.payload_bytes();
  if (in_flight_->kind == CommitKind::entries || in_flight_->kind == CommitKind::gap) {
    mark_deadline_ = now + settings_.mark_delay;
  }
  if (spare_buffers_.size() < spare_buffers_max) {
    in_flight_->buffer.clear();
    spare_buffers_.push_back(std::move(in_flight_->buffer));
  }
  in_flight_.reset();
  return durable_seq_;
}

Seq CommitPipeline::drop_queued() {
  BOOST_ASSERT(!queue_.empty());
  auto const first = queue_.front().first_seq;
  for (auto const& queued : queue_) pending_bytes_ -= queued.buffer.payload_bytes();
  queue_.clear();
  next_seq_ = first;
  return first;
}

}  // namespace stele::wal

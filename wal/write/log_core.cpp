#include "wal/write/log_core.hpp"

#include <algorithm>
#include <bit>
#include <boost/assert.hpp>
#include <cstring>
#include <utility>

#include "wal/file/new_file.hpp"
#include "wal/format/format.hpp"
#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

StoreId make_store_id(Options const& options) {
  StoreId id;
  for (std::size_t half = 0; half < id.size(); half += 8) {
    auto const value = options.entropy();
    std::memcpy(id.data() + half, &value, sizeof value);
  }
  // RFC 9562: version 4, variant 10.
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
  return id;
}

std::size_t latency_bucket(std::chrono::microseconds latency, std::size_t buckets) noexcept {
  auto const us = static_cast<std::uint64_t>(std::max<std::int64_t>(1, latency.count()));
  return std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(us)) - 1, buckets - 1);
}

/// How often it is looked for entries that are too old, besides an eighth of their age.
constexpr std::chrono::seconds age_check_period_min{1};
constexpr std::chrono::hours age_check_period_max{1};

/// For release_tails().
constexpr std::uint64_t large_tail = 4;
constexpr std::uint64_t any_tail = UINT64_MAX;

/// Making a segment can wait for room on the disk and for file descriptors, which clients may have
/// used up: nothing rests on a file that is not there. Every other error is final.
bool may_be_tried_again(boost::system::error_code const& error) noexcept {
  namespace errc = boost::system::errc;
  return error == Errc::no_space || error == errc::too_many_files_open ||
         error == errc::too_many_files_open_in_system;
}

}  // namespace

Log::Core::Core(std::unique_ptr<PackedDirectory> directory, Options const& resolved,
                LogListener& listener, Recovered recovered, RecoveryReport recovery)
    : options(resolved),
      report(std::move(recovery)),
      pipeline(recovered.start, {.commit_align = options.commit_align,
                                 .gather_bytes = options.gather_bytes,
                                 .mark_delay = options.mark_delay}),
      packed_directory_(std::move(directory)),
      directory_(*packed_directory_),
      listener_(listener),
      recovered_(std::move(recovered)),
      manifest_(recovered_.manifest),
      maker_(directory_) {
  prepare_to_pack();
  if (recovered_.fresh) manifest_.store_id = make_store_id(options);
  store_id = manifest_.store_id;
  segments_.assign(recovered_.segments.begin(), recovered_.segments.end());
  for (auto const& segment : segments_) metrics.log_bytes += segment.bytes;
  for (auto const& gap : report.gaps) gaps.add(gap);
  for (auto const& known : report.acknowledgements) {
    gaps.acknowledge(known.first_seq, known.last_seq);
  }
}

Log::Core::~Core() {
  // The directory still holds our buffers.
  maker_.abandon();
  stop_packing();
  destroyed_ = true;
  while (maker_.in_flight() || write_in_flight_) directory_.wait();
}

/// On a full disk the log starts without a segment: what it holds can be read, and on_timer() tries
/// again.
Result<void> Log::Core::start() {
  if (auto const put = put_strays_aside(); !put) return put;
  make_segment();
  while (maker_.state() == SegmentMaker::State::working) {
    directory_.wait();
    settle_maker();
  }
  advance();
  while (write_in_flight_) directory_.wait();
  if (failure_) return *failure_;
  return {};
}

/// Each start opens a new segment, and proves with its first commit where the log before it ended.
void Log::Core::open_first_segment() {
  rotate_segment();
  remove_leftovers();
  give_tails_back();
  for (auto const& gap : recovered_.new_gaps) pipeline.append_gap(gap);
  queue_age();
  if (pipeline.idle()) pipeline.queue_mark();
}

/// Once, of the segments that the start found. A log that is started often would else fill the
/// disk with segments of zeros. But others would take what is given back to a full disk, where a
/// file that is whole becomes a later segment.
void Log::Core::give_tails_back() {
  if (!is_disk_full_ && std::exchange(has_tails_, false)) release_tails(large_tail);
}

/// Those of which zeros are at least one in this many bytes. Whether that made room.
bool Log::Core::release_tails(std::uint64_t bytes_per_zero) {
  bool has_released = false;
  for (auto const& segment : recovered_.segments) {
    if (!segment.ends_in_zeros || segment.end_offset == 0) continue;
    auto const name = segment_name(segment.segment_no);
    auto const space = directory_.space(name);
    auto const kept = std::min(space, align_up(segment.end_offset, header_block_bytes));
    if (kept == space || space / bytes_per_zero > space - kept) continue;
    release_tail(segment.segment_no, segment.end_offset);
    has_released |= directory_.space(name) < space;
  }
  return has_released;
}

void Log::Core::release_tail(std::uint64_t segment_no, std::uint64_t end_offset) noexcept {
  directory_.release_zeros(segment_name(segment_no), align_up(end_offset, header_block_bytes));
}

void Log::Core::remove_leftovers() {
  for (auto const& name : recovered_.leftovers) {
    // The file of that name may be the segment that was just made, or the next MANIFEST's space.
    if (name == segment_name(active_.header.segment_no)) continue;
    if (name == unfinished(manifest_name)) continue;
    (void)directory_.remove(name);
  }
  for (auto const& [from, to] : recovered_.damaged_leftovers) (void)directory_.rename(from, to);
}

/// Before a segment is made, which may get the name of one of them.
Result<void> Log::Core::put_strays_aside() {
  for (auto const& [from, to] : recovered_.strays) {
    if (auto const renamed = directory_.rename(from, to); !renamed) return renamed;
  }
  return {};
}

/// How long the log has been open, in all its lives, as far as it knows.
std::chrono::milliseconds Log::Core::age() const noexcept {
  return recovered_.age + std::chrono::duration_cast<std::chrono::milliseconds>(now_ - opened_at_);
}

/// Until the time is known, ages are counted from the zero of its clock.
void Log::Core::take_time(Instant now) noexcept {
  if (!std::exchange(has_time_, true)) opened_at_ = now;
  now_ = std::max(now, opened_at_);
  if (options.retain_age.count() != 0 && !age_check_at_) age_check_at_ = now_;
}

/// What the next life goes on from. A log that counts no age, and never did, needs none.
void Log::Core::queue_age() {
  if (options.retain_age.count() == 0 && recovered_.age.count() == 0) return;
  noted_age_ = age();
  pipeline.append_gap(age_record(*noted_age_));
}

/// Between writes, and never so that a segment is begun for it.
void Log::Core::note_age() {
  bool const has_room = active_.free_bytes() >= options.commit_align;
  if (!has_room || !pipeline.idle() || !needs_age_record(view(), *noted_age_)) return;
  queue_age();
  advance();
}

/// Old segments go when a segment is made: so a log that is hardly written to begins one for their
/// sake, and for the sake of entries that have been in the active one for long. As at a start, a
/// commit in it proves where the one before ended.
void Log::Core::rotate_for_age() {
  age_check_at_ = now_ + std::clamp<Instant::duration>(options.retain_age / 8, age_check_period_min,
                                                       age_check_period_max);
  if (!active_.file) return;
  if (!has_old_payloads(view())) return note_age();
  if (write_in_flight_ || !pipeline.idle() || maker_.state() != SegmentMaker::State::ready) {
    age_check_at_ = now_ + age_check_period_min;
    return;
  }
  rotate_segment();
  queue_age();
  advance();
}

/// The MANIFEST that leaves them out is on disk.
void Log::Core::apply_expiry() {
  auto const count = maker_.plan().expired.size();
  if (count == 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    metrics.log_bytes -= segments_.front().bytes;
    segments_.pop_front();
  }
  metrics.segments_removed += count;
  metrics.segments = segments_.size();
  gaps.expire(maker_.plan().manifest.first_seq, maker_.plan().manifest.first_segment_no);
  listener_.on_expired(maker_.plan().manifest.first_seq - 1);
}

void Log::Core::rotate_segment() {
  if (active_.file) {
    // What is left of it is never written.
    metrics.log_bytes -= active_.free_bytes();
    segments_.back().bytes = active_.end_offset;
    segments_.back().end_offset = active_.end_offset;
    segments_.back().since = age();
  }
  active_ = maker_.take();
  segments_.push_back({.segment_no = active_.header.segment_no,
                       .bytes = active_.header.segment_bytes,
                       .first_commit_no = pipeline.next_commit_no(),
                       .first_chain = pipeline.chain(),
                       .first_seq = pipeline.durable_seq() + 1,
                       .since = age()});
  metrics.log_bytes += active_.header.segment_bytes;
  metrics.active_first_seq = segments_.back().first_seq;
  ++metrics.segments_made;
  metrics.segments = segments_.size();
}

void Log::Core::start_commit(Instant now) {
  take_time(now);
  advance();
}

/// Begins the next commit if there is one, the disk is free and a segment has room.
void Log::Core::advance() {
  settle_maker();
  if (failure_ || write_in_flight_) return;
  if (!active_.file && maker_.state() == SegmentMaker::State::ready) open_first_segment();
  auto const bytes = pipeline.next_commit_bytes();
  if (bytes && *bytes > active_.free_bytes()) {
    if (maker_.state() != SegmentMaker::State::ready) {
      if (waits_for_space()) return refuse_queued();
      if (!segment_wait_begun_) segment_wait_begun_ = now_;
      return;
    }
    count_segment_wait();
    rotate_segment();
  }
  if (bytes) write_commit();
  if (!closing_ && maker_.state() == SegmentMaker::State::idle) make_segment();
}

void Log::Core::count_segment_wait() {
  if (!segment_wait_begun_) return;
  auto const waited = now_ - *std::exchange(segment_wait_begun_, std::nullopt);
  ++metrics.segment_waits;
  metrics.segment_wait_us += static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
}

void Log::Core::write_commit() {
  commit_begun_ = now_;
  commit_payloads_ = pipeline.next_commit_payloads();
  auto const bytes = pipeline.begin(active_.header.salt);
  commit_disk_bytes_ = bytes.size();
  auto const offset = std::exchange(active_.end_offset, active_.end_offset + bytes.size());
  write_in_flight_ = true;
  active_.file->write_at(offset, bytes, Persistence::durable, *this);
}

void Log::Core::on_complete(boost::system::error_code error) noexcept {
  write_in_flight_ = false;
  if (failure_ || destroyed_) return;
  // Nobody is notified of what lies in a file that is gone.
  if (!error && !active_.file->has_name()) error = Errc::replaced;
  if (error) {
    return fail(
        {error, segment_name(active_.header.segment_no) + ": commit failed: " + error.message()});
  }
  auto const latency = std::chrono::duration_cast<std::chrono::microseconds>(now_ - commit_begun_);
  auto const seq = pipeline.on_durable(now_);
  if (commit_payloads_ == 0) {
    ++metrics.marks;
  } else {
    ++metrics.commits;
    metrics.commit_payloads += commit_payloads_;
    metrics.commit_bytes += commit_disk_bytes_;
    metrics.commit_payloads_max =
        std::max<std::uint64_t>(metrics.commit_payloads_max, commit_payloads_);
    metrics.commit_latency_us += static_cast<std::uint64_t>(latency.count());
    auto& buckets = metrics.commit_latency_us_log2;
    ++buckets[latency_bucket(latency, buckets.size())];
  }
  metrics.durable_first_seq = segments_.back().first_seq;
  bool const dropped = note_durable_drops();
  if (dropped) metrics.drop_bytes += commit_disk_bytes_;
  bool const notifies = std::exchange(commit_payloads_, 0) > 0 || dropped;
  // The disk goes on while the listener acknowledges.
  if (!closing_) advance();
  if (notifies) listener_.on_durable(seq);
}

void Log::Core::refuse_queued() {
  segment_wait_begun_.reset();
  auto const first = pipeline.drop_queued();
  drops_.clear();  // Nothing is in flight here: they were all queued.
  listener_.on_refused(first);
}

/// That the disk is full is believed only after an attempt that met it: more goes for a segment
/// then.
void Log::Core::make_segment(OnDisk disk) {
  maker_settled_ = false;
  expiry_settled_ = false;
  planned_for_ = disk;
  maker_.start(plan_segment(disk));
  settle_maker();
}

/// Deals once with what the maker has come to.
void Log::Core::settle_maker() {
  using State = SegmentMaker::State;
  auto const state = maker_.state();
  spare_expiring_segment();
  if (maker_.expiry_is_done() && !std::exchange(expiry_settled_, true)) {
    manifest_ = maker_.plan().shortened;
    apply_expiry();
  }
  if (maker_settled_ || state == State::working || state == State::idle) return;
  maker_settled_ = true;
  if (state == State::ready) {
    space_retry_at_.reset();
    manifest_ = maker_.plan().manifest;
    is_disk_full_ = maker_.disk_was_full();
    if (active_.file) give_tails_back();
  } else if (goes_on_freeing()) {
    make_segment(OnDisk::full);
  } else if (may_be_tried_again(maker_.failure().code)) {
    ++metrics.space_failures;
    space_failure_ = maker_.failure();
    space_retry_at_ = now_ + options.space_retry_delay;
  } else {
    fail(maker_.failure());
  }
}

/// Whether more may go for the segment: what is old, unless nothing went for the last attempt
/// although it might have; at last the zeros of the segments that the start found.
bool Log::Core::goes_on_freeing() {
  if (maker_.failure().code != Errc::no_space || closing_) return false;
  is_disk_full_ = true;
  bool const has_freed = maker_.expiry_is_done() && !maker_.plan().expired.empty();
  bool const may_help = planned_for_ == OnDisk::with_room || has_freed;
  if (may_help && !plan_segment(OnDisk::full).expired.empty()) return true;
  return release_tails(any_tail);
}

void Log::Core::poll(Instant now) {
  take_time(now);
  directory_.poll();
  advance();
  go_on_packing();
}

std::optional<Instant> Log::Core::next_deadline() const noexcept {
  if (failure_) return std::nullopt;
  auto deadline = space_retry_at_;
  if (auto const mark = pipeline.mark_deadline(); mark && pipeline.idle()) {
    deadline = deadline ? std::min(*deadline, *mark) : *mark;
  }
  for (auto const& at : {age_check_at_, pack_retry_at_}) {
    if (at) deadline = deadline ? std::min(*deadline, *at) : *at;
  }
  return deadline;
}

void Log::Core::on_timer(Instant now) {
  take_time(now);
  if (failure_) return;
  if (space_retry_at_ && *space_retry_at_ <= now) {
    // Only a spare that is there ends the state of having no space.
    space_retry_at_ = now + options.space_retry_delay;
    if (maker_.state() == SegmentMaker::State::failed) make_segment();
  }
  if (auto const mark = pipeline.mark_deadline(); mark && *mark <= now && pipeline.idle()) {
    pipeline.queue_mark();
    advance();
  }
  if (age_check_at_ && *age_check_at_ <= now && !closing_ && !failure_) rotate_for_age();
  if (pack_retry_at_ && *pack_retry_at_ <= now) {
    pack_retry_at_.reset();
    go_on_packing();
  }
}

void Log::Core::check_place() {
  if (failure_ || closing_) return;
  auto const name = active_.file ? segment_name(active_.header.segment_no) : std::string();
  if (auto const found = directory_.check_place(name, active_.file.get()); !found) {
    fail(found.error());
  }
}

boost::system::error_code Log::Core::admit(std::size_t payloads,
                                           std::size_t payload_bytes) const noexcept {
  if (failure_ || closing_) return Errc::failed;
  auto const body = group_bytes(payloads, payload_bytes);
  if (body > options.commit_bytes_max) return Errc::too_large;
  if (waits_for_space() && maker_.state() != SegmentMaker::State::ready) {
    auto const bytes = align_up(commit_header_bytes + body, options.commit_align);
    if (pipeline.queued_commit_bytes() + bytes > active_.free_bytes()) return Errc::no_space;
  }
  return {};
}

Failure const* Log::Core::missing_segment() const noexcept {
  bool const is_missing = waits_for_space() && maker_.state() != SegmentMaker::State::ready;
  return is_missing && !failure_ && !closing_ ? &space_failure_ : nullptr;
}

bool Log::Core::has_segment_for(std::size_t payload_bytes) const noexcept {
  if (failure_ || closing_ || waits_for_space()) return true;
  if (maker_.state() == SegmentMaker::State::ready) return true;
  return pipeline.queued_commit_bytes() + payload_bytes <= active_.free_bytes();
}

void Log::Core::fail(Failure failure) {
  if (failure_) return;
  pipeline.on_failed();
  failure_ = std::move(failure);
  listener_.on_failed(*failure_);
}

Result<void> Log::Core::close() {
  BOOST_ASSERT(pipeline.idle());
  closing_ = true;
  maker_.abandon();
  stop_packing();
  if (failure_) return *failure_;
  if (active_.file && noted_age_ != age()) queue_age();
  pipeline.queue_seal();
  // Without room the log ends without a seal: the next start reads it all the same.
  while (auto const bytes = pipeline.next_commit_bytes()) {
    if (*bytes > active_.free_bytes()) return name_end();
    write_commit();
    while (write_in_flight_) directory_.wait();
    if (failure_) return *failure_;
  }
  // The next start makes segments of its own, and reads a hole faster than zeros.
  if (is_disk_full_) return name_end();  // It would not find it again.
  if (active_.free_bytes() >= active_.header.segment_bytes / large_tail) {
    release_tail(active_.header.segment_no, active_.end_offset);
  }
  if (maker_.state() == SegmentMaker::State::ready) {
    release_tail(maker_.plan().header.segment_no, first_commit_offset);
  }
  return name_end();
}

/// MANIFEST says how the log ended, when that is on disk: an end that is not there any more, down
/// to its last trace, is damage then. A crash before it leaves a log that was not closed.
Result<void> Log::Core::name_end() {
  while (maker_.in_flight()) directory_.wait();
  settle_maker();
  if (failure_) return *failure_;
  bool const has_spare = maker_.state() == SegmentMaker::State::ready;
  auto manifest = has_spare ? maker_.plan().manifest : manifest_;
  manifest.durable_commit = pipeline.durable_commit();
  manifest.end_seq = pipeline.durable_seq() + 1;
  auto const written = exchange_manifest(directory_, manifest);
  if (!written && may_be_tried_again(written.error().code)) return {};
  return written;
}

}  // namespace stele::wal

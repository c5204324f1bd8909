#include "wal/log.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <boost/assert.hpp>
#include <cstring>
#include <deque>
#include <utility>

#include "wal/commit_pipeline.hpp"
#include "wal/recovery.hpp"
#include "wal/segment_maker.hpp"
#include "wal/segment_name.hpp"

namespace stele::wal {
namespace {

constexpr std::uint64_t segment_bytes_min = std::uint64_t{64} << 10;
constexpr std::size_t commit_align_max = 65536;

std::uint64_t kernel_entropy() {
  std::uint64_t value = 0;
  while (::getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

/// Fills in what is left to the log, and bounds a commit by what fits in one segment.
Result<Options> resolve(Options options, Directory const& directory) {
  if (options.commit_align == 0) options.commit_align = directory.alignment();
  if (!std::has_single_bit(options.commit_align) || options.commit_align > commit_align_max ||
      options.commit_align < directory.alignment()) {
    return Failure{make_error_code(boost::system::errc::invalid_argument),
                   "commit-align must be a power of two from " +
                       std::to_string(directory.alignment()) + " to " +
                       std::to_string(commit_align_max)};
  }
  if (options.segment_bytes < segment_bytes_min ||
      options.segment_bytes % header_block_bytes != 0) {
    return Failure{make_error_code(boost::system::errc::invalid_argument),
                   "segment-bytes must be a multiple of 4096 and at least " +
                       std::to_string(segment_bytes_min)};
  }
  auto const room = options.segment_bytes - first_commit_offset - options.commit_align;
  options.commit_bytes_max = std::min<std::size_t>(
      options.commit_bytes_max, static_cast<std::size_t>(room) - commit_header_bytes);
  options.gather_bytes = std::min(options.gather_bytes, options.commit_bytes_max);
  if (!options.entropy) options.entropy = kernel_entropy;
  return options;
}

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

}  // namespace

std::string_view to_string(GapReason reason) noexcept {
  switch (reason) {
    case GapReason::expired:
      return "expired";
    case GapReason::damaged:
      return "damaged";
    case GapReason::torn:
      return "torn";
    case GapReason::dropped_by_client:
      return "dropped_by_client";
  }
  return "unknown";
}

/// The shell around the pipeline: it carries bytes between the pipeline, the segments and the
/// directory, and decides nothing about durability itself.
class Log::Core final : private Completion {
 public:
  Core(Directory& directory, Options const& options, LogListener& listener, Recovered recovered,
       RecoveryReport report);
  Core(Core const&) = delete;
  Core& operator=(Core const&) = delete;
  ~Core();

  Result<void> start();
  void start_commit(Instant now);
  void poll(Instant now);
  void on_timer(Instant now);
  std::optional<Instant> next_deadline() const noexcept;
  boost::system::error_code admit(std::size_t payloads, std::size_t payload_bytes) const noexcept;
  Result<void> close();

  Options const options;
  RecoveryReport const report;
  StoreId store_id{};
  CommitPipeline pipeline;
  LogMetrics metrics{};

 private:
  void on_complete(boost::system::error_code error) noexcept override;
  void advance();
  void write_commit();
  void turn_segment();
  void refuse_queued();
  void make_spare();
  void settle_maker();
  void fail(Failure failure);
  SegmentMaker::Plan plan_segment(std::uint64_t prev_end_commit);
  std::vector<SegmentMaker::Expired> plan_expiry(Manifest& manifest) const;
  void apply_expiry();
  Result<void> wait_for_maker();
  void remove_leftovers();
  bool waits_for_space() const noexcept { return space_retry_at_.has_value(); }

  Directory& directory_;
  LogListener& listener_;
  Recovered recovered_;
  Manifest manifest_{};
  std::deque<KeptSegment> segments_{};  ///< With commits; the active one last.
  Segment active_{};
  SegmentMaker maker_;
  bool maker_settled_ = true;  ///< The maker's last outcome has been dealt with.
  bool write_in_flight_ = false;
  bool closing_ = false;
  bool destroyed_ = false;
  Instant now_{};
  Instant commit_begun_{};
  std::uint64_t commit_disk_bytes_ = 0;
  std::uint32_t commit_payloads_ = 0;
  std::optional<Instant> space_retry_at_{};
  std::optional<Failure> failure_{};
};

Log::Core::Core(Directory& directory, Options const& resolved, LogListener& listener,
                Recovered recovered, RecoveryReport recovery)
    : options(resolved),
      report(std::move(recovery)),
      pipeline(recovered.start, {.commit_align = options.commit_align,
                                 .gather_bytes = options.gather_bytes,
                                 .mark_delay = options.mark_delay}),
      directory_(directory),
      listener_(listener),
      recovered_(std::move(recovered)),
      manifest_(recovered_.manifest),
      maker_(directory) {
  if (recovered_.fresh) manifest_.store_id = make_store_id(options);
  store_id = manifest_.store_id;
  segments_.assign(recovered_.segments.begin(), recovered_.segments.end());
  for (auto const& segment : segments_) metrics.log_bytes += segment.bytes;
}

Log::Core::~Core() {
  // The directory still holds our buffers.
  maker_.abandon();
  destroyed_ = true;
  while (maker_.in_flight() || write_in_flight_) directory_.wait();
}

/// Each start opens a new segment, and proves with its first commit where the log before it ended.
Result<void> Log::Core::start() {
  maker_.start(plan_segment(pipeline.durable_commit()));
  if (auto const made = wait_for_maker(); !made) return made;
  turn_segment();
  remove_leftovers();
  for (auto const& gap : recovered_.new_gaps) pipeline.append_gap(gap);
  if (recovered_.new_gaps.empty()) pipeline.queue_mark();
  advance();
  while (write_in_flight_) directory_.wait();
  if (failure_) return *failure_;
  return {};
}

Result<void> Log::Core::wait_for_maker() {
  while (maker_.state() == SegmentMaker::State::working) directory_.wait();
  if (maker_.state() == SegmentMaker::State::failed) return maker_.failure();
  apply_expiry();
  manifest_ = maker_.plan().manifest;
  return {};
}

void Log::Core::remove_leftovers() {
  for (auto const& name : recovered_.leftovers) {
    // The file of that name may be the segment that was just made.
    if (name == segment_name(active_.header.segment_no)) continue;
    (void)directory_.remove(name);
  }
}

SegmentMaker::Plan Log::Core::plan_segment(std::uint64_t prev_end_commit) {
  auto const prev = segments_.empty() ? 0 : segments_.back().segment_no;
  SegmentMaker::Plan plan;
  plan.header = {.segment_bytes = options.segment_bytes,
                 .commit_align = static_cast<std::uint32_t>(options.commit_align),
                 .store_id = store_id,
                 .segment_no = std::max(prev, manifest_.first_segment_no - 1) + 1,
                 .salt = options.entropy(),
                 .prev_segment_no = prev,
                 .prev_salt = active_.file ? active_.header.salt : recovered_.last_salt,
                 .prev_end_commit = prev_end_commit};
  plan.manifest = manifest_;
  plan.manifest.last_segment_no = plan.header.segment_no;
  plan.manifest.durable_commit = pipeline.durable_commit();
  plan.expired = plan_expiry(plan.manifest);
  return plan;
}

/// Which segments retention takes, the oldest first and never the active one.
std::vector<SegmentMaker::Expired> Log::Core::plan_expiry(Manifest& manifest) const {
  std::vector<SegmentMaker::Expired> expired;
  if (options.retain_bytes == 0) return expired;
  auto bytes = metrics.log_bytes + options.segment_bytes;
  for (std::size_t i = 0; i + 1 < segments_.size() && bytes > options.retain_bytes; ++i) {
    expired.push_back({segments_[i].segment_no, segments_[i].damaged});
    bytes -= segments_[i].bytes;
    auto const& first = segments_[i + 1];
    manifest.first_segment_no = first.segment_no;
    manifest.first_commit_no = first.first_commit_no;
    manifest.first_chain = first.first_chain;
    manifest.first_seq = first.first_seq;
  }
  return expired;
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
  listener_.on_expired(maker_.plan().manifest.first_seq - 1);
}

void Log::Core::turn_segment() {
  active_ = maker_.take();
  segments_.push_back({.segment_no = active_.header.segment_no,
                       .bytes = active_.header.segment_bytes,
                       .first_commit_no = pipeline.next_commit_no(),
                       .first_chain = pipeline.chain(),
                       .first_seq = pipeline.durable_seq() + 1});
  metrics.log_bytes += active_.header.segment_bytes;
  ++metrics.segments_made;
  metrics.segments = segments_.size();
}

void Log::Core::start_commit(Instant now) {
  now_ = now;
  advance();
}

/// Begins the next commit if there is one, the disk is free and a segment has room.
void Log::Core::advance() {
  settle_maker();
  if (failure_ || write_in_flight_) return;
  auto const bytes = pipeline.next_commit_bytes();
  if (bytes && *bytes > active_.room()) {
    if (maker_.state() != SegmentMaker::State::ready) {
      if (waits_for_space()) return refuse_queued();
      ++metrics.segment_waits;
      return;
    }
    turn_segment();
  }
  if (bytes) write_commit();
  if (!closing_ && maker_.state() == SegmentMaker::State::idle) make_spare();
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
  if (error) {
    return fail({error, segment_name(active_.header.segment_no) + ": commit failed: " +
                            error.message()});
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
    auto& buckets = metrics.commit_latency_us_log2;
    ++buckets[latency_bucket(latency, buckets.size())];
  }
  bool const tell = std::exchange(commit_payloads_, 0) > 0;
  // The disk goes on while the listener acknowledges.
  if (!closing_) advance();
  if (tell) listener_.on_durable(seq);
}

void Log::Core::refuse_queued() {
  auto const first = pipeline.drop_queued();
  listener_.on_refused(first);
}

void Log::Core::make_spare() {
  maker_settled_ = false;
  maker_.start(plan_segment(end_commit_unknown));
  settle_maker();
}

/// Deals once with what the maker has come to.
void Log::Core::settle_maker() {
  using State = SegmentMaker::State;
  auto const state = maker_.state();
  if (maker_settled_ || state == State::working || state == State::idle) return;
  maker_settled_ = true;
  if (state == State::ready) {
    space_retry_at_.reset();
    manifest_ = maker_.plan().manifest;
    apply_expiry();
  } else if (maker_.failure().code == Errc::no_space) {
    ++metrics.space_failures;
    space_retry_at_ = now_ + options.space_retry_delay;
  } else {
    fail(maker_.failure());
  }
}

void Log::Core::poll(Instant now) {
  now_ = now;
  directory_.poll();
  advance();
}

std::optional<Instant> Log::Core::next_deadline() const noexcept {
  if (failure_) return std::nullopt;
  auto deadline = space_retry_at_;
  if (auto const mark = pipeline.mark_deadline(); mark && pipeline.idle()) {
    deadline = deadline ? std::min(*deadline, *mark) : *mark;
  }
  return deadline;
}

void Log::Core::on_timer(Instant now) {
  now_ = now;
  if (failure_) return;
  if (space_retry_at_ && *space_retry_at_ <= now) {
    // Only a spare that is there ends the state of having no space.
    space_retry_at_ = now + options.space_retry_delay;
    if (maker_.state() == SegmentMaker::State::failed) make_spare();
  }
  if (auto const mark = pipeline.mark_deadline(); mark && *mark <= now && pipeline.idle()) {
    pipeline.queue_mark();
    advance();
  }
}

boost::system::error_code Log::Core::admit(std::size_t payloads,
                                           std::size_t payload_bytes) const noexcept {
  if (failure_ || closing_) return Errc::failed;
  auto const body = group_bytes(payloads, payload_bytes);
  if (body > options.commit_bytes_max) return Errc::too_large;
  if (waits_for_space() && maker_.state() != SegmentMaker::State::ready) {
    auto const bytes = align_up(commit_header_bytes + body, options.commit_align);
    if (pipeline.queued_commit_bytes() + bytes > active_.room()) return Errc::no_space;
  }
  return {};
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
  if (failure_) return *failure_;
  pipeline.queue_seal();
  // Without room the log ends without a seal: the next start reads it all the same.
  if (*pipeline.next_commit_bytes() > active_.room()) return {};
  write_commit();
  while (write_in_flight_) directory_.wait();
  if (failure_) return *failure_;
  return {};
}

Log::Log(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Log::~Log() = default;

Result<std::unique_ptr<Log>> Log::open(Directory& directory, Options const& options,
                                       RecoverySink& sink, LogListener& listener) {
  auto const resolved = resolve(options, directory);
  if (!resolved) return resolved.error();
  if (auto const locked = directory.lock(); !locked) return locked.error();
  RecoveryReport report;
  auto recovered = recover(directory, sink, report);
  if (!recovered) return recovered.error();
  if (recovered->damaged && options.on_damage == OnDamage::refuse) {
    std::string text = "damage was found and the configuration says to refuse";
    for (auto const& finding : report.findings) text += "; " + finding;
    return Failure{Errc::damaged, text};
  }
  auto core = std::make_unique<Core>(directory, resolved.value(), listener,
                                     std::move(recovered.value()), std::move(report));
  if (auto const started = core->start(); !started) return started.error();
  return std::unique_ptr<Log>(new Log(std::move(core)));
}

RecoveryReport const& Log::recovery() const noexcept { return core_->report; }
StoreId const& Log::store_id() const noexcept { return core_->store_id; }
Options const& Log::options() const noexcept { return core_->options; }
Seq Log::next_seq() const noexcept { return core_->pipeline.next_seq(); }
Seq Log::durable_seq() const noexcept { return core_->pipeline.durable_seq(); }
std::size_t Log::pending_bytes() const noexcept { return core_->pipeline.pending_bytes(); }

boost::system::error_code Log::admit(std::size_t payloads,
                                     std::size_t payload_bytes) const noexcept {
  return core_->admit(payloads, payload_bytes);
}

Seq Log::append(WriterMark const& writer, std::span<std::string_view const> payloads) {
  return core_->pipeline.append(writer, payloads);
}

void Log::start_commit(Instant now) { core_->start_commit(now); }
void Log::poll(Instant now) { core_->poll(now); }
std::optional<Instant> Log::next_deadline() const noexcept { return core_->next_deadline(); }
void Log::on_timer(Instant now) { core_->on_timer(now); }
bool Log::idle() const noexcept { return core_->pipeline.idle(); }
Result<void> Log::close() { return core_->close(); }
LogMetrics const& Log::metrics() const noexcept { return core_->metrics; }

}  // namespace stele::wal

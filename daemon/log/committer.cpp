#include "daemon/log/committer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/turn/turn_budget.hpp"

namespace stele::daemon {
namespace {

/// Of a turn, for keeping as blocks what was packed: writers and readers wait for it.
constexpr std::size_t adopting_visits = TurnBudget::turn_visits / 4;

}  // namespace

wal::Result<std::unique_ptr<Committer>> Committer::open(wal::Directory& directory,
                                                        wal::Options const& options,
                                                        wal::RecoverySink& sink, Store& store,
                                                        Clock const& clock, TurnScheduler& turns) {
  std::unique_ptr<Committer> committer(new Committer(store, clock, turns));
  auto log = wal::Log::open(directory, options, sink, *committer);
  if (!log) return log.error();
  committer->log_ = *std::move(log);
  // What the log lost at its end is not there to be read, but its seqs are not given out again.
  store.publish(committer->log_->next_seq() - 1);
  return committer;
}

Committer::Committer(Store& store, Clock const& clock, TurnScheduler& turns)
    : store_(store), clock_(clock), turns_(turns) {}

wal::Seq Committer::append(wal::WriterMark const& writer,
                           std::span<std::string_view const> payloads) {
  auto const first = log_->append(writer, payloads);
  request_turn_end();
  return first;
}

std::uint64_t Committer::append_dropped(wal::WriterId const& writer, std::uint64_t count) {
  auto const commit_no = log_->append_dropped(writer, count);
  request_turn_end();
  return commit_no;
}

std::uint64_t Committer::append_acknowledged(wal::Seq first, wal::Seq last) {
  auto const commit_no = log_->append_acknowledged(first, last);
  request_turn_end();
  return commit_no;
}

LogStatus Committer::status() const {
  LogStatus status;
  status.durable_seq = log_->durable_seq();
  status.pending_bytes = log_->pending_bytes();
  status.metrics = log_->metrics();
  return status;
}

void Committer::await(LogWaiter& waiter) noexcept {
  if (!waiter.is_linked()) waiters_.push_back(waiter);
}

void Committer::notify_when_idle(std::function<void()> handler) {
  on_idle_ = std::move(handler);
  request_turn_end();
}

void Committer::request_turn_end() {
  if (!std::exchange(turn_end_requested_, true)) turns_.request_turn_end();
}

void Committer::on_turn_end() {
  turn_end_requested_ = false;
  auto const gathered = log_->gathering();
  log_->start_commit(clock_.now());
  report(gathered);
  TurnBudget budget(adopting_visits);
  if (store_.adopt_more(budget)) request_turn_end();
}

void Committer::on_disk_event() {
  auto const gathered = log_->gathering();
  log_->poll(clock_.now());
  report(gathered);
}

void Committer::on_timer() {
  auto const now = clock_.now();
  bool const pause_is_over = huge_pause_is_awaited_ && now >= huge_pause_end_;
  auto const log_due = log_->next_deadline();
  bool const log_is_due = log_due && now >= *log_due;
  if (!pause_is_over && !log_is_due) return;
  auto const gathered = log_->gathering();
  if (pause_is_over) {
    huge_pause_is_awaited_ = false;
    progressed_ = true;
  }
  if (log_is_due) log_->on_timer(now);
  report(gathered);
}

std::optional<Instant> Committer::next_deadline() const noexcept {
  auto const log_due = log_->next_deadline();
  if (!huge_pause_is_awaited_) return log_due;
  return std::min(huge_pause_end_, log_due.value_or(huge_pause_end_));
}

bool Committer::huge_pause_is_over() noexcept {
  if (failed_ || clock_.now() >= huge_pause_end_) return true;
  if (!std::exchange(huge_pause_is_awaited_, true)) request_turn_end();  // Sets the timer.
  return false;
}

void Committer::note_huge_commit(std::uint64_t bytes, std::chrono::microseconds took) noexcept {
  if (bytes <= large_pending_bytes) return;
  auto const pause = std::min<std::chrono::microseconds>(huge_pause_factor * took, huge_pause_max);
  huge_pause_end_ = clock_.now() + pause;
}

void Committer::check_place() {
  auto const gathered = log_->gathering();
  log_->check_place();
  report(gathered);
}

void Committer::on_durable(wal::Seq seq) {
  count_commit(seq);
  store_.publish(seq);
  progressed_ = true;
}

/// Whose the bytes are that it took.
void Committer::count_commit(wal::Seq seq) {
  auto const& metrics = log_->metrics();
  auto const bytes = metrics.commit_bytes + metrics.drop_bytes;
  auto const segment = metrics.durable_first_seq;
  if (segment != std::exchange(counted_segment_, segment)) store_.history().begin_segment();
  auto const new_bytes = bytes - std::exchange(counted_bytes_, bytes);
  store_.history().commit(seq, new_bytes);
  auto const took_us =
      metrics.commit_latency_us - std::exchange(counted_us_, metrics.commit_latency_us);
  note_huge_commit(new_bytes, std::chrono::microseconds(took_us));
}

void Committer::on_refused(wal::Seq first) {
  store_.unstage_from(first);
  refused_from_ = std::min(refused_from_.value_or(first), first);
  progressed_ = true;
}

void Committer::on_failed(wal::Failure const& failure) {
  failed_ = true;
  spdlog::critical("the log failed: {}", failure.message);
}

void Committer::on_packed(std::vector<wal::PackedBlock> blocks) {
  store_.begin_to_adopt(std::move(blocks));
  request_turn_end();
}

void Committer::on_not_packed(wal::Failure const& failure) { spdlog::warn("{}", failure.message); }

void Committer::on_expired(wal::Seq seq) {
  store_.remove_up_to(seq);
  auto const now = clock_.now();
  if (auto const held_back = expiry_lines_.pass(now)) {
    spdlog::info("retention removed entries up to seq {} ({} more times since the last line)", seq,
                 *held_back);
  }
  // A line of its own: one about what everybody has confirmed must not hold it back.
  auto const is_lacking = [seq](auto const& consumer) {
    return consumer.confirmed_seq.value_or(0) < seq;
  };
  auto const& consumers = store_.consumers().all();
  if (std::ranges::none_of(consumers, is_lacking)) return;
  auto const held_back = lost_lines_.pass(now);
  if (!held_back) return;
  for (auto const& consumer : consumers) {
    if (!is_lacking(consumer)) continue;
    spdlog::warn(
        "retention removed entries that consumer {} has not confirmed: it is at {}; see hold-bytes "
        "({} more times since the last line)",
        consumer.name, consumer.confirmed_seq.value_or(0), *held_back);
  }
}

void Committer::note_refused() noexcept {
  ++refused_writes_;
  if (std::exchange(refuses_, true)) return;
  auto const* const missing = log_->missing_segment();
  bool const is_disk = missing == nullptr || missing->code == wal::Errc::no_space;
  spdlog::warn("{}: writes from seq {} on are refused until there is room",
               is_disk ? "the disk is full" : missing->message, next_seq());
}

/// A line when the next segment cannot be made, and one when it is there.
void Committer::look_at_space() {
  if (auto const* const missing = log_->missing_segment()) {
    if (scarcity_told_ || !scarcity_lines_.pass(clock_.now())) return;
    scarcity_told_ = true;
    spdlog::warn("{}: what does not fit into this segment will be refused", missing->message);
    return;
  }
  scarcity_told_ = false;
  if (!std::exchange(refuses_, false)) return;
  spdlog::info("there is room again: writes are taken; {} were refused",
               std::exchange(refused_writes_, 0));
}

/// `gathered` is what had gathered before the call into the log.
void Committer::report(wal::Gathering const& gathered) {
  look_at_space();
  if (refused_from_) {
    Seq const first = *std::exchange(refused_from_, std::nullopt);
    note_refused();
    // Also who waits for an older write may have refused ones behind it.
    for (auto& waiter : waiters_) waiter.on_refused(first);
  }
  // Some may have been held back because so much had gathered.
  bool const next_gathers = log_->gathering().commit_no != gathered.commit_no;
  if (next_gathers && gathered.bytes >= user_bytes_full) progressed_ = true;
  if (awaited_segment_bytes_ > 0 && log_->has_segment_for(awaited_segment_bytes_)) {
    awaited_segment_bytes_ = 0;
    progressed_ = true;
  }
  if (std::exchange(progressed_, false)) {
    tell_waiters([](LogWaiter& waiter) { waiter.on_log_progress(); });
  }
  if (failed_ && !std::exchange(failure_told_, true)) {
    tell_waiters([](LogWaiter& waiter) { waiter.on_log_failed(); });
    if (on_failure_) on_failure_();
  }
  if (on_idle_ && log_->idle()) std::exchange(on_idle_, nullptr)();
}

/// Those who ask again meanwhile wait for the next event.
template <class Telling>
void Committer::tell_waiters(Telling const& telling) {
  Waiters ready;
  ready.swap(waiters_);
  while (!ready.empty()) {
    auto& waiter = ready.front();
    ready.pop_front();
    telling(waiter);
  }
}

}  // namespace stele::daemon

// Decides when what was written is committed, and who is notified of what became of it, in which
// order. Sans-io but for the log's directory: a shell says when a turn of the loop is over, the
// disk has finished something, or a deadline has come.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/log/log_port.hpp"
#include "daemon/store/store.hpp"
#include "daemon/supervision/diagnostics.hpp"
#include "wal/log.hpp"
#include "wal/storage.hpp"

namespace stele::daemon {

/// One who waits for the log. Told once for each time that it asked; it may write and ask again
/// while it is notified. It is forgotten when it is destroyed.
class LogWaiter : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// More is visible, less waits for the disk, or another commit gathers, than when it asked.
  virtual void on_log_progress() = 0;
  /// Entries from `first` on were never written. Takes note only: on_log_progress() follows.
  virtual void on_refused(Seq first) = 0;
  /// What is not visible now has an unknown fate.
  virtual void on_log_failed() = 0;

 protected:
  ~LogWaiter() = default;
};

/// What the committer asks of the loop that it runs in.
class TurnScheduler {
 public:
  /// Calls Committer::on_turn_end() once, when the events that are there now have been handled.
  virtual void request_turn_end() = 0;

 protected:
  ~TurnScheduler() = default;
};

/// A write waits for the end of the turn, so that all that arrived in it share one commit; what
/// comes while that is in flight gathers into the next, which the log begins by itself.
///
/// After each event, in this order: refused writes, those that are durable, a failure, idleness.
class Committer final : public LogPort, private wal::LogListener {
 public:
  /// Opens the log and recovers what it holds into `sink`. Blocks. All references outlive the
  /// committer.
  static wal::Result<std::unique_ptr<Committer>> open(wal::Directory& directory,
                                                      wal::Options const& options,
                                                      wal::RecoverySink& sink, Store& store,
                                                      Clock const& clock, TurnScheduler& turns);

  wal::Log const& log() const noexcept { return *log_; }

  wal::Seq next_seq() const noexcept override { return log_->next_seq(); }
  /// After a failure nothing waits for the disk any more.
  std::size_t pending_bytes() const noexcept override {
    return failed_ ? 0 : log_->pending_bytes();
  }
  wal::Gathering gathering() const noexcept override {
    return failed_ ? wal::Gathering{} : log_->gathering();
  }
  boost::system::error_code admit(std::size_t payloads,
                                  std::size_t payload_bytes) const noexcept override {
    return log_->admit(payloads, payload_bytes);
  }
  bool is_full() const noexcept override {
    return refuses_ || log_->admit(1, 1) == wal::Errc::no_space;
  }
  void note_refused() noexcept override;
  bool has_segment_for(std::size_t payload_bytes) noexcept override {
    bool const has = failed_ || log_->has_segment_for(payload_bytes);
    if (!has) awaited_segment_bytes_ = payload_bytes;
    return has;
  }
  bool huge_pause_is_over() noexcept override;
  wal::Seq append(wal::WriterMark const& writer,
                  std::span<std::string_view const> payloads) override;
  std::uint64_t append_dropped(wal::WriterId const& writer, std::uint64_t count) override;
  std::uint64_t append_acknowledged(wal::Seq first, wal::Seq last) override;
  void hold_from(wal::Seq first) noexcept override { log_->hold_from(first); }
  void retain(std::uint64_t bytes) noexcept { log_->retain(bytes); }
  wal::Seq first_seq_kept() const noexcept override { return log_->first_seq_kept(); }
  std::uint64_t durable_commit() const noexcept override { return log_->durable_commit(); }
  wal::GapLedger const& gaps() const noexcept override { return log_->gaps(); }
  LogStatus status() const override;

  /// Tells `waiter` of the next event. One that waits already keeps its place.
  void await(LogWaiter& waiter) noexcept;

  /// Called once if a write or sync fails, after all waiters were notified.
  void set_failure_handler(std::function<void()> handler) { on_failure_ = std::move(handler); }
  /// Calls `handler` when nothing waits for the disk: at the end of this turn, or when it has
  /// become so.
  void notify_when_idle(std::function<void()> handler);

  void on_turn_end();
  /// The directory's event_fd is readable.
  void on_disk_event();
  /// next_deadline() may have passed.
  void on_timer();
  /// Looks whether the log's directory is still where it was.
  void check_place();
  /// Changes only within the first three calls above.
  std::optional<Instant> next_deadline() const noexcept;

  /// Seals the log. Blocks. Precondition: idle, and not failed.
  wal::Result<void> close() { return log_->close(); }
  bool failed() const noexcept { return failed_; }

 private:
  /// Members of the list leave it when they are destroyed, also while they are notified.
  using Waiters = boost::intrusive::list<LogWaiter, boost::intrusive::constant_time_size<false>>;

  Committer(Store& store, Clock const& clock, TurnScheduler& turns);

  void on_durable(wal::Seq seq) override;
  void on_refused(wal::Seq first) override;
  void on_failed(wal::Failure const& failure) override;
  void on_expired(wal::Seq seq) override;
  void on_packed(std::vector<wal::PackedBlock> blocks) override;
  void on_not_packed(wal::Failure const& failure) override;

  void count_commit(wal::Seq seq);
  void note_huge_commit(std::uint64_t bytes, std::chrono::microseconds took) noexcept;
  void request_turn_end();
  void look_at_space();
  void report(wal::Gathering const& gathered);
  template <class Telling>
  void tell_waiters(Telling const& telling);

  Store& store_;
  Clock const& clock_;
  TurnScheduler& turns_;
  std::unique_ptr<wal::Log> log_{};
  bool turn_end_requested_ = false;
  std::size_t awaited_segment_bytes_ = 0;  ///< 0: nobody waits for a segment.
  std::uint64_t counted_bytes_ = 0;        ///< Of commits whose users are known.
  std::uint64_t counted_us_ = 0;           ///< What they took.
  Instant huge_pause_end_{};
  bool huge_pause_is_awaited_ = false;
  Seq counted_segment_ = 0;  ///< The first seq of the last one's segment.
  Waiters waiters_{};
  std::function<void()> on_failure_{};
  std::function<void()> on_idle_{};

  Throttle expiry_lines_{std::chrono::seconds(10)};
  Throttle lost_lines_{std::chrono::seconds(10)};
  Throttle scarcity_lines_{std::chrono::seconds(10)};
  bool scarcity_told_ = false;  ///< There is no next segment, and a line said so.
  bool refuses_ = false;        ///< A write was refused since, and a line said so.
  std::uint64_t refused_writes_ = 0;

  // What the log reported during a call; passed on after it, since waiters append.
  std::optional<Seq> refused_from_{};
  bool progressed_ = false;
  bool failed_ = false;
  bool failure_told_ = false;
};

}  // namespace stele::daemon

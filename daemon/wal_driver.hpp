// Binds the log to the event loop: begins commits, takes in what the disk has finished, and tells
// those who wait.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/log_port.hpp"
#include "daemon/store.hpp"
#include "wal/log.hpp"
#include "wal/storage.hpp"

namespace stele::daemon {

/// One who wrote, or wants to write. Told once for each time that it asked, from the event loop.
class LogWaiter {
 public:
  /// The seq that it asked about is visible.
  virtual void on_durable() = 0;
  /// Entries from `first` on were never written.
  virtual void on_refused(Seq first) = 0;
  /// What is not visible now has an unknown fate.
  virtual void on_log_failed() = 0;
  /// Less waits for the disk than when it asked.
  virtual void on_log_room() = 0;

 protected:
  ~LogWaiter() = default;
};

class WalDriver final : public LogPort, private wal::LogListener {
 public:
  /// Opens the log and recovers what it holds into `sink`. Blocks. All references outlive the
  /// driver.
  static wal::Result<std::unique_ptr<WalDriver>> open(boost::asio::io_context& io,
                                                      wal::Directory& directory,
                                                      wal::Options const& options,
                                                      wal::RecoverySink& sink, Store& store,
                                                      Clock const& clock);
  ~WalDriver();

  wal::Log const& log() const noexcept { return *log_; }

  wal::Seq next_seq() const noexcept override { return log_->next_seq(); }
  std::size_t pending_bytes() const noexcept override { return log_->pending_bytes(); }
  boost::system::error_code admit(std::size_t payloads,
                                  std::size_t payload_bytes) const noexcept override {
    return log_->admit(payloads, payload_bytes);
  }
  wal::Seq append(std::span<std::string_view const> payloads) override;
  LogStatus status() const override;

  /// `waiter` has asked for one seq at a time at most: the oldest that it waits for.
  void notify_at(Seq seq, std::shared_ptr<LogWaiter> waiter);
  void notify_of_room(std::shared_ptr<LogWaiter> waiter);

  /// Called once if a write or sync fails, after all waiters were told.
  void set_failure_handler(std::function<void()> handler) { on_failure_ = std::move(handler); }
  /// Calls `handler` when nothing waits for the disk: at once, or when it has become so.
  void notify_when_idle(std::function<void()> handler);

  /// Seals the log. Blocks. Precondition: idle, and not failed.
  wal::Result<void> close() { return log_->close(); }
  bool failed() const noexcept { return failed_; }

 private:
  WalDriver(boost::asio::io_context& io, Store& store, Clock const& clock);

  void on_durable(wal::Seq seq) override;
  void on_refused(wal::Seq first) override;
  void on_failed(wal::Failure const& failure) override;
  void on_expired(wal::Seq seq) override;

  void kick();
  void wait_for_disk();
  void arm_timer();
  void after_log_call();
  void tell_refused();
  void tell_failed();
  void tell_durable();

  boost::asio::io_context& io_;
  Store& store_;
  Clock const& clock_;
  std::unique_ptr<wal::Log> log_{};
  boost::asio::posix::stream_descriptor disk_events_;
  boost::asio::steady_timer timer_;
  std::optional<Instant> armed_for_{};
  bool kicked_ = false;

  /// Each waiter is in it once at most, by the seq that it asked for.
  std::multimap<Seq, std::shared_ptr<LogWaiter>> waiters_{};
  std::vector<std::shared_ptr<LogWaiter>> room_waiters_{};
  std::function<void()> on_failure_{};
  std::function<void()> on_idle_{};

  // What the log told during a call; passed on after it, since waiters append.
  std::optional<Seq> refused_from_{};
  bool failed_ = false;
  bool failure_told_ = false;
};

}  // namespace stele::daemon

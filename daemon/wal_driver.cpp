#include "daemon/wal_driver.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <cerrno>
#include <utility>

namespace stele::daemon {

wal::Result<std::unique_ptr<WalDriver>> WalDriver::open(boost::asio::io_context& io,
                                                        wal::Directory& directory,
                                                        wal::Options const& options,
                                                        wal::RecoverySink& sink, Store& store,
                                                        Clock const& clock) {
  std::unique_ptr<WalDriver> driver(new WalDriver(io, store, clock));
  auto log = wal::Log::open(directory, options, sink, *driver);
  if (!log) return log.error();
  driver->log_ = *std::move(log);
  // What the log lost at its end is not there to be read, but its seqs are not given out again.
  store.publish(driver->log_->next_seq() - 1);

  // Asio closes what it watches, so it gets a descriptor of its own.
  int const events = ::dup(directory.event_fd());
  if (events < 0) {
    boost::system::error_code const error(errno, boost::system::system_category());
    return wal::Failure{error, "dup of the log's event descriptor: " + error.message()};
  }
  driver->disk_events_.assign(events);
  driver->wait_for_disk();
  driver->arm_timer();
  return driver;
}

WalDriver::WalDriver(boost::asio::io_context& io, Store& store, Clock const& clock)
    : io_(io), store_(store), clock_(clock), disk_events_(io), timer_(io) {}

WalDriver::~WalDriver() = default;

wal::Seq WalDriver::append(std::span<std::string_view const> payloads) {
  auto const first = log_->append(wal::WriterMark{}, payloads);
  kick();
  return first;
}

/// The post runs after the handlers that are ready now, so that the writes of all clients whose
/// requests have arrived share one commit.
void WalDriver::kick() {
  if (std::exchange(kicked_, true)) return;
  boost::asio::post(io_, [this] {
    kicked_ = false;
    log_->start_commit(clock_.now());
    after_log_call();
  });
}

void WalDriver::wait_for_disk() {
  disk_events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](boost::system::error_code error) {
                            if (error) return;
                            log_->poll(clock_.now());
                            after_log_call();
                            wait_for_disk();
                          });
}

/// A deadline that moves to a later time, as each commit moves it, leaves the timer as it is: it
/// then fires early, and is set again.
void WalDriver::arm_timer() {
  auto const deadline = log_->next_deadline();
  if (!deadline || (armed_for_ && *armed_for_ <= *deadline)) return;
  armed_for_ = deadline;
  timer_.expires_at(*deadline);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    armed_for_.reset();
    auto const now = clock_.now();
    if (auto const due = log_->next_deadline(); due && *due <= now) {
      log_->on_timer(now);
      after_log_call();
    } else {
      arm_timer();
    }
  });
}

void WalDriver::on_durable(wal::Seq seq) { store_.publish(seq); }

void WalDriver::on_refused(wal::Seq first) {
  store_.unstage_from(first);
  refused_from_ = std::min(refused_from_.value_or(first), first);
}

void WalDriver::on_failed(wal::Failure const& failure) {
  failed_ = true;
  spdlog::critical("the log failed: {}", failure.message);
}

void WalDriver::on_expired(wal::Seq seq) {
  spdlog::info("retention removed entries up to seq {}", seq);
  store_.remove_up_to(seq);
}

void WalDriver::after_log_call() {
  if (refused_from_) tell_refused();
  tell_durable();
  if (failed_ && !std::exchange(failure_told_, true)) tell_failed();
  arm_timer();
  if (on_idle_ && log_->idle()) std::exchange(on_idle_, nullptr)();
}

void WalDriver::tell_refused() {
  Seq const first = *std::exchange(refused_from_, std::nullopt);
  spdlog::warn("the disk is full: writes from seq {} on were refused", first);
  // Also who asked about an older write may have refused ones behind it.
  std::vector<std::shared_ptr<LogWaiter>> waiters;
  for (auto const& [seq, waiter] : waiters_) waiters.push_back(waiter);
  waiters_.erase(waiters_.lower_bound(first), waiters_.end());
  for (auto const& waiter : waiters) waiter->on_refused(first);
}

void WalDriver::tell_failed() {
  auto const waiters = std::exchange(waiters_, {});
  for (auto const& [seq, waiter] : waiters) waiter->on_log_failed();
  if (on_failure_) on_failure_();
}

void WalDriver::tell_durable() {
  auto const end = waiters_.upper_bound(store_.visible_seq());
  std::vector<std::shared_ptr<LogWaiter>> ready;
  for (auto waiter = waiters_.begin(); waiter != end; ++waiter) {
    ready.push_back(std::move(waiter->second));
  }
  waiters_.erase(waiters_.begin(), end);
  for (auto const& waiter : ready) waiter->on_durable();

  auto const room_waiters = std::exchange(room_waiters_, {});
  for (auto const& waiter : room_waiters) waiter->on_log_room();
}

LogStatus WalDriver::status() const {
  LogStatus status;
  status.durable_seq = log_->durable_seq();
  status.pending_bytes = log_->pending_bytes();
  status.metrics = log_->metrics();
  return status;
}

void WalDriver::notify_at(Seq seq, std::shared_ptr<LogWaiter> waiter) {
  waiters_.emplace(seq, std::move(waiter));
}

void WalDriver::notify_of_room(std::shared_ptr<LogWaiter> waiter) {
  room_waiters_.push_back(std::move(waiter));
}

void WalDriver::notify_when_idle(std::function<void()> handler) {
  on_idle_ = std::move(handler);
  boost::asio::post(io_, [this] { after_log_call(); });
}

}  // namespace stele::daemon

#include "daemon/supervision/heartbeat.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/supervision/diagnostics.hpp"

namespace stele::daemon {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr seconds period_max{10};
/// A disk that is only busy answers sooner.
constexpr seconds silence_worth_a_line{5};

microseconds period_of(Supervisor const& manager) {
  auto const timeout = manager.watchdog_timeout();
  return timeout.count() > 0 ? std::min<microseconds>(timeout / 2, period_max) : period_max;
}

}  // namespace

Heartbeat::Heartbeat(boost::asio::io_context& io, Supervisor& manager, Clock const& clock,
                     std::function<Reading()> read)
    : manager_(manager),
      clock_(clock),
      read_(std::move(read)),
      period_(period_of(manager)),
      timer_(io) {}

void Heartbeat::start() { wait(); }

void Heartbeat::wait() {
  timer_.expires_after(period_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    beat();
    wait();
  });
}

void Heartbeat::beat() {
  flush_diagnostics();
  manager_.feed();
  auto text = line();
  if (text == told_) return;
  manager_.report(text);
  told_ = std::move(text);
}

std::string Heartbeat::line() {
  auto const now = clock_.now();
  auto const reading = read_();
  auto const silence = disk_silence(reading, now);
  std::uint64_t rate = 0;
  if (seen_at_ && now > *seen_at_) {
    auto const passed_us = duration_cast<microseconds>(now - *seen_at_).count();
    rate = (reading.durable_seq - seen_seq_) * 1'000'000 / static_cast<std::uint64_t>(passed_us);
  }
  seen_at_ = now;
  seen_seq_ = reading.durable_seq;
  seen_pending_ = reading.pending_bytes > 0;
  return serving_line({.state = reading.state,
                       .connections = reading.connections,
                       .durable_seq = reading.durable_seq,
                       .entries_per_second = rate,
                       .disk_silent_for = silence,
                       .settings_refused = reading.settings_refused});
}

/// Since the first of the beats at which something waited, and between which nothing came to disk.
seconds Heartbeat::disk_silence(Reading const& reading, Instant now) {
  bool const silent =
      reading.pending_bytes > 0 && seen_pending_ && reading.durable_seq == seen_seq_;
  if (!silent) {
    if (std::exchange(silence_reported_, false)) spdlog::info("the disk answers again");
    silent_since_.reset();
    return seconds(0);
  }
  if (!silent_since_) silent_since_ = seen_at_;
  auto const silence = duration_cast<seconds>(now - *silent_since_);
  if (silence >= silence_worth_a_line && !std::exchange(silence_reported_, true)) {
    spdlog::warn("the disk has not answered for {} s; what is written waits for it",
                 silence.count());
  }
  return silence;
}

}  // namespace stele::daemon

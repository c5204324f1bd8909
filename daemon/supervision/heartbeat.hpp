// What the running event loop reports to the service manager: that it goes round, and how things
// are.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "daemon/clock.hpp"
#include "daemon/supervision/status_line.hpp"
#include "daemon/supervision/supervisor.hpp"

namespace stele::daemon {

/// A timer of the loop that it reports on: a loop that is stuck does not feed.
class Heartbeat {
 public:
  /// What is read again at each beat.
  struct Reading {
    std::string_view state = "ok";
    std::uint64_t connections = 0;
    std::uint64_t durable_seq = 0;
    std::size_t pending_bytes = 0;
    bool settings_refused = false;  ///< By the last reload.
  };
  /// All references outlive the heartbeat.
  Heartbeat(boost::asio::io_context& io, Supervisor& manager, Clock const& clock,
            std::function<Reading()> read);

  /// Beats from now on, if anybody listens.
  void start();
  /// The line as of now.
  std::string line();

 private:
  void wait();
  void beat();
  std::chrono::seconds disk_silence(Reading const& reading, Instant now);

  Supervisor& manager_;
  Clock const& clock_;
  std::function<Reading()> read_;
  std::chrono::microseconds period_;
  boost::asio::steady_timer timer_;
  std::string told_{};
  std::uint64_t seen_seq_ = 0;
  bool seen_pending_ = false;
  std::optional<Instant> seen_at_{};
  std::optional<Instant> silent_since_{};
  bool silence_reported_ = false;
};

}  // namespace stele::daemon

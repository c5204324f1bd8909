// steled without sockets, threads and time: all that it decides, on a simulated disk and clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/config/config.hpp"
#include "daemon/log/committer.hpp"
#include "daemon/operations/metrics.hpp"
#include "daemon/request/request_handler.hpp"
#include "daemon/session/session_state.hpp"
#include "daemon/store/store.hpp"
#include "support/simulated_disk.hpp"
#include "wal/log.hpp"

namespace stele::test {

struct SimulatedClock final : daemon::Clock {
  std::uint64_t wall_us() const noexcept override { return wall; }
  daemon::Instant now() const noexcept override { return monotonic; }

  std::uint64_t wall = 1'700'000'000'000'000;
  daemon::Instant monotonic{};
};

/// The daemon's end of one connection: what Session does, without the socket.
class SimulatedSession final : public daemon::LogWaiter {
 public:
  SimulatedSession(daemon::RequestHandler& handler, daemon::Committer& committer,
                   daemon::SessionLimits const& limits);

  /// Bytes arrive; returns how many of them it takes.
  std::size_t receive(std::string_view bytes);
  void end_input();
  /// Bytes leave: at most this many.
  std::string send(std::size_t bytes_max);
  /// The loop has come round to a session that left something for its next turn.
  void take_turn();
  void drain();
  bool finished() const noexcept { return state_.finished(); }

  void on_log_progress() override { advance(); }
  void on_refused(daemon::Seq first) override { state_.on_refused(first); }
  void on_log_failed() override;

 private:
  void advance();

  daemon::SessionState state_;
  daemon::Committer& committer_;
  daemon::ReplyBatch* sending_ = nullptr;
};

/// One life of the daemon, from its start to a crash or a clean stop. The events that wake the
/// real one are calls here; what nobody calls does not happen. Sessions end before it does.
class SimulatedService final : private daemon::TurnScheduler {
 public:
  SimulatedService(SimulatedDisk& disk, SimulatedClock const& clock, daemon::Config const& config,
                   wal::Options const& log_options);

  /// Recovers what the disk holds.
  wal::Result<void> open();
  std::unique_ptr<SimulatedSession> connect();

  bool turn_end_is_due() const noexcept { return turn_end_is_due_; }
  void end_turn();
  void disk_event() { committer_->on_disk_event(); }
  void timer() { committer_->on_timer(); }

  /// No new writes from now on; sessions are drained by their owner.
  void start_draining() { handler_->start_draining(); }
  bool idle() const noexcept { return committer_->log().idle(); }
  wal::Result<void> close() { return committer_->close(); }

  bool failed() const noexcept { return committer_->failed(); }
  bool has_consumers() const noexcept { return !facts_.config.consumers.empty(); }
  wal::RecoveryReport const& recovery() const noexcept { return committer_->log().recovery(); }
  daemon::Seq removed_seq() const noexcept { return store_.removed_seq(); }
  wal::LogMetrics const& log_metrics() const noexcept { return committer_->log().metrics(); }

 private:
  void request_turn_end() override { turn_end_is_due_ = true; }

  SimulatedClock const& clock_;
  wal::Options log_options_;
  daemon::ServiceFacts facts_{};
  daemon::Metrics metrics_{};
  daemon::Store store_;
  std::unique_ptr<wal::Directory> directory_;
  std::unique_ptr<daemon::Committer> committer_{};
  std::unique_ptr<daemon::RequestHandler> handler_{};
  bool turn_end_is_due_ = false;
};

}  // namespace stele::test

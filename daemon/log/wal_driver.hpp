// The shell between the event loop and the committer: it hands over events, and decides nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>

#include "daemon/clock.hpp"
#include "daemon/log/committer.hpp"
#include "daemon/store/store.hpp"
#include "wal/log.hpp"
#include "wal/storage.hpp"

namespace stele::daemon {

class WalDriver final : private TurnScheduler {
 public:
  /// Opens the log and recovers what it holds into `sink`. Blocks. All references outlive the
  /// driver.
  static wal::Result<std::unique_ptr<WalDriver>> open(boost::asio::io_context& io,
                                                      wal::Directory& directory,
                                                      wal::Options const& options,
                                                      wal::RecoverySink& sink, Store& store,
                                                      Clock const& clock);

  Committer& committer() noexcept { return *committer_; }

 private:
  explicit WalDriver(boost::asio::io_context& io);

  void request_turn_end() override;
  void wait_for_disk();
  void arm_timer();
  void watch_place();

  boost::asio::io_context& io_;
  std::unique_ptr<Committer> committer_{};
  boost::asio::posix::stream_descriptor disk_events_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer place_timer_;
  std::optional<Instant> armed_for_{};
};

}  // namespace stele::daemon

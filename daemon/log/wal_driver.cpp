#include "daemon/log/wal_driver.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <utility>

namespace stele::daemon {
namespace {

/// A directory that was replaced is noticed within a second, also by an idle daemon.
constexpr std::chrono::milliseconds place_check_period{500};

}  // namespace

wal::Result<std::unique_ptr<WalDriver>> WalDriver::open(boost::asio::io_context& io,
                                                        wal::Directory& directory,
                                                        wal::Options const& options,
                                                        wal::RecoverySink& sink, Store& store,
                                                        Clock const& clock) {
  std::unique_ptr<WalDriver> driver(new WalDriver(io));
  auto committer = Committer::open(directory, options, sink, store, clock, *driver);
  if (!committer) return committer.error();
  driver->committer_ = *std::move(committer);

  // Asio closes what it watches, so it gets a descriptor of its own.
  int const events = ::dup(directory.event_fd());
  if (events < 0) {
    boost::system::error_code const error(errno, boost::system::system_category());
    return wal::Failure{error, "dup of the log's event descriptor: " + error.message()};
  }
  driver->disk_events_.assign(events);
  driver->wait_for_disk();
  driver->arm_timer();
  driver->watch_place();
  return driver;
}

WalDriver::WalDriver(boost::asio::io_context& io)
    : io_(io), disk_events_(io), timer_(io), place_timer_(io) {}

/// What is posted runs after the handlers that are ready now.
void WalDriver::request_turn_end() {
  boost::asio::post(io_, [this] {
    committer_->on_turn_end();
    arm_timer();
  });
}

void WalDriver::wait_for_disk() {
  disk_events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                          [this](boost::system::error_code error) {
                            if (error) return;
                            committer_->on_disk_event();
                            arm_timer();
                            wait_for_disk();
                          });
}

void WalDriver::watch_place() {
  place_timer_.expires_after(place_check_period);
  place_timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    committer_->check_place();
    if (!committer_->failed()) watch_place();
  });
}

/// A deadline that moves to a later time, as each commit moves it, leaves the timer as it is: it
/// then fires early, and is set again.
void WalDriver::arm_timer() {
  auto const deadline = committer_->next_deadline();
  if (!deadline || (armed_for_ && *armed_for_ <= *deadline)) return;
  armed_for_ = deadline;
  timer_.expires_at(*deadline);
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    armed_for_.reset();
    committer_->on_timer();
    arm_timer();
  });
}

}  // namespace stele::daemon

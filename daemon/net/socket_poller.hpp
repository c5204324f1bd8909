// Tells the owners of many sockets which of them are ready, and gives turns to them and to those
// that have more to do than one turn allows.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>

#include "daemon/turn/turn_queue.hpp"

namespace stele::daemon {

class SocketPoller;

/// The owner of a watched socket. It may close the socket from within a call, but is destroyed
/// outside of them only.
class SocketOwner : public TurnQueue::Member {
 public:
  SocketOwner(SocketPoller& poller, std::uint32_t uid);

  /// The socket is ready for some of what it is watched for, or broken (`is_ready`); or a turn was
  /// asked for. Returns what was done, in visits.
  virtual std::size_t take_turn(bool is_ready) = 0;

 protected:
  ~SocketOwner() = default;

 private:
  friend class SocketPoller;
  bool is_ready_ = false;
};

/// Sockets stand in an epoll of their own, and that stands in Asio's. Asio by itself would make one
/// more system call a request, to arm the next wait, and several passes through its queue; so one
/// wait serves all sockets that are ready.
///
/// A round asks which sockets are ready and gives turns until it has done a fraction of a
/// millisecond's work. Then the disk and the clock are heard, and the next round begins. While
/// nobody has to wait the sockets are served as they come; else the TurnQueue says who is next.
class SocketPoller {
 public:
  struct Interest {
    bool read = false;
    bool write = false;
    bool operator==(Interest const&) const = default;
  };

  explicit SocketPoller(boost::asio::io_context& io);
  SocketPoller(SocketPoller const&) = delete;
  SocketPoller& operator=(SocketPoller const&) = delete;

  /// Begins to watch; closing the socket ends it. Level-triggered.
  boost::system::error_code watch(int descriptor, SocketOwner& owner, Interest interest) noexcept;
  void change(int descriptor, SocketOwner& owner, Interest interest) noexcept;

  /// Calls take_turn() once, when its turn has come.
  void await_turn(SocketOwner& owner);
  /// What was done for the owner outside of its turns.
  void pay(SocketOwner& owner, std::size_t visits) noexcept { turns_.pay(owner, visits); }

  boost::asio::io_context& context() const noexcept { return io_; }

 private:
  friend class SocketOwner;

  void wait();
  void serve_round();
  std::size_t serve(SocketOwner& owner);
  void post_round();

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor epoll_;
  TurnQueue turns_{};
  bool round_is_posted_ = false;
};

inline SocketOwner::SocketOwner(SocketPoller& poller, std::uint32_t uid)
    : Member(poller.turns_, uid) {}

}  // namespace stele::daemon

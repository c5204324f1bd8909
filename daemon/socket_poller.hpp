// Tells the owners of many sockets which of them are ready, and gives turns to those that have more
// to do than one turn of the loop allows.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>

namespace stele::daemon {

using TurnHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<struct TurnTag>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// The owner of a watched socket. It may close the socket from within a call, but is destroyed
/// outside of them only.
class SocketOwner : public TurnHook {
 public:
  /// The socket is ready for some of what it is watched for, or broken.
  virtual void on_ready() = 0;
  /// The turn that it asked for.
  virtual void on_turn() = 0;

 protected:
  ~SocketOwner() = default;
};

/// Sockets stand in an epoll of their own, and that stands in Asio's. Asio by itself would make one
/// more system call a request, to arm the next wait, and several passes through its queue; so one
/// wait serves all sockets that are ready.
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

  /// Calls on_turn() once, after the sockets that are ready now.
  void await_turn(SocketOwner& owner);

  boost::asio::io_context& context() const noexcept { return io_; }

 private:
  using Owners = boost::intrusive::list<SocketOwner, boost::intrusive::base_hook<TurnHook>,
                                        boost::intrusive::constant_time_size<false>>;

  void wait();
  void tell_ready();
  void give_turns();

  boost::asio::io_context& io_;
  boost::asio::posix::stream_descriptor epoll_;
  Owners awaiting_turn_{};
  bool turns_posted_ = false;
};

}  // namespace stele::daemon

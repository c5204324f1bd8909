// Follows the log over restarts of the daemon, by itself or in an event loop of any kind.
//
//   stele::Follower follower{{.name = "watch"}};
//   auto ended = follower.run([](stele::FollowPart& part) { return part.entries.empty(); }, 1s);
//
// In a loop: wait until descriptor() can be read, and call process(); examples/follow.cpp does it
// with poll(2).
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <cstdint>
#include <memory>
#include <optional>

#include "stele/client.hpp"

namespace stele {

/// Not thread-safe but for wake(). It connects when it is run, and again with growing pauses (up to
/// 2 s) for as long as it takes, and goes on behind the last part that its visitor has returned
/// from: each entry comes once, unless the visitor threw. Never raises SIGPIPE. In a child after
/// fork() every call fails with made_before_fork.
class Follower {
 public:
  /// Throws std::system_error if the system has no descriptors.
  explicit Follower(ClientOptions options = {}, FollowOptions follow = {});
  Follower(Follower const&) = delete;
  Follower& operator=(Follower const&) = delete;
  ~Follower();

  /// Hands over what comes until the visitor returns false; a later run goes on behind the part's
  /// `last_seq`, which a visitor that stops within a part sets to what it has seen. Fails with
  ///   timed_out    the deadline has passed,
  ///   cancelled    wake() was called, and the next run goes on,
  ///   bad_request  the options are wrong, or the daemon has another store now, or one that was
  ///                restored to before what was followed: begin again with another Follower,
  ///   forbidden    this user may not read,
  /// and not because the daemon is away.
  Result<void> run(FollowVisitor const& visitor, Deadline const& deadline = {});

  /// Ends the run under way, or else the next one; also from other threads and signal handlers. In
  /// a child after fork() it does nothing: the run is the parent's.
  void wake() noexcept;

  /// Becomes readable when process() has something to do. It stays the follower's, and the same.
  int descriptor() const noexcept;

  /// Does what can be done without waiting. False: the visitor ended it. Fails as run() does. Call
  /// it once at the start, too: that connects.
  [[nodiscard]] Result<bool> process(FollowVisitor const& visitor);

  /// Everything up to it has been handed over; absent: nothing was yet.
  std::optional<std::uint64_t> last_seq() const noexcept;
  /// Why there is no connection at the moment; absent: there is one.
  std::optional<Failure> trouble() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace stele

// Keeps a number of operations in flight on each of a number of connections, from one thread, and
// measures each from before its request is built until its reply was read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "bench/latency_histogram.hpp"
#include "bench/peer.hpp"
#include "bench/unix_socket.hpp"

namespace stele::bench {

struct Load {
  std::string socket{};
  std::size_t clients = 1;
  std::size_t in_flight = 1;     ///< Operations that each client has under way.
  std::uint64_t warm_up = 0;     ///< Operations that are done first and not measured.
  std::uint64_t operations = 0;  ///< Measured ones; 0: as many as `seconds` allow.
  double seconds = 0;            ///< Of the measured part, when `operations` is 0.
  bool trace = false;            ///< Keep each measured operation.
};

/// One operation. Times are those of the monotonic clock.
struct TracedOperation {
  std::int64_t begun_ns = 0;
  std::int64_t answered_ns = 0;
  std::uint64_t seq = 0;  ///< Of the last entry that it wrote, as its answer says.
};

struct LoadResult {
  LatencyHistogram latency{};  ///< Nanoseconds.
  std::uint64_t operations = 0;
  std::uint64_t entries = 0;
  double seconds = 0;
  double cpu_seconds = 0;               ///< Of this process, in the measured part.
  std::deque<TracedOperation> trace{};  ///< Grows without copying, which would be a pause.
};

class LoadDriver {
 public:
  LoadDriver(Load const& load, Peer& peer);
  LoadResult run();

 private:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    FileDescriptor socket{};
    std::unique_ptr<ReplyReader> replies{};
    std::string unsent{};
    bool awaits_room = false;                ///< The socket took only a part of `unsent`.
    std::vector<Clock::time_point> begun{};  ///< Ring: when each operation in flight began.
    std::uint64_t begun_count = 0;
    std::uint64_t answered_count = 0;
  };

  void connect_all();
  bool may_begin(Clock::time_point now) const;
  void begin_operations(Connection& connection, Clock::time_point now);
  void flush(Connection& connection);
  void watch(Connection& connection, unsigned events, bool is_new);
  void receive(Connection& connection);
  void take_answer(Connection& connection, std::size_t entries, Clock::time_point now);
  void begin_measured_part(Clock::time_point now);

  Load load_;
  Peer& peer_;
  FileDescriptor epoll_{};
  std::vector<Connection> connections_{};
  std::uint64_t begun_ = 0;
  std::uint64_t answered_ = 0;
  Clock::time_point measured_from_{};
  double cpu_seconds_before_ = 0;
  Clock::time_point last_answer_{};
  LoadResult result_{};
};

}  // namespace stele::bench

#include "bench/load_driver.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "bench/measurement.hpp"

namespace stele::bench {
namespace {

/// As many connections as one wait can report.
constexpr std::size_t events_max = 512;

}  // namespace

LoadDriver::LoadDriver(Load const& load, Peer& peer)
    : load_(load), peer_(peer), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_.get() < 0) stop_with_errno("epoll_create1");
  connect_all();
}

LoadResult LoadDriver::run() {
  begin_measured_part(Clock::now());
  for (auto& connection : connections_) begin_operations(connection, Clock::now());
  std::array<epoll_event, events_max> events{};
  while (answered_ < begun_) {
    auto const count = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    if (count < 0 && errno != EINTR) stop_with_errno("epoll_wait");
    for (int i = 0; i < count; ++i) {
      auto const& event = events[static_cast<std::size_t>(i)];
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      if ((event.events & EPOLLOUT) != 0) flush(connection);
      if ((event.events & ~unsigned{EPOLLOUT}) != 0) receive(connection);
    }
  }
  result_.seconds = std::chrono::duration<double>(last_answer_ - measured_from_).count();
  result_.cpu_seconds = cpu_seconds_of_process() - cpu_seconds_before_;
  return std::move(result_);
}

void LoadDriver::begin_measured_part(Clock::time_point now) {
  measured_from_ = now;
  cpu_seconds_before_ = cpu_seconds_of_process();
}

void LoadDriver::connect_all() {
  connections_.resize(load_.clients);
  for (auto& connection : connections_) {
    connection.socket = connect_unix(load_.socket);
    ::fcntl(connection.socket.get(), F_SETFL, O_NONBLOCK);
    connection.replies = peer_.make_reader();
    connection.begun.resize(load_.in_flight);
    watch(connection, EPOLLIN, true);
  }
}

bool LoadDriver::may_begin(Clock::time_point now) const {
  if (load_.operations > 0) return begun_ < load_.warm_up + load_.operations;
  return answered_ < load_.warm_up ||
         now - measured_from_ < std::chrono::duration<double>(load_.seconds);
}

void LoadDriver::begin_operations(Connection& connection, Clock::time_point now) {
  while (connection.begun_count - connection.answered_count < load_.in_flight && may_begin(now)) {
    connection.begun[connection.begun_count++ % load_.in_flight] = now;
    ++begun_;
    peer_.append_operation(connection.unsent);
  }
  if (!connection.awaits_room) flush(connection);
}

void LoadDriver::flush(Connection& connection) {
  std::size_t sent_bytes = 0;
  while (sent_bytes < connection.unsent.size()) {
    auto const sent = ::send(connection.socket.get(), connection.unsent.data() + sent_bytes,
                             connection.unsent.size() - sent_bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) stop_with_errno("send");
    sent_bytes += static_cast<std::size_t>(sent);
  }
  connection.unsent.erase(0, sent_bytes);
  auto const awaits_room = !connection.unsent.empty();
  if (awaits_room == connection.awaits_room) return;
  connection.awaits_room = awaits_room;
  watch(connection, awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN, false);
}

void LoadDriver::watch(Connection& connection, unsigned events, bool is_new) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &connection;
  auto const operation = is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), operation, connection.socket.get(), &event) != 0) {
    stop_with_errno("epoll_ctl");
  }
}

void LoadDriver::receive(Connection& connection) {
  auto const room = connection.replies->prepare();
  auto const received = ::recv(connection.socket.get(), room.data(), room.size(), 0);
  if (received < 0 && errno == EAGAIN) return;
  if (received < 0) stop_with_errno("receive");
  if (received == 0) throw Stop("the server closed the connection");
  connection.replies->commit(static_cast<std::size_t>(received));
  auto const answered_before = connection.answered_count;
  while (auto const entries = connection.replies->next()) {
    // Read again for each: parsing a large reply takes its time, and that counts.
    take_answer(connection, *entries, Clock::now());
  }
  if (connection.answered_count > answered_before) begin_operations(connection, last_answer_);
}

void LoadDriver::take_answer(Connection& connection, std::size_t entries, Clock::time_point now) {
  auto const begun = connection.begun[connection.answered_count++ % load_.in_flight];
  last_answer_ = now;
  if (++answered_ <= load_.warm_up) {
    if (answered_ == load_.warm_up) begin_measured_part(now);
    return;
  }
  ++result_.operations;
  result_.entries += entries;
  result_.latency.record(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - begun).count()));
  if (!load_.trace) return;
  auto const ns = [](Clock::time_point time) { return time.time_since_epoch().count(); };
  result_.trace.push_back({ns(begun), ns(now), connection.replies->last_seq()});
}

}  // namespace stele::bench

// A follow that goes on over connections. All that it waits for stands behind one epoll descriptor:
// the socket, a timer for pauses and greetings, and an eventfd to wake it.
#include "stele/follower.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "client-lib/connection/connection.hpp"
#include "client-lib/connection/hello_reply.hpp"
#include "client-lib/process/backoff.hpp"
#include "client-lib/process/fork_generation.hpp"
#include "client-lib/process/unique_fd.hpp"
#include "client-lib/wire_forms.hpp"

namespace stele {
namespace {

using namespace std::chrono_literals;
using Clock = Deadline::Clock;

/// What the kernel has opened; throws if it has not.
client::UniqueFd opened(int fd, char const* what) {
  client::UniqueFd owned(client::above_standard(fd));
  if (!owned) throw std::system_error(errno, std::generic_category(), what);
  return owned;
}

/// Whether there was something.
bool drain(client::UniqueFd const& fd) noexcept {
  std::uint64_t count = 0;
  return ::read(fd.get(), &count, sizeof count) > 0;
}

/// Whether the daemon may be there again later.
bool is_of_the_moment(Failure const& why) {
  if (why.code.category() != error_category()) return true;
  return why.code == Error::shutting_down || why.code == Error::too_many_connections ||
         why.code == Error::overloaded || why.code == Error::log_failed ||
         why.code == Error::internal;
}

Failure another_store() {
  return {Error::bad_request,
          "the daemon has another store than the one that was followed: begin again",
          R"({"path":"after_seq"})"};
}

}  // namespace

class Follower::Impl {
 public:
  Impl(ClientOptions options, FollowOptions follow)
      : options_(std::move(options)), follow_(std::move(follow)) {
    watch(wake_.get());
    watch(timer_.get());
  }

  Result<bool> process(FollowVisitor const& visitor);
  void wake() noexcept {
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const written = ::write(wake_.get(), &one, sizeof one);
  }
  int descriptor() const noexcept { return epoll_.get(); }
  /// Whether this is the process that made it.
  bool is_here() const noexcept { return home_.is_here(); }

  std::optional<std::uint64_t> last_seq{};
  std::optional<Failure> trouble{};

 private:
  void watch(int fd);
  void set_timer(std::chrono::milliseconds from_now) noexcept;
  Result<void> connect();
  void lose(Failure why);
  Result<bool> take_answers(FollowVisitor const& visitor);
  Result<void> take_hello(std::string_view text);
  bool hand_over(protocol::Reply&& reply, FollowVisitor const& visitor);
  void watch_for_sending();

  client::HomeProcess home_{};
  ClientOptions const options_;
  FollowOptions follow_;
  client::UniqueFd epoll_ = opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  client::UniqueFd wake_ = opened(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
  client::UniqueFd timer_ =
      opened(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create");
  std::optional<client::Connection> connection_{};
  bool is_greeted_ = false;
  bool is_sending_ = false;  ///< And watched for it.
  bool pauses_ = false;
  std::string store_id_{};
  client::Backoff backoff_{};
  std::minstd_rand random_{std::random_device{}()};
};

void Follower::Impl::watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

/// 0: at once.
void Follower::Impl::set_timer(std::chrono::milliseconds from_now) noexcept {
  itimerspec spec{};
  auto const length = std::clamp(from_now, 0ms, std::chrono::milliseconds{24h});
  spec.it_value.tv_sec = length.count() / 1000;
  spec.it_value.tv_nsec = std::max<long>(length.count() % 1000 * 1'000'000, 1);
  ::timerfd_settime(timer_.get(), 0, &spec, nullptr);
}

Result<bool> Follower::Impl::process(FollowVisitor const& visitor) {
  if (!visitor) return client::no_visitor();
  if (drain(wake_)) return Failure{ClientError::cancelled, "the follower was woken"};
  if (drain(timer_)) {
    if (connection_ && !is_greeted_) lose(client::no_answer_in_time());
    pauses_ = false;
  }
  if (!connection_) {
    if (pauses_) return true;
    if (auto connected = connect(); !connected) return connected.error();
    if (!connection_) return true;
  }
  // A part at a time, so that others of the loop have their turns.
  auto const moved = connection_->move_bytes(Deadline{Clock::time_point::min()});
  if (!moved && moved.error().code != ClientError::timed_out) {
    connection_->state.close(moved.error());
  }
  auto goes_on = take_answers(visitor);
  if (connection_) watch_for_sending();
  return goes_on;
}

Result<void> Follower::Impl::connect() {
  if (auto valid = client::check_name(options_.name); !valid) return valid;
  auto const path = options_.socket_path.empty() ? default_socket_path() : options_.socket_path;
  if (auto valid = client::check_socket_path(path); !valid) return valid;
  auto stream = client::UnixStream::try_connect(path);
  if (!stream || !*stream) {
    lose(stream ? client::no_answer_in_time() : stream.error());
    return {};
  }
  connection_.emplace(std::move(**stream));
  watch(connection_->descriptor());
  is_greeted_ = is_sending_ = false;
  set_timer(options_.connect_timeout);
  return connection_->state.hello(options_.name);
}

/// Closing the socket takes it out of epoll.
void Follower::Impl::lose(Failure why) {
  connection_.reset();
  trouble = std::move(why);
  pauses_ = true;
  set_timer(backoff_.next(static_cast<std::uint32_t>(random_())));
}

Result<bool> Follower::Impl::take_answers(FollowVisitor const& visitor) {
  while (auto answer = connection_->state.next()) {
    if (!answer->reply.ok) {
      auto why = std::move(answer->reply.failure);
      lose(why);
      if (is_of_the_moment(why)) return true;
      return why;
    }
    if (!is_greeted_) {
      auto greeted = take_hello(answer->text);
      if (greeted) continue;
      lose(greeted.error());
      return greeted.error();
    }
    bool const more = answer->reply.more;
    if (!hand_over(std::move(answer->reply), visitor)) return false;
    if (!connection_) return true;
    if (!more) {
      lose({ClientError::connection_lost, "the daemon stops"});
      return true;
    }
  }
  return true;
}

Result<void> Follower::Impl::take_hello(std::string_view text) {
  auto hello = client::parse_hello(text);
  if (!hello) return hello.error();
  if (!store_id_.empty() && store_id_ != hello->server.store_id) return another_store();
  store_id_ = hello->server.store_id;
  is_greeted_ = true;
  if (last_seq) {
    follow_.newest.reset();
    follow_.filter.after_seq = *last_seq;
  }
  auto const id = connection_->state.follow_logs(client::follow_request(follow_));
  if (!id) return id.error();
  trouble.reset();
  backoff_.reset();
  return {};
}

/// A visitor that throws or ends the follow leaves no connection behind: the next one begins where
/// it was.
bool Follower::Impl::hand_over(protocol::Reply&& reply, FollowVisitor const& visitor) {
  struct Guard {
    std::optional<client::Connection>& connection;
    bool goes_on = false;
    ~Guard() {
      if (!goes_on) connection.reset();
    }
  } guard{connection_};
  auto part = client::follow_part(std::move(reply));
  guard.goes_on = visitor(part);
  last_seq = part.last_seq;
  return guard.goes_on;
}

void Follower::Impl::watch_for_sending() {
  if (connection_->has_to_send() == is_sending_) return;
  is_sending_ = !is_sending_;
  epoll_event event{};
  event.events = is_sending_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.fd = connection_->descriptor();
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, event.data.fd, &event);
}

Follower::Follower(ClientOptions options, FollowOptions follow)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(follow))) {}

Follower::~Follower() {
  if (!impl_->is_here()) client::leave_to_parent(std::move(impl_));
}

Result<void> Follower::run(FollowVisitor const& visitor, Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  auto const impl = impl_;  // The visitor may destroy the follower.
  for (;;) {
    if (deadline.has_passed()) return client::no_answer_in_time();
    auto const goes_on = impl->process(visitor);
    if (!goes_on) return goes_on.error();
    if (!*goes_on) return {};
    if (!impl->is_here()) return client::made_before_fork();
    pollfd watched{.fd = impl->descriptor(), .events = POLLIN, .revents = 0};
    ::poll(&watched, 1, client::poll_timeout_ms(deadline));
  }
}

void Follower::wake() noexcept {
  if (impl_->is_here()) impl_->wake();
}

int Follower::descriptor() const noexcept { return impl_->descriptor(); }

Result<bool> Follower::process(FollowVisitor const& visitor) {
  if (!impl_->is_here()) return client::made_before_fork();
  auto const impl = impl_;  // The visitor may destroy the follower.
  return impl->process(visitor);
}

std::optional<std::uint64_t> Follower::last_seq() const noexcept { return impl_->last_seq; }

std::optional<Failure> Follower::trouble() const { return impl_->trouble; }

}  // namespace stele

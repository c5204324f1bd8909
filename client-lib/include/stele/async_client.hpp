// The asynchronous client: for programs with an Asio event loop. Every call takes a completion
// token: a callback, boost::asio::use_future, boost::asio::use_awaitable, …
//
//   stele::AsyncClient client{executor};
//   stele::ClientOptions options{.name = "web"};
//   auto hello = co_await client.async_connect(options, use_awaitable);
//   stele::LogEntry entry{.message = "hello"};
//   auto seq = co_await client.until(1s).async_write_log(entry, use_awaitable);
//
// What a call completes with is one value, a Result: failures are not thrown. Options and entries
// are named before the co_await: GCC 12 destroys a braced temporary of such an expression twice.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "stele/client.hpp"
#include "stele/deadline.hpp"

// Settings of Asio that change its types. They are part of the names of all calls, so that a
// program with others than the library's does not link.
#ifdef BOOST_ASIO_NO_TYPEID  // By -fno-rtti.
#define STELE_ASIO_TYPEID "_no_typeid"
#else
#define STELE_ASIO_TYPEID ""
#endif
#ifdef BOOST_ASIO_DISABLE_THREADS
#define STELE_ASIO_THREADS "_no_threads"
#else
#define STELE_ASIO_THREADS ""
#endif
#ifdef BOOST_ASIO_HAS_IO_URING_AS_DEFAULT
#define STELE_ASIO_REACTOR "_io_uring"
#elif defined(BOOST_ASIO_DISABLE_EPOLL)
#define STELE_ASIO_REACTOR "_no_epoll"
#else
#define STELE_ASIO_REACTOR ""
#endif
#ifdef BOOST_ASIO_ENABLE_HANDLER_TRACKING
#define STELE_ASIO_TRACE "_tracking"
#else
#define STELE_ASIO_TRACE ""
#endif
#define STELE_ASIO_TYPES STELE_ASIO_TYPEID STELE_ASIO_THREADS
#define STELE_ASIO_ABI [[gnu::abi_tag("asio" STELE_ASIO_TYPES STELE_ASIO_REACTOR STELE_ASIO_TRACE)]]

namespace stele {

/// A part of a range, in the order of the read.
struct ReadPage {
  std::vector<StoredEntry> entries{};
  std::string cursor{};  ///< Where to go on; empty: the range is exhausted.
};

/// The calls of an AsyncClient, all with one deadline. Their meaning is that of the calls of Client
/// with the same names.
class STELE_ASIO_ABI AsyncCalls {
 public:
  using executor_type = boost::asio::any_io_executor;
  executor_type get_executor() const noexcept;

  /// The same calls, each with this deadline: one moment for all of them, which a duration gives
  /// from here on. So ask again for each call that is to have as much time.
  AsyncCalls until(Deadline const& deadline) const { return AsyncCalls{impl_, deadline}; }

  /// Seq of the entry, once it is on disk.
  template <class Token>
  auto async_write_log(LogEntry entry, Token&& token) {
    return start<std::uint64_t, Token>(&AsyncCalls::write_log, token, std::move(entry));
  }
  /// All or none, with consecutive seqs.
  template <class Token>
  auto async_write_many_logs(std::vector<LogEntry> entries, Token&& token) {
    return start<SeqRange, Token>(&AsyncCalls::write_many_logs, token, std::move(entries));
  }
  /// The same with a number; with 0 bad_request. In the log once, however often it is sent.
  template <class Token>
  auto async_write_once(std::vector<LogEntry> entries, std::uint64_t write_no, Token&& token) {
    return start<SeqRange, Token>(&AsyncCalls::write_once, token, std::move(entries), write_no);
  }
  /// What the options ask for, in memory at once: give a limit, and go on with the page's cursor.
  template <class Token>
  auto async_read_logs(ReadOptions options, Token&& token) {
    return start<ReadPage, Token>(&AsyncCalls::read_logs, token, std::move(options));
  }
  /// Entries as they become durable, after those that are there. The visitor runs on the client's
  /// executor, and may use, close or destroy the client. It ends the follow by returning false; the
  /// deadline or a cancellation ends it from outside. If it throws, the follow completes with
  /// cancelled, and the exception leaves the executor, as that of any handler. Other calls go on
  /// meanwhile.
  template <class Token>
  auto async_follow_logs(FollowOptions options, FollowVisitor visitor, Token&& token) {
    return start<FollowEnd, Token>(&AsyncCalls::follow_logs, token, std::move(options),
                                   std::move(visitor));
  }
  template <class Token>
  auto async_count_logs(CountOptions options, Token&& token) {
    return start<LogCount, Token>(&AsyncCalls::count_logs, token, std::move(options));
  }
  template <class Token>
  auto async_ping(Token&& token) {
    return start<void, Token>(&AsyncCalls::ping, token);
  }
  template <class Token>
  auto async_stats_json(Token&& token) {
    return start<std::string, Token>(&AsyncCalls::stats_json, token);
  }
  template <class Token>
  auto async_audit_json(std::uint64_t start_ts, Token&& token) {
    return start<std::string, Token>(&AsyncCalls::audit_json, token, start_ts);
  }
  /// `count` is at least 1.
  template <class Token>
  auto async_report_dropped(std::uint64_t count, Token&& token) {
    return start<void, Token>(&AsyncCalls::report_dropped, token, count);
  }
  /// As Client::confirm.
  template <class Token>
  auto async_confirm(std::string consumer, std::uint64_t seq, Token&& token) {
    return start<void, Token>(&AsyncCalls::confirm, token, std::move(consumer), seq);
  }
  /// Connects, and asks the daemon for its limits. At the first call, or after the connection was
  /// lost; calls that are under way on an older connection end. Takes `connect_timeout` at most; if
  /// it fails, or is cancelled, the client is closed. `request_timeout` is not used.
  template <class Token>
  auto async_connect(ClientOptions options, Token&& token) {
    return start<ServerHello, Token>(&AsyncCalls::connect, token, std::move(options));
  }

 protected:
  class Impl;
  AsyncCalls(std::shared_ptr<Impl> impl, Deadline const& deadline) noexcept
      : impl_(std::move(impl)), deadline_(deadline) {}

  std::shared_ptr<Impl> impl_;
  Deadline deadline_;

 private:
  template <class T>
  using Handler = boost::asio::any_completion_handler<void(Result<T>)>;

  template <class T, class Token, class Begin, class... Arguments>
  auto start(Begin begin, std::type_identity_t<Token>& token, Arguments&&... arguments) {
    auto const initiate = [](auto handler, AsyncCalls calls, Begin function, auto... given) {
      (calls.*function)(std::move(given)..., Handler<T>{std::move(handler)});
    };
    return boost::asio::async_initiate<Token, void(Result<T>)>(
        initiate, token, *this, begin, std::forward<Arguments>(arguments)...);
  }

  void connect(ClientOptions options, Handler<ServerHello> handler);
  void write_log(LogEntry entry, Handler<std::uint64_t> handler);
  void write_many_logs(std::vector<LogEntry> entries, Handler<SeqRange> handler);
  void write_once(std::vector<LogEntry> entries, std::uint64_t write_no, Handler<SeqRange> handler);
  void read_logs(ReadOptions options, Handler<ReadPage> handler);
  void follow_logs(FollowOptions options, FollowVisitor visitor, Handler<FollowEnd> handler);
  void count_logs(CountOptions options, Handler<LogCount> handler);
  void ping(Handler<void> handler);
  void stats_json(Handler<std::string> handler);
  void audit_json(std::uint64_t start_ts, Handler<std::string> handler);
  void report_dropped(std::uint64_t count, Handler<void> handler);
  void confirm(std::string consumer, std::uint64_t seq, Handler<void> handler);
};

/// Move-only. Owns no io_context: all its work runs on the executor that it was given, and handlers
/// run on their own. Not thread-safe: call it, and let its executor run, from one thread at a time
/// or from one strand. In a child after fork() every call ends with made_before_fork, and the
/// connection is not touched. Never raises SIGPIPE.
///
/// Calls may be made before earlier ones have completed; they are answered in order, but for
/// follows. A handler is never called from within the call that it belongs to, and exactly once:
/// also when the connection is lost, the deadline passes, the call is cancelled (any cancellation
/// type of its slot) or the client is destroyed. Only if the execution context ends first are
/// handlers destroyed instead of called.
///
/// A client that was moved from is one that is not connected. A call whose deadline passes ends
/// with timed_out, a cancelled one with cancelled, a write in either case with outcome_unknown; the
/// connection stays usable, and the late answer is dropped. A deadline that had passed before the
/// call ends it with timed_out, and nothing is sent.
class AsyncClient : public AsyncCalls {
 public:
  explicit AsyncClient(boost::asio::any_io_executor executor);
  AsyncClient(AsyncClient&& other) noexcept;
  AsyncClient& operator=(AsyncClient&& other) noexcept;
  ~AsyncClient();

  /// Ends the connection; what is under way fails.
  void close();

 private:
  void end();
};

}  // namespace stele

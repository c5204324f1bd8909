#include "daemon/service.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "daemon/chunk_memory.hpp"
#include "daemon/clock.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/listen_socket.hpp"
#include "daemon/metrics.hpp"
#include "daemon/request_handler.hpp"
#include "daemon/server.hpp"
#include "daemon/store.hpp"
#include "daemon/store_loader.hpp"
#include "daemon/version.hpp"
#include "daemon/wal_driver.hpp"
#include "wal/disk_directory.hpp"

namespace stele::daemon {
namespace {

/// A request's canonical entries are longer than its text, by seq, timestamp and origin; so a batch
/// of long entries that fills a frame still fits into one commit.
constexpr std::uint64_t commit_bytes_per_frame_byte = 2;

/// Descriptors that clients must leave: the log opens files while it runs, and a log that cannot is
/// a log that failed. Connections that are being refused count here too.
constexpr rlim_t own_descriptors = 96;

/// Raises the limit of open files as far as needed and allowed; returns how many connections fit.
std::uint64_t fit_connections(std::uint64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < wanted + own_descriptors) {
    limit.rlim_cur = std::min<rlim_t>(wanted + own_descriptors, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur <= own_descriptors) return 0;
  return std::min<std::uint64_t>(wanted, limit.rlim_cur - own_descriptors);
}

wal::Options log_options(Config const& config) {
  wal::Options options;
  options.segment_bytes = config.segment_bytes;
  options.commit_align = static_cast<std::size_t>(config.commit_align);
  options.commit_bytes_max =
      static_cast<std::size_t>(config.max_frame_bytes * commit_bytes_per_frame_byte);
  options.retain_bytes = config.retain_bytes;
  options.retain_age = config.retain_age;
  options.on_damage = config.on_damage;
  return options;
}

int exit_code_of(wal::Failure const& failure) {
  if (failure.code == wal::Errc::locked) return exit_locked;
  bool const is_setting = failure.code == wal::Errc::not_local ||
                          failure.code == wal::Errc::sink_full ||
                          failure.code == boost::system::errc::invalid_argument;
  if (is_setting) return exit_config;
  bool const is_data = failure.code == wal::Errc::damaged || failure.code == wal::Errc::not_a_log ||
                       failure.code == wal::Errc::unsupported_version;
  return is_data ? exit_damaged : exit_io_error;
}

int exit_code_of(Failure const& failure) {
  if (failure.code == ListenSocket::Refusal::in_use) return exit_locked;
  using Refusal = ListenSocket::Refusal;
  bool const is_setting = failure.code == Refusal::not_ours || failure.code == Refusal::owner ||
                          failure.code == Refusal::open_place;
  return is_setting ? exit_config : exit_io_error;
}

std::uint64_t machine_bytes() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// As a UUID is written: 8-4-4-4-12.
std::string to_text(wal::StoreId const& id) {
  constexpr char hex[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += {hex[id[i] >> 4], hex[id[i] & 0xf]};
  }
  return text;
}

std::uint64_t microseconds_between(Instant from, Instant to) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

/// All parts that live as long as the service, in the order in which they depend on one another.
class Service {
 public:
  explicit Service(Config const& config) : store_(config.max_writers, &chunk_reserve_) {
    facts_.config = config;
  }

  int run();

 private:
  bool fit_limits();
  wal::Result<void> open_log();
  int serve(ListenSocket& listen_socket, boost::asio::signal_set& signals);
  bool close_log();

  SystemClock clock_{};
  ServiceFacts facts_{};
  Metrics metrics_{};
  ChunkReserve chunk_reserve_{};
  Store store_;
  std::unique_ptr<wal::Directory> directory_{};
  boost::asio::io_context io_{1};
  std::unique_ptr<WalDriver> driver_{};
};

bool Service::fit_limits() {
  std::uint64_t const wanted = facts_.config.max_connections;
  std::uint64_t const fitting = fit_connections(wanted);
  if (fitting == 0) {
    spdlog::critical("the process may open too few files; raise RLIMIT_NOFILE (ulimit -n) to {}",
                     wanted + own_descriptors);
    return false;
  }
  if (fitting < wanted) {
    spdlog::warn("max-connections is {}, but only {} fit into RLIMIT_NOFILE (ulimit -n)", wanted,
                 fitting);
  }
  facts_.config.max_connections = fitting;
  return true;
}

wal::Result<void> Service::open_log() {
  Config const& config = facts_.config;
  std::string note;
  auto directory = wal::open_disk_directory(
      {config.data_dir, config.wal_backend, config.allow_remote, config.buffered}, note);
  if (!directory) return directory.error();
  directory_ = *std::move(directory);
  if (!note.empty()) spdlog::warn("{}", note);

  auto const begun_at = clock_.now();
  facts_.store_bytes_max = store_bytes_max(config, machine_bytes());
  StoreLoader loader(store_, clock_, {facts_.store_bytes_max, config.retain_bytes != 0});
  auto driver = WalDriver::open(io_, *directory_, log_options(config), loader, store_, clock_);
  if (!driver && driver.error().code == wal::Errc::sink_full) {
    return wal::Failure{driver.error().code,
                        "its entries need more memory than max-store-bytes allows (" +
                            format_size(facts_.store_bytes_max) +
                            "); raise it, or set retain-bytes so that the oldest are removed"};
  }
  if (!driver) return driver.error();
  driver_ = *std::move(driver);

  facts_.started_at = clock_.now();
  facts_.recovery_us = microseconds_between(begun_at, facts_.started_at);
  facts_.recovery_rejected = loader.rejected();
  facts_.recovery = driver_->committer().log().recovery();
  facts_.store_id = to_text(driver_->committer().log().store_id());
  facts_.backend = directory_->describe();
  facts_.commit_bytes_max = driver_->committer().log().options().commit_bytes_max;
  facts_.unread_bytes_max = session_limits(config).unread_bytes_max;
  spdlog::info("data in {}, store {}, by {}", config.data_dir, facts_.store_id, facts_.backend);
  report_recovery(facts_.recovery, store_, facts_.recovery_rejected, facts_.recovery_us);
  return {};
}

int Service::run() {
  spdlog::info("steled {}", version);
  if (!fit_limits()) return exit_config;
  // The lock of the data directory comes first: who holds it may judge what the socket file is.
  if (auto const opened = open_log(); !opened) {
    spdlog::critical("cannot open the log in {}: {}", facts_.config.data_dir,
                     opened.error().message);
    if (opened.error().code == wal::Errc::damaged) {
      auto const& dir = facts_.config.data_dir;
      spdlog::critical(
          "`stele verify {}` names each place; `stele salvage {} NEWDIR` copies what can be read "
          "into a new log; --on-damage serve starts with what can be read",
          dir, dir);
    }
    return exit_code_of(opened.error());
  }
  // Caught before the socket is there: who can connect may also ask the daemon to stop.
  boost::asio::signal_set signals(io_, SIGTERM, SIGINT);
  Config const& config = facts_.config;
  auto listen_socket = ListenSocket::open(
      io_, {config.socket, config.socket_mode, config.socket_owner, config.socket_group});
  if (!listen_socket) {
    spdlog::critical("{}", listen_socket.error().message);
    close_log();
    return exit_code_of(listen_socket.error());
  }
  return serve(*listen_socket, signals);
}

int Service::serve(ListenSocket& listen_socket, boost::asio::signal_set& signals) {
  RequestHandler handler(facts_, store_, driver_->committer(), clock_, metrics_);
  Server server(io_, signals, listen_socket, handler, driver_->committer(), facts_.config);
  server.start();
  spdlog::info("listening on {}", listen_socket.path());
  io_.run();
  if (server.log_failed()) return exit_io_error;
  return close_log() ? exit_ok : exit_io_error;
}

bool Service::close_log() {
  auto const closed = driver_->committer().close();
  if (closed) {
    spdlog::info("stopped; the log is sealed");
  } else {
    spdlog::error("the log was not sealed: {}", closed.error().message);
  }
  return closed.has_value();
}

}  // namespace

int run_service(Config const& config) {
  // A client that goes away is an error of one write, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  return Service(config).run();
}

}  // namespace stele::daemon

#include "daemon/service.hpp"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "daemon/clock.hpp"
#include "daemon/config/config.hpp"
#include "daemon/exit_code.hpp"
#include "daemon/log/wal_driver.hpp"
#include "daemon/log/watched_directory.hpp"
#include "daemon/net/listen_socket.hpp"
#include "daemon/operations/default_log.hpp"
#include "daemon/operations/machine_memory.hpp"
#include "daemon/operations/memory_account.hpp"
#include "daemon/operations/metrics.hpp"
#include "daemon/recovery/entry_notes.hpp"
#include "daemon/recovery/store_loader.hpp"
#include "daemon/request/request_handler.hpp"
#include "daemon/security/confinement.hpp"
#include "daemon/session/server.hpp"
#include "daemon/store/chunk_memory.hpp"
#include "daemon/store/store.hpp"
#include "daemon/supervision/diagnostics.hpp"
#include "daemon/supervision/heartbeat.hpp"
#include "daemon/supervision/status_line.hpp"
#include "daemon/supervision/supervisor.hpp"
#include "daemon/version.hpp"
#include "wal/io/disk_directory.hpp"

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

/// Whether the process may make files of this many bytes. One that may not would find out when a
/// segment is due.
bool fit_file_size(std::uint64_t bytes) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= bytes) return true;
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::getrlimit(RLIMIT_FSIZE, &limit);
  if (limit.rlim_cur >= bytes) return true;
  spdlog::critical(
      "the process may make files of {} bytes at most; raise RLIMIT_FSIZE (ulimit -f) to "
      "segment-bytes, {}",
      limit.rlim_cur, bytes);
  return false;
}

/// The start may take so much longer from each sign of progress on.
constexpr std::chrono::seconds start_patience{120};
constexpr std::chrono::milliseconds progress_period{500};

/// As in a chunk, so that entries that are neighbours can be sent as they stand.
constexpr char entry_separator = ',';

wal::Options log_options(Config const& config) {
  wal::Options options;
  options.segment_bytes = config.segment_bytes;
  options.commit_align = static_cast<std::size_t>(config.commit_align);
  options.commit_bytes_max =
      static_cast<std::size_t>(config.max_frame_bytes * commit_bytes_per_frame_byte);
  options.retain_bytes = config.retain_bytes;
  options.retain_age = config.retain_age;
  options.hold_bytes = held_bytes_max(config);
  options.on_damage = config.on_damage;
  return options;
}

/// A daemon that was killed may hold its directory for a moment after it is gone: the kernel ends
/// what its ring had under way on its own time.
constexpr int lock_looks_max = 20;
constexpr std::chrono::milliseconds lock_look_pause{100};

std::string to_text(wal::StoreId const& id) {
  boost::uuids::uuid uuid;
  std::ranges::copy(id, uuid.begin());
  return boost::uuids::to_string(uuid);
}

std::uint64_t microseconds_between(Instant from, Instant to) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

/// All parts that live as long as the service, in the order in which they depend on one another.
class Service {
 public:
  Service(Config const& config, RereadConfig reread)
      : asked_(config),
        reread_(std::move(reread)),
        store_(config.max_writers, &chunk_reserve_, config.consumers) {
    facts_.config = config;
    facts_.own_uid = ::geteuid();
  }

  int run();

 private:
  bool fit_limits();
  wal::Result<void> open_log();
  void look_at_machine();
  void bound_store();
  void fit_log();
  void keep_default_log(Config& wanted) const;
  void report_progress(Instant begun_at, std::uint64_t bytes_done, std::uint64_t bytes_total);
  void explain(wal::Failure const& failure) const;
  Result<ListenSocket> open_socket(std::optional<PassedSocket> const& passed);
  int serve(ListenSocket& listen_socket, boost::asio::signal_set& signals);
  Heartbeat::Reading read_state(Server const& server) const;
  void wait_for_reload(Server& server, Heartbeat& heartbeat);
  void reload(Server& server);
  bool close_log();

  Config asked_;  ///< What is in force is fitted to this process's limits: facts_.
  RereadConfig reread_;
  MachineMemory memory_{};
  Config fitting_{};  ///< With a log that fits, where nobody has set how large it may be.
  bool settings_refused_ = false;  ///< By the last reload.
  SystemClock clock_{};
  Supervisor manager_{};
  Instant progress_told_at_{};
  ServiceFacts facts_{};
  Metrics metrics_{};
  ChunkReserve chunk_reserve_{};
  Store store_;
  std::unique_ptr<wal::Directory> directory_{};
  EntryNotes entry_notes_{};
  std::unique_ptr<wal::PackWorker> pack_thread_{};
  boost::asio::io_context io_{1};
  boost::asio::signal_set reload_signals_{io_, SIGHUP};  ///< From the start: its default is to end.
  std::unique_ptr<WalDriver> driver_{};
};

bool Service::fit_limits() {
  std::uint64_t const wanted = asked_.max_connections;
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
  return fit_file_size(asked_.segment_bytes);
}

wal::Result<void> Service::open_log() {
  Config const& config = facts_.config;
  std::string note;
  auto directory = wal::open_disk_directory(
      {config.data_dir, config.wal_backend, config.allow_remote, config.buffered}, note);
  if (!directory) return directory.error();
  directory_ = std::make_unique<WatchedDirectory>(*std::move(directory), manager_);
  if (!note.empty()) spdlog::warn("{}", note);

  auto const begun_at = clock_.now();
  look_at_machine();
  // What was taken before is taken again, though a start counts a little differently.
  auto const slack = facts_.store_is_cut ? facts_.store_bytes_max / 8 : 0;
  StoreLoader loader(
      store_, clock_,
      {facts_.store_bytes_max + slack, config.retain_bytes != 0 && !facts_.store_is_cut});
  loader.set_progress_handler([this, begun_at](std::uint64_t done, std::uint64_t total) {
    report_progress(begun_at, done, total);
  });
  auto options = log_options(config);
  if (config.pack) {
    pack_thread_ = wal::start_pack_thread(*directory_);
    options.packing = {
        .worker = pack_thread_.get(), .separator = entry_separator, .notes = &entry_notes_};
  }
  auto const open = [&] {
    return WalDriver::open(io_, *directory_, options, loader, store_, clock_);
  };
  auto driver = open();
  auto const is_locked = [&driver] { return !driver && driver.error().code == wal::Errc::locked; };
  if (is_locked()) spdlog::info("{}; waiting a moment for it to end", driver.error().message);
  for (int looks = 0; is_locked() && looks < lock_looks_max; ++looks) {
    std::this_thread::sleep_for(lock_look_pause);
    driver = open();
  }
  if (!driver && driver.error().code == wal::Errc::sink_full) {
    return wal::Failure{
        driver.error().code,
        facts_.store_is_cut
            ? "its entries need more memory than there is: " + misfit_line(config, memory_)
            : "its entries need more memory than max-store-bytes allows (" +
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
  fit_log();
  facts_.commit_bytes_max = driver_->committer().log().options().commit_bytes_max;
  facts_.unread_bytes_max = session_limits(config).unread_bytes_max;
  spdlog::info("{}", memory_line(config, memory_.bytes));
  spdlog::info("data in {}, store {}, by {}", config.data_dir, facts_.store_id, facts_.backend);
  report_recovery(facts_.recovery, driver_->committer().gaps(), store_, facts_.recovery_rejected,
                  facts_.recovery_us);
  return {};
}

/// What does not fit is said before it is needed: who is killed for it cannot say anything.
void Service::look_at_machine() {
  memory_ = look_at_memory();
  facts_.machine_bytes = memory_.bytes == UINT64_MAX ? 0 : memory_.bytes;
  fitting_ = with_default_log(facts_.config, memory_);
  facts_.config.segment_bytes = fitting_.segment_bytes;
  bound_store();
  if (auto const misfit = misfit_line(fitting_, memory_); !misfit.empty()) {
    spdlog::warn("{}", misfit);
  }
}

void Service::bound_store() {
  facts_.store_bytes_max = fitting_store_bytes(facts_.config, memory_);
  facts_.store_is_cut = facts_.store_bytes_max < store_bytes_max(facts_.config, memory_.bytes);
}

/// Recovery took nothing of the log for its size; what is there now stays.
void Service::fit_log() {
  auto& config = facts_.config;
  auto& committer = driver_->committer();
  auto const retain_bytes =
      retain_bytes_for({facts_.recovery.bytes, committer.gaps().totals().expired == 0}, fitting_,
                       config.retain_bytes);
  auto const smaller = default_log_line(fitting_, memory_);
  if (retain_bytes == fitting_.retain_bytes) {
    if (!smaller.empty()) spdlog::info("{}", smaller);
  } else {
    spdlog::warn(
        "retain-bytes is {}, though {} fits: the log has {} MiB already, and nothing of it is "
        "removed; set retain-bytes to have the oldest removed",
        format_size(retain_bytes), format_size(fitting_.retain_bytes), facts_.recovery.bytes >> 20);
  }
  config.retain_bytes = retain_bytes;
  asked_.retain_bytes = retain_bytes;
  asked_.segment_bytes = config.segment_bytes;
  committer.retain(retain_bytes);
  bound_store();
}

/// A recovery may last longer than a start is given, as long as it comes forward.
void Service::report_progress(Instant begun_at, std::uint64_t bytes_done,
                              std::uint64_t bytes_total) {
  auto const now = clock_.now();
  if (now - progress_told_at_ < progress_period && bytes_done < bytes_total) return;
  progress_told_at_ = now;
  auto const taken = std::chrono::duration_cast<std::chrono::milliseconds>(now - begun_at);
  manager_.extend_start(start_patience, recovery_line({bytes_done, bytes_total, taken}));
}

int Service::run() {
  spdlog::info("steled {}", version);
  if (!fit_limits()) return exit_config;
  auto const passed = take_passed_socket();
  if (!passed) {
    spdlog::critical("{}", passed.error().message);
    return exit_code_of(passed.error());
  }
  manager_.extend_start(start_patience, "opening the log");
  // The lock of the data directory comes first: who holds it may judge what the socket file is.
  if (auto const opened = open_log(); !opened) {
    explain(opened.error());
    return exit_code_of(opened.error());
  }
  // Caught before the socket is there: who can connect may also ask the daemon to stop.
  boost::asio::signal_set signals(io_, SIGTERM, SIGINT);
  auto listen_socket = open_socket(*passed);
  if (!listen_socket) {
    spdlog::critical("{}", listen_socket.error().message);
    close_log();
    return exit_code_of(listen_socket.error());
  }
  return serve(*listen_socket, signals);
}

void Service::explain(wal::Failure const& failure) const {
  auto const& dir = facts_.config.data_dir;
  spdlog::critical("cannot open the log in {}: {}", dir, failure.message);
  if (failure.code != wal::Errc::damaged) return;
  spdlog::critical(
      "`stele verify {}` names each place; `stele salvage {} NEWDIR` copies what can be read "
      "into a new log; --on-damage serve starts with what can be read",
      dir, dir);
}

/// Clients that connect to a socket that was passed wait in it while nobody serves.
Result<ListenSocket> Service::open_socket(std::optional<PassedSocket> const& passed) {
  if (passed) return ListenSocket::adopt(io_, *passed);
  Config const& config = facts_.config;
  return ListenSocket::open(
      io_, {config.socket, config.socket_mode, config.socket_owner, config.socket_group});
}

int Service::serve(ListenSocket& listen_socket, boost::asio::signal_set& signals) {
  RequestHandler handler(facts_, store_, driver_->committer(), clock_, metrics_);
  Server server(io_, signals, listen_socket, handler, driver_->committer(), facts_.config);
  Heartbeat heartbeat(io_, manager_, clock_, [this, &server] { return read_state(server); });
  server.set_drain_handler([this, &heartbeat] { manager_.stopping(heartbeat.line()); });
  wait_for_reload(server, heartbeat);
  server.start();
  heartbeat.start();
  spdlog::info("listening on {}", listen_socket.path());
  // Before the first client is heard; all that needs more than this has been done.
  if (auto const error = confine_process()) {
    spdlog::warn("the kernel takes no seccomp filter, so the daemon stays less confined: {}",
                 error.message());
  }
  manager_.ready(heartbeat.line());
  io_.run();
  if (server.log_failed()) return exit_io_error;
  return close_log() ? exit_ok : exit_io_error;
}

Heartbeat::Reading Service::read_state(Server const& server) const {
  auto const& log = driver_->committer();
  return {.state = service_state(facts_, store_, log, server.draining()),
          .connections = metrics_.connections_open,
          .durable_seq = log.log().durable_seq(),
          .pending_bytes = log.pending_bytes(),
          .settings_refused = settings_refused_};
}

void Service::wait_for_reload(Server& server, Heartbeat& heartbeat) {
  reload_signals_.async_wait([this, &server, &heartbeat](boost::system::error_code error, int) {
    if (error || server.draining()) return;
    manager_.reloading(clock_.now());
    reload(server);
    manager_.ready(heartbeat.line());
    wait_for_reload(server, heartbeat);
  });
}

/// What the start made of the memory stays until the next one.
void Service::keep_default_log(Config& wanted) const {
  auto const keep = [&](std::string_view name, auto size) {
    if (!wanted.is_given(name) && !asked_.is_given(name)) wanted.*size = asked_.*size;
  };
  keep("retain-bytes", &Config::retain_bytes);
  keep("segment-bytes", &Config::segment_bytes);
}

void Service::reload(Server& server) {
  Config wanted;
  if (auto const errors = reread_(wanted)) {
    for (auto const& message : errors->messages) spdlog::error("reload: {}", message);
    spdlog::error("reload: the settings are not valid; nothing was changed");
    settings_refused_ = true;
    return;
  }
  settings_refused_ = false;
  keep_default_log(wanted);
  auto const change = compare(asked_, wanted);
  asked_ = change.in_force;
  facts_.config = change.in_force;
  fit_limits();
  server.apply(facts_.config);
  set_diagnostics_level(facts_.config.log_level);
  for (auto const name : change.applied) spdlog::info("reload: {} has changed", name);
  for (auto const name : change.needs_restart) {
    spdlog::warn("reload: {} has changed in the file; it needs a restart", name);
  }
  if (change.applied.empty() && change.needs_restart.empty()) {
    spdlog::info("reload: nothing has changed");
  }
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

int run_service(Config const& config, RereadConfig reread) {
  // A client that goes away is an error of one write, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow further is an error of one write, too.
  std::signal(SIGXFSZ, SIG_IGN);
  set_up_heap();
  return Service(config, std::move(reread)).run();
}

}  // namespace stele::daemon

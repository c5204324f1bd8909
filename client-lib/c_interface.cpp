// The C interface over Client and BufferedLogger. Nothing is thrown past it.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "stele/buffered_logger.hpp"
#include "stele/client.hpp"
#include "stele/stele.h"

struct stele_client {
  stele::Client client;
};

struct stele_logger {
  explicit stele_logger(stele::BufferedLoggerOptions options) : logger(std::move(options)) {}
  stele::BufferedLogger logger;
};

namespace {

constexpr int client_codes_start = 100;

/// The daemon's errors by their C codes, which stay what they are when the list in C++ grows.
constexpr stele::Error daemon_errors[] = {
    stele::Error::bad_frame,       stele::Error::frame_too_large,
    stele::Error::bad_json,        stele::Error::bad_request,
    stele::Error::unknown_op,      stele::Error::invalid_entry,
    stele::Error::entry_too_large, stele::Error::unsupported_version,
    stele::Error::no_space,        stele::Error::log_failed,
    stele::Error::shutting_down,   stele::Error::too_many_connections,
    stele::Error::overloaded,      stele::Error::unknown_retry,
    stele::Error::id_conflict,     stele::Error::cursor_expired,
    stele::Error::internal,        stele::Error::forbidden,
};
static_assert(daemon_errors[STELE_INTERNAL - 1] == stele::Error::internal);
static_assert(std::size(daemon_errors) == static_cast<int>(stele::error_last));
static_assert(client_codes_start + static_cast<int>(stele::ClientError::cancelled) ==
              STELE_CANCELLED);

// The thread's last failure.
thread_local std::string last_message;
thread_local std::string last_detail = "{}";

int fail(int code, char const* message) noexcept {
  last_message = message;  // Short enough to need no memory, or it was reserved before.
  last_detail = "{}";
  return code;
}

int fail(stele::Failure const& failure) {
  last_message = failure.message;
  last_detail = failure.detail;
  auto const& code = failure.code;
  if (code.category() == stele::error_category()) {
    auto const error = static_cast<stele::Error>(code.value());
    for (std::size_t i = 0; i < std::size(daemon_errors); ++i) {
      if (daemon_errors[i] == error) return static_cast<int>(i + 1);
    }
    return STELE_INTERNAL;
  }
  if (code.category() == stele::client_error_category()) return client_codes_start + code.value();
  return STELE_INTERNAL;
}

int invalid_argument() noexcept { return fail(STELE_INVALID_ARGUMENT, "bad argument"); }

/// Runs a call that returns a code, and turns a lack of memory into one.
template <class Call>
int guarded(Call const& call) noexcept {
  try {
    return call();
  } catch (std::bad_alloc const&) {
    return fail(STELE_OUT_OF_MEMORY, "out of memory");
  } catch (std::exception const& error) {
    return fail(STELE_INTERNAL, error.what());
  }
}

stele::Deadline deadline_of(std::int64_t timeout_ms) {
  if (timeout_ms < 0) return {};
  return std::chrono::milliseconds{timeout_ms};
}

std::string text_or_empty(char const* text) { return text == nullptr ? "" : text; }

bool is_valid(stele_entry const* entry) noexcept {
  return entry != nullptr && (entry->message != nullptr || entry->message_bytes == 0) &&
         entry->level >= STELE_TRACE && entry->level <= STELE_FATAL;
}

stele::LogEntry to_entry(stele_entry const& entry) {
  stele::LogEntry made{.level = static_cast<stele::Level>(entry.level)};
  if (entry.has_timestamp != 0) made.timestamp = entry.timestamp;
  if (entry.message_bytes > 0) made.message.assign(entry.message, entry.message_bytes);
  if (entry.metadata != nullptr) made.metadata = entry.metadata;
  return made;
}

constexpr stele_query all = STELE_ALL;
stele_query const& or_all(stele_query const* query) noexcept {
  return query == nullptr ? all : *query;
}

bool is_valid(stele_query const* query) noexcept {
  return query == nullptr || (query->min_level >= STELE_TRACE && query->min_level <= STELE_FATAL);
}

stele::EntryFilter to_filter(stele_query const& query) {
  stele::EntryFilter filter{.min_level = static_cast<stele::Level>(query.min_level),
                            .contains = text_or_empty(query.contains),
                            .where = text_or_empty(query.where)};
  if (query.pid != nullptr) filter.pid = *query.pid;
  if (query.uid != nullptr) filter.uid = *query.uid;
  if (query.after_seq > 0) filter.after_seq = query.after_seq;
  return filter;
}

/// Whether the visitor wants to go on.
bool show(stele::StoredEntry const& entry, stele_visitor visitor, void* context) {
  stele_stored_entry const shown{.seq = entry.seq,
                                 .timestamp = entry.timestamp,
                                 .level = static_cast<std::int32_t>(entry.level),
                                 .pid = entry.origin.pid,
                                 .uid = entry.origin.uid,
                                 .gid = entry.origin.gid,
                                 .message = entry.message.c_str(),
                                 .message_bytes = entry.message.size(),
                                 .metadata = entry.metadata.c_str()};
  return visitor(context, &shown) != 0;
}

}  // namespace

char const* stele_version() { return STELE_VERSION; }

char const* stele_code_name(int code) {
  if (code >= 1 && code <= static_cast<int>(std::size(daemon_errors))) {
    return to_string(daemon_errors[code - 1]).data();
  }
  switch (code) {
    case STELE_OK:
      return "ok";
    case STELE_CANNOT_CONNECT:
      return "cannot_connect";
    case STELE_CONNECTION_LOST:
      return "connection_lost";
    case STELE_OUTCOME_UNKNOWN:
      return "outcome_unknown";
    case STELE_TIMED_OUT:
      return "timed_out";
    case STELE_PROTOCOL_VIOLATION:
      return "protocol_violation";
    case STELE_CANCELLED:
      return "cancelled";
    case STELE_INVALID_ARGUMENT:
      return "invalid_argument";
    case STELE_OUT_OF_MEMORY:
      return "out_of_memory";
    default:
      return "unknown";
  }
}

char const* stele_error_message() { return last_message.c_str(); }
char const* stele_error_detail() { return last_detail.c_str(); }

int stele_may_be_stored(int code) {
  return code == STELE_OUTCOME_UNKNOWN || code == STELE_PROTOCOL_VIOLATION ||
         code == STELE_LOG_FAILED || code == STELE_INTERNAL;
}

int stele_client_open(char const* socket_path, char const* name, stele_client** client) {
  if (client == nullptr) return invalid_argument();
  *client = nullptr;
  return guarded([&] {
    auto connected = stele::Client::connect(
        {.socket_path = text_or_empty(socket_path), .name = text_or_empty(name)});
    if (!connected) return fail(connected.error());
    *client = new stele_client{std::move(*connected)};
    return int{STELE_OK};
  });
}

void stele_client_close(stele_client* client) { delete client; }

int stele_write_log(stele_client* client, stele_entry const* entry, std::int64_t timeout_ms,
                    std::uint64_t* seq) {
  if (client == nullptr || !is_valid(entry)) return invalid_argument();
  return guarded([&] {
    auto written = client->client.write_log(to_entry(*entry), deadline_of(timeout_ms));
    if (!written) return fail(written.error());
    if (seq != nullptr) *seq = *written;
    return int{STELE_OK};
  });
}

int stele_write_many_logs(stele_client* client, stele_entry const* entries, std::size_t count,
                          std::int64_t timeout_ms, std::uint64_t* first_seq) {
  if (client == nullptr || (entries == nullptr && count > 0)) return invalid_argument();
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_valid(&entries[i])) return invalid_argument();
  }
  return guarded([&] {
    std::vector<stele::LogEntry> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(to_entry(entries[i]));
    auto written = client->client.write_many_logs(made, deadline_of(timeout_ms));
    if (!written) return fail(written.error());
    if (first_seq != nullptr) *first_seq = written->first_seq;
    return int{STELE_OK};
  });
}

int stele_read_logs(stele_client* client, std::uint64_t start_ts, std::uint64_t end_ts,
                    std::uint64_t limit, std::int64_t timeout_ms, stele_visitor visitor,
                    void* context) {
  stele_query query = STELE_ALL;
  query.start_ts = start_ts;
  query.end_ts = end_ts;
  query.limit = limit;
  return stele_query_logs(client, &query, timeout_ms, visitor, context);
}

int stele_query_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                     stele_visitor visitor, void* context) {
  if (client == nullptr || visitor == nullptr || !is_valid(query)) return invalid_argument();
  return guarded([&] {
    auto const& asked = or_all(query);
    stele::ReadOptions options{
        .start_ts = asked.start_ts, .end_ts = asked.end_ts, .filter = to_filter(asked)};
    if (asked.newest_first != 0) options.order = stele::Order::desc;
    if (asked.limit > 0) options.limit = asked.limit;
    auto const visit = [&](stele::StoredEntry const& entry) {
      return show(entry, visitor, context);
    };
    auto end = client->client.read_logs(options, visit, deadline_of(timeout_ms));
    return end ? int{STELE_OK} : fail(end.error());
  });
}

int stele_count_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                     std::uint64_t* count) {
  if (client == nullptr || count == nullptr || !is_valid(query)) return invalid_argument();
  return guarded([&] {
    auto const& asked = or_all(query);
    auto counted = client->client.count_logs(
        {.start_ts = asked.start_ts, .end_ts = asked.end_ts, .filter = to_filter(asked)},
        deadline_of(timeout_ms));
    if (!counted) return fail(counted.error());
    *count = counted->count;
    return int{STELE_OK};
  });
}

int stele_follow_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                      stele_visitor visitor, stele_removed removed, void* context) {
  if (client == nullptr || visitor == nullptr || !is_valid(query)) return invalid_argument();
  if (query != nullptr && query->newest_first != 0) return invalid_argument();
  return guarded([&] {
    auto const& asked = or_all(query);
    stele::FollowOptions options{
        .start_ts = asked.start_ts, .end_ts = asked.end_ts, .filter = to_filter(asked)};
    if (asked.limit > 0) options.newest = asked.limit;
    auto const visit = [&](stele::FollowPart const& part) {
      if (part.removed && removed != nullptr) {
        removed(context, part.removed->first_seq, part.removed->last_seq);
      }
      return std::ranges::all_of(part.entries, [&](stele::StoredEntry const& entry) {
        return show(entry, visitor, context);
      });
    };
    auto end = client->client.follow_logs(options, visit, deadline_of(timeout_ms));
    if (!end) return fail(end.error());
    return end->stopped ? int{STELE_OK} : fail(STELE_SHUTTING_DOWN, "the daemon stops");
  });
}

int stele_ping(stele_client* client, std::int64_t timeout_ms) {
  if (client == nullptr) return invalid_argument();
  return guarded([&] {
    auto pinged = client->client.ping(deadline_of(timeout_ms));
    return pinged ? int{STELE_OK} : fail(pinged.error());
  });
}

int stele_logger_open(char const* socket_path, char const* name, std::size_t buffer_bytes,
                      int when_full, stele_logger** logger) {
  if (logger == nullptr) return invalid_argument();
  *logger = nullptr;
  if (when_full != STELE_BLOCK && when_full != STELE_REFUSE) return invalid_argument();
  return guarded([&] {
    stele::BufferedLoggerOptions options{.socket_path = text_or_empty(socket_path),
                                         .name = text_or_empty(name)};
    if (buffer_bytes > 0) options.buffer_bytes = buffer_bytes;
    if (when_full == STELE_REFUSE) options.when_full = stele::WhenFull::refuse;
    *logger = new stele_logger(std::move(options));
    return int{STELE_OK};
  });
}

int stele_logger_log(stele_logger* logger, stele_entry const* entry, std::int64_t timeout_ms) {
  if (logger == nullptr || !is_valid(entry)) return invalid_argument();
  return guarded([&] {
    auto logged = logger->logger.log(to_entry(*entry), deadline_of(timeout_ms));
    return logged ? int{STELE_OK} : fail(logged.error());
  });
}

int stele_logger_flush(stele_logger* logger, std::int64_t timeout_ms) {
  if (logger == nullptr) return invalid_argument();
  return guarded([&] {
    auto flushed = logger->logger.flush(deadline_of(timeout_ms));
    return flushed ? int{STELE_OK} : fail(flushed.error());
  });
}

std::uint64_t stele_logger_refused(stele_logger const* logger) {
  return logger == nullptr ? 0 : logger->logger.status().refused;
}

int stele_logger_close(stele_logger* logger, std::int64_t timeout_ms) {
  if (logger == nullptr) return STELE_OK;
  return guarded([&] {
    auto closed = logger->logger.close(deadline_of(timeout_ms));
    delete logger;
    return closed ? int{STELE_OK} : fail(closed.error());
  });
}

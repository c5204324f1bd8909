#include "client-lib/c/c_call.hpp"

#include <iterator>
#include <optional>

#include "stele/client_error.hpp"

namespace stele::c {
namespace {

constexpr int client_codes_start = 100;

/// The daemon's errors by their C codes, which stay what they are when the list in C++ grows.
constexpr Error daemon_errors[] = {
    Error::bad_frame,  Error::frame_too_large, Error::bad_json,        Error::bad_request,
    Error::unknown_op, Error::invalid_entry,   Error::entry_too_large, Error::unsupported_version,
    Error::no_space,   Error::log_failed,      Error::shutting_down,   Error::too_many_connections,
    Error::overloaded, Error::unknown_retry,   Error::id_conflict,     Error::cursor_expired,
    Error::internal,   Error::forbidden,
};
static_assert(daemon_errors[STELE_INTERNAL - 1] == Error::internal);
static_assert(std::size(daemon_errors) == static_cast<int>(error_last));
static_assert(client_codes_start + static_cast<int>(client_error_last) == STELE_MADE_BEFORE_FORK);

/// The thread's last failure.
struct LastFailure {
  std::string message{};
  std::string detail = "{}";
  std::optional<WriteState> state{};
  std::optional<bool> retryable{};
};
thread_local LastFailure last;

}  // namespace

int fail(int code, char const* message) noexcept {
  last.message = message;  // Short enough to need no memory, or it was reserved before.
  last.detail = "{}";
  last.state.reset();
  last.retryable.reset();
  return code;
}

int fail(Failure const& failure) {
  last = {failure.message, failure.detail, failure.state, failure.retryable};
  return code_of(failure);
}

int invalid_argument(char const* what) noexcept { return fail(STELE_INVALID_ARGUMENT, what); }

int code_of(Failure const& failure) noexcept {
  auto const& code = failure.code;
  if (code.category() == client_error_category()) return client_codes_start + code.value();
  if (code.category() != error_category()) return STELE_INTERNAL;
  for (std::size_t i = 0; i < std::size(daemon_errors); ++i) {
    if (daemon_errors[i] == static_cast<Error>(code.value())) return static_cast<int>(i + 1);
  }
  return STELE_INTERNAL;
}

char const* problem_of(stele_entry const* entry) noexcept {
  if (entry == nullptr) return "entry is NULL";
  if (entry->message == nullptr && entry->message_bytes > 0) return "entry: message is NULL";
  if (entry->level < STELE_TRACE || entry->level > STELE_FATAL) return "entry: level is no level";
  return nullptr;
}

LogEntry to_entry(stele_entry const& entry) {
  LogEntry made{.level = static_cast<Level>(entry.level)};
  if (entry.has_timestamp != 0) made.timestamp = entry.timestamp;
  if (entry.message_bytes > 0) made.message.assign(entry.message, entry.message_bytes);
  if (entry.metadata != nullptr) made.metadata = entry.metadata;
  return made;
}

}  // namespace stele::c

char const* stele_version() { return STELE_VERSION; }

char const* stele_code_name(int code) {
  using namespace stele::c;
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
    case STELE_MADE_BEFORE_FORK:
      return "made_before_fork";
    case STELE_INVALID_ARGUMENT:
      return "invalid_argument";
    case STELE_OUT_OF_MEMORY:
      return "out_of_memory";
    default:
      return "unknown";
  }
}

char const* stele_error_message() { return stele::c::last.message.c_str(); }
char const* stele_error_detail() { return stele::c::last.detail.c_str(); }

char const* stele_error_state() {
  auto const& state = stele::c::last.state;
  if (!state) return "";
  return *state == stele::WriteState::unknown ? "unknown" : "not_written";
}

int stele_error_retryable() {
  auto const& retryable = stele::c::last.retryable;
  if (!retryable) return -1;
  return *retryable ? 1 : 0;
}

int stele_may_be_stored(int code) {
  return code == STELE_OUTCOME_UNKNOWN || code == STELE_PROTOCOL_VIOLATION ||
         code == STELE_LOG_FAILED || code == STELE_INTERNAL;
}

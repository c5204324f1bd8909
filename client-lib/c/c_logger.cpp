// BufferedLogger for C.
#include <cstring>
#include <optional>
#include <utility>

#include "client-lib/c/c_call.hpp"
#include "stele/buffered_logger.hpp"
#include "stele/stele.h"

struct stele_logger {
  explicit stele_logger(stele::BufferedLoggerOptions options) : logger(std::move(options)) {}
  stele::BufferedLogger logger;
};

namespace c = stele::c;

namespace {

std::optional<stele::WhenFull> when_full_of(int value) noexcept {
  switch (value) {
    case STELE_BLOCK:
      return stele::WhenFull::block;
    case STELE_REFUSE:
      return stele::WhenFull::refuse;
    case STELE_WAIT:
      return stele::WhenFull::wait;
    default:
      return std::nullopt;
  }
}

}  // namespace

int stele_logger_open(char const* socket_path, char const* name, std::size_t buffer_bytes,
                      int when_full, stele_logger** logger) {
  stele_logger_options options = STELE_LOGGER_OPTIONS;
  options.socket_path = socket_path;
  options.name = name;
  options.buffer_bytes = buffer_bytes;
  options.when_full = when_full;
  return stele_logger_open_with(&options, logger);
}

int stele_logger_open_with(stele_logger_options const* options, stele_logger** logger) {
  if (logger == nullptr) return c::invalid_argument("logger is NULL");
  *logger = nullptr;
  if (options == nullptr) return c::invalid_argument("options is NULL");
  if (options->size != sizeof(stele_logger_options)) {
    return c::invalid_argument("options: size is not that of this library's stele_logger_options");
  }
  auto const when_full = when_full_of(options->when_full);
  if (!when_full) {
    return c::invalid_argument("when_full is not STELE_BLOCK, STELE_REFUSE or STELE_WAIT");
  }
  return c::guarded([&] {
    stele::BufferedLoggerOptions made{.socket_path = c::text_or_empty(options->socket_path),
                                      .name = c::text_or_empty(options->name)};
    if (options->buffer_bytes > 0) made.buffer_bytes = options->buffer_bytes;
    if (options->batch_bytes > 0) made.batch_bytes = options->batch_bytes;
    made.when_full = *when_full;
    if (auto* const on_loss = options->on_loss; on_loss != nullptr) {
      made.on_loss = [on_loss, context = options->context](std::uint64_t entries,
                                                           stele::Failure const& why) {
        on_loss(context, entries, c::code_of(why), why.message.c_str());
      };
    }
    *logger = new stele_logger(std::move(made));
    return int{STELE_OK};
  });
}

int stele_logger_log(stele_logger* logger, stele_entry const* entry, std::int64_t timeout_ms) {
  if (logger == nullptr) return c::invalid_argument("logger is NULL");
  if (auto const* const problem = c::problem_of(entry)) return c::invalid_argument(problem);
  return c::guarded([&] {
    return c::code_of_result(logger->logger.log(c::to_entry(*entry), c::deadline_of(timeout_ms)));
  });
}

int stele_logger_flush(stele_logger* logger, std::int64_t timeout_ms) {
  if (logger == nullptr) return c::invalid_argument("logger is NULL");
  return c::guarded(
      [&] { return c::code_of_result(logger->logger.flush(c::deadline_of(timeout_ms))); });
}

std::uint64_t stele_logger_refused(stele_logger const* logger) {
  return logger == nullptr ? 0 : logger->logger.status().refused;
}

int stele_logger_get_status(stele_logger const* logger, stele_logger_status* status) {
  if (logger == nullptr) return c::invalid_argument("logger is NULL");
  if (status == nullptr) return c::invalid_argument("status is NULL");
  if (status->size != sizeof(stele_logger_status)) {
    return c::invalid_argument("status: size is not that of this library's stele_logger_status");
  }
  return c::guarded([&] {
    auto const now = logger->logger.status();
    *status = {.size = sizeof(stele_logger_status),
               .accepted = now.accepted,
               .stored = now.stored,
               .refused = now.refused,
               .waiting = now.waiting,
               .maybe_duplicated = now.maybe_duplicated};
    return int{STELE_OK};
  });
}

int stele_logger_close(stele_logger* logger, std::int64_t timeout_ms) {
  if (logger == nullptr) return STELE_OK;
  int const code = c::guarded(
      [&] { return c::code_of_result(logger->logger.close(c::deadline_of(timeout_ms))); });
  delete logger;
  return code;
}

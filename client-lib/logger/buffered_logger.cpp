// One logger of a program; what it does with entries is its pipeline's.
#include "stele/buffered_logger.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client-lib/connection/client_state.hpp"
#include "client-lib/connection/unix_stream.hpp"
#include "client-lib/logger/log_pipeline.hpp"
#include "client-lib/process/fork_generation.hpp"
#include "protocol/limits.hpp"
#include "protocol/request/request.hpp"
#include "protocol/text/json_text.hpp"
#include "stele/utf8.hpp"

namespace stele {
namespace {

// A batch is one request: protocol::frame_bytes_default with what is around the entries.
constexpr std::size_t batch_bytes_max = protocol::frame_bytes_default / 2;

std::int64_t microseconds_of(std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  return floor<microseconds>(time.time_since_epoch()).count();
}

/// What no daemon would take, or no socket can have; throws what it is.
void check(BufferedLoggerOptions const& options) {
  auto valid = client::check_name(options.name);
  if (valid) valid = client::check_socket_path(options.socket_path);
  if (!valid) throw_exception_from_error(valid.error(), BOOST_CURRENT_LOCATION);
}

Failure line_too_large(std::size_t bytes, std::size_t limit) {
  return {Error::entry_too_large, "the line has " + std::to_string(bytes) +
                                      " bytes; the daemon's entry_bytes_max is " +
                                      std::to_string(limit)};
}

}  // namespace

class BufferedLogger::Impl {
 public:
  explicit Impl(BufferedLoggerOptions options) : options_(std::move(options)) {
    check(options_);
    pipeline_ = client::LogPipeline::join(
        {.socket_path = options_.socket_path,
         .name = options_.name,
         .buffer_bytes = options_.buffer_bytes,
         .batch_bytes = std::clamp(options_.batch_bytes, std::size_t{1}, batch_bytes_max)});
    state_->on_loss = options_.on_loss;
    pipeline_->add(state_);
  }

  /// Whether this is the process that made it; in its child there is only a copy.
  bool is_here() const noexcept { return home_.is_here(); }

  Result<void> log(LogEntry const& entry, Deadline const& deadline);
  Result<void> log(Level level, std::string_view message, Metadata const& metadata,
                   Deadline const& deadline);
  Result<void> log_line(LogLine const& line, Deadline const& deadline);
  Result<void> flush(Deadline const& deadline, client::LogPipeline::Patience patience) {
    return pipeline_->flush(*state_, deadline, patience);
  }
  Result<void> close(Deadline const& deadline) { return pipeline_->close(*state_, deadline); }
  void close_at_last() { (void)pipeline_->close_at_last(*state_, options_.close_timeout); }
  BufferedLoggerStatus status() const { return pipeline_->status(*state_); }

 private:
  client::HomeProcess home_{};
  BufferedLoggerOptions const options_;
  std::shared_ptr<client::LoggerState> const state_ = std::make_shared<client::LoggerState>();
  std::shared_ptr<client::LogPipeline> pipeline_{};
};

Result<void> BufferedLogger::Impl::log(LogEntry const& entry, Deadline const& deadline) {
  auto valid = protocol::validate_entry(entry, {.entry_bytes_max = pipeline_->entry_bytes_max()});
  if (!valid) return pipeline_->refuse(*state_, valid.error());
  client::Record record{.level = entry.level, .message = entry.message, .metadata = entry.metadata};
  if (entry.timestamp) {
    record.timestamp = *entry.timestamp;
  } else {
    record.timestamp =
        static_cast<std::uint64_t>(microseconds_of(std::chrono::system_clock::now()));
  }
  return pipeline_->append(*state_, record, options_, deadline);
}

Result<void> BufferedLogger::Impl::log(Level level, std::string_view message,
                                       Metadata const& metadata, Deadline const& deadline) {
  if (level > Level::fatal) {
    return pipeline_->refuse(*state_, {Error::invalid_entry, "level is no level"});
  }
  std::string valid;
  if (!protocol::is_utf8(message)) {
    append_as_utf8(valid, message);
    message = valid;
  }
  auto const members = metadata.text();
  auto const bytes = message.size() + members.size();
  if (auto const limit = pipeline_->entry_bytes_max(); bytes > limit) {
    return pipeline_->refuse(*state_, line_too_large(bytes, limit));
  }
  client::Record record{.level = level, .message = message, .metadata = members};
  record.timestamp = static_cast<std::uint64_t>(microseconds_of(std::chrono::system_clock::now()));
  return pipeline_->append(*state_, record, options_, deadline);
}

Result<void> BufferedLogger::Impl::log_line(LogLine const& line, Deadline const& deadline) {
  if (line.level > Level::fatal) {
    return pipeline_->refuse(*state_, {Error::invalid_entry, "level is no level"});
  }
  auto const context = line.context == nullptr ? std::string{} : line.context->text();
  auto const bytes = line.message.size() + line.logger.size() + line.file.size() +
                     line.function.size() + context.size();
  if (auto const limit = pipeline_->entry_bytes_max(); bytes > limit) {
    return pipeline_->refuse(*state_, line_too_large(bytes, limit));
  }
  client::Record record{.thread = line.thread,
                        .line = line.line,
                        .level = line.level,
                        .message = line.message,
                        .logger = line.logger,
                        .file = line.file,
                        .function = line.function,
                        .context = context};
  auto const time = microseconds_of(line.time);
  record.timestamp = time < 0 ? 0 : static_cast<std::uint64_t>(time);
  record.time_before_epoch = time < 0 ? time : 0;
  return pipeline_->append(*state_, record, options_, deadline);
}

BufferedLogger::BufferedLogger(BufferedLoggerOptions options)
    : impl_(std::make_shared<Impl>(std::move(options))) {}

BufferedLogger::~BufferedLogger() {
  if (impl_->is_here()) {
    impl_->close_at_last();
  } else {
    client::leave_to_parent(std::move(impl_));
  }
}

Result<void> BufferedLogger::log(LogEntry const& entry, Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->log(entry, deadline);
}

Result<void> BufferedLogger::log(Level level, std::string_view message, Metadata const& metadata,
                                 Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->log(level, message, metadata, deadline);
}

Result<void> BufferedLogger::log_line(LogLine const& line, Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->log_line(line, deadline);
}

Result<void> BufferedLogger::flush(Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->flush(deadline, client::LogPipeline::Patience::full);
}

Result<void> BufferedLogger::try_flush(Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->flush(deadline, client::LogPipeline::Patience::once);
}

Result<void> BufferedLogger::close(Deadline const& deadline) {
  if (!impl_->is_here()) return client::made_before_fork();
  return impl_->close(deadline);
}

BufferedLoggerStatus BufferedLogger::status() const {
  if (impl_->is_here()) return impl_->status();
  return {.trouble = client::made_before_fork()};
}

}  // namespace stele

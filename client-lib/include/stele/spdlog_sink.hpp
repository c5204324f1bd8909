// A sink for spdlog: what a program logs with spdlog is stored in stele. Header only, and the only
// file that needs spdlog. One line of a program changes:
//
//   auto log = spdlog::stdout_color_mt("app");               // before
//   auto log = spdlog::create<stele::SpdlogSink>("app");     // after
//
// also with spdlog::create_async, or as one of several sinks of a logger.
#pragma once

#include <spdlog/details/log_msg.h>
#include <spdlog/details/synchronous_factory.h>
#include <spdlog/sinks/sink.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "stele/buffered_logger.hpp"
#include "stele/metadata.hpp"
#include "stele/utf8.hpp"

namespace stele {

struct SpdlogSinkOptions {
  /// A daemon that is down costs a program its newest entries, not its life: unlike a
  /// BufferedLogger by itself, the sink refuses when the buffer is full.
  BufferedLoggerOptions buffer{.when_full = WhenFull::refuse};
  /// How long a flush may wait for the disk; 0: no limit.
  std::chrono::milliseconds flush_timeout{5'000};
};

/// Thread-safe without a lock of its own. An entry has the text and the time of the spdlog call and
/// metadata such as
///
///   {"logger":"app","thread":4711,"source":{"file":"main.cpp","line":12,"function":"main"}}
///
/// (`source` if the call gave it, as the SPDLOG_INFO macros do). `critical` is `fatal`. Patterns
/// are not applied. Bytes that are not UTF-8 become U+FFFD.
///
/// flush(), and with it flush_on(level), returns when all is on disk. With an async logger it is
/// spdlog's thread that waits, not the caller.
///
/// What cannot be stored is thrown as spdlog_ex: spdlog gives it to the logger's error handler,
/// which prints it on standard error, once a second at most.
class SpdlogSink final : public spdlog::sinks::sink {
 public:
  explicit SpdlogSink(SpdlogSinkOptions options = {})
      : flush_timeout_(options.flush_timeout), logger_(std::move(options.buffer)) {}

  void log(spdlog::details::log_msg const& message) override {
    if (message.level == spdlog::level::off) return;
    auto const since_epoch =
        std::chrono::duration_cast<std::chrono::microseconds>(message.time.time_since_epoch());
    LogEntry entry{.timestamp = static_cast<std::uint64_t>(since_epoch.count()),
                   .level = level_of(message.level),
                   .metadata = metadata_of(message)};
    append_as_utf8(entry.message, {message.payload.data(), message.payload.size()});
    require(logger_.log(std::move(entry)));
  }

  void flush() override {
    auto const no_limit = flush_timeout_.count() <= 0;
    require(logger_.flush(no_limit ? Deadline{} : Deadline{flush_timeout_}));
  }

  void set_pattern(std::string const&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  /// For its status, and for close() with a deadline of one's own.
  BufferedLogger& logger() noexcept { return logger_; }

 private:
  static Level level_of(spdlog::level::level_enum level) noexcept {
    switch (level) {
      case spdlog::level::trace:
        return Level::trace;
      case spdlog::level::debug:
        return Level::debug;
      case spdlog::level::warn:
        return Level::warn;
      case spdlog::level::err:
        return Level::error;
      case spdlog::level::critical:
        return Level::fatal;
      default:
        return Level::info;
    }
  }

  static std::string metadata_of(spdlog::details::log_msg const& message) {
    Metadata metadata;
    if (message.logger_name.size() > 0) {
      metadata.add("logger",
                   std::string_view{message.logger_name.data(), message.logger_name.size()});
    }
    metadata.add("thread", message.thread_id);
    if (message.source.empty()) return metadata.text();
    Metadata source;
    source.add("file", message.source.filename).add("line", message.source.line);
    if (message.source.funcname != nullptr) source.add("function", message.source.funcname);
    return metadata.add("source", source).text();
  }

  static void require(Result<void> const& done) {
    if (!done) spdlog::throw_spdlog_ex("stele: " + done.error().message);
  }

  std::chrono::milliseconds flush_timeout_;
  BufferedLogger logger_;
};

}  // namespace stele

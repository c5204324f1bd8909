// A sink for spdlog: what a program logs with spdlog is stored in stele. Header only, and the only
// file that needs spdlog. One line of a program changes:
//
//   auto log = spdlog::stdout_color_mt("app");               // before
//   auto log = spdlog::create<stele::SpdlogSink>("app");     // after
//
// also with spdlog::create_async, or as one of several sinks of a logger.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <spdlog/details/log_msg.h>
#include <spdlog/details/synchronous_factory.h>
#include <spdlog/sinks/sink.h>
#if __has_include(<spdlog/mdc.h>)
#include <spdlog/mdc.h>
#define STELE_SPDLOG_HAS_MDC 1
#else
#define STELE_SPDLOG_HAS_MDC 0
#endif

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "stele/buffered_logger.hpp"

namespace stele {

struct SpdlogSinkOptions {
  BufferedLoggerOptions buffer{};
  /// How long a flush may wait for the disk; it does not wait for a daemon that is away (see
  /// BufferedLogger::try_flush). `no_limit`, or as a Deadline.
  std::chrono::milliseconds flush_timeout{5'000};
  /// Called by the calls of log and flush that fail, in their thread. It must not log with this
  /// sink. Empty: a line on standard error, once a second at most. What it throws goes to spdlog.
  std::function<void(Failure const&)> on_failure{};
};

/// Thread-safe without a lock of its own. An entry has the text and the time of the spdlog call and
/// the metadata that LogLine has (`source` if the call gave it, as the SPDLOG_INFO macros do).
/// `critical` is `fatal`. Patterns are not applied. Bytes that are not UTF-8 become U+FFFD.
///
/// With a spdlog that has a mapped diagnostic context (1.15 and later) the one of the thread that
/// runs log() is the metadata's member `context`; with an async logger that is spdlog's thread.
///
/// flush(), and with it flush_on(level), returns when all is on disk. With an async logger it is
/// spdlog's thread that waits, not the caller.
///
/// A daemon that is away, or a full buffer, stops no other sink of the same logger: nothing is
/// thrown. Entries that are lost are counted in logger().status().refused, named by `stele audit`,
/// and on_failure is called.
class SpdlogSink final : public spdlog::sinks::sink {
 public:
  explicit SpdlogSink(SpdlogSinkOptions options = {})
      : flush_timeout_(options.flush_timeout),
        on_failure_(std::move(options.on_failure)),
        logger_(std::move(options.buffer)) {}

  void log(spdlog::details::log_msg const& message) override {
    if (message.level == spdlog::level::off) return;
    auto const& source = message.source;
    LogLine line{.time = message.time,
                 .level = level_of(message.level),
                 .message = {message.payload.data(), message.payload.size()},
                 .logger = {message.logger_name.data(), message.logger_name.size()},
                 .thread = message.thread_id};
    if (!source.empty()) {
      line.file = source.filename;
      line.line = static_cast<std::uint32_t>(source.line);
      if (source.funcname != nullptr) line.function = source.funcname;
    }
#if STELE_SPDLOG_HAS_MDC
    Metadata context;
    for (auto const& [name, value] : spdlog::mdc::get_context()) context.add(name, value);
    if (!spdlog::mdc::get_context().empty()) line.context = &context;
#endif
    if (auto const logged = logger_.log_line(line); !logged) report(logged.error());
  }

  void flush() override {
    if (auto const flushed = logger_.try_flush(flush_timeout_); !flushed) report(flushed.error());
  }

  void set_pattern(std::string const&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  /// For its status, and for close() with a deadline of one's own.
  BufferedLogger& logger() noexcept { return logger_; }

 private:
  using Clock = std::chrono::steady_clock;

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
      case spdlog::level::info:
      case spdlog::level::off:
      case spdlog::level::n_levels:
        break;
    }
    return Level::info;
  }

  void report(Failure const& why) {
    if (on_failure_) return on_failure_(why);
    auto const now = Clock::now().time_since_epoch().count();
    auto next = next_line_.load();
    auto const later = now + Clock::duration{std::chrono::seconds{1}}.count();
    if (now < next || !next_line_.compare_exchange_strong(next, later)) return;
    std::fprintf(stderr, "stele: %s\n", why.message.c_str());
  }

  std::chrono::milliseconds flush_timeout_;
  std::function<void(Failure const&)> on_failure_;
  std::atomic<Clock::rep> next_line_{0};
  BufferedLogger logger_;
};

}  // namespace stele

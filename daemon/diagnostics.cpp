#include "daemon/diagnostics.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace stele::daemon {
namespace {

constexpr std::size_t printable_bytes_max = 256;

/// %j: syslog's priority number, as sd-daemon(3) reads it from the start of a line.
class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(spdlog::details::log_msg const& message, std::tm const& /*time*/,
              spdlog::memory_buf_t& out) override {
    out.push_back(digit(message.level));
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }

 private:
  static char digit(spdlog::level::level_enum level) noexcept {
    switch (level) {
      case spdlog::level::critical:
        return '2';
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      default:
        return '7';
    }
  }
};

/// Whether stderr is the stream that systemd made and named in the environment.
bool stderr_is_journal() noexcept {
  char const* const named = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (named == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  char const* const end = named + std::strlen(named);
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  auto const first = std::from_chars(named, end, device);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return false;
  auto const second = std::from_chars(first.ptr + 1, end, inode);
  return second.ec == std::errc{} && device == status.st_dev && inode == status.st_ino;
}

spdlog::level::level_enum to_spdlog(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void start_diagnostics(LogLevel level) {
  std::shared_ptr<spdlog::logger> logger;
  if (stderr_is_journal()) {
    logger = std::make_shared<spdlog::logger>("steled",
                                              std::make_shared<spdlog::sinks::stderr_sink_st>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PriorityFlag>('j').set_pattern("<%j>%v");
    logger->set_formatter(std::move(formatter));
  } else if (::isatty(STDERR_FILENO) == 1) {
    logger = std::make_shared<spdlog::logger>(
        "steled", std::make_shared<spdlog::sinks::stderr_color_sink_st>());
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  } else {
    logger = std::make_shared<spdlog::logger>("steled",
                                              std::make_shared<spdlog::sinks::stderr_sink_st>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l: %v");
  }
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void set_diagnostics_level(LogLevel level) { spdlog::set_level(to_spdlog(level)); }

std::string printable(std::string_view bytes) {
  constexpr char hex[] = "0123456789abcdef";
  std::string text = "\"";
  for (char const c : bytes.substr(0, printable_bytes_max)) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += {'\\', 'x', hex[byte >> 4], hex[byte & 0xf]};
    }
  }
  text += '"';
  if (bytes.size() > printable_bytes_max) text += "…";
  return text;
}

std::optional<std::uint64_t> Throttle::pass(Instant now) noexcept {
  if (passed_at_ && now - *passed_at_ < period_) {
    ++held_back_;
    return std::nullopt;
  }
  passed_at_ = now;
  return std::exchange(held_back_, 0);
}

}  // namespace stele::daemon

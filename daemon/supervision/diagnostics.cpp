#include "daemon/supervision/diagnostics.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "daemon/supervision/line_writer.hpp"
#include "protocol/text/json_text.hpp"

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

std::string_view colour_of(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::critical:
      return "\x1b[1m\x1b[41m";
    case spdlog::level::err:
      return "\x1b[31m\x1b[1m";
    case spdlog::level::warn:
      return "\x1b[33m\x1b[1m";
    case spdlog::level::info:
      return "\x1b[32m";
    default:
      return "\x1b[36m";
  }
}

/// One thread logs, and it serves all clients: it never waits for who reads the lines. What has no
/// room is counted, and reported as soon as there is some.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  enum class Colours : bool { no, yes };
  explicit StderrSink(Colours colours) : colours_(colours) {}

  std::uint64_t dropped() const noexcept { return writer_.dropped(); }

 private:
  void sink_it_(spdlog::details::log_msg const& message) override {
    tell_dropped();
    writer_.write(text_of(message));
  }
  void flush_() override {
    if (writer_.flush()) tell_dropped();
  }

  void tell_dropped() {
    auto const dropped = writer_.dropped();
    if (dropped == reported_) return;
    auto const text =
        fmt::format("{} lines of this log had no room on stderr", dropped - reported_);
    if (writer_.write(text_of({"steled", spdlog::level::warn, text}))) reported_ = dropped;
    // The line that had no room either is not one of them.
    reported_ += writer_.dropped() - dropped;
  }

  std::string text_of(spdlog::details::log_msg const& message) {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string text(formatted.data(), formatted.size());
    if (colours_ == Colours::yes && message.color_range_end > message.color_range_start) {
      text.insert(message.color_range_end, "\x1b[m");
      text.insert(message.color_range_start, colour_of(message.level));
    }
    return text;
  }

  Colours colours_;
  LineWriter writer_{STDERR_FILENO};
  std::uint64_t reported_ = 0;
};

/// Null until start_diagnostics().
std::shared_ptr<StderrSink>& sink() {
  static std::shared_ptr<StderrSink> the_sink;
  return the_sink;
}

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

void open_standard_streams() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    // Opening takes the lowest number that is free, which is this one.
    if (::fcntl(descriptor, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) return;
  }
}

void start_diagnostics(LogLevel level) {
  bool const is_terminal = ::isatty(STDERR_FILENO) == 1;
  sink() = std::make_shared<StderrSink>(is_terminal ? StderrSink::Colours::yes
                                                    : StderrSink::Colours::no);
  auto logger = std::make_shared<spdlog::logger>("steled", sink());
  if (stderr_is_journal()) {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PriorityFlag>('j').set_pattern("<%j>%v");
    logger->set_formatter(std::move(formatter));
  } else if (is_terminal) {
    logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l: %v");
  }
  logger->set_level(to_spdlog(level));
  spdlog::set_default_logger(std::move(logger));
}

void flush_diagnostics() {
  if (sink()) sink()->flush();
}

std::uint64_t diagnostics_lines_dropped() noexcept { return sink() ? sink()->dropped() : 0; }

void set_diagnostics_level(LogLevel level) { spdlog::set_level(to_spdlog(level)); }

std::string printable(std::string_view bytes) {
  std::string text = "\"";
  for (char const c : bytes.substr(0, printable_bytes_max)) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7f) {
      text += c;
    } else {
      text += "\\x";
      protocol::append_hex(text, byte);
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

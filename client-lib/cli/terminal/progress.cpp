#include "client-lib/cli/terminal/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "client-lib/cli/terminal/streams.hpp"

namespace stele::cli {
namespace {

constexpr std::uint64_t bar_width = 20;
constexpr std::chrono::milliseconds draw_interval{100};

std::string with_unit(double value, std::string_view unit) {
  char text[64];
  auto const precision = value < 10 ? 1 : 0;
  auto const n = std::snprintf(text, sizeof text, "%.*f %.*s", precision, value,
                               static_cast<int>(unit.size()), unit.data());
  return {text, static_cast<std::size_t>(n)};
}

std::string duration_text(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) {
    return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
  }
  return std::to_string(seconds / 3600) + "h" + std::to_string(seconds % 3600 / 60) + "m";
}

std::uint64_t per_second(std::uint64_t count, std::chrono::milliseconds elapsed) {
  auto const ms = static_cast<std::uint64_t>(std::max<std::int64_t>(elapsed.count(), 1));
  return static_cast<std::uint64_t>(static_cast<double>(count) * 1000.0 / static_cast<double>(ms));
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return with_unit(value, units[unit]);
}

std::string count_text(std::uint64_t count) {
  constexpr std::array<std::string_view, 4> units{"", "k", "M", "G"};
  if (count < 1000) return std::to_string(count);
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
  return with_unit(value, units[unit]);
}

std::string progress_text(ProgressState const& state) {
  auto const rate = count_text(per_second(state.lines_done, state.elapsed)) + " lines/s";
  if (!state.bytes_total) {
    return bytes_text(state.bytes_done) + "  " + count_text(state.lines_done) + " lines  " + rate;
  }
  auto const total = std::max<std::uint64_t>(*state.bytes_total, 1);
  auto const done = std::min(state.bytes_done, total);  // A file can grow while it is read.
  auto const share = static_cast<double>(done) / static_cast<double>(total);
  auto const filled = static_cast<std::size_t>(share * static_cast<double>(bar_width));
  auto text = '[' + std::string(filled, '#') + std::string(bar_width - filled, ' ') + "] ";
  text += std::to_string(static_cast<int>(share * 100)) + "%  ";
  text += bytes_text(done) + '/' + bytes_text(total) + "  " + rate;
  auto const bytes_rate = per_second(done, state.elapsed);
  if (bytes_rate > 0) text += "  ETA " + duration_text((total - done) / bytes_rate);
  return text;
}

ProgressMeter::ProgressMeter(std::optional<std::uint64_t> bytes_total)
    : enabled_(is_terminal(STDERR_FILENO)), bytes_total_(bytes_total) {}

void ProgressMeter::show(std::uint64_t bytes_done, std::uint64_t lines_done) {
  if (!enabled_) return;
  auto const now = Clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + draw_interval;
  drawn_ = true;
  auto const text = progress_text(
      {.bytes_done = bytes_done,
       .bytes_total = bytes_total_,
       .lines_done = lines_done,
       .elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_)});
  std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
}

void ProgressMeter::clear() {
  if (!drawn_) return;
  drawn_ = false;
  std::fputs("\r\x1b[K", stderr);
}

}  // namespace stele::cli

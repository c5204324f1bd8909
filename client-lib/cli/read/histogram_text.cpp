#include "client-lib/cli/read/histogram_text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/time_text.hpp"

namespace stele::cli {
namespace {

constexpr std::array round_lengths_us{
    millisecond_us, 10 * millisecond_us, 100 * millisecond_us, second_us,
    5 * second_us,  10 * second_us,      30 * second_us,       minute_us,
    5 * minute_us,  10 * minute_us,      30 * minute_us,       hour_us,
    3 * hour_us,    6 * hour_us,         12 * hour_us,         day_us,
    7 * day_us,     28 * day_us,
};

constexpr std::size_t bar_columns_min = 8;
constexpr std::uint64_t empty_lines_max = 3;

// `2023-11-14 22:13`, as fine as the stretches are long.
std::string start_text(std::uint64_t time_us, std::uint64_t bucket_us) {
  std::string text;
  append_local_time(text, time_us);
  auto const clock = text.find('T');
  text[clock] = ' ';
  std::size_t clock_bytes = sizeof " hh:mm:ss.uuuuuu" - 1;
  if (bucket_us % day_us == 0) {
    clock_bytes = 0;
  } else if (bucket_us % minute_us == 0) {
    clock_bytes = sizeof " hh:mm" - 1;
  } else if (bucket_us % second_us == 0) {
    clock_bytes = sizeof " hh:mm:ss" - 1;
  } else if (bucket_us % millisecond_us == 0) {
    clock_bytes = sizeof " hh:mm:ss.mmm" - 1;
  }
  text.resize(clock + clock_bytes);
  return text;
}

class Lines {
 public:
  Lines(std::uint64_t bucket_us, std::uint64_t count_max, std::size_t columns)
      : bucket_us_(bucket_us),
        count_max_(count_max),
        count_width_(std::to_string(count_max).size()),
        columns_(columns) {}

  void add(std::uint64_t start, std::uint64_t count) {
    auto const label = start_text(start, bucket_us_);
    auto const taken = label.size() + count_width_ + 4;
    auto const bar_columns = std::max(columns_, taken + bar_columns_min) - taken;
    auto const digits = std::to_string(count);
    text_ += label + "  ";
    text_.append(count_width_ - digits.size(), ' ');
    text_ += digits;
    if (count > 0) text_ += "  " + bar_text(count, count_max_, bar_columns);
    text_ += '\n';
  }
  void skip(std::uint64_t count) { text_ += "  (" + std::to_string(count) + " without entries)\n"; }
  std::string take() && { return std::move(text_); }

 private:
  std::uint64_t bucket_us_;
  std::uint64_t count_max_;
  std::size_t count_width_;
  std::size_t columns_;
  std::string text_{};
};

}  // namespace

std::uint64_t choose_bucket_us(std::uint64_t first_us, std::uint64_t last_us,
                               std::size_t bars_max) {
  auto const fits = [&](std::uint64_t bucket_us) {
    return last_us / bucket_us - first_us / bucket_us < bars_max;
  };
  for (auto const bucket_us : round_lengths_us) {
    if (fits(bucket_us)) return bucket_us;
  }
  auto bucket_us = round_lengths_us.back();
  while (!fits(bucket_us)) bucket_us *= 2;
  return bucket_us;
}

std::string bar_text(std::uint64_t value, std::uint64_t value_max, std::size_t columns) {
  constexpr std::array<std::string_view, 8> parts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (value == 0 || value_max == 0) return {};
  auto const share = static_cast<double>(value) / static_cast<double>(value_max);
  auto const exact = static_cast<std::size_t>(share * static_cast<double>(columns * 8) + 0.5);
  auto const eighths = std::max<std::size_t>(exact, 1);  // What there is, is seen.
  std::string bar;
  for (std::size_t i = 0; i < eighths / 8; ++i) bar += "█";
  bar += parts[eighths % 8];
  return bar;
}

std::string histogram_text(std::span<LogCount::Bucket const> buckets, std::uint64_t bucket_us,
                           std::size_t columns) {
  std::uint64_t count_max = 0;
  for (auto const& [start, count] : buckets) count_max = std::max(count_max, count);
  Lines lines{bucket_us, count_max, columns};
  std::uint64_t next_start = buckets.empty() ? 0 : buckets.front().start_ts;
  for (auto const& [start, count] : buckets) {
    auto const empty = (start - next_start) / bucket_us;
    if (empty > empty_lines_max) {
      lines.skip(empty);
    } else {
      for (; next_start < start; next_start += bucket_us) lines.add(next_start, 0);
    }
    lines.add(start, count);
    next_start = start + bucket_us;
  }
  return std::move(lines).take();
}

}  // namespace stele::cli

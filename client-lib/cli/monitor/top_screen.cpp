#include "client-lib/cli/monitor/top_screen.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstdio>

#include "client-lib/cli/read/histogram_text.hpp"
#include "client-lib/cli/terminal/progress.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/json_number.hpp"

namespace stele::cli {
namespace {

namespace json = boost::json;
using Buckets = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

constexpr std::size_t label_width = 10;
constexpr std::size_t latency_label_width = 14;

std::uint64_t number_of(json::value const& value) { return client::number_of(&value).value_or(0); }

std::string text_of(json::object const& object, std::string_view name) {
  auto const* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  std::string text;
  append_visible(text, {value->get_string().data(), value->get_string().size()});
  return text;
}

void take_numbers(TopSample& sample, std::string const& prefix, json::object const& object) {
  for (auto const& member : object) {
    auto const path = prefix + std::string{member.key().data(), member.key().size()};
    if (auto const* inner = member.value().if_object()) {
      take_numbers(sample, path + '.', *inner);
    } else if (member.value().is_number()) {
      sample.numbers[path] = number_of(member.value());
    }
  }
}

std::string fixed(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string uptime_text(std::uint64_t uptime_us) {
  auto const minutes = uptime_us / 60'000'000;
  if (minutes < 60)
    return std::to_string(minutes) + "m" + std::to_string(uptime_us / 1'000'000 % 60) + "s";
  if (minutes < 60 * 24) {
    return std::to_string(minutes / 60) + "h" + std::to_string(minutes % 60) + "m";
  }
  return std::to_string(minutes / 60 / 24) + "d" + std::to_string(minutes / 60 % 24) + "h";
}

// Counters of one interval.
class Interval {
 public:
  Interval(TopSample const& before, TopSample const& now, double seconds)
      : before_(before), now_(now), seconds_(std::max(seconds, 0.001)) {
    restarted_ = now.number("uptime_us") < before.number("uptime_us");
    if (restarted_) {
      seconds_ = std::max(static_cast<double>(now.number("uptime_us")) / 1e6, 0.001);
    }
  }

  std::uint64_t count(std::string_view path) const noexcept {
    auto const now = now_.number(path);
    auto const before = restarted_ ? 0 : before_.number(path);
    return now < before ? 0 : now - before;
  }
  std::uint64_t rate(std::string_view path) const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(count(path)) / seconds_ + 0.5);
  }
  Buckets commit_us() const {
    Buckets buckets;
    for (auto const& [lower, count] : now_.commit_us) {
      auto left = count;
      for (auto const& [before_lower, before_count] : before_.commit_us) {
        if (!restarted_ && before_lower == lower) left -= std::min(left, before_count);
      }
      if (left > 0) buckets.emplace_back(lower, left);
    }
    return buckets;
  }

 private:
  TopSample const& before_;
  TopSample const& now_;
  double seconds_;
  bool restarted_ = false;
};

// Lines, cut to what the terminal can show.
class Screen {
 public:
  explicit Screen(TerminalSize size) : size_(size) {}

  void line(std::string_view label, std::string const& text, std::size_t width = label_width) {
    std::string line{label};
    line.append(line.size() < width ? width - line.size() : 1, ' ');
    line += text;
    plain(line);
  }
  void plain(std::string_view line) {
    if (rows_++ >= size_.rows) return;
    std::size_t columns = 0;
    for (char const c : line) {
      bool const starts_character = (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
      if (starts_character && ++columns > size_.columns) break;
      text_ += c;
    }
    text_ += '\n';
  }
  std::size_t columns() const noexcept { return size_.columns; }
  std::string take() && { return std::move(text_); }

 private:
  TerminalSize size_;
  std::size_t rows_ = 0;
  std::string text_{};
};

// What a bucket says of each of its commits: not longer than this.
std::string upper_ms(std::uint64_t lower_us) {
  auto const upper_us = lower_us == 0 ? 2 : 2 * lower_us;
  return fixed(static_cast<double>(upper_us) / 1e3, 3);
}

std::string percentile_ms(Buckets const& buckets, double share) {
  std::uint64_t total = 0;
  for (auto const& bucket : buckets) total += bucket.second;
  std::uint64_t seen = 0;
  for (auto const& [lower, count] : buckets) {
    seen += count;
    if (static_cast<double>(seen) >= share * static_cast<double>(total)) return upper_ms(lower);
  }
  return "-";
}

void show_latencies(Screen& screen, Buckets const& buckets) {
  if (buckets.empty()) return screen.line("commit ms", "none");
  screen.line("commit ms", "p50 <= " + percentile_ms(buckets, 0.5) +
                               "   p99 <= " + percentile_ms(buckets, 0.99) +
                               "   max <= " + upper_ms(buckets.back().first));
  std::uint64_t count_max = 0;
  for (auto const& bucket : buckets) count_max = std::max(count_max, bucket.second);
  auto const count_width = std::to_string(count_max).size();
  auto const width = latency_label_width + count_width + 4;
  for (auto const& [lower, count] : buckets) {
    auto digits = std::to_string(count);
    digits.insert(0, count_width - digits.size(), ' ');
    auto const bar_columns = screen.columns() > width + 8 ? screen.columns() - width : 8;
    screen.line("       <= " + upper_ms(lower),
                digits + "  " + bar_text(count, count_max, bar_columns), latency_label_width + 2);
  }
}

void show_requests(Screen& screen, TopSample const& now, Interval const& interval) {
  constexpr std::string_view group = "requests.";
  std::string text;
  for (auto const& [path, number] : now.numbers) {
    if (!path.starts_with(group)) continue;
    auto const rate = interval.rate(path);
    if (rate == 0) continue;
    if (!text.empty()) text += "   ";
    text += path.substr(group.size()) + ' ' + count_text(rate) + "/s";
  }
  screen.line("requests", text.empty() ? "none" : text);
}

}  // namespace

std::uint64_t TopSample::number(std::string_view path) const noexcept {
  auto const found = numbers.find(path);
  return found == numbers.end() ? 0 : found->second;
}

std::optional<TopSample> parse_top_sample(std::string_view stats_json) {
  boost::system::error_code ec;
  auto const value = json::parse({stats_json.data(), stats_json.size()}, ec);
  if (ec.failed() || !value.is_object()) return std::nullopt;
  auto const& stats = value.get_object();
  TopSample sample{.version = text_of(stats, "version"), .state = text_of(stats, "state")};
  take_numbers(sample, "", stats);
  auto const* wal = stats.if_contains("wal");
  auto const* wal_object = wal == nullptr ? nullptr : wal->if_object();
  auto const* times = wal_object == nullptr ? nullptr : wal_object->if_contains("commit_us");
  if (times == nullptr || !times->is_array()) return sample;
  for (auto const& bucket : times->get_array()) {
    auto const* pair = bucket.if_array();
    if (pair != nullptr && pair->size() == 2) {
      sample.commit_us.emplace_back(number_of((*pair)[0]), number_of((*pair)[1]));
    }
  }
  return sample;
}

std::string top_screen(TopSample const& before, TopSample const& now, double seconds,
                       TerminalSize size) {
  Interval const interval{before, now, seconds};
  Screen screen{size};
  auto const per_second = [&](std::string_view path) {
    return count_text(interval.rate(path)) + "/s";
  };
  auto const commits = std::max<std::uint64_t>(interval.count("wal.commits"), 1);
  screen.plain("steled " + now.version + "   state " + now.state + "   up " +
               uptime_text(now.number("uptime_us")));
  screen.line("entries", "written " + per_second("entry_counts.written") + "   read " +
                             per_second("entry_counts.read") + "   to tails " +
                             per_second("tails.entries"));
  screen.line("held", count_text(now.number("store.entries")) + " entries   " +
                          bytes_text(now.number("store.bytes")) + "   seq " +
                          std::to_string(now.number("wal.durable_seq")));
  screen.line("commits", per_second("wal.commits") + "   " +
                             fixed(static_cast<double>(interval.count("wal.commit_entries")) /
                                       static_cast<double>(commits),
                                   1) +
                             " entries each   " + bytes_text(interval.rate("wal.commit_bytes")) +
                             "/s");
  show_latencies(screen, interval.commit_us());
  screen.line("clients", std::to_string(now.number("connections.open")) + " open   " +
                             std::to_string(now.number("tails.open")) + " tails   " +
                             std::to_string(now.number("writers.remembered")) + " writers   " +
                             std::to_string(now.number("connections.refused")) + " refused");
  show_requests(screen, now, interval);
  screen.line("disk", "log " + bytes_text(now.number("wal.log_bytes")) + " in " +
                          std::to_string(now.number("wal.segments")) + " segments   pending " +
                          bytes_text(now.number("wal.pending_bytes")) + "   waits " +
                          per_second("wal.segment_waits"));
  screen.line("missing", std::to_string(now.number("missing.expired")) + " expired   " +
                             std::to_string(now.number("missing.damaged")) + " damaged   " +
                             std::to_string(now.number("missing.torn")) + " torn   " +
                             std::to_string(now.number("missing.dropped")) + " dropped");
  return std::move(screen).take();
}

}  // namespace stele::cli

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/read/histogram_text.hpp"
#include "client-lib/cli/read/selection.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/cli/times/time_spec.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view count_help = R"(Count entries, in all or over time.

Examples:
  stele count -p error --since today
  stele count --histogram
  stele count --histogram --bucket 1h --contains 'Failed password'
  stele count --bucket 1min --json
  stele count -g 'Failed password for (invalid user )?admin'
)";

constexpr std::array count_options = with_selection(std::array{
    Option{.names = "--histogram", .help = "Bars over time, as wide as the terminal"},
    Option{.names = "--bucket",
           .value = "SPAN",
           .help = "Length of a bar, such as 10s, 5min, 1h; default: a round one with at most 24 "
                   "bars"},
    Option{.names = "--json", .help = "One JSON object"},
});

struct CountArguments {
  EntrySelection selection{};
  bool over_time = false;
  bool json = false;
  std::optional<std::uint64_t> bucket_us{};
};

CountArguments arguments_of(GivenOptions const& given) {
  CountArguments arguments{.selection = selection_of(given), .json = given.has("--json")};
  arguments.over_time = given.has("--histogram") || given.has("--bucket");
  if (!given.has("--bucket")) return arguments;
  arguments.bucket_us = parse_span_us(given.text("--bucket"));
  if (arguments.bucket_us && *arguments.bucket_us > 0) return arguments;
  throw UsageError{"cannot understand the length of time '" + given.text("--bucket") + "'",
                   "try 10s, 5min, 1h, 1d"};
}

// The time of the first or the last entry; 0 if there is none.
Result<std::uint64_t> end_of(Client& client, EntrySelection const& selection, Order order) {
  std::uint64_t found = 0;
  auto const end = client.read_logs({.start_ts = selection.start_ts,
                                     .end_ts = selection.end_ts,
                                     .order = order,
                                     .limit = 1,
                                     .filter = selection.filter},
                                    [&](StoredEntry const& entry) {
                                      found = entry.timestamp;
                                      return true;
                                    });
  if (!end) return end.error();
  return found;
}

Result<std::uint64_t> round_bucket_us(Client& client, EntrySelection const& selection) {
  auto const first = end_of(client, selection, Order::asc);
  if (!first) return first;
  auto const last = end_of(client, selection, Order::desc);
  if (!last) return last;
  return choose_bucket_us(*first, *last);
}

// What the daemon cannot judge is read and counted here.
Result<LogCount> count_here(Client& client, EntrySelection const& selection,
                            std::optional<std::uint64_t> bucket_us) {
  LogCount count;
  auto const visit = [&](StoredEntry const& entry) {
    if (!selection.wants(entry)) return true;
    ++count.count;
    if (!bucket_us) return true;
    auto const start_ts = entry.timestamp - entry.timestamp % *bucket_us;
    auto& buckets = count.buckets;
    if (buckets.empty() || buckets.back().start_ts != start_ts) buckets.push_back({start_ts, 0});
    ++buckets.back().count;
    return true;
  };
  auto const end = client.read_logs(
      {.start_ts = selection.start_ts, .end_ts = selection.end_ts, .filter = selection.filter},
      visit);
  if (!end) return end.error();
  return count;
}

Result<LogCount> count_entries(Client& client, EntrySelection const& selection,
                               std::optional<std::uint64_t> bucket_us) {
  if (selection.is_judged_here()) return count_here(client, selection, bucket_us);
  return client.count_logs({.start_ts = selection.start_ts,
                            .end_ts = selection.end_ts,
                            .filter = selection.filter,
                            .bucket_us = bucket_us});
}

std::string count_json(LogCount const& count, std::optional<std::uint64_t> bucket_us) {
  auto json = "{\"count\":" + std::to_string(count.count);
  if (bucket_us) {
    json += ",\"bucket_us\":" + std::to_string(*bucket_us) + ",\"buckets\":[";
    for (auto const& bucket : count.buckets) {
      if (json.back() == ']') json += ',';
      json += '[' + std::to_string(bucket.start_ts) + ',' + std::to_string(bucket.count) + ']';
    }
    json += ']';
  }
  return json + "}\n";
}

int run_count(ClientOptions const& options, GivenOptions const& given) {
  auto const arguments = arguments_of(given);
  auto client = Client::connect(options);
  if (!client) return report(client.error());
  auto bucket_us = arguments.bucket_us;
  if (arguments.over_time && !bucket_us) {
    auto const chosen = round_bucket_us(*client, arguments.selection);
    if (!chosen) return report(chosen.error());
    bucket_us = *chosen;
  }
  auto const count = count_entries(*client, arguments.selection, bucket_us);
  if (!count) return report(count.error());
  Output output;
  if (arguments.json) {
    output.text() += count_json(*count, bucket_us);
  } else if (arguments.over_time) {
    output.text() += histogram_text(count->buckets, *bucket_us, terminal_size().columns);
  } else {
    output.text() += std::to_string(count->count) + '\n';
  }
  return output.finish();
}

}  // namespace

Verb const count_verb{
    .name = "count", .text = count_help, .options = count_options, .run = run_count};

}  // namespace stele::cli

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/histogram_text.hpp"
#include "client-lib/cli/log_reader.hpp"
#include "client-lib/cli/report.hpp"
#include "client-lib/cli/selection.hpp"
#include "client-lib/cli/streams.hpp"
#include "client-lib/cli/terminal_size.hpp"
#include "client-lib/cli/time_spec.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view help_text = R"(Count entries, in all or over time.

Examples:
  stele count -p error --since today
  stele count --histogram
  stele count --histogram --bucket 1h --contains 'Failed password'
  stele count --bucket 1min --json
)";

constexpr std::array option_list = with_selection(std::array{
    Option{.names = "--histogram", .help = "Bars over time, as wide as the terminal"},
    Option{.names = "--bucket",
           .value = "SPAN",
           .help = "Length of a bar, such as 10s, 5min, 1h; default: a round one with at most 24 "
                   "bars"},
    Option{.names = "--json", .help = "One JSON object"},
});

struct Spread {
  std::uint64_t first_us = 0;
  std::uint64_t last_us = 0;
};

protocol::ReadLogs one_entry(EntrySelection const& selection, protocol::Order order) {
  return {.start_ts = selection.start_ts,
          .end_ts = selection.end_ts,
          .order = order,
          .limit = 1,
          .terms = selection.terms()};
}

// The times of the first and the last entry; nothing if there is none.
Result<std::optional<Spread>> spread_of(LogReader& reader, EntrySelection const& selection) {
  Spread spread;
  for (auto const order : {protocol::Order::asc, protocol::Order::desc}) {
    reader.begin(one_entry(selection, order));
    bool found = false;
    for (bool more = true; more;) {
      auto const reply = reader.next();
      if (!reply) return reply.error();
      more = reply->more;
      for (auto const& entry : reply->entries) {
        found = true;
        (order == protocol::Order::asc ? spread.first_us : spread.last_us) = entry.timestamp;
      }
    }
    if (!found) return std::optional<Spread>{};
  }
  return std::optional{spread};
}

std::string count_json(EntryCount const& count, std::optional<std::uint64_t> bucket_us) {
  auto json = "{\"count\":" + std::to_string(count.count);
  if (bucket_us) {
    json += ",\"bucket_us\":" + std::to_string(*bucket_us) + ",\"buckets\":[";
    for (auto const& [start, entries] : count.buckets) {
      if (json.back() == ']') json += ',';
      json += '[' + std::to_string(start) + ',' + std::to_string(entries) + ']';
    }
    json += ']';
  }
  return json + "}\n";
}

struct CountArguments {
  EntrySelection selection{};
  bool over_time = false;
  bool json = false;
  std::optional<std::uint64_t> bucket_us{};
};

CountArguments arguments_of(GivenOptions const& given) {
  CountArguments arguments{.selection = selection_of(given), .json = given.has("--json")};
  arguments.over_time = given.has("--histogram") || given.has("--bucket");
  if (arguments.selection.max_level != Level::fatal) {
    throw UsageError{"count takes one level, not a range", "count each end of it"};
  }
  if (!given.has("--bucket")) return arguments;
  arguments.bucket_us = parse_span_us(given.text("--bucket"));
  if (arguments.bucket_us && *arguments.bucket_us > 0) return arguments;
  throw UsageError{"cannot understand the length of time '" + given.text("--bucket") + "'",
                   "try 10s, 5min, 1h, 1d"};
}

int run(ClientOptions const& options, GivenOptions const& given) {
  auto const arguments = arguments_of(given);
  auto reader = LogReader::connect(options);
  if (!reader) return report(reader.error());
  auto bucket_us = arguments.bucket_us;
  if (arguments.over_time && !bucket_us) {
    auto const spread = spread_of(*reader, arguments.selection);
    if (!spread) return report(spread.error());
    auto const times = spread->value_or(Spread{});
    bucket_us = choose_bucket_us(times.first_us, times.last_us);
  }
  auto const count = reader->count({.start_ts = arguments.selection.start_ts,
                                    .end_ts = arguments.selection.end_ts,
                                    .terms = arguments.selection.terms(),
                                    .bucket_us = bucket_us});
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

Verb const count_verb{.name = "count", .text = help_text, .options = option_list, .run = run};

}  // namespace stele::cli

// Which entries a verb is about: the options that read, tail, count and export share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/text/text_pattern.hpp"
#include "client-lib/cli/verb.hpp"
#include "stele/client.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

inline constexpr std::array selection_options{
    Option{.names = "-S,--since", .value = "TIME", .help = "From this time on, inclusive"},
    Option{.names = "-U,--until", .value = "TIME", .help = "Up to this time, inclusive"},
    Option{.names = "-p,--level,--priority",
           .value = "LEVEL",
           .help = "Only this level and worse ones; from..to for a range"},
    Option{.names = "--contains",
           .value = "TEXT",
           .help = "Only messages that hold TEXT, character for character"},
    Option{.names = "--where",
           .value = "NAME=VALUE",
           .help = "Only entries whose metadata has this member. VALUE is text, or JSON: 42, true, "
                   "\"42\"; a JSON object in place of NAME=VALUE names several members",
           .many = true},
    Option{.names = "--origin",
           .value = "pid=N",
           .help = "Only what this process wrote; uid=N (or uid=NAME): this user",
           .many = true},
    Option{.names = "--after-seq", .value = "SEQ", .help = "Only entries with a greater seq"},
    Option{.names = "-g,--grep",
           .value = "PATTERN",
           .help = "Only messages that match this regular expression (PCRE); without capitals in "
                   "it, case does not matter"},
    Option{.names = "MATCH", .help = "NAME=VALUE, the same as --where", .many = true},
};

/// A verb's own options, with those above before them.
template <std::size_t n>
constexpr auto with_selection(std::array<Option, n> const& own) {
  std::array<Option, selection_options.size() + n> all{};
  std::size_t i = 0;
  for (auto const& option : selection_options) all[i++] = option;
  for (auto const& option : own) all[i++] = option;
  return all;
}

struct EntrySelection {
  std::uint64_t start_ts = 0;
  std::uint64_t end_ts = UINT64_MAX;
  EntryFilter filter{};
  Level max_level = Level::fatal;        ///< The daemon does not know it,
  std::optional<TextPattern> pattern{};  ///< nor this: who prints leaves out the others.

  bool is_judged_here() const noexcept { return pattern || max_level != Level::fatal; }
  bool wants(StoredEntry const& entry) const {
    return entry.level <= max_level && (!pattern || pattern->matches(entry.message));
  }
};

/// Throws UsageError.
EntrySelection selection_of(GivenOptions const& given);

/// The text of a JSON object for `--where`: each NAME=VALUE a member, or objects as they are.
/// Throws UsageError.
std::string where_json(std::vector<std::string> const& terms);

}  // namespace stele::cli

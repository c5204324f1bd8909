// Which entries a verb is about: the options that read, tail, count and export share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "client-lib/cli/given_options.hpp"
#include "client-lib/cli/verb.hpp"
#include "protocol/entry_terms.hpp"
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
  Level min_level = Level::trace;
  Level max_level = Level::fatal;  ///< Not known to the protocol: the reader skips worse ones.
  std::string contains{};
  std::string where{};  ///< A JSON object, or empty.
  std::optional<std::int32_t> pid{};
  std::optional<std::uint32_t> uid{};
  std::optional<std::uint64_t> after_seq{};

  /// Borrows from this.
  protocol::EntryTerms terms() const noexcept;
};

/// Throws UsageError.
EntrySelection selection_of(GivenOptions const& given);

/// The text of a JSON object for `--where`: each NAME=VALUE a member, or objects as they are.
/// Throws UsageError.
std::string where_json(std::vector<std::string> const& terms);

}  // namespace stele::cli

// What the command line may say, as data: the parser, the help, the completions and the manual page
// are made from it.
#pragma once

#include <span>
#include <string_view>

#include "stele/client.hpp"

namespace stele::cli {

class GivenOptions;

struct Option {
  /// `-n,--lines`, and further long names that mean the same; or for words without a dash one word
  /// in capitals: `FILE`. The first long name, or that word, is the option's key.
  std::string_view names;
  /// What help calls the value: `TIME`, or `short|json` for a choice. Empty: there is none.
  std::string_view value{};
  std::string_view help{};
  std::string_view default_value{};
  bool many = false;            ///< May be given several times, and all count; else the last does.
  bool value_may_lack = false;  ///< The value may be left out.
  bool is_command = false;      ///< All that follows `--`, whatever it looks like.
};

struct Verb {
  std::string_view name;
  /// The first line says what it does; then come examples, and what else there is to know.
  std::string_view text;
  std::span<Option const> options;
  /// Returns the exit code. Throws UsageError.
  int (*run)(ClientOptions const& options, GivenOptions const& given);
};

/// The key of an option: `--lines` of `-n,--lines`.
std::string_view option_key(Option const& option) noexcept;
/// Whether it is a word without a dash.
constexpr bool is_positional(Option const& option) noexcept {
  return !option.names.starts_with('-');
}

}  // namespace stele::cli

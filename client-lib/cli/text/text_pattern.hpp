// Regular expressions of the command, by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace stele::cli {

/// Whether a text matches cannot be said: the search would take more than its limits allow.
class PatternLimitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// As journalctl takes them: Perl's syntax, UTF-8, found anywhere in the text. Without an
/// upper-case letter that stands for itself, case does not matter. Not for several threads.
class TextPattern {
 public:
  /// `option`: whose value it is, for the text of an error. Throws UsageError.
  explicit TextPattern(std::string const& pattern, std::string_view option = "--grep");
  /// For bytes of any kind, at the start of the text, where case matters.
  static TextPattern of_bytes(std::string const& pattern);
  TextPattern(TextPattern&&) noexcept;
  TextPattern& operator=(TextPattern&&) noexcept;
  ~TextPattern();

  /// Throws PatternLimitError. `$` matches before a `\r` at the end, too.
  bool matches(std::string_view text) const;

  /// 0: there is none of this name, or no group at all.
  std::size_t group_number(char const* name) const noexcept;
  std::size_t group_count() const noexcept;
  /// Of the last match; part of `text`. Empty, too, if the group took no part in it.
  std::string_view group(std::string_view text, std::size_t number) const noexcept;
  /// Matches; what the group named `level` holds, or else the first.
  std::optional<std::string_view> level_group(std::string_view text) const;

 private:
  struct Compiled;
  explicit TextPattern(std::unique_ptr<Compiled> compiled);

  std::unique_ptr<Compiled> compiled_;
};

}  // namespace stele::cli

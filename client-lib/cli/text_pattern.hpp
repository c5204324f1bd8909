// Regular expressions of the command line, by PCRE2.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// As journalctl takes them: Perl's syntax, UTF-8, found anywhere in the text. Without an
/// upper-case letter in the pattern, case does not matter.
class TextPattern {
 public:
  /// `option`: whose value it is, for the text of an error. Throws UsageError.
  explicit TextPattern(std::string const& pattern, std::string_view option = "--grep");
  TextPattern(TextPattern&&) noexcept;
  ~TextPattern();

  /// A text that costs more than PCRE2's limits allow does not match.
  bool matches(std::string_view text) const;
  /// What the first group of the first match holds; part of `text`.
  std::optional<std::string_view> first_group(std::string_view text) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace stele::cli

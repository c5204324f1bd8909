// The regular expressions of `-g`, by PCRE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace stele::cli {

/// As journalctl takes them: Perl's syntax, UTF-8, found anywhere in the text. Without an
/// upper-case letter in the pattern, case does not matter.
class TextPattern {
 public:
  /// Throws UsageError.
  explicit TextPattern(std::string const& pattern);
  TextPattern(TextPattern&&) noexcept;
  ~TextPattern();

  /// A text that costs more than PCRE2's limits allow does not match.
  bool matches(std::string_view text) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace stele::cli

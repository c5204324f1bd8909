// Writes one JSON object in the canonical spelling of metadata: no white space, members in their
// order, numbers digit for digit, strings escaped as append_json_string does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json_tokens.hpp"

namespace stele::protocol {

/// Usage: start(), take() each token from the object's `{` to its `}`, then look at problem().
class CanonicalObject {
 public:
  enum class Problem : std::uint8_t {
    none,
    duplicate_member,  ///< Two members of one object with the same name, after unescaping.
    not_finite,        ///< A number such as 1e400, which most readers would turn into infinity.
    too_deep,          ///< Nested deeper than metadata_depth_max.
  };

  /// Appends to `out`. Names are compared only while the object is at most `bytes_max` long: what
  /// is longer will be refused for its size, and the work for it stays bounded.
  void start(std::string& out, std::size_t bytes_max);
  void take(JsonToken const& token);

  bool done() const noexcept { return levels_.empty(); }
  std::string_view text() const { return std::string_view(*out_).substr(start_); }
  /// The first problem, and the name or number that has it (canonical, without quotes).
  Problem problem() const noexcept { return problem_; }
  std::string const& problem_text() const noexcept { return problem_text_; }

 private:
  /// A member's name, as a range of out_.
  struct Name {
    std::size_t offset;
    std::size_t bytes;
  };

  void open(char bracket);
  void close(char bracket);
  void append_separator();
  void append_text(JsonToken const& token);
  void take_key(JsonToken const& token);
  void check_duplicates(std::size_t first_name);
  std::string_view text_of(Name name) const;
  void report(Problem problem, std::string_view text);

  std::string* out_ = nullptr;
  std::size_t start_ = 0;
  std::size_t bytes_max_ = 0;
  bool needs_comma_ = false;
  std::vector<Name> names_{};          ///< Of all open objects, outermost first.
  std::vector<std::size_t> levels_{};  ///< For each open object or array: its first name.
  Problem problem_ = Problem::none;
  std::string problem_text_{};
};

}  // namespace stele::protocol

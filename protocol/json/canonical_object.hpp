// Finds or writes one JSON object in the canonical spelling of metadata: no white space, members in
// their order, numbers digit for digit, strings escaped as append_json_string does.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json/json_tokens.hpp"
#include "protocol/limits.hpp"

namespace stele::protocol {

/// Usage: start(), take() each token from the object's `{` to its `}`, then look at problem().
///
/// Most clients send canonical text already. So the object is followed in the parsed text, token by
/// token, and nothing is copied; at the first token that does not stand where the canonical
/// spelling has it, what was passed is copied, and the rest is written.
class CanonicalObject {
 public:
  enum class Problem : std::uint8_t {
    none,
    duplicate_member,  ///< Two members of one object with the same name, after unescaping.
    not_finite,        ///< A number such as 1e400, which most readers would turn into infinity.
    too_deep,          ///< Nested deeper than metadata_depth_max.
  };

  /// What must be written is appended to `out`. Names are compared only while the object is at most
  /// `bytes_max` long: what is longer will be refused for its size, and the work for it stays
  /// bounded. `source`: where in the parsed text the object's `{` stands; null: write it all.
  void start(std::string& out, std::size_t bytes_max, char const* source = nullptr);
  void take(JsonToken const& token);

  bool done() const noexcept { return levels_.empty(); }
  bool is_too_deep() const noexcept { return levels_.size() > metadata_depth_max; }
  /// Lies in the parsed text or in `out`.
  std::string_view text() const noexcept {
    return followed_ != nullptr ? std::string_view(source_, followed_)
                                : std::string_view(*out_).substr(start_);
  }
  /// The first problem, and the name or number that has it (canonical, without quotes, cut).
  Problem problem() const noexcept { return problem_; }
  std::string const& problem_text() const noexcept { return problem_text_; }

 private:
  /// A member's name in canonical spelling, without its quotes.
  struct Name {
    char const* source;  ///< In the parsed text; null: in out_, from `offset` on.
    std::size_t offset;
    std::size_t bytes;
  };

  /// What stands before the next value or name; nothing after a bracket that opens.
  enum class Separator : char { none = 0, comma = ',', colon = ':' };

  /// So many names are compared with each other once the object is whole; with more, each is looked
  /// up when it comes, so that no object takes long at its end.
  static constexpr std::size_t few_names = 8;

  /// The names of one object, open-addressed by hash.
  struct NameTable {
    struct Slot {
      std::uint32_t name_no = 0;  ///< In names_, from 1; 0: free.
      std::uint32_t hash = 0;
    };
    std::vector<Slot> slots{};
    std::size_t names = 0;
    bool is_crowded = false;  ///< Too many with alike hashes: their texts are sorted in the end.
  };
  void add_to_table(NameTable& table, std::size_t name_index);
  static void grow(NameTable& table);

  bool follow(JsonToken const& token) noexcept;
  void leave_source();
  void write(JsonToken const& token);
  void take_name(std::string_view name, bool verbatim);
  void open();
  void close(bool is_object);
  void look_up_last_name();
  void check_duplicates(std::size_t first_name);
  std::string_view text_of(Name const& name) const noexcept;
  void report(Problem problem, std::string_view text);

  std::string* out_ = nullptr;
  std::size_t start_ = 0;
  std::size_t bytes_max_ = 0;
  char const* source_ = nullptr;
  char const* followed_ = nullptr;  ///< End of what was passed in the source; null: it was left.
  Separator separator_ = Separator::none;
  std::size_t written_offset_ = 0;     ///< In out_, of the last name or string that was written.
  std::vector<Name> names_{};          ///< Of all open objects, outermost first.
  std::vector<std::size_t> levels_{};  ///< For each open object or array: its first name.
  std::vector<NameTable> tables_{};    ///< By depth; of objects with many names.
  Problem problem_ = Problem::none;
  std::string problem_text_{};
};

// Runs for every token of every entry, inside the parser. Forced inline: GCC weighs a function
// before the token's kind, which each place that calls it knows, has made most of it vanish. And a
// token stays in registers only if no other function gets its address: those get a copy.
[[gnu::always_inline]] inline void CanonicalObject::take(JsonToken const& token) {
  using Kind = JsonToken::Kind;
  if (followed_ != nullptr && !follow(token)) leave_source();
  if (followed_ == nullptr) write(JsonToken(token));
  if (token.opens()) return open();
  if (token.closes()) return close(token.kind == Kind::object_end);
  if (token.kind == Kind::key) return take_name(token.text, token.verbatim);
  if (token.kind == Kind::real && !std::isfinite(token.real)) {
    report(Problem::not_finite, token.text);
  }
  separator_ = Separator::comma;
}

/// Whether the token stands where the canonical spelling has it; then it is passed.
/// Between two tokens the parser has seen the separator and white space, and nothing else. So a
/// token that begins one separator after the one before it has no white space in between; and
/// where a token has no place of its own, white space or the separator would be found instead of
/// its first character.
[[gnu::always_inline]] inline bool CanonicalObject::follow(JsonToken const& token) noexcept {
  using Kind = JsonToken::Kind;
  char const* const at = followed_ + (separator_ == Separator::none ? 0 : 1);
  switch (token.kind) {
    case Kind::key:
    case Kind::string:  // Unescaped text does not lie in the source.
      if (token.text.data() != at + 1) return false;
      followed_ = at + token.text.size() + 2;
      return true;
    case Kind::integer:
    case Kind::real:
      if (token.text.data() != at) return false;
      followed_ = at + token.text.size();
      return true;
    case Kind::boolean:
    case Kind::null:
      if (*at != token.text.front()) return false;
      followed_ = at + token.text.size();
      return true;
    case Kind::object_begin:
    case Kind::array_begin:
      if (*at != (token.kind == Kind::object_begin ? '{' : '[')) return false;
      followed_ = at + 1;
      return true;
    case Kind::object_end:
    case Kind::array_end:
      if (*followed_ != (token.kind == Kind::object_end ? '}' : ']')) return false;
      ++followed_;
      return true;
  }
  return false;
}

[[gnu::always_inline]] inline void CanonicalObject::take_name(std::string_view name,
                                                              bool verbatim) {
  separator_ = Separator::colon;
  if (text().size() > bytes_max_) return;
  if (verbatim) {
    // Without escapes it is its own canonical spelling.
    names_.push_back({name.data(), 0, name.size()});
  } else {
    names_.push_back({nullptr, written_offset_, out_->size() - 1 - written_offset_});
  }
  if (names_.size() - levels_.back() > few_names) look_up_last_name();
}

[[gnu::always_inline]] inline void CanonicalObject::open() {
  separator_ = Separator::none;
  levels_.push_back(names_.size());
  if (levels_.size() > metadata_depth_max) report(Problem::too_deep, {});
}

[[gnu::always_inline]] inline void CanonicalObject::close(bool is_object) {
  separator_ = Separator::comma;
  auto const first_name = levels_.back();
  levels_.pop_back();
  if (!is_object) return;
  check_duplicates(first_name);
  names_.resize(first_name);
}

}  // namespace stele::protocol

// Turns the tokens of one client entry into an EntryDraft, or says what is wrong with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/json/canonical_object.hpp"
#include "protocol/json/fault_place.hpp"
#include "protocol/json/json_tokens.hpp"
#include "stele/error.hpp"

namespace stele::protocol {

/// Usage: start(), take() each token from the entry's `{` to its `}`; then failure() or draft().
/// The draft borrows from the parsed text and from the canonical text given to start().
class EntryReader {
 public:
  explicit EntryReader(std::size_t entry_bytes_max) : entry_bytes_max_(entry_bytes_max) {}

  /// Canonical text is appended to `text`, which must not move until the drafts are used.
  /// `index` is the entry's place in a batch, for error messages.
  void start(std::string& text, std::optional<std::size_t> index);
  void take(JsonToken const& token);

  bool done() const noexcept { return depth_ == 0; }
  bool in_metadata() const noexcept { return in_metadata_; }
  /// Whether the metadata that is being read is nested deeper than it may be.
  bool is_too_deep() const noexcept { return in_metadata_ && metadata_.is_too_deep(); }
  /// Of the member that is being read.
  std::string path() const;
  /// The first failure; the draft means nothing then.
  std::optional<Failure>& failure() noexcept { return failure_; }
  /// What is wrong inside the metadata, if the failure is about that.
  std::optional<ObjectFault> const& fault() const noexcept { return fault_; }
  EntryDraft const& draft() const noexcept { return draft_; }

 private:
  enum class Member : std::uint8_t { timestamp, level, message, metadata, version, none };

  static Member parse_member(std::string_view name) noexcept;
  void take_key(std::string_view name, bool verbatim);
  void take_value(JsonToken const& token);
  void take_message(std::string_view text, bool verbatim);
  void start_metadata();
  void finish_metadata();
  void finish();
  /// Says what is wrong with a value of the wrong type, or outside what its member allows.
  void refuse_value(JsonToken const& token);
  void refuse_member(std::string_view name);
  void fail(Error code, std::string_view member, std::string const& rest, std::string detail);
  std::string path_of(std::string_view member) const;

  std::size_t entry_bytes_max_;
  std::string* text_ = nullptr;
  std::optional<std::size_t> index_{};
  std::size_t depth_ = 0;  ///< Open objects and arrays: the entry itself, and misplaced ones.
  unsigned seen_ = 0;      ///< One bit for each Member.
  Member member_ = Member::none;
  char const* key_end_ = nullptr;  ///< Of the last key, in the parsed text; null: it was escaped.
  bool in_metadata_ = false;
  CanonicalObject metadata_{};
  std::size_t message_bytes_ = 0;
  EntryDraft draft_{};
  std::optional<Failure> failure_{};
  std::optional<ObjectFault> fault_{};
};

// Forced inline, and copies of tokens: for the reason that CanonicalObject::take() gives.
[[gnu::always_inline]] inline void EntryReader::take(JsonToken const& token) {
  if (in_metadata_) {
    metadata_.take(token);
    if (token.closes() && metadata_.done()) finish_metadata();
    return;
  }
  if (token.closes()) {
    if (--depth_ == 0) finish();
    return;
  }
  if (depth_ == 1) {
    if (token.kind == JsonToken::Kind::key) {
      take_key(token.text, token.verbatim);
    } else {
      take_value(token);
    }
  }
  if (token.opens() && !in_metadata_) ++depth_;
}

[[gnu::always_inline]] inline void EntryReader::take_value(JsonToken const& token) {
  using Kind = JsonToken::Kind;
  switch (member_) {
    case Member::timestamp:
      if (token.kind != Kind::integer || token.text.starts_with('-')) break;
      draft_.timestamp = token.integer;
      return;
    case Member::level:
      if (token.kind != Kind::string) break;
      if (auto const level = parse_level(token.text)) {
        draft_.level = *level;
        return;
      }
      break;
    case Member::message:
      if (token.kind != Kind::string) break;
      return take_message(token.text, token.verbatim);
    case Member::version:
      if (token.kind == Kind::integer && token.text == "1") return;
      break;
    case Member::metadata:
      if (token.kind != Kind::object_begin) break;
      start_metadata();
      return metadata_.take(token);
    case Member::none:
      return;
  }
  refuse_value(JsonToken(token));
}

}  // namespace stele::protocol

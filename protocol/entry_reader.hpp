// Turns the tokens of one client entry into an EntryDraft, or says what is wrong with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/canonical_entry.hpp"
#include "protocol/canonical_object.hpp"
#include "protocol/json_tokens.hpp"
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
  /// The first failure; the draft means nothing then.
  std::optional<Failure>& failure() noexcept { return failure_; }
  EntryDraft const& draft() const noexcept { return draft_; }

 private:
  enum class Member : std::uint8_t { timestamp, level, message, metadata, version, none };

  void take_key(JsonToken const& token);
  void take_value(JsonToken const& token);
  void take_timestamp(JsonToken const& token);
  void take_level(JsonToken const& token);
  void take_message(JsonToken const& token);
  void take_version(JsonToken const& token);
  void finish_metadata();
  void finish();
  void fail(Error code, std::string_view member, std::string const& rest, std::string detail);
  std::string path_of(std::string_view member) const;

  std::size_t entry_bytes_max_;
  std::string* text_ = nullptr;
  std::optional<std::size_t> index_{};
  std::size_t depth_ = 0;  ///< Open objects and arrays, the entry itself included.
  unsigned seen_ = 0;      ///< One bit for each Member.
  Member member_ = Member::none;
  bool in_metadata_ = false;
  CanonicalObject metadata_{};
  std::size_t message_bytes_ = 0;
  EntryDraft draft_{};
  std::optional<Failure> failure_{};
};

}  // namespace stele::protocol

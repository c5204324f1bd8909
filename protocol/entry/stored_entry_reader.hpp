// Turns the tokens of one stored entry into a StoredEntry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/json/canonical_object.hpp"
#include "protocol/json/json_tokens.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

/// Usage: start(), take() each token from the entry's `{` to its `}`. Members that it does not know
/// are skipped: a later daemon may add some.
class StoredEntryReader {
 public:
  void start(StoredEntry& entry);
  void take(JsonToken const& token);

  bool done() const noexcept { return depth_ == 0; }
  /// Whether every member that makes a stored entry was there, with its type.
  bool is_valid() const noexcept { return is_valid_ && seen_ == all_members; }

 private:
  enum class Member : std::uint8_t {
    seq,
    timestamp,
    level,
    message,
    metadata,
    version,
    origin,
    pid,
    uid,
    gid,
    none,
  };
  static constexpr unsigned all_members = (1u << static_cast<unsigned>(Member::none)) - 1;

  static Member parse_member(std::string_view name, bool in_origin) noexcept;
  void take_value(JsonToken const& token);
  void take_scalar(JsonToken const& token);
  void take_pid(JsonToken const& token);
  template <class Integer>
  void take_unsigned(JsonToken const& token, Integer& value);

  StoredEntry* entry_ = nullptr;
  std::size_t depth_ = 0;  ///< Open objects and arrays, the entry itself included.
  Member member_ = Member::none;
  bool in_origin_ = false;
  bool in_metadata_ = false;
  bool is_valid_ = true;
  unsigned seen_ = 0;
  CanonicalObject metadata_{};
  std::string metadata_text_{};
};

}  // namespace stele::protocol

// Turns the members of a request that say which entries it is about into EntryFilter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/entry/entry_filter.hpp"
#include "protocol/json/canonical_object.hpp"
#include "protocol/json/fault_place.hpp"
#include "protocol/json/json_tokens.hpp"
#include "protocol/request/operations.hpp"
#include "stele/error.hpp"

namespace stele::protocol {

/// Usage: start() a request; begin() with the first token of each such member's value; while it is
/// not done(), take() the tokens of the object that began; then failure() or filter().
class FilterReader {
 public:
  static bool reads(Member member) noexcept;

  void start();
  void begin(Member member, JsonToken const& token);
  void take(JsonToken const& token);
  bool done() const noexcept { return depth_ == 0; }
  /// Whether the `where` that is being read is nested deeper than it may be.
  bool is_too_deep() const noexcept { return in_where() && where_.is_too_deep(); }
  bool in_where() const noexcept { return !done() && member_ == Member::where; }

  /// The first failure; the filter means nothing then.
  std::optional<Failure>& failure() noexcept { return failure_; }
  /// What is wrong inside `where`, if the failure is about that.
  std::optional<ObjectFault> const& fault() const noexcept { return fault_; }
  /// Borrows from the reader, until the next start().
  EntryFilter filter() const noexcept;

 private:
  void take_level(JsonToken const& token);
  void take_contains(JsonToken const& token);
  void take_where(JsonToken const& token);
  void take_origin(JsonToken const& token);
  void take_origin_member(JsonToken const& token);
  void take_id(JsonToken const& token);
  void finish_where();
  void fail(std::string const& rest, std::string detail = {}, Error code = Error::bad_request);

  EntryFilter filter_{};
  Member member_{};
  std::size_t depth_ = 0;  ///< Of the objects and arrays of a value that are open.
  std::size_t where_members_ = 0;
  std::string contains_{};
  std::string where_text_{};
  CanonicalObject where_{};
  std::string origin_member_{};
  std::optional<Failure> failure_{};
  std::optional<ObjectFault> fault_{};
};

}  // namespace stele::protocol

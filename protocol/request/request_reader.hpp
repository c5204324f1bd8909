// Turns the tokens of one request object into the values of its members, and judges them together
// once the object is whole: members come in any order, `entries` may come before `op`.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/entry/entry_reader.hpp"
#include "protocol/json/fault_place.hpp"
#include "protocol/json/json_tokens.hpp"
#include "protocol/request/filter_reader.hpp"
#include "protocol/request/operations.hpp"
#include "protocol/request/request.hpp"

namespace stele::protocol {

/// Working memory that is kept from one request to the next.
inline constexpr std::size_t kept_bytes_max = std::size_t{4} << 20;
/// Gives back what is more. Assigning an empty string or `{}` would keep it.
template <class Buffer>
void give_back(Buffer& buffer) {
  if (buffer.capacity() * sizeof(typename Buffer::value_type) > kept_bytes_max) {
    Buffer().swap(buffer);
  }
}

/// Usage: start(), take() each token of the text; then finish(). A failure does not stop it, so
/// that the id and the op are known for the reply.
class RequestReader {
 public:
  /// The drafts of a write come to lie in `drafts`.
  RequestReader(RequestLimits limits, std::vector<EntryDraft>& drafts)
      : entry_(limits.entry_bytes_max), drafts_(drafts) {}

  void start(std::string_view text);
  void take(JsonToken const& token);
  /// Whether metadata or `where` is nested deeper than it may be: the text is not read on then.
  bool is_too_deep() const noexcept {
    return in_entry_ ? entry_.is_too_deep() : filter_.is_too_deep();
  }
  /// Not while a request is used.
  void give_back_memory() { give_back(canonical_); }
  std::size_t memory_bytes() const noexcept { return canonical_.capacity(); }
  /// Borrows from the reader and from the text.
  Result<Request> finish();
  /// Instead of finish(): why the text cannot be read, and where.
  Failure describe(std::string_view text, JsonFault const& fault) const;

  /// The id as canonical JSON text, or empty.
  std::string_view id() const noexcept { return id_; }
  /// 0: none, or not a legal one.
  std::uint64_t write_no() const noexcept { return write_no_; }
  bool is_write() const noexcept {
    return op_ == Op::write_log || op_ == Op::write_many_logs || op_ == Op::report_dropped ||
           op_ == Op::acknowledge;
  }

 private:
  void take_own(JsonToken const& token);
  void take_key(JsonToken const& token);
  void take_value(JsonToken const& token);
  void take_id(JsonToken const& token, std::string& id);
  void take_op(JsonToken const& token);
  void take_order(JsonToken const& token);
  void take_integer(JsonToken const& token, std::uint64_t& value);
  void take_string(JsonToken const& token, std::size_t bytes_max, std::string& value);
  void take_count(JsonToken const& token, std::uint64_t& value);
  void take_write_no(JsonToken const& token);
  void take_writer(JsonToken const& token);
  void take_follow(JsonToken const& token);
  void start_entry(JsonToken const& token, std::optional<std::size_t> index);
  void finish_entry();
  /// Keeps the first failure.
  void fail(Error code, std::string message, std::string detail);
  void fail_type(JsonToken const& token, std::string_view wanted);

  std::string path() const;
  Failure placed(Failure failure, std::optional<ObjectFault> const& fault) const;
  std::optional<Failure> judge_op() const;
  std::optional<Failure> judge_members(Operation const& operation) const;
  std::optional<Failure> judge_follow() const;
  std::optional<Failure> judge_seqs() const;

  std::string_view text_{};
  std::size_t depth_ = 0;  ///< Open objects and arrays, those of entries apart.
  bool is_object_ = false;
  MemberBits seen_ = 0;
  std::optional<Member> member_{};
  std::optional<Failure> failure_{};
  std::optional<ObjectFault> fault_{};  ///< Of an entry's metadata, if failure_ is about that.
  bool has_unknown_member_ = false;
  std::string unknown_member_{};

  std::string id_{};
  std::optional<Op> op_{};
  std::string op_text_{};  ///< An op that is unknown, or of the wrong type, as shown.
  bool op_is_string_ = false;
  std::string client_{};
  std::string cursor_{};
  ReadLogs read_{};
  std::uint64_t limit_ = 0;
  std::uint64_t bucket_us_ = 0;
  std::uint64_t write_no_ = 0;
  std::optional<WriterId> writer_{};
  std::optional<std::uint64_t> since_seq_{};
  std::string target_{};
  FilterReader filter_{};
  ReportDropped dropped_{};
  std::string consumer_{};
  std::uint64_t seq_ = 0;
  Acknowledge acknowledged_{};
  bool in_entry_ = false;
  EntryReader entry_;
  std::string canonical_{};  ///< Canonical text of the entries; never moves during a request.
  std::vector<EntryDraft>& drafts_;
};

// Forced inline for the reason that CanonicalObject::take() is.
[[gnu::always_inline]] inline void RequestReader::take(JsonToken const& token) {
  if (!in_entry_) return take_own(JsonToken(token));
  entry_.take(token);
  if (token.closes() && entry_.done()) finish_entry();
}

}  // namespace stele::protocol

// The client's side of a reply; see reply.hpp.
#include <boost/json/parse.hpp>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/entry/stored_entry_reader.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

/// The tokens of a reply, put where they belong. Unknown members are skipped.
class ReplyReader {
 public:
  void take(JsonToken const& token);
  Result<Reply> finish(std::string_view text);

 private:
  enum class Member : std::uint8_t {
    id,
    ok,
    state,
    seq,
    first_seq,
    last_seq,
    before_seq,
    cancelled,
    dup,
    caught_up,
    lagged,
    entries,
    more,
    cursor,
    error,
    none,
  };
  enum class ErrorMember : std::uint8_t { code, message, retryable, detail, none };

  static Member parse_member(std::string_view name) noexcept;
  static ErrorMember parse_error_member(std::string_view name) noexcept;
  void take_value(JsonToken const& token);
  void take_error_value(JsonToken const& token);
  void take_lagged(JsonToken const& token);
  void take_code(JsonToken const& token);
  void take_state(JsonToken const& token);
  void take_integer(JsonToken const& token, std::uint64_t& value);
  void take_boolean(JsonToken const& token, bool& value);
  void take_string(JsonToken const& token, std::string& value);
  void start_entry(JsonToken const& token);

  Reply reply_{};
  std::size_t depth_ = 0;
  Member member_ = Member::none;
  ErrorMember error_member_ = ErrorMember::none;
  bool has_ok_ = false;
  bool has_code_ = false;
  bool is_lagged_from_ = false;  ///< Which member of `lagged` comes.
  bool is_lagged_to_ = false;
  bool is_valid_ = true;
  bool in_entry_ = false;
  bool in_detail_ = false;
  StoredEntryReader entry_{};
  CanonicalObject detail_{};
};

void ReplyReader::take(JsonToken const& token) {
  if (token.closes()) --depth_;
  if (in_entry_) {
    entry_.take(token);
    in_entry_ = !entry_.done();
    if (!in_entry_) is_valid_ = is_valid_ && entry_.is_valid();
  } else if (in_detail_) {
    detail_.take(token);
    in_detail_ = !detail_.done();
  } else if (token.closes()) {
    if (depth_ == 1) member_ = Member::none;
  } else if (depth_ == 0) {
    is_valid_ = token.kind == Kind::object_begin;
  } else if (depth_ == 1) {
    if (token.kind == Kind::key) {
      member_ = parse_member(token.text);
    } else {
      take_value(token);
    }
  } else if (depth_ == 2 && member_ == Member::entries) {
    start_entry(token);
  } else if (depth_ == 2 && member_ == Member::lagged) {
    take_lagged(token);
  } else if (depth_ == 2 && member_ == Member::error) {
    if (token.kind == Kind::key) {
      error_member_ = parse_error_member(token.text);
    } else {
      take_error_value(token);
    }
  }
  if (token.opens()) ++depth_;
}

ReplyReader::Member ReplyReader::parse_member(std::string_view name) noexcept {
  if (name == "id") return Member::id;
  if (name == "ok") return Member::ok;
  if (name == "state") return Member::state;
  if (name == "seq") return Member::seq;
  if (name == "first_seq") return Member::first_seq;
  if (name == "last_seq") return Member::last_seq;
  if (name == "before_seq") return Member::before_seq;
  if (name == "cancelled") return Member::cancelled;
  if (name == "dup") return Member::dup;
  if (name == "caught_up") return Member::caught_up;
  if (name == "lagged") return Member::lagged;
  if (name == "entries") return Member::entries;
  if (name == "more") return Member::more;
  if (name == "cursor") return Member::cursor;
  if (name == "error") return Member::error;
  return Member::none;
}

ReplyReader::ErrorMember ReplyReader::parse_error_member(std::string_view name) noexcept {
  if (name == "code") return ErrorMember::code;
  if (name == "message") return ErrorMember::message;
  if (name == "retryable") return ErrorMember::retryable;
  if (name == "detail") return ErrorMember::detail;
  return ErrorMember::none;
}

void ReplyReader::take_value(JsonToken const& token) {
  switch (member_) {
    case Member::id:
      // Ids that this library did not choose are of no use to it.
      if (token.kind == Kind::integer) reply_.id = token.integer;
      return;
    case Member::ok:
      has_ok_ = true;
      return take_boolean(token, reply_.ok);
    case Member::state:
      return take_state(token);
    case Member::seq:
      reply_.has.seq = true;
      take_integer(token, reply_.first_seq);
      reply_.last_seq = reply_.first_seq;
      return;
    case Member::first_seq:
      reply_.has.first_seq = true;
      return take_integer(token, reply_.first_seq);
    case Member::last_seq:
      reply_.has.last_seq = true;
      return take_integer(token, reply_.last_seq);
    case Member::before_seq:
      reply_.has.before_seq = true;
      return;
    case Member::cancelled:
      reply_.has.cancelled = true;
      return;
    case Member::dup:
      return take_boolean(token, reply_.dup);
    case Member::caught_up:
      return take_boolean(token, reply_.caught_up);
    case Member::lagged:
      is_valid_ = is_valid_ && token.kind == Kind::object_begin;
      reply_.lagged.emplace();
      return;
    case Member::entries:
      reply_.has.entries = true;
      is_valid_ = is_valid_ && token.kind == Kind::array_begin;
      return;
    case Member::more:
      reply_.has.more = true;
      return take_boolean(token, reply_.more);
    case Member::cursor:
      if (token.kind != Kind::null) take_string(token, reply_.cursor);
      return;
    case Member::error:
      is_valid_ = is_valid_ && token.kind == Kind::object_begin;
      return;
    case Member::none:
      return;
  }
}

void ReplyReader::take_error_value(JsonToken const& token) {
  switch (error_member_) {
    case ErrorMember::code:
      return take_code(token);
    case ErrorMember::message:
      return take_string(token, reply_.failure.message);
    case ErrorMember::retryable:
      return take_boolean(token, reply_.failure.retryable.emplace());
    case ErrorMember::detail:
      if (token.kind != Kind::object_begin) return;
      in_detail_ = true;
      reply_.failure.detail.clear();
      detail_.start(reply_.failure.detail, 0);
      return detail_.take(token);
    case ErrorMember::none:
      return;
  }
}

void ReplyReader::take_lagged(JsonToken const& token) {
  if (token.kind == Kind::key) {
    is_lagged_from_ = token.text == "from_seq";
    is_lagged_to_ = token.text == "to_seq";
  } else if (is_lagged_from_) {
    take_integer(token, reply_.lagged->from_seq);
  } else if (is_lagged_to_) {
    take_integer(token, reply_.lagged->to_seq);
  }
}

void ReplyReader::take_code(JsonToken const& token) {
  is_valid_ = is_valid_ && token.kind == Kind::string;
  has_code_ = true;
  // A code of a later daemon: nothing is known about it but that the call failed.
  reply_.failure.code = parse_error(token.text).value_or(Error::internal);
}

void ReplyReader::take_state(JsonToken const& token) {
  if (token.text == "not_written") reply_.state = WriteState::not_written;
  if (token.text == "unknown") reply_.state = WriteState::unknown;
}

void ReplyReader::take_integer(JsonToken const& token, std::uint64_t& value) {
  is_valid_ = is_valid_ && token.kind == Kind::integer && !token.text.starts_with('-');
  value = token.integer;
}

void ReplyReader::take_boolean(JsonToken const& token, bool& value) {
  is_valid_ = is_valid_ && token.kind == Kind::boolean;
  value = token.text == "true";
}

void ReplyReader::take_string(JsonToken const& token, std::string& value) {
  is_valid_ = is_valid_ && token.kind == Kind::string;
  value = token.text;
}

void ReplyReader::start_entry(JsonToken const& token) {
  if (token.kind != Kind::object_begin) {
    is_valid_ = false;
    return;
  }
  in_entry_ = true;
  entry_.start(reply_.entries.emplace_back());
  entry_.take(token);
}

Result<Reply> ReplyReader::finish(std::string_view text) {
  if (!is_valid_ || !has_ok_ || (!reply_.ok && !has_code_)) {
    return Failure(Error::bad_request, "the text is not a reply: " + excerpt(text));
  }
  reply_.failure.state = reply_.state;
  return std::move(reply_);
}

Result<Reply> parse_any_reply(std::string_view text) {
  std::string scratch;
  ReplyReader reader;
  if (auto failure = read_json(text, json_depth_max, scratch, reader)) return *std::move(failure);
  return reader.finish(text);
}

/// The length of `{"id":7,"ok":true,"entries":[` as append_entries_start writes it, or 0.
std::size_t entries_start_bytes(std::string_view text) noexcept {
  constexpr std::string_view before_id = R"({"id":)";
  constexpr std::string_view after_id = R"(,"ok":true,"entries":[)";
  if (!text.starts_with(before_id)) return 0;
  auto const id_end = text.find_first_not_of("0123456789", before_id.size());
  if (id_end == std::string_view::npos || !text.substr(id_end).starts_with(after_id)) return 0;
  return id_end + after_id.size();
}

/// A frame of a read as the daemon writes it. Its entries are taken without a JSON parser, and
/// what is around them, a reply without entries, is parsed as any other. Nothing if the text, or
/// one entry of it, has another form.
std::optional<Reply> parse_entries_reply(std::string_view text) {
  auto const start = text.substr(0, entries_start_bytes(text));
  if (start.empty() || !is_utf8(text)) return std::nullopt;
  auto rest = text.substr(start.size());
  std::vector<StoredEntry> entries;
  while (!rest.starts_with(']')) {
    if (!entries.empty()) {
      if (!rest.starts_with(',')) return std::nullopt;
      rest.remove_prefix(1);
    }
    auto const bytes_before = rest.size();
    if (!read_canonical_entry(rest, entries.emplace_back())) return std::nullopt;
    // The others are likely to be about as long as the first.
    if (entries.size() == 1) entries.reserve(2 + rest.size() / (bytes_before - rest.size()));
  }
  auto reply = parse_any_reply(std::string(start).append(rest));
  if (!reply) return std::nullopt;
  reply->entries = std::move(entries);
  return *std::move(reply);
}

}  // namespace

Result<Reply> parse_reply(std::string_view text) {
  if (auto reply = parse_entries_reply(text)) return *std::move(reply);
  return parse_any_reply(text);
}

Result<boost::json::value> parse_reply_value(std::string_view text) {
  boost::json::error_code code;
  auto value = boost::json::parse(text, code);
  if (code.failed()) return describe_bad_json(text, {code, 0}, json_depth_max);
  // A document's members may have any name, also one that means something in other replies.
  auto const* object = value.if_object();
  auto const* ok = object == nullptr ? nullptr : object->if_contains("ok");
  if (ok != nullptr && *ok == true) return value;
  auto reply = parse_reply(text);
  if (!reply) return reply.error();
  return std::move(reply->failure);
}

}  // namespace stele::protocol

#include "protocol/request/request_reader.hpp"

#include "protocol/entry/fast_write_parser.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

constexpr MemberBits common_members = bit(Member::op) | bit(Member::id);

/// What a message about a text needs of it: more than is shown, so that the end is seen to be cut.
std::string shown_part(std::string_view text) {
  return std::string(text.substr(0, 2 * excerpt_bytes_max));
}

}  // namespace

void RequestReader::start(std::string_view text) {
  text_ = text;
  depth_ = 0;
  is_object_ = false;
  seen_ = 0;
  member_.reset();
  failure_.reset();
  fault_.reset();
  has_unknown_member_ = false;
  id_.clear();
  op_.reset();
  op_is_string_ = false;
  client_.clear();
  cursor_.clear();
  read_ = {};
  dropped_ = {};
  consumer_.clear();
  seq_ = 0;
  bucket_us_ = 0;
  write_no_ = 0;
  writer_.reset();
  since_seq_.reset();
  target_.clear();
  filter_.start();
  in_entry_ = false;
  canonical_.clear();
  drafts_.clear();
  // The canonical spelling of a value is the shortest one, so that all of it fits.
  canonical_.reserve(text.size());
}

void RequestReader::take_own(JsonToken const& token) {
  if (token.closes()) --depth_;
  if (!filter_.done()) {
    filter_.take(token);
  } else if (token.closes()) {
    return;
  } else if (depth_ == 0) {
    is_object_ = token.kind == Kind::object_begin;
  } else if (depth_ == 1 && is_object_) {
    if (token.kind == Kind::key) {
      take_key(token);
    } else {
      take_value(token);
    }
  } else if (depth_ == 2 && member_ == Member::entries && !failure_) {
    start_entry(token, drafts_.size());
  }
  if (token.opens() && !in_entry_) ++depth_;
}

void RequestReader::take_key(JsonToken const& token) {
  member_ = parse_member(token.text);
  if (!member_) {
    if (!has_unknown_member_) unknown_member_ = shown_part(token.text);
    has_unknown_member_ = true;
    return;
  }
  if ((seen_ & bit(*member_)) != 0) {
    if (failure_) return member_.reset();
    auto const name = to_string(*member_);
    fail(Error::bad_request, "\"" + std::string(name) + "\" is given twice; once is allowed",
         Detail().string("path", name).text());
    member_.reset();
    return;
  }
  seen_ |= bit(*member_);
}

void RequestReader::take_value(JsonToken const& token) {
  if (!member_) return;
  switch (*member_) {
    case Member::op:
      return take_op(token);
    case Member::id:
      return take_id(token, id_);
    case Member::client:
      return take_string(token, client_name_bytes_max, client_);
    case Member::entry:
      return start_entry(token, std::nullopt);
    case Member::entries:
      if (token.kind == Kind::array_begin) return;
      member_.reset();
      return fail(Error::bad_request,
                  "\"entries\" is " + describe_token(token) + "; it must be an array of objects",
                  Detail().string("path", "entries").text());
    case Member::start_ts:
      return take_integer(token, read_.start_ts);
    case Member::end_ts:
      return take_integer(token, read_.end_ts);
    case Member::limit:
      take_integer(token, limit_);
      read_.limit = limit_;
      return;
    case Member::order:
      return take_order(token);
    case Member::cursor:
      if (token.kind == Kind::null) return;
      take_string(token, cursor_bytes_max, cursor_);
      if (!cursor_.empty() || failure_) return;
      return fail(Error::bad_request, "\"cursor\" is empty; leave it out, or send null, for none",
                  Detail().string("path", "cursor").text());
    case Member::bucket_us:
      return take_count(token, bucket_us_);
    case Member::writer:
      return take_writer(token);
    case Member::write_no:
      return take_write_no(token);
    case Member::since_seq:
      return take_integer(token, since_seq_.emplace());
    case Member::follow:
      return take_follow(token);
    case Member::target:
      return take_id(token, target_);
    case Member::count:
      return take_count(token, dropped_.count);
    case Member::consumer:
      return take_string(token, client_name_bytes_max, consumer_);
    case Member::seq:
      return take_integer(token, seq_);
    case Member::first_seq:
      return take_integer(token, acknowledged_.first_seq);
    case Member::last_seq:
      return take_integer(token, acknowledged_.last_seq);
    case Member::after_seq:
    case Member::min_level:
    case Member::contains:
    case Member::where:
    case Member::origin:
      return filter_.begin(*member_, token);
  }
}

void RequestReader::take_op(JsonToken const& token) {
  op_is_string_ = token.kind == Kind::string;
  if (op_is_string_) op_ = parse_op(token.text);
  if (!op_) op_text_ = op_is_string_ ? shown_part(token.text) : describe_token(token);
}

void RequestReader::take_id(JsonToken const& token, std::string& id) {
  if (token.kind == Kind::integer) {
    id = token.text;
  } else if (token.kind == Kind::string && token.text.size() < request_id_bytes_max) {
    append_json_string(id, token.text);
  } else if (token.kind != Kind::string) {
    return fail_type(token, "an integer or a string");
  }
  if (!id.empty() && id.size() <= request_id_bytes_max) return;
  id.clear();
  if (failure_) return;
  fail(Error::bad_request,
       '"' + std::string(to_string(*member_)) + "\" is longer than " +
           std::to_string(request_id_bytes_max) + " bytes of JSON",
       Detail()
           .string("path", to_string(*member_))
           .number("id_bytes_max", request_id_bytes_max)
           .text());
}

void RequestReader::take_follow(JsonToken const& token) {
  if (token.kind != Kind::boolean) return fail_type(token, "true or false");
  read_.follow = token.text == "true";
}

void RequestReader::take_order(JsonToken const& token) {
  if (token.kind == Kind::string && (token.text == "asc" || token.text == "desc")) {
    read_.order = token.text == "asc" ? Order::asc : Order::desc;
    return;
  }
  fail_type(token, "\"asc\" (oldest first) or \"desc\" (newest first)");
}

void RequestReader::take_integer(JsonToken const& token, std::uint64_t& value) {
  if (token.kind != Kind::integer || token.text.starts_with('-')) {
    return fail_type(token, "an integer from 0 to 18446744073709551615");
  }
  value = token.integer;
}

void RequestReader::take_count(JsonToken const& token, std::uint64_t& value) {
  take_integer(token, value);
  if (value == 0) fail_type(token, "an integer from 1 to 18446744073709551615");
}

void RequestReader::take_write_no(JsonToken const& token) {
  take_integer(token, write_no_);
  if (write_no_ > 0 && write_no_ <= write_no_max) return;
  write_no_ = 0;
  fail_type(token, "an integer from 1 to " + std::to_string(write_no_max));
}

void RequestReader::take_writer(JsonToken const& token) {
  if (token.kind == Kind::string) writer_ = parse_writer_id(token.text);
  if (!writer_) fail_type(token, "a string of 32 hexadecimal digits, not all 0");
}

void RequestReader::take_string(JsonToken const& token, std::size_t bytes_max, std::string& value) {
  if (token.kind != Kind::string || token.text.size() > bytes_max) {
    return fail_type(token, "a string of at most " + std::to_string(bytes_max) + " bytes");
  }
  value = token.text;
}

void RequestReader::start_entry(JsonToken const& token, std::optional<std::size_t> index) {
  if (failure_) return;
  if (token.kind != Kind::object_begin) {
    auto const path = index ? "entries[" + std::to_string(*index) + "]" : std::string("entry");
    return fail(Error::bad_request,
                "\"" + path + "\" is " + describe_token(token) +
                    R"(; it must be an object such as {"message":"hello"})",
                Detail().string("path", path).text());
  }
  in_entry_ = true;
  entry_.start(canonical_, index);
  entry_.take(token);
}

void RequestReader::finish_entry() {
  in_entry_ = false;
  if (entry_.failure()) {
    failure_ = std::move(entry_.failure());
    fault_ = entry_.fault();
  } else {
    if (drafts_.size() == drafts_.capacity()) reserve_drafts(drafts_, text_.size());
    drafts_.push_back(entry_.draft());
  }
}

void RequestReader::fail(Error code, std::string message, std::string detail) {
  if (!failure_) failure_.emplace(code, std::move(message), std::move(detail));
}

void RequestReader::fail_type(JsonToken const& token, std::string_view wanted) {
  if (failure_) return;
  auto const name = to_string(*member_);
  fail(Error::bad_request,
       "\"" + std::string(name) + "\" is " + describe_token(token) + "; it must be " +
           std::string(wanted),
       Detail().string("path", name).text());
}

/// Of the member that is being read, as far as that is known without reading the text again.
std::string RequestReader::path() const {
  if (in_entry_) return entry_.path();
  if (depth_ == 0 || !member_) return {};
  std::string path(to_string(*member_));
  if (member_ == Member::entries && depth_ == 2 && !failure_) {
    path += '[' + std::to_string(drafts_.size()) + ']';
  }
  return path;
}

Failure RequestReader::describe(std::string_view text, JsonFault const& fault) const {
  bool const in_metadata = in_entry_ ? entry_.in_metadata() : filter_.in_where();
  auto const depth_max = in_metadata ? metadata_depth_max : json_depth_max;
  auto const path = text.size() <= placed_bytes_max ? path_of_bad_json(text) : this->path();
  return describe_bad_json(text, fault, depth_max, path);
}

/// Says where inside metadata or `where` the fault lies.
Failure RequestReader::placed(Failure failure, std::optional<ObjectFault> const& fault) const {
  if (!fault || text_.size() > placed_bytes_max) return failure;
  failure.detail = Detail().string("path", path_of_fault(text_, *fault)).text();
  return failure;
}

std::optional<Failure> RequestReader::judge_op() const {
  auto const known = [] { return Detail().string("path", "op").strings("ops", op_names()).text(); };
  if (!is_object_) {
    return Failure(Error::bad_request,
                   R"(a request is one JSON object, such as {"op":"ping"}; got )" + excerpt(text_),
                   Detail().string("path", "").text());
  }
  if ((seen_ & bit(Member::op)) == 0) {
    return Failure(Error::bad_request,
                   R"(the request has no "op"; it must be one of )" + list_names(op_names()),
                   known());
  }
  if (!op_is_string_) {
    return Failure(
        Error::bad_request,
        "\"op\" is " + op_text_ + "; it must be a string, one of " + list_names(op_names()),
        known());
  }
  if (!op_) {
    return Failure(Error::unknown_op,
                   "there is no operation " + excerpt(op_text_) + "; known are " +
                       list_names(op_names()) + did_you_mean(op_text_, op_names()),
                   known());
  }
  return std::nullopt;
}

std::optional<Failure> RequestReader::judge_members(Operation const& operation) const {
  auto const allowed = common_members | operation.members;
  auto const allowed_names = member_names(allowed);
  auto const name = std::string(operation.name);
  auto const complain = [&](std::string_view member) {
    return Failure(
        Error::bad_request,
        name + " has no member " + excerpt(member) + "; it takes " + list_names(allowed_names) +
            did_you_mean(member, allowed_names),
        Detail().string("path", shortened(member)).strings("members", allowed_names).text());
  };
  if (has_unknown_member_) return complain(unknown_member_);
  auto const misplaced = member_names(seen_ & ~allowed);
  if (!misplaced.empty()) return complain(misplaced.front());
  return std::nullopt;
}

/// What a follow cannot do.
std::optional<Failure> RequestReader::judge_follow() const {
  auto const complain = [](std::string_view member, std::string_view why) {
    return Failure(Error::bad_request,
                   "a follow takes no \"" + std::string(member) + "\": " + std::string(why),
                   Detail().string("path", member).text());
  };
  if (!read_.follow) return std::nullopt;
  if (read_.order == Order::desc) return complain("order", "it goes by rising seq");
  if (!cursor_.empty()) return complain("cursor", "it goes on behind \"after_seq\"");
  return std::nullopt;
}

std::optional<Failure> RequestReader::judge_seqs() const {
  auto const [first, last] = acknowledged_;
  if (first == 0) {
    return Failure(Error::bad_request, R"("first_seq" is 0; seqs begin with 1)",
                   Detail().string("path", "first_seq").text());
  }
  if (first <= last) return std::nullopt;
  return Failure(Error::bad_request,
                 R"("last_seq" is )" + std::to_string(last) + R"(, below "first_seq", )" +
                     std::to_string(first),
                 Detail().string("path", "last_seq").text());
}

Result<Request> RequestReader::finish() {
  if (auto failure = judge_op()) return *std::move(failure);
  auto const& chosen = operation(*op_);
  if ((seen_ & ~(common_members | chosen.members)) != 0 || has_unknown_member_) {
    return *judge_members(chosen);
  }
  if (failure_) return placed(*std::move(failure_), fault_);
  if (filter_.failure()) return placed(*std::move(filter_.failure()), filter_.fault());
  if (auto const missing_bits = chosen.needed & ~seen_; missing_bits != 0) {
    auto const missing = member_names(missing_bits);
    return Failure(Error::bad_request,
                   std::string(chosen.name) + " needs \"" + std::string(missing.front()) +
                       "\", such as " + std::string(chosen.example),
                   Detail().string("path", missing.front()).text());
  }
  switch (*op_) {
    case Op::hello:
      if (since_seq_ && !writer_) {
        return Failure(Error::bad_request, R"("since_seq" is about a writer, and none is given)",
                       Detail().string("path", "since_seq").text());
      }
      return Request(Hello{client_, writer_, since_seq_});
    case Op::ping:
      return Request(Ping{});
    case Op::stats:
      return Request(Stats{});
    case Op::help:
      return Request(Help{});
    case Op::read_logs:
      if (auto failure = judge_follow()) return *std::move(failure);
      read_.cursor = cursor_;
      read_.filter = filter_.filter();
      return Request(read_);
    case Op::cancel:
      return Request(Cancel{target_});
    case Op::count_logs: {
      CountLogs count{read_.start_ts, read_.end_ts, filter_.filter(), {}};
      if ((seen_ & bit(Member::bucket_us)) != 0) count.bucket_us = bucket_us_;
      return Request(count);
    }
    case Op::audit:
      return Request(Audit{read_.start_ts});
    case Op::report_dropped:
      dropped_.writer = writer_.value_or(WriterId{});
      return Request(dropped_);
    case Op::confirm:
      return Request(Confirm{consumer_, seq_});
    case Op::acknowledge:
      if (auto failure = judge_seqs()) return *std::move(failure);
      return Request(acknowledged_);
    case Op::write_log:
      return Request(Write{false, write_no_, drafts_});
    case Op::write_many_logs:
      break;
  }
  if (drafts_.empty()) {
    return Failure(Error::bad_request, "\"entries\" is empty; it must hold at least one entry",
                   Detail().string("path", "entries").text());
  }
  return Request(Write{true, write_no_, drafts_});
}

}  // namespace stele::protocol

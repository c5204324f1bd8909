#include "protocol/request/filter_reader.hpp"

#include <array>
#include <limits>

#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

constexpr std::array<std::string_view, 2> origin_names{"pid", "uid"};

template <class Integer>
bool fits(JsonToken const& token) noexcept {
  return token.kind == Kind::integer && !token.text.starts_with('-') &&
         token.integer <= std::uint64_t{std::numeric_limits<Integer>::max()};
}

}  // namespace

bool FilterReader::reads(Member member) noexcept {
  return member == Member::after_seq || member == Member::min_level || member == Member::contains ||
         member == Member::where || member == Member::origin;
}

void FilterReader::start() {
  filter_ = {};
  depth_ = 0;
  contains_.clear();
  where_text_.clear();
  failure_.reset();
  fault_.reset();
}

EntryFilter FilterReader::filter() const noexcept {
  EntryFilter filter = filter_;
  filter.contains = contains_;
  filter.where = where_text_;
  return filter;
}

void FilterReader::begin(Member member, JsonToken const& token) {
  member_ = member;
  switch (member) {
    case Member::after_seq:
      if (!fits<std::uint64_t>(token)) {
        return fail(" is " + describe_token(token) +
                    "; it must be an integer from 0 to 18446744073709551615");
      }
      filter_.after_seq = token.integer;
      return;
    case Member::min_level:
      return take_level(token);
    case Member::contains:
      return take_contains(token);
    case Member::where:
      return take_where(token);
    default:
      return take_origin(token);
  }
}

void FilterReader::take(JsonToken const& token) {
  if (token.closes()) --depth_;
  if (member_ == Member::where) {
    if (depth_ == 1 && token.kind == Kind::key) ++where_members_;
    where_.take(token);
    if (where_.done()) finish_where();
  } else if (depth_ == 1 && token.kind == Kind::key) {
    take_origin_member(token);
  } else if (depth_ == 1 && !token.closes()) {
    take_id(token);
  }
  if (token.opens()) ++depth_;
}

void FilterReader::take_level(JsonToken const& token) {
  bool const is_text = token.kind == Kind::string;
  auto const level = is_text ? parse_level(token.text) : std::nullopt;
  if (level) {
    filter_.min_level = *level;
    return;
  }
  fail(" is " + describe_token(token) + "; it must be one of " + list_names(level_names) +
       (is_text ? did_you_mean(token.text, level_names) : ""));
}

void FilterReader::take_contains(JsonToken const& token) {
  if (token.kind != Kind::string || token.text.size() > contains_bytes_max) {
    return fail(" is " + describe_token(token) + "; it must be a string of at most " +
                std::to_string(contains_bytes_max) + " bytes");
  }
  contains_ = token.text;
}

void FilterReader::take_where(JsonToken const& token) {
  if (token.kind != Kind::object_begin) {
    return fail(" is " + describe_token(token) +
                R"(; it must be an object of metadata members, such as {"disk":"sda"})");
  }
  depth_ = 1;
  where_members_ = 0;
  where_text_.clear();
  where_.start(where_text_, where_bytes_max);
  where_.take(token);
}

void FilterReader::finish_where() {
  if (where_.problem() != CanonicalObject::Problem::none && !failure_) {
    fault_ = ObjectFault{where_.problem(), where_.problem_text()};
  }
  if (where_.problem() == CanonicalObject::Problem::none &&
      (where_text_.size() > where_bytes_max || where_members_ > where_members_max)) {
    return fail(" has " + std::to_string(where_members_) + " members in " +
                    std::to_string(where_text_.size()) + " bytes; at most " +
                    std::to_string(where_members_max) + " members in " +
                    std::to_string(where_bytes_max) + " bytes are allowed",
                Detail()
                    .string("path", "where")
                    .number("where_members_max", where_members_max)
                    .number("where_bytes_max", where_bytes_max)
                    .text());
  }
  switch (where_.problem()) {
    case CanonicalObject::Problem::none:
      return;
    case CanonicalObject::Problem::duplicate_member:
      return fail(" has two members with the name " + excerpt(where_.problem_text()) +
                  " in one object; names must differ");
    case CanonicalObject::Problem::not_finite:
      return fail(" holds the number " + where_.problem_text() +
                  ", which is outside the range of a double; no entry has it");
    case CanonicalObject::Problem::too_deep:
      return fail(" is nested deeper than metadata can be", {}, Error::bad_json);
  }
}

void FilterReader::take_origin(JsonToken const& token) {
  if (token.kind != Kind::object_begin) {
    return fail(" is " + describe_token(token) +
                R"(; it must be an object with pid or uid, such as {"uid":1000})");
  }
  depth_ = 1;
}

void FilterReader::take_origin_member(JsonToken const& token) {
  if (failure_) return;
  origin_member_ = shortened(token.text);
  if (token.text != "pid" && token.text != "uid") {
    return fail(" has no member " + excerpt(token.text) + "; it takes pid, uid" +
                    did_you_mean(token.text, origin_names),
                Detail()
                    .string("path", "origin." + origin_member_)
                    .strings("members", origin_names)
                    .text());
  }
  bool const is_second = token.text == "pid" ? filter_.pid.has_value() : filter_.uid.has_value();
  if (is_second) {
    fail(" has two members with the name " + excerpt(token.text),
         Detail().string("path", "origin." + origin_member_).text());
  }
}

void FilterReader::take_id(JsonToken const& token) {
  if (failure_) return;
  bool const is_pid = origin_member_ == "pid";
  if (is_pid && fits<std::int32_t>(token)) {
    filter_.pid = static_cast<std::int32_t>(token.integer);
  } else if (!is_pid && fits<std::uint32_t>(token)) {
    filter_.uid = static_cast<std::uint32_t>(token.integer);
  } else {
    auto const id_max = is_pid ? std::to_string(std::numeric_limits<std::int32_t>::max())
                               : std::to_string(std::numeric_limits<std::uint32_t>::max());
    fail("'s " + origin_member_ + " is " + describe_token(token) +
             "; it must be an integer from 0 to " + id_max,
         Detail().string("path", "origin." + origin_member_).text());
  }
}

void FilterReader::fail(std::string const& rest, std::string detail, Error code) {
  if (failure_) return;
  auto const name = std::string(to_string(member_));
  if (detail.empty()) detail = Detail().string("path", name).text();
  failure_.emplace(code, '"' + name + '"' + rest, std::move(detail));
}

}  // namespace stele::protocol

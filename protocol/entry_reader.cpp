#include "protocol/entry_reader.hpp"

#include <algorithm>
#include <array>

#include "protocol/error_text.hpp"
#include "protocol/json_text.hpp"
#include "protocol/limits.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

constexpr std::array<std::string_view, 5> member_names{"timestamp", "level", "message", "metadata",
                                                       "version"};
constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                      "warn",  "error", "fatal"};
constexpr std::string_view empty_metadata = "{}";

}  // namespace

void EntryReader::start(std::string& text, std::optional<std::size_t> index) {
  text_ = &text;
  index_ = index;
  depth_ = 0;
  seen_ = 0;
  member_ = Member::none;
  in_metadata_ = false;
  message_bytes_ = 0;
  draft_ = {};
  draft_.metadata = empty_metadata;
  failure_.reset();
}

void EntryReader::take(JsonToken const& token) {
  bool const opens = token.kind == Kind::object_begin || token.kind == Kind::array_begin;
  bool const closes = token.kind == Kind::object_end || token.kind == Kind::array_end;
  if (closes) --depth_;
  if (in_metadata_) {
    metadata_.take(token);
    if (metadata_.done()) finish_metadata();
  } else if (closes) {
    if (depth_ == 0) finish();
  } else if (depth_ == 1) {
    if (token.kind == Kind::key) {
      take_key(token);
    } else {
      take_value(token);
    }
  }
  if (opens) ++depth_;
}

void EntryReader::take_key(JsonToken const& token) {
  auto const found = std::find(member_names.begin(), member_names.end(), token.text);
  if (found == member_names.end()) {
    member_ = Member::none;
    return fail(Error::invalid_entry, "",
                " has the unknown member " + excerpt(token.text) + "; an entry has " +
                    list_names(member_names) + ", and other data belongs in metadata" +
                    did_you_mean(token.text, member_names),
                Detail().string("path", path_of(cut(token.text))).text());
  }
  member_ = static_cast<Member>(found - member_names.begin());
  unsigned const bit = 1u << static_cast<unsigned>(member_);
  if ((seen_ & bit) != 0) {
    fail(Error::invalid_entry, token.text, " is given twice; once is allowed", {});
  }
  seen_ |= bit;
}

void EntryReader::take_value(JsonToken const& token) {
  switch (member_) {
    case Member::timestamp:
      return take_timestamp(token);
    case Member::level:
      return take_level(token);
    case Member::message:
      return take_message(token);
    case Member::version:
      return take_version(token);
    case Member::metadata:
      if (token.kind != Kind::object_begin) {
        return fail(Error::invalid_entry, "metadata",
                    " is " + describe_token(token) + "; it must be an object", {});
      }
      in_metadata_ = true;
      metadata_.start(*text_, entry_bytes_max_);
      return metadata_.take(token);
    case Member::none:
      return;
  }
}

void EntryReader::take_timestamp(JsonToken const& token) {
  if (token.kind != Kind::integer || token.text.starts_with('-')) {
    return fail(Error::invalid_entry, "timestamp",
                " is " + describe_token(token) +
                    "; it must be an integer from 0 to 18446744073709551615, in microseconds "
                    "since 1970",
                {});
  }
  draft_.timestamp = token.integer;
}

void EntryReader::take_level(JsonToken const& token) {
  auto const level = token.kind == Kind::string ? parse_level(token.text) : std::nullopt;
  if (level) {
    draft_.level = *level;
    return;
  }
  auto const hint = token.kind == Kind::string ? did_you_mean(token.text, level_names) : "";
  fail(Error::invalid_entry, "level",
       " is " + describe_token(token) + "; it must be one of " + list_names(level_names) + hint,
       {});
}

void EntryReader::take_message(JsonToken const& token) {
  if (token.kind != Kind::string) {
    return fail(Error::invalid_entry, "message",
                " is " + describe_token(token) + "; it must be a string", {});
  }
  message_bytes_ = token.text.size();
  if (token.verbatim) {
    // With its quotes, from the parsed text itself.
    draft_.message = {token.text.data() - 1, token.text.size() + 2};
    return;
  }
  auto const start = text_->size();
  append_json_string(*text_, token.text);
  draft_.message = std::string_view(*text_).substr(start);
}

void EntryReader::take_version(JsonToken const& token) {
  if (token.kind != Kind::integer) {
    return fail(Error::invalid_entry, "version",
                " is " + describe_token(token) + "; it must be the integer 1", {});
  }
  if (token.text != "1") {
    fail(Error::unsupported_version, "version",
         " is " + describe_token(token) + "; this daemon knows version 1",
         Detail().string("path", path_of("version")).number("version_max", entry_version).text());
  }
}

void EntryReader::finish_metadata() {
  in_metadata_ = false;
  draft_.metadata = metadata_.text();
  switch (metadata_.problem()) {
    case CanonicalObject::Problem::none:
      return;
    case CanonicalObject::Problem::duplicate_member:
      return fail(Error::invalid_entry, "metadata",
                  " has two members with the name " + excerpt(metadata_.problem_text()) +
                      " in one object; names must differ",
                  {});
    case CanonicalObject::Problem::not_finite:
      return fail(Error::invalid_entry, "metadata",
                  " holds the number " + metadata_.problem_text() +
                      ", which is outside the range of a double; send it as a string",
                  {});
    case CanonicalObject::Problem::too_deep:
      return fail(Error::bad_json, "metadata",
                  " is nested deeper than " + std::to_string(metadata_depth_max),
                  Detail()
                      .string("path", path_of("metadata"))
                      .number("depth_max", metadata_depth_max)
                      .text());
  }
}

void EntryReader::finish() {
  if ((seen_ & (1u << static_cast<unsigned>(Member::message))) == 0) {
    return fail(Error::invalid_entry, "message", " is missing; an entry needs one", {});
  }
  auto const metadata_bytes =
      draft_.metadata.size() == empty_metadata.size() ? 0 : draft_.metadata.size();
  auto const bytes = message_bytes_ + metadata_bytes;
  if (bytes <= entry_bytes_max_) return;
  fail(Error::entry_too_large, "",
       " has " + std::to_string(bytes) + " bytes of message and metadata; the limit is " +
           std::to_string(entry_bytes_max_),
       Detail()
           .string("path", path_of(""))
           .number("entry_bytes_max", entry_bytes_max_)
           .number("entry_bytes", bytes)
           .text());
}

void EntryReader::fail(Error code, std::string_view member, std::string const& rest,
                       std::string detail) {
  if (failure_) return;
  auto path = path_of(member);
  if (detail.empty()) detail = Detail().string("path", path).text();
  failure_.emplace(code, path + rest, std::move(detail));
}

std::string EntryReader::path_of(std::string_view member) const {
  std::string path = index_ ? "entries[" + std::to_string(*index_) + "]" : "entry";
  if (!member.empty()) path += "." + std::string(member);
  return path;
}

}  // namespace stele::protocol

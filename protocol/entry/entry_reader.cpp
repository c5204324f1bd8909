#include "protocol/entry/entry_reader.hpp"

#include <array>

#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

constexpr std::array<std::string_view, 5> entry_members{"timestamp", "level", "message", "metadata",
                                                        "version"};

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
  fault_.reset();
}

EntryReader::Member EntryReader::parse_member(std::string_view name) noexcept {
  // The length says which name it can be, so that one comparison decides.
  switch (name.size()) {
    case 5:
      return name == "level" ? Member::level : Member::none;
    case 7:
      if (name == "message") return Member::message;
      return name == "version" ? Member::version : Member::none;
    case 8:
      return name == "metadata" ? Member::metadata : Member::none;
    case 9:
      return name == "timestamp" ? Member::timestamp : Member::none;
    default:
      return Member::none;
  }
}

void EntryReader::take_key(std::string_view name, bool verbatim) {
  key_end_ = verbatim ? name.data() + name.size() : nullptr;
  member_ = parse_member(name);
  if (member_ == Member::none) return refuse_member(name);
  unsigned const bit = 1u << static_cast<unsigned>(member_);
  if ((seen_ & bit) != 0 && !failure_) {
    fail(Error::invalid_entry, name, " is given twice; once is allowed", {});
  }
  seen_ |= bit;
}

void EntryReader::refuse_member(std::string_view name) {
  if (failure_) return;  // A million of them cost no more than one.
  fail(Error::invalid_entry, "",
       " has the unknown member " + excerpt(name) + "; an entry has " + list_names(entry_members) +
           ", and other data belongs in metadata" + did_you_mean(name, entry_members),
       Detail().string("path", path_of(shortened(name))).text());
}

void EntryReader::refuse_value(JsonToken const& token) {
  if (failure_) return;
  auto const refuse = [&](std::string_view wanted) {
    fail(Error::invalid_entry, entry_members[static_cast<std::size_t>(member_)],
         " is " + describe_token(token) + "; it must be " + std::string(wanted), {});
  };
  switch (member_) {
    case Member::timestamp:
      return refuse("an integer from 0 to 18446744073709551615, in microseconds since 1970");
    case Member::level: {
      auto const hint = token.kind == Kind::string ? did_you_mean(token.text, level_names) : "";
      return refuse("one of " + list_names(level_names) + hint);
    }
    case Member::message:
      return refuse("a string");
    case Member::metadata:
      return refuse("an object");
    case Member::version:
      if (token.kind != Kind::integer) return refuse("the integer 1");
      return fail(
          Error::unsupported_version, "version",
          " is " + describe_token(token) + "; this daemon knows version 1",
          Detail().string("path", path_of("version")).number("version_max", entry_version).text());
    case Member::none:
      return;
  }
}

void EntryReader::take_message(std::string_view text, bool verbatim) {
  message_bytes_ = text.size();
  if (verbatim) {
    // With its quotes, from the parsed text itself.
    draft_.message = {text.data() - 1, text.size() + 2};
    return;
  }
  if (text.size() > entry_bytes_max_) return;  // It will be refused.
  auto const start = text_->size();
  append_json_string(*text_, text);
  draft_.message = std::string_view(*text_).substr(start);
}

void EntryReader::start_metadata() {
  in_metadata_ = true;
  char const* source = key_end_;
  // Between the key and the bracket are a quote, a colon and white space.
  while (source != nullptr && *source != '{') ++source;
  metadata_.start(*text_, entry_bytes_max_, source);
}

void EntryReader::finish_metadata() {
  in_metadata_ = false;
  draft_.metadata = metadata_.text();
  if (metadata_.problem() != CanonicalObject::Problem::none && !failure_) {
    fault_ = ObjectFault{metadata_.problem(), metadata_.problem_text()};
  }
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
                  " is nested deeper than " + std::to_string(metadata_depth_max), {});
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

std::string EntryReader::path() const {
  if (member_ == Member::none) return path_of("");
  return path_of(entry_members[static_cast<std::size_t>(member_)]);
}

std::string EntryReader::path_of(std::string_view member) const {
  std::string path = index_ ? "entries[" + std::to_string(*index_) + "]" : "entry";
  if (!member.empty()) path += "." + std::string(member);
  return path;
}

}  // namespace stele::protocol

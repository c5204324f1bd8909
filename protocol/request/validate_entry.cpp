// A client's own judgement of an entry before it is sent; see request.hpp.
#include "protocol/entry/fast_write_parser.hpp"
#include "protocol/json/canonical_object.hpp"
#include "protocol/limits.hpp"
#include "protocol/request/request.hpp"
#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

Failure invalid(std::string_view member, std::string message, Error code = Error::invalid_entry) {
  return Failure(code, std::move(message), Detail().string("path", member).text());
}

Failure too_deep(std::string_view member) {
  return Failure(
      Error::bad_json,
      std::string(member) + " is nested deeper than " + std::to_string(metadata_depth_max),
      Detail().string("path", member).number("depth_max", metadata_depth_max).text());
}

/// A JSON text that must be one object, in canonical spelling.
class ObjectReader {
 public:
  ObjectReader(std::string_view text, std::size_t bytes_max) {
    auto const begin = text.find('{');
    object_.start(rewritten_, bytes_max, begin == text.npos ? nullptr : text.data() + begin);
  }

  void take(JsonToken const& token) {
    if (!has_started_) is_object_ = token.kind == JsonToken::Kind::object_begin;
    has_started_ = true;
    if (is_object_) object_.take(token);
  }

  bool is_object() const noexcept { return is_object_; }
  CanonicalObject const& object() const noexcept { return object_; }

 private:
  bool has_started_ = false;
  bool is_object_ = false;
  std::string rewritten_{};
  CanonicalObject object_{};
};

/// The number of bytes of an object in canonical spelling; 0 for `{}`. What is wrong with it is
/// said of `member`.
Result<std::size_t> validate_object(std::string_view member, std::string_view text,
                                    std::size_t bytes_max, Error code) {
  if (text == "{}") return std::size_t{0};
  if (is_plain_object(text)) return text.size();
  std::string scratch;
  ObjectReader reader(text, bytes_max);
  std::string const name(member);
  if (auto failure = read_json(text, metadata_depth_max, scratch, reader)) {
    // As the daemon says it.
    if (failure->detail.find("\"depth_max\"") != std::string::npos) return too_deep(member);
    return invalid(member, name + " is not one JSON object: " + failure->message, code);
  }
  if (!reader.is_object()) {
    return invalid(member, name + " is " + excerpt(text) + "; it must be an object", code);
  }
  switch (reader.object().problem()) {
    case CanonicalObject::Problem::duplicate_member:
      return invalid(member,
                     name + " has two members with the name " +
                         excerpt(reader.object().problem_text()) + " in one object",
                     code);
    case CanonicalObject::Problem::not_finite:
      return invalid(member,
                     name + " holds the number " + reader.object().problem_text() +
                         ", which is outside the range of a double",
                     code);
    case CanonicalObject::Problem::too_deep:
    case CanonicalObject::Problem::none:
      break;
  }
  auto const bytes = reader.object().text().size();
  return bytes == 2 ? 0 : bytes;
}

}  // namespace

Result<void> validate_text(std::string_view member, std::string_view text) {
  auto const valid_bytes = utf8_valid_bytes(text);
  if (valid_bytes == text.size()) return {};
  return Failure(Error::bad_request,
                 std::string(member) + " is not valid UTF-8 at byte " + std::to_string(valid_bytes),
                 Detail().string("path", member).number("offset", valid_bytes).text());
}

Result<void> validate_filter(EntryFilter const& filter) {
  if (filter.min_level > Level::fatal) {
    return invalid("min_level", "min_level is no level", Error::bad_request);
  }
  if (auto text = validate_text("contains", filter.contains); !text) return text;
  if (filter.where.empty()) return {};
  auto const where = validate_object("where", filter.where, where_bytes_max, Error::bad_request);
  if (!where) return where.error();
  return {};
}

Result<void> validate_entry(LogEntry const& entry, RequestLimits const& limits) {
  if (entry.level > Level::fatal) return invalid("level", "level is no level");
  if (entry.version != entry_version) {
    return Failure(Error::unsupported_version,
                   "version is " + std::to_string(entry.version) + "; it must be 1",
                   Detail().string("path", "version").number("version_max", 1).text());
  }
  if (auto const valid_bytes = utf8_valid_bytes(entry.message);
      valid_bytes < entry.message.size()) {
    return Failure(Error::invalid_entry,
                   "message is not valid UTF-8 at byte " + std::to_string(valid_bytes),
                   Detail().string("path", "message").number("offset", valid_bytes).text());
  }
  auto const metadata_bytes =
      validate_object("metadata", entry.metadata, limits.entry_bytes_max, Error::invalid_entry);
  if (!metadata_bytes) return metadata_bytes.error();
  auto const bytes = entry.message.size() + *metadata_bytes;
  if (bytes > limits.entry_bytes_max) {
    return Failure(Error::entry_too_large,
                   "entry has " + std::to_string(bytes) +
                       " bytes of message and metadata; the limit is " +
                       std::to_string(limits.entry_bytes_max),
                   Detail()
                       .string("path", "")
                       .number("entry_bytes_max", limits.entry_bytes_max)
                       .number("entry_bytes", bytes)
                       .text());
  }
  return {};
}

}  // namespace stele::protocol

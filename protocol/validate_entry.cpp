// A client's own judgement of an entry before it is sent; see request.hpp.
#include "protocol/canonical_object.hpp"
#include "protocol/error_text.hpp"
#include "protocol/json_text.hpp"
#include "protocol/limits.hpp"
#include "protocol/plain_reader.hpp"
#include "protocol/request.hpp"

namespace stele::protocol {
namespace {

Failure invalid(std::string_view member, std::string message) {
  return Failure(Error::invalid_entry, std::move(message), Detail().string("path", member).text());
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

/// The number of bytes that count against the entry's limit.
Result<std::size_t> validate_metadata(std::string const& metadata, std::size_t bytes_max) {
  if (metadata == "{}") return std::size_t{0};
  if (is_plain_object(metadata)) return metadata.size();
  std::string scratch;
  ObjectReader reader(metadata, bytes_max);
  if (auto failure = read_json(metadata, metadata_depth_max, scratch, reader)) {
    return invalid("metadata", "metadata is not one JSON object: " + failure->message);
  }
  if (!reader.is_object()) {
    return invalid("metadata", "metadata is " + excerpt(metadata) + "; it must be an object");
  }
  switch (reader.object().problem()) {
    case CanonicalObject::Problem::duplicate_member:
      return invalid("metadata", "metadata has two members with the name " +
                                     excerpt(reader.object().problem_text()) + " in one object");
    case CanonicalObject::Problem::not_finite:
      return invalid("metadata", "metadata holds the number " + reader.object().problem_text() +
                                     ", which is outside the range of a double");
    case CanonicalObject::Problem::too_deep:
    case CanonicalObject::Problem::none:
      break;
  }
  auto const bytes = reader.object().text().size();
  return bytes == 2 ? 0 : bytes;
}

}  // namespace

Result<void> validate_entry(LogEntry const& entry, RequestLimits const& limits) {
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
  auto const metadata_bytes = validate_metadata(entry.metadata, limits.entry_bytes_max);
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

#include "protocol/entry/stored_entry_reader.hpp"

#include <charconv>
#include <limits>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/error_text.hpp"

namespace stele::protocol {
namespace {

using Kind = JsonToken::Kind;

/// Lets read_json() feed one entry that is a text of its own.
class SingleEntryReader {
 public:
  explicit SingleEntryReader(StoredEntry& entry) { reader_.start(entry); }

  void take(JsonToken const& token) {
    if (!has_started_) is_object_ = token.kind == Kind::object_begin;
    has_started_ = true;
    if (is_object_) reader_.take(token);
  }

  bool is_valid() const noexcept { return is_object_ && reader_.is_valid(); }

 private:
  bool has_started_ = false;
  bool is_object_ = false;
  StoredEntryReader reader_{};
};

}  // namespace

void StoredEntryReader::start(StoredEntry& entry) {
  entry_ = &entry;
  depth_ = 0;
  member_ = Member::none;
  in_origin_ = false;
  in_metadata_ = false;
  is_valid_ = true;
  seen_ = 0;
}

void StoredEntryReader::take(JsonToken const& token) {
  if (token.closes()) --depth_;
  if (in_metadata_) {
    metadata_.take(token);
    if (metadata_.done()) {
      in_metadata_ = false;
      entry_->metadata = metadata_text_;
    }
  } else if (token.closes()) {
    if (depth_ == 1) in_origin_ = false;
  } else if (depth_ == 1 || (depth_ == 2 && in_origin_)) {
    if (token.kind == Kind::key) {
      member_ = parse_member(token.text, depth_ == 2);
      if (member_ != Member::none) seen_ |= 1u << static_cast<unsigned>(member_);
    } else {
      take_value(token);
    }
  }
  if (token.opens()) ++depth_;
}

StoredEntryReader::Member StoredEntryReader::parse_member(std::string_view name,
                                                          bool in_origin) noexcept {
  if (in_origin) {
    if (name == "pid") return Member::pid;
    if (name == "uid") return Member::uid;
    if (name == "gid") return Member::gid;
    return Member::none;
  }
  if (name == "seq") return Member::seq;
  if (name == "timestamp") return Member::timestamp;
  if (name == "level") return Member::level;
  if (name == "message") return Member::message;
  if (name == "metadata") return Member::metadata;
  if (name == "version") return Member::version;
  if (name == "origin") return Member::origin;
  return Member::none;
}

void StoredEntryReader::take_value(JsonToken const& token) {
  if (member_ == Member::none) return;
  if (member_ != Member::metadata && member_ != Member::origin) return take_scalar(token);
  if (token.kind != Kind::object_begin) {
    is_valid_ = false;
  } else if (member_ == Member::origin) {
    in_origin_ = true;
  } else {
    in_metadata_ = true;
    metadata_text_.clear();
    metadata_.start(metadata_text_, 0);
    metadata_.take(token);
  }
}

void StoredEntryReader::take_scalar(JsonToken const& token) {
  switch (member_) {
    case Member::seq:
      return take_unsigned(token, entry_->seq);
    case Member::timestamp:
      return take_unsigned(token, entry_->timestamp);
    case Member::version:
      return take_unsigned(token, entry_->version);
    case Member::uid:
      return take_unsigned(token, entry_->origin.uid);
    case Member::gid:
      return take_unsigned(token, entry_->origin.gid);
    case Member::pid:
      return take_pid(token);
    case Member::message:
      is_valid_ = is_valid_ && token.kind == Kind::string;
      entry_->message = token.text;
      return;
    case Member::level: {
      auto const level = token.kind == Kind::string ? parse_level(token.text) : std::nullopt;
      is_valid_ = is_valid_ && level.has_value();
      entry_->level = level.value_or(Level::info);
      return;
    }
    case Member::metadata:
    case Member::origin:
    case Member::none:
      return;
  }
}

// The only signed member: 0 is a process that the daemon cannot see.
void StoredEntryReader::take_pid(JsonToken const& token) {
  auto const* const end = token.text.data() + token.text.size();
  auto const result = std::from_chars(token.text.data(), end, entry_->origin.pid);
  is_valid_ = is_valid_ && token.kind == Kind::integer && result.ec == std::errc{};
}

template <class Integer>
void StoredEntryReader::take_unsigned(JsonToken const& token, Integer& value) {
  is_valid_ = is_valid_ && token.kind == Kind::integer && !token.text.starts_with('-') &&
              token.integer <= std::numeric_limits<Integer>::max();
  value = static_cast<Integer>(token.integer);
}

Result<StoredEntry> parse_stored_entry(std::string_view text) {
  StoredEntry entry;
  std::string scratch;
  SingleEntryReader reader(entry);
  if (auto failure = read_json(text, json_depth_max, scratch, reader)) return *std::move(failure);
  if (!reader.is_valid()) {
    return Failure(Error::invalid_entry, "the text is not a stored entry: " + excerpt(text));
  }
  return entry;
}

}  // namespace stele::protocol

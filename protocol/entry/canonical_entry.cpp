#include "protocol/entry/canonical_entry.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/json/canonical_form.hpp"
#include "protocol/json/canonical_value.hpp"

namespace stele::protocol {
namespace {

using namespace canonical;

constexpr std::size_t u64_digits_max = 20;
constexpr std::size_t i32_digits_max = 11;
constexpr std::size_t level_bytes_max = 5;
constexpr std::size_t fixed_bytes_max =
    before_seq.size() + u64_digits_max + before_timestamp.size() + u64_digits_max +
    before_level.size() + level_bytes_max + before_message.size() + before_metadata.size() +
    before_pid.size() + i32_digits_max + before_uid.size() + i32_digits_max + before_gid.size() +
    i32_digits_max + after_gid.size();

char* put(char* out, std::string_view text) noexcept {
  return std::copy(text.begin(), text.end(), out);  // Unlike memcpy, also of nothing.
}

template <class Integer>
char* put_number(char* out, Integer value) noexcept {
  return std::to_chars(out, out + u64_digits_max, value).ptr;
}

template <class Integer>
std::size_t digits(Integer value) noexcept {
  std::array<char, u64_digits_max> text;
  return static_cast<std::size_t>(put_number(text.data(), value) - text.data());
}

bool skip(std::string_view& text, std::string_view piece) noexcept {
  if (!text.starts_with(piece)) return false;
  text.remove_prefix(piece.size());
  return true;
}

template <class Integer>
bool read_number(std::string_view& text, Integer& value) noexcept {
  auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  return true;
}

bool read_level(std::string_view& text, Level& level) noexcept {
  auto const name = text.substr(0, text.find('"'));
  auto const found = parse_level(name);
  if (!found) return false;
  level = *found;
  text.remove_prefix(name.size());
  return true;
}

}  // namespace

std::size_t canonical_bytes_max(EntryDraft const& draft) noexcept {
  return fixed_bytes_max + draft.message.size() + draft.metadata.size();
}

std::size_t canonical_bytes_max(EntryDraft const& draft, std::uint64_t seq,
                                Origin const& origin) noexcept {
  auto const excess = u64_digits_max - digits(seq) + 3 * i32_digits_max - digits(origin.pid) -
                      digits(origin.uid) - digits(origin.gid);
  return canonical_bytes_max(draft) - excess;
}

char* write_canonical_entry(char* out, EntryDraft const& draft, EntryStamp const& stamp) noexcept {
  out = put_number(put(out, before_seq), stamp.seq);
  out = put_number(put(out, before_timestamp), stamp.timestamp);
  out = put(put(out, before_level), to_string(draft.level));
  out = put(put(out, before_message), draft.message);
  out = put(put(out, before_metadata), draft.metadata);
  out = put_number(put(out, before_pid), stamp.origin.pid);
  out = put_number(put(out, before_uid), stamp.origin.uid);
  out = put_number(put(out, before_gid), stamp.origin.gid);
  return put(out, after_gid);
}

void append_canonical_entry(std::string& out, EntryDraft const& draft, EntryStamp const& stamp) {
  auto const start = out.size();
  out.resize(start + canonical_bytes_max(draft));
  char const* const end = write_canonical_entry(out.data() + start, draft, stamp);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

void overwrite_stamp(char* entry, std::uint64_t seq, std::string_view timestamp) noexcept {
  char* const seq_end = put_number(entry + before_seq.size(), seq);
  put(seq_end + before_timestamp.size(), timestamp);
}

std::optional<EntryKey> read_entry_key(std::string_view text) noexcept {
  EntryKey key;
  if (!skip(text, before_seq) || !read_number(text, key.seq)) return std::nullopt;
  if (!skip(text, before_timestamp) || !read_number(text, key.timestamp)) return std::nullopt;
  if (!skip(text, before_level) || !read_level(text, key.level)) return std::nullopt;
  return key;
}

std::optional<EntryBody> read_entry_body(std::string_view text) noexcept {
  auto const start = text.find(before_message);  // Digits and a level come before it.
  auto const end = text.rfind(before_pid);
  if (start == text.npos || end == text.npos || end < start) return std::nullopt;
  text = text.substr(0, end).substr(start + before_message.size());
  auto const message_bytes = string_bytes(text);
  if (message_bytes > text.size()) return std::nullopt;
  EntryBody body{text.substr(1, message_bytes - 2), text.substr(message_bytes)};
  if (!skip(body.metadata, before_metadata)) return std::nullopt;
  return body;
}

std::optional<Origin> read_entry_origin(std::string_view text) noexcept {
  Origin origin;
  auto const start = text.rfind(before_pid);
  if (start == text.npos) return std::nullopt;
  text.remove_prefix(start + before_pid.size());
  bool const is_origin = read_number(text, origin.pid) &&                            //
                         skip(text, before_uid) && read_number(text, origin.uid) &&  //
                         skip(text, before_gid) && read_number(text, origin.gid) &&  //
                         text == after_gid;
  if (!is_origin) return std::nullopt;
  return origin;
}

bool is_made_from(std::string_view text, EntryDraft const& draft) noexcept {
  auto const key = read_entry_key(text);
  auto const body = read_entry_body(text);
  return key && body && draft.timestamp.value_or(key->timestamp) == key->timestamp &&
         draft.level == key->level &&
         draft.message.substr(1, draft.message.size() - 2) == body->message &&
         draft.metadata == body->metadata;
}

}  // namespace stele::protocol

// Reads entries of the canonical form without a JSON parser. A read of a large range spends its
// time here, at the client.
#include <charconv>
#include <limits>
#include <string_view>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/json/canonical_form.hpp"
#include "protocol/text/text_cursor.hpp"
#include "protocol/text/text_scan.hpp"

namespace stele::protocol {
namespace {

class CanonicalReader : private TextCursor {
 public:
  using TextCursor::position;
  using TextCursor::take;
  using TextCursor::take_level;
  using TextCursor::take_number;
  using TextCursor::TextCursor;

  bool take_number(std::uint32_t& value) noexcept {
    std::uint64_t wide = 0;
    if (!take_number(wide) || wide > std::numeric_limits<std::uint32_t>::max()) return false;
    value = static_cast<std::uint32_t>(wide);
    return true;
  }

  bool take_number(std::int32_t& value) noexcept {
    if (at_ != end_ && *at_ == '-') return take_any_number(value);
    std::uint64_t wide = 0;
    if (!take_number(wide) || wide > std::numeric_limits<std::int32_t>::max()) return false;
    value = static_cast<std::int32_t>(wide);
    return true;
  }

  bool take_string(std::string& out) {
    if (!take('"')) return false;
    auto const* plain_end = find_byte<QuoteOrBackslash>(at_, end_);
    // Most strings are one piece; a new string takes less time than to give an old one its bytes.
    out = std::string(at_, plain_end);
    while (plain_end != end_) {
      at_ = plain_end + 1;
      if (*plain_end == '"') return true;
      if (!take_escape(out)) return false;
      plain_end = find_byte<QuoteOrBackslash>(at_, end_);
      out.append(at_, plain_end);
    }
    return false;
  }

  /// An object, without looking at its grammar.
  bool take_object(std::string& out) {
    if (at_ == end_ || *at_ != '{') return false;
    std::size_t depth = 0;
    auto const* const start = at_;
    while (at_ != end_) {
      char const c = *at_++;
      if (c == '"') {
        if (!pass_string()) return false;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        out = std::string(start, at_);
        return true;
      }
    }
    return false;
  }

 private:
  /// What follows a backslash.
  bool take_escape(std::string& out) {
    constexpr std::string_view bytes = "\"\\\b\f\n\r\t";
    if (at_ == end_) return false;
    if (auto const found = canonical::escape_letters.find(*at_); found != std::string_view::npos) {
      out += bytes[found];
      ++at_;
      return true;
    }
    unsigned char byte = 0;
    if (!take<canonical::escaped_control>() || bytes_left() < 2) return false;
    auto const result = std::from_chars(at_, at_ + 2, byte, 16);
    if (result.ptr != at_ + 2 || byte >= 0x20) return false;
    out += static_cast<char>(byte);
    at_ += 2;
    return true;
  }

  /// What follows an opening quote.
  bool pass_string() noexcept {
    for (;;) {
      at_ = find_byte<QuoteOrBackslash>(at_, end_);
      if (at_ == end_) return false;
      if (*at_++ == '"') return true;
      if (at_ == end_) return false;
      ++at_;
    }
  }
};

}  // namespace

bool read_canonical_entry(std::string_view& text, StoredEntry& entry) {
  using namespace canonical;
  CanonicalReader reader(text);
  bool const is_canonical =
      reader.take<before_seq>() && reader.take_number(entry.seq) &&              //
      reader.take<before_timestamp>() && reader.take_number(entry.timestamp) &&  //
      reader.take<before_level>() && reader.take_level(entry.level) &&           //
      reader.take<before_message>() && reader.take_string(entry.message) &&      //
      reader.take<before_metadata>() && reader.take_object(entry.metadata) &&    //
      reader.take<before_pid>() && reader.take_number(entry.origin.pid) &&       //
      reader.take<before_uid>() && reader.take_number(entry.origin.uid) &&       //
      reader.take<before_gid>() && reader.take_number(entry.origin.gid) &&       //
      reader.take<after_gid>();
  text.remove_prefix(static_cast<std::size_t>(reader.position() - text.data()));
  return is_canonical;
}

}  // namespace stele::protocol

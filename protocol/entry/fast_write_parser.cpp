#include "protocol/entry/fast_write_parser.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "protocol/json/canonical_form.hpp"
#include "protocol/limits.hpp"
#include "protocol/text/json_text.hpp"
#include "protocol/text/text_cursor.hpp"
#include "protocol/text/text_scan.hpp"

namespace stele::protocol {
namespace {

constexpr std::string_view write_log_start = R"({"op":"write_log")";
constexpr std::string_view write_many_logs_start = R"({"op":"write_many_logs")";
constexpr std::string_view id_key = R"(,"id":)";
constexpr std::string_view write_no_key = R"(,"write_no":)";
constexpr std::string_view entry_key = R"(,"entry":)";
constexpr std::string_view entries_start = R"(,"entries":[)";
constexpr std::string_view entries_end = "]}";

constexpr std::string_view timestamp_key = R"("timestamp":)";
constexpr std::string_view level_key = R"("level":")";
constexpr std::string_view message_key = R"("message":)";
constexpr std::string_view metadata_key = R"("metadata":)";
constexpr std::string_view version_member = R"("version":1)";
static_assert(entry_version == 1);

constexpr std::string_view true_literal = "true";
constexpr std::string_view false_literal = "false";
constexpr std::string_view null_literal = "null";

// More than this is for the JSON parser.
constexpr std::size_t names_max = 16;  ///< Of one object: each is compared with all before it.
constexpr std::size_t depth_max = 8;
static_assert(depth_max < metadata_depth_max);
constexpr std::ptrdiff_t number_bytes_max = 64;  ///< Without an exponent, so it is finite.

/// Between two pauses of a write that is read in parts: some 200 us. It pauses behind an entry.
constexpr std::size_t slow_bytes_max = std::size_t{128} << 10;
constexpr std::size_t pause_slow_bytes = slow_bytes_max / 2;

/// The names of one object, each in its one canonical spelling, so that equal names have equal
/// texts. Few, and most objects have fewer still: so those that are not there are not initialised.
class Names {
 public:
  /// False if it is there already, or there are too many.
  bool add(std::string_view name) noexcept {
    if (count_ == names_max) return false;
    for (std::size_t i = 0; i < count_; ++i) {
      // Behind the quote they mostly differ at once, which saves a call.
      if (names_[i].bytes == name.size() && names_[i].text[1] == name[1] &&
          std::memcmp(names_[i].text, name.data(), name.size()) == 0) {
        return false;
      }
    }
    names_[count_++] = {name.data(), name.size()};
    return true;
  }

 private:
  struct Name {
    char const* text;
    std::size_t bytes;
  };
  std::size_t count_ = 0;
  std::array<Name, names_max> names_;
};

class FastWriteParser : private TextCursor {
 public:
  using TextCursor::at_end;
  using TextCursor::bytes_left;
  using TextCursor::take;

  /// `slow_bytes`: of what is read one by one: escapes, characters that are not ASCII, and
  /// values of metadata, each of which counts as a few.
  explicit FastWriteParser(std::string_view text,
                           std::size_t slow_bytes = static_cast<std::size_t>(-1)) noexcept
      : TextCursor(text), slow_bytes_left_(slow_bytes) {}

  bool take_start(PlainWrite& write) noexcept {
    write.many = take<write_many_logs_start>();
    if (!write.many && !take<write_log_start>()) return false;
    if (take<id_key>() && !take_integer(write.id)) return false;
    if (take<write_no_key>()) {
      if (!take_integer(write.write_no)) return false;
      if (write.write_no == 0 || write.write_no > write_no_max) return false;
    }
    return write.many ? take<entries_start>() : take<entry_key>();
  }
  std::size_t slow_bytes_left() const noexcept { return slow_bytes_left_; }
  bool take_end(PlainWrite const& write) noexcept {
    return (write.many ? take<entries_end>() : take('}')) && at_end();
  }

  /// From 0 to 2^64 - 1, as JSON spells it.
  bool take_integer(std::uint64_t& value) noexcept {
    auto const* const start = at_;
    return take_number(value) && (*start != '0' || at_ == start + 1);
  }

  bool take_integer(std::string_view& text) noexcept {
    auto const* const start = at_;
    std::uint64_t value = 0;
    if (!take_integer(value)) return false;
    text = {start, at_};
    return true;
  }

  bool take_entry(EntryDraft& draft, std::size_t entry_bytes_max) noexcept {
    if (!take('{')) return false;
    draft.metadata = empty_metadata;
    unsigned seen = 0;
    std::size_t message_bytes = 0;
    do {
      auto const bit = take_member(draft, message_bytes);
      if (bit == 0 || (seen & bit) != 0) return false;
      seen |= bit;
    } while (take(','));
    auto const metadata_bytes =
        draft.metadata.size() == empty_metadata.size() ? 0 : draft.metadata.size();
    return take('}') && (seen & message_bit) != 0 &&
           message_bytes + metadata_bytes <= entry_bytes_max;
  }

  bool take_object(std::size_t depth = 1) noexcept {
    if (depth > depth_max || !take('{')) return false;
    if (take('}')) return true;
    Names names;
    std::string_view name;
    std::size_t name_bytes = 0;
    do {
      if (!take_string(name, name_bytes) || !names.add(name)) return false;
      if (!take(':') || !take_value(depth)) return false;
    } while (take(','));
    return take('}');
  }

 private:
  static constexpr unsigned message_bit = 4;
  static constexpr std::size_t value_slow_bytes = 3;

  /// The bit of the member, or 0.
  unsigned take_member(EntryDraft& draft, std::size_t& message_bytes) noexcept {
    if (bytes_left() < message_key.size()) return 0;
    switch (at_[1]) {
      case 't':
        return take<timestamp_key>() && take_integer(draft.timestamp.emplace()) ? 1 : 0;
      case 'l':
        return take<level_key>() && take_level(draft.level) && take('"') ? 2 : 0;
      case 'v':
        return take<version_member>() ? 8 : 0;
      default:
        break;
    }
    if (take<message_key>()) return take_string(draft.message, message_bytes) ? message_bit : 0;
    auto const* const start = at_ + metadata_key.size();
    if (!take<metadata_key>() || !take_object()) return 0;
    draft.metadata = {start, at_};
    return 16;
  }

  bool take_value(std::size_t depth) noexcept {
    if (at_ == end_ || slow_bytes_left_ < value_slow_bytes) return false;
    slow_bytes_left_ -= value_slow_bytes;
    std::string_view text;
    std::size_t bytes = 0;
    switch (*at_) {
      case '"':
        return take_string(text, bytes);
      case '{':
        return take_object(depth + 1);
      case '[':
        return take_array(depth + 1);
      case 't':
        return take<true_literal>();
      case 'f':
        return take<false_literal>();
      case 'n':
        return take<null_literal>();
      default:
        return take_json_number();
    }
  }

  bool take_array(std::size_t depth) noexcept {
    if (depth > depth_max || !take('[')) return false;
    if (take(']')) return true;
    do {
      if (!take_value(depth)) return false;
    } while (take(','));
    return take(']');
  }

  /// Every number keeps its digits.
  bool take_json_number() noexcept {
    auto const* const start = at_;
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    return at_ - start <= number_bytes_max;
  }

  bool take_digits() noexcept {
    auto const* const start = at_;
    while (at_ != end_ && is_digit(*at_) && at_ - start <= number_bytes_max) ++at_;
    return at_ != start;
  }

  /// `text`: with its quotes; `bytes`: of the characters between them.
  bool take_string(std::string_view& text, std::size_t& bytes) noexcept {
    auto const* const start = at_;
    if (!take('"')) return false;
    std::size_t spelling_bytes = 2;
    for (;;) {
      at_ = find_byte<NotPlain>(at_, end_);
      if (at_ == end_) return false;
      if (*at_ == '"') break;
      auto const* const slow = at_;
      if (!(*at_ == '\\' ? take_escape(spelling_bytes) : take_characters())) return false;
      auto const slow_bytes = static_cast<std::size_t>(at_ - slow);
      if (slow_bytes > slow_bytes_left_) return false;
      slow_bytes_left_ -= slow_bytes;
    }
    ++at_;
    text = {start, at_};
    bytes = text.size() - spelling_bytes;
    return true;
  }

  /// An escape of append_json_string; it adds what it is longer than the byte that it stands for.
  [[gnu::noinline]] bool take_escape(std::size_t& spelling_bytes) noexcept {
    constexpr std::string_view with_letter = "89acd";  // \u0008 and so on are spelt by letter.
    ++at_;
    if (at_ == end_) return false;
    if (canonical::escape_letters.find(*at_) != std::string_view::npos) {
      ++at_;
      spelling_bytes += 1;
      return true;
    }
    if (!take<canonical::escaped_control>() || bytes_left() < 2) return false;
    char const high = at_[0];
    char const low = at_[1];
    bool const is_hex = is_digit(low) || (low >= 'a' && low <= 'f');
    if (high == '0' ? with_letter.find(low) != with_letter.npos : high != '1') return false;
    at_ += 2;
    spelling_bytes += 5;
    return is_hex;
  }

  /// Characters of more than one byte; not a control character.
  [[gnu::noinline]] bool take_characters() noexcept {
    auto const* const start = at_;
    auto const* const slow_end =
        start + std::min(static_cast<std::size_t>(end_ - start), slow_bytes_left_);
    while (at_ < slow_end && static_cast<signed char>(*at_) < 0) {
      auto const bytes = utf8_sequence_bytes({at_, end_});
      if (bytes == 0) return false;
      at_ += bytes;
    }
    return at_ != start;
  }

  std::size_t slow_bytes_left_;
};

}  // namespace

std::optional<PlainWrite> read_plain_write(std::string_view text, std::size_t entry_bytes_max,
                                           std::vector<EntryDraft>& drafts) {
  FastWriteParser reader(text);
  PlainWrite write;
  if (!reader.take_start(write)) return std::nullopt;
  drafts.clear();
  do {
    if (!reader.take_entry(drafts.emplace_back(), entry_bytes_max)) return std::nullopt;
  } while (write.many && reader.take(','));
  if (!reader.take_end(write)) return std::nullopt;
  return write;
}

void PlainWriteReader::start(std::string_view text, std::size_t entry_bytes_max) {
  text_ = text;
  entry_bytes_max_ = entry_bytes_max;
  read_bytes_ = 0;
  begun_ = false;
  write_ = {};
}

PlainWriteReader::Status PlainWriteReader::read(std::size_t bytes,
                                                std::vector<EntryDraft>& drafts) {
  FastWriteParser reader(text_.substr(read_bytes_), slow_bytes_max);
  auto const left_at_first = reader.bytes_left();
  auto const left_at_last = left_at_first - std::min(left_at_first, bytes);
  auto status = Status::more;
  if (!std::exchange(begun_, true)) {
    if (!reader.take_start(write_)) return Status::not_plain;
    drafts.clear();
  }
  do {
    if (drafts.size() == drafts.capacity()) reserve_drafts(drafts, text_.size());
    if (!reader.take_entry(drafts.emplace_back(), entry_bytes_max_)) return Status::not_plain;
    if (write_.many && reader.take(',')) continue;
    if (!reader.take_end(write_)) return Status::not_plain;
    status = Status::done;
  } while (status == Status::more && reader.bytes_left() > left_at_last &&
           reader.slow_bytes_left() > pause_slow_bytes);
  read_bytes_ = text_.size() - reader.bytes_left();
  return status;
}

void reserve_drafts(std::vector<EntryDraft>& drafts, std::size_t text_bytes) {
  constexpr std::size_t many = 8192;
  constexpr std::size_t entry_bytes_min = std::string_view(R"({"message":""},)").size();
  if (drafts.size() >= many) drafts.reserve(text_bytes / entry_bytes_min + 1);
}

bool is_plain_object(std::string_view text) noexcept {
  FastWriteParser reader(text);
  return reader.take_object() && reader.at_end();
}

}  // namespace stele::protocol

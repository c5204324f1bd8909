// One pass over a JSON text as a stream of whole tokens, on top of Boost.JSON's basic_parser.
// basic_parser hands out strings in pieces and numbers by kind; a consumer here sees each key,
// string and number once, with the text as it was written.
#pragma once

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "stele/error.hpp"

namespace stele::protocol {

struct JsonToken {
  enum class Kind : std::uint8_t {
    object_begin,
    object_end,
    array_begin,
    array_end,
    key,
    string,
    integer,  ///< Without fraction and exponent, and within the range of int64 or uint64.
    real,     ///< Every other number, also integers of more digits than fit.
    boolean,
    null,
  };

  Kind kind = Kind::null;
  /// Keys and strings: `text` lies in the parsed text and held no escape, so that it is its own
  /// canonical spelling and stays valid as long as the parsed text. Otherwise it ends with take().
  bool verbatim = false;
  std::string_view text{};    ///< Keys and strings: unescaped. Scalars: as written.
  std::uint64_t integer = 0;  ///< The value of an integer that has no minus sign.
  double real = 0;

  bool opens() const noexcept { return kind == Kind::object_begin || kind == Kind::array_begin; }
  bool closes() const noexcept { return kind == Kind::object_end || kind == Kind::array_end; }
};

/// Why a text cannot be read, and where: nothing before `offset` is wrong.
struct JsonFault {
  boost::system::error_code code{};
  std::size_t offset = 0;
  /// So much had been taken before, so it is valid UTF-8 but for a character that ends behind it.
  std::size_t taken_bytes = 0;
};

/// Says it in words. `path`: of the member in which the fault lies, if it is to be reported.
Failure describe_bad_json(std::string_view text, JsonFault const& fault, std::size_t depth_max,
                          std::optional<std::string_view> path = std::nullopt);

/// `an object`, `"warning"`, `-1`: the token as an error message shows it.
std::string describe_token(JsonToken const& token);

/// A consumer that may find an object or array too deep before the parser does.
template <class Consumer>
concept JudgesDepth = requires(Consumer const& consumer) {
  { consumer.is_too_deep() } -> std::same_as<bool>;
};

/// basic_parser's handler.
template <class Consumer>
class JsonTokenizer {
 public:
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;

  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;
  using Kind = JsonToken::Kind;

  JsonTokenizer(std::string_view source, std::string& scratch, Consumer& consumer)
      : source_(source), scratch_(scratch), consumer_(consumer) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& error) { return open({.kind = Kind::object_begin}, error); }
  bool on_object_end(std::size_t, error_code&) { return take({.kind = Kind::object_end}); }
  bool on_array_begin(error_code& error) { return open({.kind = Kind::array_begin}, error); }
  bool on_array_end(std::size_t, error_code&) { return take({.kind = Kind::array_end}); }
  bool on_key_part(string_view piece, std::size_t, error_code&) { return take_piece(piece); }
  bool on_key(string_view piece, std::size_t total, error_code&) {
    return take_text(Kind::key, piece, total);
  }
  bool on_string_part(string_view piece, std::size_t, error_code&) { return take_piece(piece); }
  bool on_string(string_view piece, std::size_t total, error_code&) {
    return take_text(Kind::string, piece, total);
  }
  // Numbers come in parts only where the text does.
  bool on_number_part(string_view piece, error_code&) { return take_piece(piece); }
  bool on_int64(std::int64_t value, string_view text, error_code&) {
    return take_number({.kind = Kind::integer,
                        .text = {text.data(), text.size()},
                        .integer = static_cast<std::uint64_t>(value)});
  }
  bool on_uint64(std::uint64_t value, string_view text, error_code&) {
    return take_number(
        {.kind = Kind::integer, .text = {text.data(), text.size()}, .integer = value});
  }
  bool on_double(double value, string_view text, error_code&) {
    return take_number({.kind = Kind::real, .text = {text.data(), text.size()}, .real = value});
  }
  bool on_bool(bool value, error_code&) {
    return take({.kind = Kind::boolean, .text = value ? "true" : "false"});
  }
  bool on_null(error_code&) { return take({.kind = Kind::null, .text = "null"}); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

 private:
  // Forced inline, so that a consumer knows the kind of the token when it is compiled.
  [[gnu::always_inline]] bool take(JsonToken const& token) {
    consumer_.take(token);
    return true;
  }

  [[gnu::always_inline]] bool take_number(JsonToken const& token) {
    if (scratch_.empty()) return take(token);
    return take_number_of_parts(JsonToken(token));
  }

  [[gnu::noinline]] bool take_number_of_parts(JsonToken token) {
    scratch_.append(token.text);
    token.text = scratch_;
    take(token);
    scratch_.clear();
    return true;
  }

  [[gnu::always_inline]] bool open(JsonToken const& token, [[maybe_unused]] error_code& error) {
    consumer_.take(token);
    if constexpr (JudgesDepth<Consumer>) {
      if (consumer_.is_too_deep()) error = boost::json::error::too_deep;
      return !error;
    } else {
      return true;
    }
  }

  bool take_piece(string_view piece) {
    scratch_.append(piece.data(), piece.size());
    return true;
  }

  [[gnu::always_inline]] bool take_text(Kind kind, string_view piece, std::size_t total) {
    std::string_view const text(piece.data(), piece.size());
    if (text.size() == total && lies_in_source(text)) {
      return take({.kind = kind, .verbatim = true, .text = text});
    }
    return take_unescaped(kind, text);
  }

  [[gnu::noinline]] bool take_unescaped(Kind kind, std::string_view piece) {
    scratch_.append(piece);
    take({.kind = kind, .text = scratch_});
    scratch_.clear();
    return true;
  }

  // Unescaped characters come from basic_parser's own buffer.
  bool lies_in_source(std::string_view text) const {
    std::less_equal<char const*> const before;
    return before(source_.data(), text.data()) &&
           before(text.data() + text.size(), source_.data() + source_.size());
  }

  std::string_view source_;
  std::string& scratch_;
  Consumer& consumer_;
};

/// Feeds the tokens of a text, one JSON value, to `consumer.take(JsonToken const&)`, as much of it
/// at a time as its user has time for. `scratch` is working memory, kept by the caller so that it
/// need not grow again. The text and all references outlive the reader.
template <class Consumer>
class JsonReader {
 public:
  JsonReader(std::string_view text, std::size_t depth_max, std::string& scratch, Consumer& consumer)
      : text_(text), parser_(options_for(depth_max), text, scratch, consumer) {
    scratch.clear();
  }
  JsonReader(JsonReader const&) = delete;
  JsonReader& operator=(JsonReader const&) = delete;

  /// Reads the next `bytes`. Returns whether there is more to read: neither the end nor a failure
  /// has been reached.
  bool read(std::size_t bytes) {
    auto const end = read_bytes_ + std::min(bytes, text_.size() - read_bytes_);
    do {
      auto const piece = text_.substr(read_bytes_, piece_bytes(end - read_bytes_));
      part_start_ = read_bytes_;
      bool const more = piece.size() < text_.size() - read_bytes_;
      auto const taken = parser_.write_some(more, piece.data(), piece.size(), code_);
      read_bytes_ += taken;
      if (!code_.failed() && taken < piece.size()) code_ = boost::json::error::extra_data;
    } while (read_bytes_ < end && !code_.failed());
    return read_bytes_ < text_.size() && !code_.failed();
  }
  std::size_t read_bytes() const noexcept { return read_bytes_; }

  /// Where the text is malformed; the tokens before that point have been taken.
  std::optional<JsonFault> fault() const noexcept {
    if (!code_.failed()) return std::nullopt;
    return JsonFault{code_, read_bytes_, part_start_};
  }

 private:
  // Where a part ended inside of a character or an escape, Boost 1.81's parser writes what it kept
  // of that and as many bytes as its buffer has into that buffer: more than there is room for.
  static constexpr std::size_t after_cut_bytes = 1024;
  static_assert(after_cut_bytes + 4 <= BOOST_JSON_STACK_BUFFER_SIZE);

  std::size_t piece_bytes(std::size_t wanted) const noexcept {
    return is_cut(read_bytes_) ? std::min(wanted, after_cut_bytes) : wanted;
  }
  /// Whether a part that ends there may end inside of a character or an escape.
  bool is_cut(std::size_t offset) const noexcept {
    constexpr std::size_t escape_bytes = 6;
    if (offset == 0 || offset == text_.size()) return false;
    auto const start = offset - std::min(offset, escape_bytes);
    return (static_cast<unsigned char>(text_[offset]) & 0xc0) == 0x80 ||
           text_.substr(start, offset - start).find('\\') != std::string_view::npos;
  }

  static boost::json::parse_options options_for(std::size_t depth_max) noexcept {
    boost::json::parse_options options;
    options.max_depth = depth_max;
    return options;
  }

  std::string_view text_;
  boost::json::basic_parser<JsonTokenizer<Consumer>> parser_;
  std::size_t read_bytes_ = 0;
  std::size_t part_start_ = 0;
  boost::json::error_code code_{};
};

/// All of `text` at once: see JsonReader. A fault is reported as bad_json.
template <class Consumer>
std::optional<Failure> read_json(std::string_view text, std::size_t depth_max, std::string& scratch,
                                 Consumer& consumer) {
  JsonReader<Consumer> reader(text, depth_max, scratch, consumer);
  reader.read(text.size());
  auto const fault = reader.fault();
  if (!fault) return std::nullopt;
  return describe_bad_json(text, *fault, depth_max);
}

}  // namespace stele::protocol

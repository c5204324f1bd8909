#include "protocol/error_text.hpp"
#include "protocol/operations.hpp"
#include "protocol/plain_reader.hpp"
#include "protocol/request_reader.hpp"

namespace stele::protocol {
namespace {

std::string_view trim(std::string_view line) noexcept {
  constexpr std::string_view blanks = " \t\r\n";
  auto const first = line.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

Result<Request> parse_word(std::string_view word) {
  if (auto const op = parse_op(word); op && operation(*op).is_word) {
    switch (*op) {
      case Op::ping:
        return Request(Ping{});
      case Op::stats:
        return Request(Stats{});
      default:
        return Request(Help{});
    }
  }
  if (word == tail_word) {
    ReadLogs tail;
    tail.limit = tail_history_entries;
    tail.follow = true;
    return Request(tail);
  }
  return Failure(
      Error::bad_request,
      "a line is a JSON object or one of the words help, ping, stats, tail; got " + excerpt(word) +
          R"(; type for example {"op":"write_log","entry":{"message":"hello"}} or help)");
}

}  // namespace

class RequestParser::Handler {
 public:
  explicit Handler(RequestLimits limits) : limits_(limits), reader_(limits) {}

  ParsedRequest parse(std::string_view text) {
    if (drafts_.capacity() > kept_bytes_max / sizeof(EntryDraft)) drafts_ = {};
    if (auto const plain = read_plain_write(text, limits_.entry_bytes_max, drafts_)) {
      return {plain->id, Request(Write{plain->many, plain->write_no, drafts_}), true,
              plain->write_no};
    }
    return parse_json(text);
  }

 private:
  ParsedRequest parse_json(std::string_view text) {
    if (scratch_.capacity() > kept_bytes_max) scratch_ = {};
    reader_.start(text);
    if (auto failure = read_json(text, json_depth_max, scratch_, reader_)) {
      return {reader_.id(), *std::move(failure), reader_.is_write(), reader_.write_no()};
    }
    auto request = reader_.finish();
    return {reader_.id(), std::move(request), reader_.is_write(), reader_.write_no()};
  }

  RequestLimits limits_;
  std::vector<EntryDraft> drafts_{};  ///< Of a plain write.
  RequestReader reader_;
  std::string scratch_{};  ///< Unescaped strings.
};

RequestParser::RequestParser(RequestLimits limits) : handler_(std::make_unique<Handler>(limits)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

ParsedRequest RequestParser::parse(std::string_view text) { return handler_->parse(text); }

ParsedRequest RequestParser::parse_line(std::string_view line) {
  auto const trimmed = trim(line);
  // A byte order mark before an object is judged as JSON, where the message explains it.
  if (trimmed.starts_with('{') || trimmed.starts_with("\xEF\xBB\xBF")) return parse(line);
  return {{}, parse_word(trimmed)};
}

}  // namespace stele::protocol

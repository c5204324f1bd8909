#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/entry/fast_write_parser.hpp"
#include "protocol/json/fault_place.hpp"
#include "protocol/limits.hpp"
#include "protocol/request/operations.hpp"
#include "protocol/request/request_reader.hpp"
#include "protocol/text/error_text.hpp"

namespace stele::protocol {
namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trim(std::string_view line) noexcept {
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
  return Failure(Error::bad_request,
                 "a line is a JSON object or one of the words help, ping, stats, tail; got " +
                     excerpt(word) +
                     R"(; type for example {"op":"write_log","entry":{"message":"hello"}} or help)",
                 Detail().string("path", "").text());
}

}  // namespace

class RequestParser::Handler {
 public:
  explicit Handler(RequestLimits limits) : limits_(limits), reader_(limits, drafts_) {}
  Handler(Handler const&) = delete;
  Handler& operator=(Handler const&) = delete;

  ParsedRequest parse(std::string_view text) {
    give_back_memory();
    if (auto const plain = read_plain_write(text, limits_.entry_bytes_max, drafts_)) {
      return plain_request(*plain);
    }
    return parse_json(text);
  }

  void start(std::string_view text) {
    text_ = text;
    json_.reset();
    is_read_ = false;
    is_plain_ = true;
    plain_.start(text, limits_.entry_bytes_max);
  }

  bool is_plain() const noexcept { return is_plain_; }

  std::size_t read(std::size_t bytes) {
    if (!is_plain_) {
      auto const before = json_->read_bytes();
      is_read_ = !json_->read(bytes);
      return json_->read_bytes() - before;
    }
    auto const before = plain_.read_bytes();
    auto const status = plain_.read(bytes, drafts_);
    if (status == PlainWriteReader::Status::not_plain) {
      is_plain_ = false;
      reader_.start(text_);
      json_.emplace(text_, json_depth_max, scratch_, reader_);
      return std::min(bytes, text_.size() - before);
    }
    is_read_ = status == PlainWriteReader::Status::done;
    return plain_.read_bytes() - before;
  }

  std::optional<ParsedRequest> finish() {
    if (!is_read_) return std::nullopt;
    if (is_plain_) return plain_request(plain_.write());
    return json_request(text_, json_->fault());
  }

  void forget() {
    json_.reset();
    reader_.start({});
  }

  void give_back_memory() {
    give_back(scratch_);
    give_back(drafts_);
    reader_.give_back_memory();
  }

  std::size_t memory_bytes() const noexcept {
    return scratch_.capacity() + drafts_.capacity() * sizeof(EntryDraft) + reader_.memory_bytes();
  }

 private:
  ParsedRequest plain_request(PlainWrite const& write) const {
    return {write.id, Request(Write{write.many, write.write_no, drafts_}), true, write.write_no,
            true};
  }

  ParsedRequest json_request(std::string_view text, std::optional<JsonFault> const& fault) {
    if (fault) {
      return {reader_.id(), reader_.describe(text, *fault), reader_.is_write(), reader_.write_no()};
    }
    auto request = reader_.finish();
    return {reader_.id(), std::move(request), reader_.is_write(), reader_.write_no()};
  }

  ParsedRequest parse_json(std::string_view text) {
    reader_.start(text);
    JsonReader<RequestReader> json(text, json_depth_max, scratch_, reader_);
    json.read(text.size());
    return json_request(text, json.fault());
  }

  RequestLimits limits_;
  std::vector<EntryDraft> drafts_{};  ///< Of a write.
  RequestReader reader_;
  std::string scratch_{};  ///< Unescaped strings.

  // Of a request that is read in parts.
  std::string_view text_{};
  PlainWriteReader plain_{};
  std::optional<JsonReader<RequestReader>> json_{};
  bool is_plain_ = true;
  bool is_read_ = false;
};

RequestParser::RequestParser(RequestLimits limits) : handler_(std::make_unique<Handler>(limits)) {}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

ParsedRequest RequestParser::parse(std::string_view text) { return handler_->parse(text); }

ParsedRequest RequestParser::parse_line(std::string_view line) {
  if (is_json(line)) return parse(line);
  return {{}, parse_word(trim(line))};
}

bool RequestParser::is_json(std::string_view line) noexcept {
  // A line of nothing but blanks at its start is left to the JSON parser, which says where it is.
  constexpr std::size_t blanks_max = 4096;
  auto const first = line.substr(0, blanks_max).find_first_not_of(blanks);
  if (first == std::string_view::npos) return true;
  // A byte order mark before an object is judged as JSON, where the message explains it.
  auto const text = line.substr(first);
  return text.starts_with('{') || text.starts_with("\xEF\xBB\xBF");
}

void RequestParser::start(std::string_view text) { handler_->start(text); }
bool RequestParser::is_plain() const noexcept { return handler_->is_plain(); }
std::size_t RequestParser::read(std::size_t bytes) { return handler_->read(bytes); }
std::optional<ParsedRequest> RequestParser::finish() { return handler_->finish(); }
void RequestParser::forget() { handler_->forget(); }
void RequestParser::give_back_memory() { handler_->give_back_memory(); }
std::size_t RequestParser::memory_bytes() const noexcept { return handler_->memory_bytes(); }

}  // namespace stele::protocol

// Whatever the request: no exception, a reply that a client can parse, entries whose stored form
// means the same to the canonical reader and to the JSON parser; and a write that is read without
// the JSON parser is what that parser would have made of it.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"

using namespace stele::protocol;

constexpr RequestLimits limits{.entry_bytes_max = 200};

namespace {

std::vector<std::string> stored_texts(Write const& write) {
  std::vector<std::string> texts;
  for (auto const& draft : write.entries) {
    append_canonical_entry(texts.emplace_back(), draft, {1, draft.timestamp.value_or(0), {}});
  }
  return texts;
}

/// A blank before it makes a request one for the JSON parser, and means nothing.
void compare_with_json(std::string_view text, ParsedRequest const& parsed) {
  static RequestParser parser(limits);
  auto const spaced = ' ' + std::string(text);
  auto const by_json = parser.parse(spaced);
  if (parsed.id != by_json.id || parsed.is_write != by_json.is_write ||
      parsed.write_no != by_json.write_no ||
      parsed.request.has_value() != by_json.request.has_value()) {
    std::abort();
  }
  if (!parsed.request) {
    if (parsed.request.error().code != by_json.request.error().code) std::abort();
    return;
  }
  auto const* const write = std::get_if<Write>(&*parsed.request);
  if (write == nullptr) return;
  auto const& other = std::get<Write>(*by_json.request);
  if (write->many != other.many || stored_texts(*write) != stored_texts(other)) std::abort();
}

/// Read in parts, as a large request is, it is the same request.
void compare_with_parts(std::string_view text, ParsedRequest const& parsed) {
  static RequestParser parser(limits);
  std::size_t const part_bytes = 1 + text.size() % 13;
  parser.start(text);
  std::optional<ParsedRequest> in_parts;
  while (!in_parts) {
    parser.read(part_bytes);
    in_parts = parser.finish();
  }
  if (parsed.id != in_parts->id || parsed.write_no != in_parts->write_no ||
      parsed.request.has_value() != in_parts->request.has_value()) {
    std::abort();
  }
  if (!parsed.request) {
    if (parsed.request.error().code != in_parts->request.error().code) std::abort();
    return;
  }
  auto const* const write = std::get_if<Write>(&*parsed.request);
  if (write == nullptr) return;
  if (stored_texts(*write) != stored_texts(std::get<Write>(*in_parts->request))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static RequestParser parser(limits);
  std::string_view const input(reinterpret_cast<char const*>(data), size);
  auto const parsed = parser.parse_line(input);
  if (input.starts_with('{')) {
    compare_with_json(input, parsed);
    compare_with_parts(input, parsed);
  }
  std::string reply;
  if (!parsed.request) {
    append_failure(reply, parsed.id, parsed.request.error());
    if (!parse_reply(reply).has_value()) std::abort();
    return 0;
  }
  auto const* const write = std::get_if<Write>(&*parsed.request);
  if (write == nullptr) return 0;
  for (auto const& text : stored_texts(*write)) {
    auto const stored = parse_stored_entry(text);
    stele::StoredEntry read;
    std::string_view rest = text;
    if (!stored || !read_canonical_entry(rest, read) || !rest.empty()) std::abort();
    if (*stored != read) std::abort();
  }
  return 0;
}

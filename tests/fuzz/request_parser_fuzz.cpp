// Whatever the request: no exception, a reply that a client can parse, and entries whose stored
// form means the same to the canonical reader and to the JSON parser.
#include <cstdlib>
#include <string>

#include "protocol/canonical_entry.hpp"
#include "protocol/reply.hpp"
#include "protocol/request.hpp"

using namespace stele::protocol;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static RequestParser parser({.entry_bytes_max = 200});
  auto const parsed = parser.parse_line({reinterpret_cast<char const*>(data), size});
  std::string reply;
  if (!parsed.request) {
    append_failure(reply, parsed.id, parsed.request.error());
    if (!parse_reply(reply).has_value()) std::abort();
    return 0;
  }
  auto const* const write = std::get_if<Write>(&*parsed.request);
  if (write == nullptr) return 0;
  for (auto const& draft : write->entries) {
    std::string text;
    append_canonical_entry(text, draft, {1, draft.timestamp.value_or(0), {}});
    auto const stored = parse_stored_entry(text);
    stele::StoredEntry read;
    std::string_view rest = text;
    if (!stored || !read_canonical_entry(rest, read) || !rest.empty()) std::abort();
    if (*stored != read) std::abort();
  }
  return 0;
}

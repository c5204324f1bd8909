// Metadata against Boost.JSON's DOM: what we take, it takes, and the canonical text means the same
// and is its own canonical text; what only we refuse, we refuse for a reason of ours.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/limits.hpp"
#include "protocol/request/request.hpp"

using namespace stele::protocol;
namespace json = boost::json;

namespace {

std::string request_with(std::string_view metadata) {
  std::string text = R"({"op":"write_log","entry":{"message":"m","metadata":)";
  return text.append(metadata).append("}}");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static RequestParser parser;
  std::string_view const metadata(reinterpret_cast<char const*>(data), size);
  auto const text = request_with(metadata);
  auto const parsed = parser.parse(text);
  json::parse_options options;
  options.max_depth = json_depth_max;
  boost::system::error_code error;
  auto const dom = json::parse(text, error, {}, options);
  if (!parsed.request) {
    auto const code = parsed.request.error().code;
    bool const only_ours = !error && code == stele::Error::bad_json;
    // Metadata has less depth left than the text as a whole: that is told as an invalid entry.
    if (only_ours) std::abort();
    return 0;
  }
  if (error) std::abort();
  auto const* const write = std::get_if<Write>(&*parsed.request);
  // The text of the metadata may end it, and go on with members of the request.
  if (write == nullptr || write->entries.size() != 1) return 0;
  auto const* const entry = dom.as_object().if_contains("entry");
  if (entry == nullptr || !entry->as_object().contains("metadata")) return 0;
  std::string const canonical(write->entries.front().metadata);
  auto const again = json::parse(canonical, error, {}, options);
  if (error || again != entry->as_object().at("metadata")) std::abort();
  auto const repeated = request_with(canonical);
  auto const reparsed = parser.parse(repeated);
  if (!reparsed.request) std::abort();
  if (std::get<Write>(*reparsed.request).entries.front().metadata != canonical) std::abort();
  return 0;
}

#include "stele/utf8.hpp"

#include "protocol/text/json_text.hpp"

namespace stele {

std::size_t append_as_utf8(std::string& out, std::string_view text) {
  std::size_t replaced = 0;
  for (;;) {
    auto const valid = protocol::utf8_valid_bytes(text);
    out += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) return replaced;
    out += "\xef\xbf\xbd";
    ++replaced;
    text.remove_prefix(1);
  }
}

}  // namespace stele

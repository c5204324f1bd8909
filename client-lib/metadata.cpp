#include "stele/metadata.hpp"

#include <charconv>
#include <cmath>

#include "protocol/json_text.hpp"
#include "stele/utf8.hpp"

namespace stele {
namespace {

void append_text(std::string& out, std::string_view text) {
  if (protocol::is_utf8(text)) return protocol::append_json_string(out, text);
  std::string replaced;
  append_as_utf8(replaced, text);
  protocol::append_json_string(out, replaced);
}

}  // namespace

void Metadata::start(std::string_view name) {
  members_ += members_.empty() ? '{' : ',';
  append_text(members_, name);
  members_ += ':';
}

Metadata& Metadata::add(std::string_view name, std::string_view value) {
  start(name);
  append_text(members_, value);
  return *this;
}

Metadata& Metadata::add(std::string_view name, double value) {
  start(name);
  if (!std::isfinite(value)) {
    members_ += "null";
    return *this;
  }
  char digits[32];
  members_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  return *this;
}

Metadata& Metadata::add(std::string_view name, bool value) {
  start(name);
  members_ += value ? "true" : "false";
  return *this;
}

Metadata& Metadata::add(std::string_view name, Metadata const& value) {
  auto const text = value.text();  // It may be this object.
  start(name);
  members_ += text;
  return *this;
}

Metadata& Metadata::add_signed(std::string_view name, std::int64_t value) {
  start(name);
  protocol::append_json_number(members_, value);
  return *this;
}

Metadata& Metadata::add_unsigned(std::string_view name, std::uint64_t value) {
  start(name);
  protocol::append_json_number(members_, value);
  return *this;
}

}  // namespace stele

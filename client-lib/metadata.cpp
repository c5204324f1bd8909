#include "stele/metadata.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <utility>

#include "protocol/text/json_text.hpp"
#include "stele/utf8.hpp"

namespace stele {
namespace {

namespace json = boost::json;

void append_text(std::string& out, std::string_view text) {
  if (protocol::is_utf8(text)) return protocol::append_json_string(out, text);
  std::string replaced;
  append_as_utf8(replaced, text);
  protocol::append_json_string(out, replaced);
}

template <class Number>
void append_shortest(std::string& out, Number value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace

Metadata& Metadata::add_made(std::string_view name, std::string_view value) {
  members_ += members_.empty() ? '{' : ',';
  append_text(members_, name);
  members_ += ':';
  members_ += value;
  return *this;
}

void Metadata::put_text(std::string_view value) { append_text(members_, value); }

void Metadata::put_c_string(char const* value) {
  if (value == nullptr) {
    members_ += "null";
  } else {
    append_text(members_, value);
  }
}

void Metadata::put_float(float value) { append_shortest(members_, value); }
void Metadata::put_double(double value) { append_shortest(members_, value); }

void Metadata::put_signed(std::int64_t value) { protocol::append_json_number(members_, value); }

void Metadata::put_unsigned(std::uint64_t value) { protocol::append_json_number(members_, value); }

struct MetadataReader::Value {
  json::object members{};

  json::value const* find(std::string_view name) const {
    return members.if_contains({name.data(), name.size()});
  }
};

MetadataReader::MetadataReader(std::shared_ptr<Value const> value) noexcept
    : value_(std::move(value)) {}

Result<MetadataReader> MetadataReader::parse(std::string_view text) {
  boost::system::error_code error;
  auto parsed = json::parse({text.data(), text.size()}, error);
  if (error || !parsed.is_object()) {
    return Failure{Error::invalid_entry, "the metadata is not the text of a JSON object"};
  }
  return MetadataReader{std::make_shared<Value const>(Value{std::move(parsed.get_object())})};
}

std::vector<std::string> MetadataReader::names() const {
  std::vector<std::string> names;
  for (auto const& member : value_->members) names.emplace_back(member.key());
  return names;
}

bool MetadataReader::has(std::string_view name) const { return value_->find(name) != nullptr; }

std::optional<std::string> MetadataReader::text(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_string()) return std::nullopt;
  return std::string{found->get_string()};
}

std::optional<std::int64_t> MetadataReader::integer(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_int64()) return std::nullopt;
  return found->get_int64();
}

std::optional<std::uint64_t> MetadataReader::unsigned_integer(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_uint64()) return found->get_uint64();
  if (!found->is_int64() || found->get_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(found->get_int64());
}

std::optional<double> MetadataReader::number(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

std::optional<bool> MetadataReader::boolean(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_bool()) return std::nullopt;
  return found->get_bool();
}

std::optional<MetadataReader> MetadataReader::object(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  return MetadataReader{std::make_shared<Value const>(Value{found->get_object()})};
}

std::optional<MetadataReader> MetadataReader::array(std::string_view name) const {
  auto const* found = value_->find(name);
  if (found == nullptr || !found->is_array()) return std::nullopt;
  Value elements;
  for (auto const& element : found->get_array()) {
    elements.members.emplace(std::to_string(elements.members.size()), element);
  }
  return MetadataReader{std::make_shared<Value const>(std::move(elements))};
}

}  // namespace stele

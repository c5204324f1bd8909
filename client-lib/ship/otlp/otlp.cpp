#include "client-lib/ship/otlp/otlp.hpp"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <limits>

#include "client-lib/ship/otlp/protobuf.hpp"

namespace stele::ship {
namespace {

namespace json = boost::json;

/// Field numbers of the published schema. They never change.
namespace field {
constexpr std::uint32_t request_resource_logs = 1;
constexpr std::uint32_t resource_logs_resource = 1;
constexpr std::uint32_t resource_logs_scope_logs = 2;
constexpr std::uint32_t resource_attributes = 1;
constexpr std::uint32_t scope_logs_scope = 1;
constexpr std::uint32_t scope_logs_records = 2;
constexpr std::uint32_t scope_name = 1;
constexpr std::uint32_t record_time = 1;
constexpr std::uint32_t record_severity = 2;
constexpr std::uint32_t record_severity_text = 3;
constexpr std::uint32_t record_body = 5;
constexpr std::uint32_t record_attributes = 6;
constexpr std::uint32_t record_trace_id = 9;
constexpr std::uint32_t record_span_id = 10;
constexpr std::uint32_t record_observed_time = 11;
constexpr std::uint32_t key = 1;
constexpr std::uint32_t value = 2;
constexpr std::uint32_t value_string = 1;
constexpr std::uint32_t value_bool = 2;
constexpr std::uint32_t value_int = 3;
constexpr std::uint32_t value_double = 4;
constexpr std::uint32_t value_array = 5;
constexpr std::uint32_t value_members = 6;
constexpr std::uint32_t list_values = 1;
constexpr std::uint32_t response_partial_success = 1;
constexpr std::uint32_t partial_rejected = 1;
constexpr std::uint32_t partial_message = 2;
}  // namespace field

constexpr std::size_t trace_id_digits = 32;
constexpr std::size_t span_id_digits = 16;
constexpr std::uint64_t gap_severity = 13;  // WARN

std::uint64_t severity_of(Level level) noexcept {
  constexpr std::array<std::uint64_t, 6> numbers{1, 5, 9, 13, 17, 21};
  return numbers[static_cast<std::size_t>(level)];
}

/// 0, unknown, where nanoseconds do not reach.
std::uint64_t nanoseconds_of(std::uint64_t us) noexcept {
  return us > std::numeric_limits<std::uint64_t>::max() / 1000 ? 0 : us * 1000;
}

std::string_view view_of(json::string_view text) noexcept { return {text.data(), text.size()}; }

void append_key_value(std::string& out, std::uint32_t in_field, std::string_view key,
                      std::string_view any_value) {
  std::string pair;
  append_bytes_field(pair, field::key, key);
  append_bytes_field(pair, field::value, any_value);
  append_bytes_field(out, in_field, pair);
}

std::string string_value(std::string_view text) {
  std::string value;
  append_bytes_field(value, field::value_string, text);
  return value;
}

std::string int_value(std::uint64_t number) {
  std::string value;
  append_varint_field(value, field::value_int, number);
  return value;
}

std::string any_value(json::value const& given) {
  std::string out;
  switch (given.kind()) {
    case json::kind::null:
      break;
    case json::kind::bool_:
      append_varint_field(out, field::value_bool, given.get_bool() ? 1 : 0);
      break;
    case json::kind::int64:
      append_varint_field(out, field::value_int, static_cast<std::uint64_t>(given.get_int64()));
      break;
    case json::kind::uint64:  // Above what an int takes: its digits.
      append_bytes_field(out, field::value_string, std::to_string(given.get_uint64()));
      break;
    case json::kind::double_:
      append_double_field(out, field::value_double, given.get_double());
      break;
    case json::kind::string:
      append_bytes_field(out, field::value_string, view_of(given.get_string()));
      break;
    case json::kind::array: {
      std::string list;
      for (auto const& item : given.get_array()) {
        append_bytes_field(list, field::list_values, any_value(item));
      }
      append_bytes_field(out, field::value_array, list);
      break;
    }
    case json::kind::object: {
      std::string list;
      for (auto const& member : given.get_object()) {
        append_key_value(list, field::list_values, view_of(member.key()),
                         any_value(member.value()));
      }
      append_bytes_field(out, field::value_members, list);
      break;
    }
  }
  return out;
}

/// The bytes of an id, if this is one of this many hex digits and not all zero.
std::optional<std::string> id_bytes(json::value const& given, std::size_t digits) {
  if (!given.is_string() || given.get_string().size() != digits) return std::nullopt;
  std::string bytes;
  bool is_zero = true;
  for (std::size_t i = 0; i < digits; i += 2) {
    unsigned byte = 0;
    for (auto const digit : view_of(given.get_string()).substr(i, 2)) {
      auto const at = std::string_view("0123456789abcdef").find(digit);
      auto const upper = std::string_view("0123456789ABCDEF").find(digit);
      if (at == std::string_view::npos && upper == std::string_view::npos) return std::nullopt;
      byte = byte << 4 | static_cast<unsigned>(at != std::string_view::npos ? at : upper);
    }
    is_zero = is_zero && byte == 0;
    bytes += static_cast<char>(byte);
  }
  if (is_zero) return std::nullopt;
  return bytes;
}

void append_attributes(std::string& record, std::string const& metadata) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 64;  // The data model allows 32.
  auto const parsed = json::parse(metadata, error, {}, options);
  if (error.failed() || !parsed.is_object()) return;
  for (auto const& member : parsed.get_object()) {
    auto const name = view_of(member.key());
    auto const trace = name == "trace_id" ? id_bytes(member.value(), trace_id_digits)
                                          : std::optional<std::string>();
    auto const span =
        name == "span_id" ? id_bytes(member.value(), span_id_digits) : std::optional<std::string>();
    if (trace) {
      append_bytes_field(record, field::record_trace_id, *trace);
    } else if (span) {
      append_bytes_field(record, field::record_span_id, *span);
    } else {
      append_key_value(record, field::record_attributes, name, any_value(member.value()));
    }
  }
}

}  // namespace

void OtlpFormat::append_entry(std::string& out, StoredEntry const& entry) const {
  std::string record;
  auto const time = nanoseconds_of(entry.timestamp);
  append_fixed64_field(record, field::record_time, time);
  append_fixed64_field(record, field::record_observed_time, time);
  append_varint_field(record, field::record_severity, severity_of(entry.level));
  append_bytes_field(record, field::record_severity_text, to_string(entry.level));
  append_bytes_field(record, field::record_body, string_value(entry.message));
  append_attributes(record, entry.metadata);
  auto const append_attribute = [&](std::string_view name, std::string const& value) {
    append_key_value(record, field::record_attributes, name, value);
  };
  append_attribute("stele.store", string_value(store_));
  append_attribute("stele.seq", int_value(entry.seq));
  append_attribute("process.pid", int_value(static_cast<std::uint64_t>(entry.origin.pid)));
  append_attribute("stele.uid", int_value(entry.origin.uid));
  append_attribute("stele.gid", int_value(entry.origin.gid));
  append_bytes_field(out, field::scope_logs_records, record);
}

void OtlpFormat::append_gap(std::string& out, MissingEntries const& missing) const {
  std::string record;
  append_varint_field(record, field::record_severity, gap_severity);
  append_bytes_field(record, field::record_severity_text, "warn");
  auto const text = "entries " + std::to_string(missing.first_seq) + " to " +
                    std::to_string(missing.last_seq) +
                    " are not here: " + std::string(missing.reason);
  append_bytes_field(record, field::record_body, string_value(text));
  auto const append_attribute = [&](std::string_view name, std::string const& value) {
    append_key_value(record, field::record_attributes, name, value);
  };
  append_attribute("stele.store", string_value(store_));
  append_attribute("stele.gap.first_seq", int_value(missing.first_seq));
  append_attribute("stele.gap.last_seq", int_value(missing.last_seq));
  append_attribute("stele.gap.reason", string_value(missing.reason));
  append_bytes_field(out, field::scope_logs_records, record);
}

std::string otlp_request(std::string_view records, std::string_view host, std::string_view store) {
  std::string resource;
  append_key_value(resource, field::resource_attributes, "host.name", string_value(host));
  append_key_value(resource, field::resource_attributes, "stele.store", string_value(store));
  std::string scope;
  append_bytes_field(scope, field::scope_name, "stele");
  std::string scope_logs;
  append_bytes_field(scope_logs, field::scope_logs_scope, scope);
  scope_logs += records;
  std::string resource_logs;
  append_bytes_field(resource_logs, field::resource_logs_resource, resource);
  append_bytes_field(resource_logs, field::resource_logs_scope_logs, scope_logs);
  std::string request;
  append_bytes_field(request, field::request_resource_logs, resource_logs);
  return request;
}

PartialSuccess partial_success_in(std::string_view response) {
  PartialSuccess found;
  ProtobufReader outer(response);
  while (outer.next()) {
    if (outer.field() != field::response_partial_success) continue;
    ProtobufReader inner(outer.bytes());
    while (inner.next()) {
      if (inner.field() == field::partial_rejected) found.rejected = inner.number();
      if (inner.field() == field::partial_message) found.message = std::string(inner.bytes());
    }
  }
  return found;
}

}  // namespace stele::ship

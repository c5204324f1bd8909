#include "client-lib/cli/output/journal_export.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <string_view>

namespace stele::cli {
namespace {

constexpr std::size_t field_name_bytes_max = 64;

// syslog's.
int priority_of(Level level) noexcept {
  switch (level) {
    case Level::trace:
    case Level::debug:
      return 7;
    case Level::info:
      return 6;
    case Level::warn:
      return 4;
    case Level::error:
      return 3;
    case Level::fatal:
      return 2;
  }
  return 6;
}

// A value with a line break or a control character is written with its length.
bool is_plain(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  if (is_plain(value)) {
    out += '=';
    out += value;
  } else {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) {
      out += static_cast<char>((std::uint64_t{value.size()} >> shift) & 0xffU);
    }
    out += value;
  }
  out += '\n';
}

// Names are A-Z, 0-9 and _, and begin with a letter: those that begin with _ are the journal's own.
std::string field_name(std::string_view member) {
  std::string name;
  for (char const c : member) {
    if (c >= 'a' && c <= 'z') {
      name += static_cast<char>(c - 'a' + 'A');
    } else {
      bool const fits = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      name += fits ? c : '_';
    }
  }
  bool const valid = !name.empty() && name.front() >= 'A' && name.front() <= 'Z' &&
                     name.size() <= field_name_bytes_max && name != "MESSAGE" &&
                     name != "PRIORITY" && !name.starts_with("STELE_");
  return valid ? name : std::string{};
}

void append_metadata(std::string& out, std::string_view metadata) {
  boost::system::error_code ec;
  auto const parsed = boost::json::parse({metadata.data(), metadata.size()}, ec);
  if (ec.failed() || !parsed.is_object()) return;
  bool some_left = false;
  for (auto const& member : parsed.get_object()) {
    auto const name = field_name({member.key().data(), member.key().size()});
    if (name.empty()) {
      some_left = true;
    } else if (member.value().is_string()) {
      auto const& text = member.value().get_string();
      append_field(out, name, {text.data(), text.size()});
    } else {
      append_field(out, name, boost::json::serialize(member.value()));
    }
  }
  if (some_left) append_field(out, "STELE_METADATA", metadata);
}

}  // namespace

void append_journal_export(std::string& out, StoredEntry const& entry) {
  append_field(out, "__REALTIME_TIMESTAMP", std::to_string(entry.timestamp));
  append_field(out, "MESSAGE", entry.message);
  append_field(out, "PRIORITY", std::to_string(priority_of(entry.level)));
  append_field(out, "_PID", std::to_string(entry.origin.pid));
  append_field(out, "_UID", std::to_string(entry.origin.uid));
  append_field(out, "_GID", std::to_string(entry.origin.gid));
  append_field(out, "STELE_SEQ", std::to_string(entry.seq));
  append_field(out, "STELE_LEVEL", to_string(entry.level));
  append_metadata(out, entry.metadata);
  out += '\n';
}

}  // namespace stele::cli

#include "client-lib/cli/read/audit_text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cstdint>
#include <cstdio>

#include "client-lib/cli/terminal/terminal_text.hpp"
#include "client-lib/json_number.hpp"

namespace stele::cli {
namespace {

/// Of a member that is missing: 0.
std::uint64_t number(boost::json::object const& object, char const* name) {
  return client::number_of(object.if_contains(name)).value_or(0);
}

std::string_view text(boost::json::object const& object, char const* name) {
  auto const* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

std::string seqs(std::uint64_t first, std::uint64_t last) {
  if (first == last) return "seq " + std::to_string(first);
  return "seqs " + std::to_string(first) + "…" + std::to_string(last);
}

std::string member_text(boost::json::object const& object, char const* name) {
  return ", " + std::to_string(number(object, name)) + ' ' + name;
}

void append_gap(std::string& out, boost::json::object const& gap) {
  auto const reason = text(gap, "reason");
  if (reason == "expired") return;
  if (reason == "dropped_by_client") {
    out += "  before seq " + std::to_string(number(gap, "before_seq")) + ": " +
           std::to_string(number(gap, "count")) + " dropped by ";
    auto const writer = text(gap, "writer");
    if (writer.empty()) {
      out += "a client";
    } else {
      out += "writer ";
      append_visible(out, writer);
    }
    out += '\n';
    return;
  }
  char name[32];
  std::snprintf(name, sizeof name, "wal-%016llx.seg",
                static_cast<unsigned long long>(number(gap, "segment_no")));
  out += "  " + seqs(number(gap, "first_seq"), number(gap, "last_seq")) + ' ';
  append_visible(out, reason);
  out += std::string(": ") + name + " at offset " + std::to_string(number(gap, "offset"));
  auto const* known = gap.if_contains("acknowledged");
  if (known != nullptr && known->is_bool() && known->get_bool()) out += ", acknowledged";
  out += '\n';
}

}  // namespace

AuditText audit_text(std::string_view json) {
  boost::system::error_code ec;
  auto const value = boost::json::parse({json.data(), json.size()}, ec);
  auto const* audit = ec.failed() ? nullptr : value.if_object();
  auto const* complete = audit == nullptr ? nullptr : audit->if_contains("complete");
  if (complete == nullptr || !complete->is_bool()) return {.text = std::string{json} + '\n'};

  // What has expired lies at the beginning.
  auto const first = number(*audit, "first_seq") + number(*audit, "expired");
  auto const last = number(*audit, "last_seq");
  auto const known = number(*audit, "acknowledged");
  bool const all_known = number(*audit, "damaged") == known && number(*audit, "unexplained") == 0;
  AuditText result{.lossless =
                       (complete->get_bool() || all_known) && number(*audit, "dropped") == 0};
  auto& out = result.text;
  out = first > last ? "no seqs:" : seqs(first, last);
  out += complete->get_bool() ? " complete" : " not complete";
  for (auto const* member : {"expired", "damaged", "torn", "dropped"}) {
    out += member_text(*audit, member);
    if (std::string_view(member) == "damaged" && known > 0) {
      out += " (" + std::to_string(known) + " acknowledged)";
    }
  }
  if (number(*audit, "unexplained") > 0) out += member_text(*audit, "unexplained");
  out += '\n';
  auto const* gaps = audit->if_contains("gaps");
  if (gaps == nullptr || !gaps->is_array()) return result;
  for (auto const& gap : gaps->get_array()) {
    if (gap.is_object()) append_gap(out, gap.get_object());
  }
  if (auto const omitted = number(*audit, "gaps_omitted"); omitted > 0) {
    out += "  and " + std::to_string(omitted) + " more\n";
  }
  return result;
}

}  // namespace stele::cli

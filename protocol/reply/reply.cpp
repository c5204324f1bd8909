#include "protocol/reply/reply.hpp"

#include <utility>

#include "protocol/request/operations.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

void append_start(std::string& out, std::string_view id, bool ok) {
  out += '{';
  if (!id.empty()) {
    out += R"("id":)";
    out += id;
    out += ',';
  }
  out += ok ? R"("ok":true)" : R"("ok":false)";
}

}  // namespace

Error travelling(boost::system::error_code const& code) noexcept {
  if (code.category() != error_category()) return Error::internal;
  return static_cast<Error>(code.value());
}

namespace {

/// `,"name":["one","two"]`
void append_names(std::string& out, std::string_view name, MemberBits members) {
  out += ",\"";
  out += name;
  out += "\":[";
  bool first = true;
  for (auto const member : member_names(members)) {
    if (!std::exchange(first, false)) out += ',';
    append_json_string(out, member);
  }
  out += ']';
}

}  // namespace

void append_ok_start(std::string& out, std::string_view id) { append_start(out, id, true); }

void append_ok(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  out += '}';
}

void append_write_log_reply(std::string& out, std::string_view id, WrittenSeqs const& written) {
  append_ok_start(out, id);
  out += R"(,"seq":)";
  append_json_number(out, written.first);
  out += written.dup ? R"(,"dup":true})" : "}";
}

void append_write_many_logs_reply(std::string& out, std::string_view id,
                                  WrittenSeqs const& written) {
  append_ok_start(out, id);
  out += R"(,"first_seq":)";
  append_json_number(out, written.first);
  out += R"(,"last_seq":)";
  append_json_number(out, written.last);
  out += written.dup ? R"(,"dup":true})" : "}";
}

void append_report_dropped_reply(std::string& out, std::string_view id, std::uint64_t before_seq) {
  append_ok_start(out, id);
  out += R"(,"before_seq":)";
  append_json_number(out, before_seq);
  out += '}';
}

void append_acknowledge_reply(std::string& out, std::string_view id, std::uint64_t acknowledged) {
  append_ok_start(out, id);
  out += R"(,"acknowledged":)";
  append_json_number(out, acknowledged);
  out += '}';
}

void append_failure(std::string& out, std::string_view id, Failure const& failure,
                    std::optional<WriteState> state) {
  auto const code = travelling(failure.code);
  append_start(out, id, false);
  if (state) {
    out +=
        *state == WriteState::not_written ? R"(,"state":"not_written")" : R"(,"state":"unknown")";
  }
  out += R"(,"error":{"code":")";
  out += to_string(code);
  out += R"(","message":)";
  append_json_string(out, failure.message);
  out += is_retryable(code) ? R"(,"retryable":true)" : R"(,"retryable":false)";
  out += R"(,"detail":)";
  out += failure.detail;
  out += "}}";
}

void append_entries_start(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  out += R"(,"entries":[)";
}

void append_entries_more(std::string& out) { out += R"(],"more":true})"; }

void append_entries_end(std::string& out, std::string_view cursor) {
  out += R"(],"more":false,"cursor":)";
  if (cursor.empty()) {
    out += "null";
  } else {
    append_json_string(out, cursor);
  }
  out += '}';
}

void append_follow_more(std::string& out, std::uint64_t seq) {
  out += R"(],"more":true,"seq":)";
  append_json_number(out, seq);
  out += '}';
}

void append_follow_caught_up(std::string& out, std::uint64_t seq) {
  out += R"(],"more":true,"seq":)";
  append_json_number(out, seq);
  out += R"(,"caught_up":true})";
}

void append_follow_lagged(std::string& out, std::uint64_t seq, LostSeqs const& lost) {
  out += R"(],"more":true,"seq":)";
  append_json_number(out, seq);
  out += R"(,"lagged":{"from_seq":)";
  append_json_number(out, lost.from_seq);
  out += R"(,"to_seq":)";
  append_json_number(out, lost.to_seq);
  out += "}}";
}

void append_follow_end(std::string& out, std::uint64_t seq) {
  out += R"(],"more":false,"cursor":null,"seq":)";
  append_json_number(out, seq);
  out += '}';
}

void append_count_reply(std::string& out, std::string_view id, std::uint64_t count,
                        std::optional<std::span<CountBucket const>> buckets) {
  append_ok_start(out, id);
  out += R"(,"count":)";
  append_json_number(out, count);
  if (buckets) {
    out += R"(,"buckets":[)";
    for (std::size_t i = 0; i < buckets->size(); ++i) {
      out += i == 0 ? "[" : ",[";
      append_json_number(out, (*buckets)[i].first);
      out += ',';
      append_json_number(out, (*buckets)[i].second);
      out += ']';
    }
    out += ']';
  }
  out += '}';
}

void append_help_reply(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  out += R"(,"help":[)";
  for (auto const& operation : operations) {
    if (operation.op != operations.front().op) out += ',';
    out += R"({"op":)";
    append_json_string(out, operation.name);
    append_names(out, "members", operation.members);
    append_names(out, "needed", operation.needed);
    out += R"(,"example":)";
    append_json_string(out, operation.example);
    out += R"(,"what":)";
    append_json_string(out, operation.what);
    out += '}';
  }
  out += R"(],"words":[)";
  bool needs_comma = false;
  for (auto const& operation : operations) {
    if (!operation.is_word) continue;
    if (needs_comma) out += ',';
    needs_comma = true;
    append_json_string(out, operation.name);
  }
  out += ',';
  append_json_string(out, tail_word);
  out += "]}";
}

}  // namespace stele::protocol

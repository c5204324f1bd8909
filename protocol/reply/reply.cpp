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

void append_names(JsonWriter& writer, std::string_view name, MemberBits members) {
  writer.begin_array(name);
  for (auto const member : member_names(members)) writer.value(member);
  writer.end_array();
}

/// The end of a frame of entries, with more members behind it.
JsonWriter end_entries(std::string& out, bool more) {
  JsonWriter writer(out);
  writer.end_array().member("more", more);
  return writer;
}

}  // namespace

void append_ok_start(std::string& out, std::string_view id) { append_start(out, id, true); }

void append_ok(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  out += '}';
}

void append_write_log_reply(std::string& out, std::string_view id, WrittenSeqs const& written) {
  append_ok_start(out, id);
  JsonWriter writer(out);
  writer.member("seq", written.first);
  if (written.dup) writer.member("dup", true);
  writer.end_object();
}

void append_write_many_logs_reply(std::string& out, std::string_view id,
                                  WrittenSeqs const& written) {
  append_ok_start(out, id);
  JsonWriter writer(out);
  writer.member("first_seq", written.first).member("last_seq", written.last);
  if (written.dup) writer.member("dup", true);
  writer.end_object();
}

void append_report_dropped_reply(std::string& out, std::string_view id, std::uint64_t before_seq) {
  append_ok_start(out, id);
  JsonWriter(out).member("before_seq", before_seq).end_object();
}

void append_acknowledge_reply(std::string& out, std::string_view id, std::uint64_t acknowledged) {
  append_ok_start(out, id);
  JsonWriter(out).member("acknowledged", acknowledged).end_object();
}

void append_failure(std::string& out, std::string_view id, Failure const& failure,
                    std::optional<WriteState> state) {
  auto const code = travelling(failure.code);
  append_start(out, id, false);
  JsonWriter writer(out);
  if (state) {
    writer.member("state", *state == WriteState::not_written ? "not_written" : "unknown");
  }
  writer.begin_object("error")
      .member("code", to_string(code))
      .member("message", failure.message)
      .member("retryable", is_retryable(code))
      .name("detail")
      .json(failure.detail)
      .end_object()
      .end_object();
}

void append_entries_start(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  JsonWriter(out).begin_array("entries");
}

void append_entries_more(std::string& out) { end_entries(out, true).end_object(); }

void append_entries_end(std::string& out, std::string_view cursor) {
  auto writer = end_entries(out, false).name("cursor");
  if (cursor.empty()) {
    writer.value(nullptr);
  } else {
    writer.value(cursor);
  }
  writer.end_object();
}

void append_follow_more(std::string& out, std::uint64_t seq) {
  end_entries(out, true).member("seq", seq).end_object();
}

void append_follow_caught_up(std::string& out, std::uint64_t seq) {
  end_entries(out, true).member("seq", seq).member("caught_up", true).end_object();
}

void append_follow_lagged(std::string& out, std::uint64_t seq, LostSeqs const& lost) {
  end_entries(out, true)
      .member("seq", seq)
      .begin_object("lagged")
      .member("from_seq", lost.from_seq)
      .member("to_seq", lost.to_seq)
      .end_object()
      .end_object();
}

void append_follow_end(std::string& out, std::uint64_t seq) {
  end_entries(out, false).member("cursor", nullptr).member("seq", seq).end_object();
}

void append_count_reply(std::string& out, std::string_view id, std::uint64_t count,
                        std::optional<std::span<CountBucket const>> buckets) {
  append_ok_start(out, id);
  JsonWriter writer(out);
  writer.member("count", count);
  if (buckets) {
    writer.begin_array("buckets");
    for (auto const& bucket : *buckets) {
      writer.begin_array().value(bucket.first).value(bucket.second).end_array();
    }
    writer.end_array();
  }
  writer.end_object();
}

void append_help_reply(std::string& out, std::string_view id) {
  append_ok_start(out, id);
  JsonWriter writer(out);
  writer.begin_array("help");
  for (auto const& operation : operations) {
    writer.begin_object().member("op", operation.name);
    append_names(writer, "members", operation.members);
    append_names(writer, "needed", operation.needed);
    writer.member("example", operation.example).member("what", operation.what).end_object();
  }
  writer.end_array().begin_array("words");
  for (auto const& operation : operations) {
    if (operation.is_word) writer.value(operation.name);
  }
  writer.value(tail_word).end_array().end_object();
}

}  // namespace stele::protocol

#include "protocol/request/request.hpp"

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

/// `{"op":"…","id":n` without the closing brace.
void append_start(std::string& out, Op op, std::uint64_t id) {
  out += R"({"op":")";
  out += operation(op).name;
  out += R"(","id":)";
  append_json_number(out, id);
}

struct OpOf {
  Op operator()(Hello const&) const { return Op::hello; }
  Op operator()(Ping const&) const { return Op::ping; }
  Op operator()(Stats const&) const { return Op::stats; }
  Op operator()(Help const&) const { return Op::help; }
  Op operator()(Write const& write) const {
    return write.many ? Op::write_many_logs : Op::write_log;
  }
  Op operator()(ReadLogs const&) const { return Op::read_logs; }
  Op operator()(CountLogs const&) const { return Op::count_logs; }
  Op operator()(Cancel const&) const { return Op::cancel; }
  Op operator()(Audit const&) const { return Op::audit; }
  Op operator()(ReportDropped const&) const { return Op::report_dropped; }
  Op operator()(Confirm const&) const { return Op::confirm; }
  Op operator()(Acknowledge const&) const { return Op::acknowledge; }
};

template <class Value>
void append_member(std::string& out, Member member, Value const& value) {
  JsonWriter(out).member(to_string(member), value);
}

/// What every entry meets is left out, so that an older daemon takes the request.
void append_filter(std::string& out, EntryFilter const& filter) {
  JsonWriter writer(out);
  if (filter.after_seq) writer.member("after_seq", *filter.after_seq);
  if (filter.min_level != Level::trace) writer.member("min_level", to_string(filter.min_level));
  if (!filter.contains.empty()) writer.member("contains", filter.contains);
  if (!filter.where.empty()) writer.name("where").json(filter.where);
  if (!filter.pid && !filter.uid) return;
  writer.begin_object("origin");
  if (filter.pid) writer.member("pid", *filter.pid);
  if (filter.uid) writer.member("uid", *filter.uid);
  writer.end_object();
}

}  // namespace

Op op_of(Request const& request) noexcept { return std::visit(OpOf{}, request); }

std::string_view op_name(Request const& request) noexcept { return operation(op_of(request)).name; }

void append_hello(std::string& out, std::uint64_t id, std::string_view client,
                  std::optional<WriterId> const& writer, std::optional<std::uint64_t> since_seq) {
  append_start(out, Op::hello, id);
  append_member(out, Member::client, client);
  if (writer) append_member(out, Member::writer, to_text(*writer));
  if (writer && since_seq) append_member(out, Member::since_seq, *since_seq);
  out += '}';
}

void append_ping(std::string& out, std::uint64_t id) {
  append_start(out, Op::ping, id);
  out += '}';
}

void append_stats(std::string& out, std::uint64_t id) {
  append_start(out, Op::stats, id);
  out += '}';
}

void append_write_log(std::string& out, std::uint64_t id, LogEntry const& entry,
                      std::uint64_t write_no) {
  append_start(out, Op::write_log, id);
  if (write_no != 0) append_member(out, Member::write_no, write_no);
  out += R"(,"entry":)";
  append_entry(out, entry);
  out += '}';
}

void append_write_many_logs(std::string& out, std::uint64_t id, std::span<LogEntry const> entries,
                            std::uint64_t write_no) {
  append_start(out, Op::write_many_logs, id);
  if (write_no != 0) append_member(out, Member::write_no, write_no);
  out += R"(,"entries":[)";
  for (auto const& entry : entries) append_entry(out, entry);
  out += "]}";
}

void append_write_encoded_logs(std::string& out, std::uint64_t id, std::string_view entries,
                               std::uint64_t write_no) {
  append_start(out, Op::write_many_logs, id);
  if (write_no != 0) append_member(out, Member::write_no, write_no);
  out += R"(,"entries":[)";
  out += entries;
  out += "]}";
}

void append_read_logs(std::string& out, std::uint64_t id, ReadLogs const& read) {
  append_start(out, Op::read_logs, id);
  append_member(out, Member::start_ts, read.start_ts);
  append_member(out, Member::end_ts, read.end_ts);
  if (read.follow) {
    append_member(out, Member::follow, true);
  } else {
    append_member(out, Member::order, read.order == Order::asc ? "asc" : "desc");
  }
  if (read.limit) append_member(out, Member::limit, *read.limit);
  if (!read.cursor.empty()) append_member(out, Member::cursor, read.cursor);
  append_filter(out, read.filter);
  out += '}';
}

void append_count_logs(std::string& out, std::uint64_t id, CountLogs const& count) {
  append_start(out, Op::count_logs, id);
  append_member(out, Member::start_ts, count.start_ts);
  append_member(out, Member::end_ts, count.end_ts);
  append_filter(out, count.filter);
  if (count.bucket_us) append_member(out, Member::bucket_us, *count.bucket_us);
  out += '}';
}

void append_cancel(std::string& out, std::uint64_t id, std::uint64_t target) {
  append_start(out, Op::cancel, id);
  append_member(out, Member::target, target);
  out += '}';
}

void append_audit(std::string& out, std::uint64_t id, Audit const& audit) {
  append_start(out, Op::audit, id);
  append_member(out, Member::start_ts, audit.start_ts);
  out += '}';
}

void append_report_dropped(std::string& out, std::uint64_t id, ReportDropped const& report) {
  append_start(out, Op::report_dropped, id);
  append_member(out, Member::count, report.count);
  if (report.writer != WriterId{}) {
    append_member(out, Member::writer, to_text(report.writer));
  }
  out += '}';
}

void append_acknowledge(std::string& out, std::uint64_t id, Acknowledge const& known) {
  append_start(out, Op::acknowledge, id);
  append_member(out, Member::first_seq, known.first_seq);
  append_member(out, Member::last_seq, known.last_seq);
  out += '}';
}

void append_confirm(std::string& out, std::uint64_t id, Confirm const& confirm) {
  append_start(out, Op::confirm, id);
  append_member(out, Member::consumer, confirm.consumer);
  append_member(out, Member::seq, confirm.seq);
  out += '}';
}

// Members with their default value are left out: the daemon's default is part of the protocol.
void append_entry(std::string& out, LogEntry const& entry) {
  append_entry(out, EntryText{.timestamp = entry.timestamp,
                              .level = entry.level,
                              .version = entry.version,
                              .message = entry.message,
                              .metadata = entry.metadata});
}

void append_entry(std::string& out, EntryText const& entry) {
  JsonWriter writer(out);
  writer.begin_object();
  if (entry.timestamp) writer.member("timestamp", *entry.timestamp);
  writer.member("level", to_string(entry.level)).member("message", entry.message);
  if (entry.metadata != "{}") writer.name("metadata").json(entry.metadata);
  if (entry.version != entry_version) writer.member("version", unsigned{entry.version});
  writer.end_object();
}

}  // namespace stele::protocol

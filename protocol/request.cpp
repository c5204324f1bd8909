#include "protocol/request.hpp"

#include "protocol/json_text.hpp"
#include "protocol/operations.hpp"

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
};

}  // namespace

std::string_view op_name(Request const& request) noexcept {
  return operation(std::visit(OpOf{}, request)).name;
}

void append_hello(std::string& out, std::uint64_t id, std::string_view client) {
  append_start(out, Op::hello, id);
  out += R"(,"client":)";
  append_json_string(out, client);
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

void append_write_log(std::string& out, std::uint64_t id, LogEntry const& entry) {
  append_start(out, Op::write_log, id);
  out += R"(,"entry":)";
  append_entry(out, entry);
  out += '}';
}

void append_write_many_logs(std::string& out, std::uint64_t id, std::span<LogEntry const> entries) {
  append_start(out, Op::write_many_logs, id);
  out += R"(,"entries":[)";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) out += ',';
    append_entry(out, entries[i]);
  }
  out += "]}";
}

void append_read_logs(std::string& out, std::uint64_t id, ReadLogs const& read) {
  append_start(out, Op::read_logs, id);
  out += R"(,"start_ts":)";
  append_json_number(out, read.start_ts);
  out += R"(,"end_ts":)";
  append_json_number(out, read.end_ts);
  out += read.order == Order::asc ? R"(,"order":"asc")" : R"(,"order":"desc")";
  if (read.limit) {
    out += R"(,"limit":)";
    append_json_number(out, *read.limit);
  }
  if (!read.cursor.empty()) {
    out += R"(,"cursor":)";
    append_json_string(out, read.cursor);
  }
  out += '}';
}

// Members with their default value are left out: the daemon's default is part of the protocol.
void append_entry(std::string& out, LogEntry const& entry) {
  out += '{';
  if (entry.timestamp) {
    out += R"("timestamp":)";
    append_json_number(out, *entry.timestamp);
    out += ',';
  }
  out += R"("level":")";
  out += to_string(entry.level);
  out += R"(","message":)";
  append_json_string(out, entry.message);
  if (entry.metadata != "{}") {
    out += R"(,"metadata":)";
    out += entry.metadata;
  }
  if (entry.version != entry_version) {
    out += R"(,"version":)";
    append_json_number(out, unsigned{entry.version});
  }
  out += '}';
}

}  // namespace stele::protocol

#include "client-lib/wire_forms.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "client-lib/json_number.hpp"

namespace stele::client {
namespace {

std::optional<LogCount::Bucket> bucket_of(boost::json::value const& value) {
  if (!value.is_array() || value.get_array().size() != 2) return std::nullopt;
  auto const start = number_of(&value.get_array()[0]);
  auto const count = number_of(&value.get_array()[1]);
  if (!start || !count) return std::nullopt;
  return LogCount::Bucket{.start_ts = *start, .count = *count};
}

}  // namespace

protocol::EntryFilter filter_of(EntryFilter const& filter) noexcept {
  return {.after_seq = filter.after_seq,
          .min_level = filter.min_level,
          .contains = filter.contains,
          .where = filter.where,
          .pid = filter.pid,
          .uid = filter.uid};
}

protocol::ReadLogs read_request(ReadOptions const& options) {
  return {.start_ts = options.start_ts,
          .end_ts = options.end_ts,
          .order = options.order == Order::asc ? protocol::Order::asc : protocol::Order::desc,
          .limit = options.limit,
          .cursor = options.cursor,
          .filter = filter_of(options.filter)};
}

protocol::ReadLogs follow_request(FollowOptions const& options) {
  return {.start_ts = options.start_ts,
          .end_ts = options.end_ts,
          .limit = options.newest,
          .filter = filter_of(options.filter),
          .follow = true};
}

protocol::CountLogs count_request(CountOptions const& options) {
  return {.start_ts = options.start_ts,
          .end_ts = options.end_ts,
          .filter = filter_of(options.filter),
          .bucket_us = options.bucket_us};
}

std::optional<protocol::WriterId> named(WriterId const& writer) noexcept {
  if (writer == WriterId{}) return std::nullopt;
  return writer;
}

Failure no_visitor() {
  return {Error::bad_request, "the visitor is empty", R"({"path":"visitor"})"};
}

Failure passed_before_call() {
  return {ClientError::timed_out, "the deadline had passed before the call"};
}

Result<void> check_write_no(std::uint64_t write_no) {
  if (write_no > 0) return {};
  return Failure{Error::bad_request, "write_no is 0; numbers rise from 1",
                 R"({"path":"write_no"})"};
}

FollowPart follow_part(protocol::Reply&& reply) {
  FollowPart part{.entries = std::move(reply.entries),
                  .last_seq = reply.last_seq,
                  .caught_up = reply.caught_up};
  if (reply.lagged) {
    part.removed = {.first_seq = reply.lagged->from_seq, .last_seq = reply.lagged->to_seq};
  }
  return part;
}

Result<LogCount> parse_count(std::string_view text) {
  Failure const not_understood{ClientError::protocol_violation,
                               "the daemon's reply to count_logs cannot be read"};
  auto const parsed = protocol::parse_reply_value(text);
  if (!parsed || !parsed->is_object()) return not_understood;
  auto const& reply = parsed->get_object();
  auto const total = number_of(reply.if_contains("count"));
  if (!total) return not_understood;
  LogCount count{.count = *total};
  auto const* buckets = reply.if_contains("buckets");
  if (buckets == nullptr || !buckets->is_array()) return count;
  for (auto const& value : buckets->get_array()) {
    auto const bucket = bucket_of(value);
    if (!bucket) return not_understood;
    count.buckets.push_back(*bucket);
  }
  return count;
}

std::string without_envelope(std::string_view text, std::uint64_t id) {
  auto const envelope = "{\"id\":" + std::to_string(id) + ",\"ok\":true,";
  if (!text.starts_with(envelope)) return std::string{text};
  return '{' + std::string{text.substr(envelope.size())};
}

}  // namespace stele::client

// One request through a new parser, as plain values that outlive it.
#pragma once

#include <boost/test/unit_test.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exact_buffer.hpp"
#include "protocol/request/request.hpp"

namespace stele::test {

struct Parsed {
  std::string id{};
  std::string op{};    ///< Empty if the request failed.
  std::string code{};  ///< Empty if it did not.
  std::string message{};
  std::string detail{};
  std::vector<std::string> entries{};  ///< In canonical form, stamped {seq 1, timestamp 0}.
  protocol::ReadLogs read{};
  std::string cursor{};
  std::string client{};
  std::string writer{};  ///< As text; empty: none.
  std::uint64_t write_no = 0;
  std::string target{};
  std::optional<std::uint64_t> bucket_us{};
  std::string contains{};
  std::string where{};
  protocol::ReportDropped dropped{};
  std::string consumer{};
  std::uint64_t seq = 0;
};

inline void set_filter(Parsed& values, protocol::EntryFilter const& filter) {
  values.read.filter = filter;
  values.contains = filter.contains;
  values.where = filter.where;
  values.read.filter.contains = values.read.filter.where = {};
}

inline Parsed to_values(protocol::ParsedRequest const& parsed) {
  Parsed values;
  values.id = parsed.id;
  values.write_no = parsed.write_no;
  if (!parsed.request) {
    auto const& failure = parsed.request.error();
    values.code = to_string(static_cast<Error>(failure.code.value()));
    values.message = failure.message;
    values.detail = failure.detail;
    return values;
  }
  values.op = op_name(*parsed.request);
  if (auto const* write = std::get_if<protocol::Write>(&*parsed.request)) {
    values.write_no = write->write_no;
    for (auto const& draft : write->entries) {
      append_canonical_entry(values.entries.emplace_back(), draft,
                             {1, draft.timestamp.value_or(0), {}});
    }
  } else if (auto const* read = std::get_if<protocol::ReadLogs>(&*parsed.request)) {
    values.read = *read;
    values.cursor = read->cursor;
    values.read.cursor = {};
    set_filter(values, read->filter);
  } else if (auto const* count = std::get_if<protocol::CountLogs>(&*parsed.request)) {
    values.read.start_ts = count->start_ts;
    values.read.end_ts = count->end_ts;
    values.bucket_us = count->bucket_us;
    set_filter(values, count->filter);
  } else if (auto const* cancel = std::get_if<protocol::Cancel>(&*parsed.request)) {
    values.target = cancel->target;
  } else if (auto const* hello = std::get_if<protocol::Hello>(&*parsed.request)) {
    values.client = hello->client;
    if (hello->writer) values.writer = protocol::to_text(*hello->writer);
  } else if (auto const* audit = std::get_if<protocol::Audit>(&*parsed.request)) {
    values.read.start_ts = audit->start_ts;
  } else if (auto const* dropped = std::get_if<protocol::ReportDropped>(&*parsed.request)) {
    values.dropped = *dropped;
  } else if (auto const* confirm = std::get_if<protocol::Confirm>(&*parsed.request)) {
    values.consumer = confirm->consumer;
    values.seq = confirm->seq;
  }
  return values;
}

/// As a daemon reads a request that takes longer than a turn: as much at a time as `part_bytes`.
inline Parsed parse_in_parts(std::string_view text, std::size_t part_bytes,
                             protocol::RequestLimits limits) {
  protocol::RequestParser parser(limits);
  parser.start(text);
  for (;;) {
    parser.read(part_bytes);
    if (auto const parsed = parser.finish()) return to_values(*parsed);
  }
}

inline Parsed parse(std::string_view text, protocol::RequestLimits limits = {}) {
  ExactBuffer const buffer(text);
  protocol::RequestParser parser(limits);
  auto values = to_values(parser.parse(buffer.text()));
  // A blank makes it a text for the JSON parser, however it is spelt, and means nothing.
  ExactBuffer const for_json(" " + std::string(text));
  auto const by_json = to_values(parser.parse(for_json.text()));
  BOOST_TEST(values.op == by_json.op);
  BOOST_TEST(values.code == by_json.code);
  BOOST_TEST(values.id == by_json.id);
  BOOST_TEST(values.write_no == by_json.write_no);
  BOOST_TEST(values.entries == by_json.entries, boost::test_tools::per_element());
  if (text.size() > 10'000) return values;
  for (std::size_t const part_bytes : {1, 2, 7, 50}) {
    auto const in_parts = parse_in_parts(buffer.text(), part_bytes, limits);
    BOOST_TEST(values.op == in_parts.op);
    BOOST_TEST(values.id == in_parts.id);
    BOOST_TEST(values.code == in_parts.code);
    // Where a part ends within an escape that is none, the parser names a place next to it.
    if (values.code != "bad_json") BOOST_TEST(values.message == in_parts.message);
    if (values.code != "bad_json") BOOST_TEST(values.detail == in_parts.detail);
    BOOST_TEST(values.write_no == in_parts.write_no);
    BOOST_TEST(values.cursor == in_parts.cursor);
    BOOST_TEST(values.where == in_parts.where);
    BOOST_TEST(values.entries == in_parts.entries, boost::test_tools::per_element());
  }
  return values;
}

inline Parsed parse_line(std::string_view text) {
  ExactBuffer const buffer(text);
  protocol::RequestParser parser;
  return to_values(parser.parse_line(buffer.text()));
}

/// The entry's members after `{"seq":1,"timestamp":…,"level":…,` of a write of this one entry.
inline Parsed parse_entry(std::string_view entry, protocol::RequestLimits limits = {}) {
  return parse(R"({"op":"write_log","entry":)" + std::string(entry) + "}", limits);
}

inline Parsed parse_metadata(std::string_view metadata, protocol::RequestLimits limits = {}) {
  return parse_entry(R"({"message":"","metadata":)" + std::string(metadata) + "}", limits);
}

/// The canonical metadata of the one entry of a request, or its error code.
inline std::string metadata_of(Parsed const& parsed) {
  if (parsed.entries.empty()) return parsed.code;
  std::string_view text = parsed.entries.front();
  constexpr std::string_view before = R"(,"metadata":)";
  constexpr std::string_view after = R"(,"version":1,"origin":{"pid":0,"uid":0,"gid":0}})";
  text.remove_prefix(text.find(before) + before.size());
  text.remove_suffix(after.size());
  return std::string(text);
}

}  // namespace stele::test

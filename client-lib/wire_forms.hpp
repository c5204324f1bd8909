// Between the types of the public headers and the protocol's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/reply/reply.hpp"
#include "protocol/request/request.hpp"
#include "stele/client.hpp"

namespace stele::client {

// These borrow from the options.
protocol::EntryFilter filter_of(EntryFilter const& filter) noexcept;
protocol::ReadLogs read_request(ReadOptions const& options);
protocol::ReadLogs follow_request(FollowOptions const& options);
protocol::CountLogs count_request(CountOptions const& options);

/// Nothing if the writer has no name.
std::optional<protocol::WriterId> named(WriterId const& writer) noexcept;

/// What a call fails with, before anything is sent, whose visitor is empty, or whose deadline has
/// passed.
Failure no_visitor();
Failure passed_before_call();

/// Numbers of writes rise from 1; bad_request otherwise.
Result<void> check_write_no(std::uint64_t write_no);

FollowPart follow_part(protocol::Reply&& reply);

/// Fails with protocol_violation if the text is no reply to count_logs.
Result<LogCount> parse_count(std::string_view text);

/// `{"id":7,"ok":true,"a":1}` -> `{"a":1}`. Textual, so that every number keeps its digits.
std::string without_envelope(std::string_view text, std::uint64_t id);

}  // namespace stele::client

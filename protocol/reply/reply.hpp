// What the daemon answers, and both directions of its JSON text.
//
//   success  {"id":…,"ok":true,…}                      id only if the request had one
//   failure  {"id":…,"ok":false,"error":{"code":"…","message":"…","retryable":false,"detail":{…}}}
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

using stele::WriteState;

// Encoding, for the daemon. Each appends to `out`; `id` is the request's id as JSON text, or empty.

/// What a code becomes in a reply: that of another library is `internal`, since the list of codes
/// that travel is closed.
Error travelling(boost::system::error_code const& code) noexcept;

/// `{"id":…,"ok":true` without the closing brace: the caller appends `,"member":…` and `}`.
void append_ok_start(std::string& out, std::string_view id);
void append_ok(std::string& out, std::string_view id);
/// What became of a write.
struct WrittenSeqs {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool dup = false;  ///< An earlier request with the same number wrote it.
};
void append_write_log_reply(std::string& out, std::string_view id, WrittenSeqs const& written);
void append_write_many_logs_reply(std::string& out, std::string_view id,
                                  WrittenSeqs const& written);
/// `before_seq`: what was dropped lies before this seq.
void append_report_dropped_reply(std::string& out, std::string_view id, std::uint64_t before_seq);
/// `acknowledged`: how many damaged seqs nobody had acknowledged before.
void append_acknowledge_reply(std::string& out, std::string_view id, std::uint64_t acknowledged);
/// `state` is given for writes only.
void append_failure(std::string& out, std::string_view id, Failure const& failure,
                    std::optional<WriteState> state = std::nullopt);

/// A frame of entries is: the start, canonical entries with a comma between two, an end.
void append_entries_start(std::string& out, std::string_view id);
void append_entries_more(std::string& out);
/// `cursor` empty: the range is exhausted (null on the wire).
void append_entries_end(std::string& out, std::string_view cursor);

/// Ends of the frames of a follow. Everything up to `seq` has been reported.
struct LostSeqs {
  std::uint64_t from_seq = 0;
  std::uint64_t to_seq = 0;
};
void append_follow_more(std::string& out, std::uint64_t seq);
void append_follow_caught_up(std::string& out, std::uint64_t seq);
void append_follow_lagged(std::string& out, std::uint64_t seq, LostSeqs const& lost);
void append_follow_end(std::string& out, std::uint64_t seq);

/// Where a stretch of time starts, and how many entries it has.
using CountBucket = std::pair<std::uint64_t, std::uint64_t>;
void append_count_reply(std::string& out, std::string_view id, std::uint64_t count,
                        std::optional<std::span<CountBucket const>> buckets);

/// The reply to `help`: one JSON object, whose text a person can read.
void append_help_reply(std::string& out, std::string_view id);

// Decoding, for clients.

struct Reply {
  /// Which of the members that distinguish the kinds of reply were there.
  struct Members {
    bool seq = false;
    bool first_seq = false;
    bool last_seq = false;
    bool before_seq = false;
    bool entries = false;
    bool more = false;
    bool cancelled = false;
  };

  std::uint64_t id = 0;
  bool ok = false;
  Failure failure{};                  ///< With ok == false.
  std::optional<WriteState> state{};  ///< With ok == false, for a write.
  std::uint64_t first_seq = 0;        ///< Writes; write_log's `seq` stands in both.
  std::uint64_t last_seq = 0;
  bool dup = false;                    ///< An earlier request with the same number wrote it.
  std::vector<StoredEntry> entries{};  ///< Reads.
  bool more = false;
  std::string cursor{};  ///< Empty: null or absent.
  // Follows; all up to `last_seq` has been reported.
  bool caught_up = false;
  std::optional<LostSeqs> lagged{};
  Members has{};
};

/// Parses the reply to a write, a read or a ping in one pass; members it does not know are skipped.
/// Fails with bad_json or bad_request if the text is not a reply.
Result<Reply> parse_reply(std::string_view text);

/// The whole reply as a DOM: for hello and stats, whose members are for people and grow.
/// A failure reply comes back as the Failure.
Result<boost::json::value> parse_reply_value(std::string_view text);

}  // namespace stele::protocol

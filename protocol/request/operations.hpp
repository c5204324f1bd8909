// Every operation, and the request members that belong to it: one table, which the parser, the
// error messages and the reply to `help` read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace stele::protocol {

enum class Op : std::uint8_t {
  hello,
  ping,
  stats,
  write_log,
  write_many_logs,
  read_logs,
  count_logs,
  cancel,
  audit,
  report_dropped,
  confirm,
  acknowledge,
  help,
};

/// The members of requests.
enum class Member : std::uint8_t {
  op,
  id,
  client,
  entry,
  entries,
  start_ts,
  end_ts,
  after_seq,
  min_level,
  contains,
  where,
  origin,
  order,
  limit,
  cursor,
  bucket_us,
  writer,
  write_no,
  follow,
  target,
  count,
  consumer,
  seq,
  since_seq,
  first_seq,
  last_seq,
};

/// A set of members.
using MemberBits = std::uint32_t;
constexpr MemberBits bit(Member member) noexcept {
  return MemberBits{1} << static_cast<unsigned>(member);
}

/// What reads and counts have in common: which entries they are about.
inline constexpr MemberBits selecting_members =
    bit(Member::start_ts) | bit(Member::end_ts) | bit(Member::after_seq) | bit(Member::min_level) |
    bit(Member::contains) | bit(Member::where) | bit(Member::origin);

struct Operation {
  Op op;
  std::string_view name;
  MemberBits members;  ///< Besides op and id, which every request may have.
  MemberBits needed;
  bool is_word;  ///< Whether the line form also takes the bare name.
  std::string_view example;
  std::string_view what;
};

inline constexpr std::array<Operation, 13> operations{{
    {Op::hello, "hello", bit(Member::client) | bit(Member::writer) | bit(Member::since_seq), 0,
     false, R"({"op":"hello","client":"my-program","writer":"00112233445566778899aabbccddeeff"})",
     "who the daemon is: protocol and server version, store id, limits; what it knows of a writer"},
    {Op::ping, "ping", 0, 0, true, R"({"op":"ping"})", "ok while the log can accept writes"},
    {Op::stats, "stats", 0, 0, true, R"({"op":"stats"})",
     "counters, limits in force and state of the daemon"},
    {Op::write_log, "write_log", bit(Member::entry) | bit(Member::write_no), bit(Member::entry),
     false,
     R"({"op":"write_log","entry":{"message":"hello","level":"info","metadata":{"user":42}}})",
     "store one entry; the reply's seq means that it is on disk"},
    {Op::write_many_logs, "write_many_logs", bit(Member::entries) | bit(Member::write_no),
     bit(Member::entries), false,
     R"({"op":"write_many_logs","entries":[{"message":"one"},{"message":"two"}]})",
     "store entries, all or none, with contiguous seqs"},
    {Op::read_logs, "read_logs",
     selecting_members | bit(Member::order) | bit(Member::limit) | bit(Member::cursor) |
         bit(Member::follow),
     0, false,
     R"({"op":"read_logs","order":"desc","limit":10,"min_level":"warn","where":{"user":42}})",
     "entries from start_ts to end_ts (microseconds since 1970, both inclusive)"},
    {Op::count_logs, "count_logs", selecting_members | bit(Member::bucket_us), 0, false,
     R"({"op":"count_logs","min_level":"error","bucket_us":3600000000})",
     "how many entries there are, in all or by time"},
    {Op::cancel, "cancel", bit(Member::target), bit(Member::target), false,
     R"({"op":"cancel","target":"t"})",
     "end the read or follow with this id, such as "
     "{\"op\":\"read_logs\",\"id\":\"t\",\"follow\":true}"},
    {Op::audit, "audit", bit(Member::start_ts), 0, false, R"({"op":"audit"})",
     "which seqs are there, and what is missing, and why"},
    {Op::report_dropped, "report_dropped", bit(Member::count) | bit(Member::writer),
     bit(Member::count), false, R"({"op":"report_dropped","count":12})",
     "store that the client gave up this many entries, so that audit names them"},
    {Op::confirm, "confirm", bit(Member::consumer) | bit(Member::seq),
     bit(Member::consumer) | bit(Member::seq), false,
     R"({"op":"confirm","consumer":"archive","seq":42})",
     "say that a consumer has all entries up to a seq, so that retention may take them"},
    {Op::acknowledge, "acknowledge", bit(Member::first_seq) | bit(Member::last_seq),
     bit(Member::first_seq) | bit(Member::last_seq), false,
     R"({"op":"acknowledge","first_seq":101,"last_seq":105})",
     "store that an operator knows of the damage among these seqs, so that alerts may end"},
    {Op::help, "help", 0, 0, true, R"({"op":"help"})", "this list"},
}};

/// A word of the line form that stands for a request: see RequestParser::parse_line.
inline constexpr std::string_view tail_word = "tail";
inline constexpr std::uint64_t tail_history_entries = 10;

constexpr Operation const& operation(Op op) noexcept {
  return operations[static_cast<std::size_t>(op)];
}

std::optional<Op> parse_op(std::string_view name) noexcept;
std::optional<Member> parse_member(std::string_view name) noexcept;
std::string_view to_string(Member member) noexcept;

/// All names, for error messages.
std::span<std::string_view const> op_names() noexcept;
std::vector<std::string_view> member_names(MemberBits members);

}  // namespace stele::protocol

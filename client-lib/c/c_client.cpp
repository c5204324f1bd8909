// Client for C.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "client-lib/c/c_call.hpp"
#include "stele/client.hpp"
#include "stele/follower.hpp"
#include "stele/stele.h"

struct stele_client {
  stele::Client client;
  std::string text{};  ///< What the last call handed out.
};

namespace c = stele::c;

namespace {

constexpr stele_selection everything = STELE_SELECT_ALL;

/// What is wrong with a client's call; null: nothing.
char const* problem_of(stele_client const* client) noexcept {
  return client == nullptr ? "client is NULL" : nullptr;
}

char const* problem_of(stele_selection const& selection, bool is_follow) noexcept {
  if (selection.size != sizeof(stele_selection)) {
    return "selection: size is not that of this library's stele_selection";
  }
  if (selection.min_level < STELE_TRACE || selection.min_level > STELE_FATAL) {
    return "selection: min_level is no level";
  }
  if (selection.contains == nullptr && selection.contains_bytes > 0) {
    return "selection: contains is NULL";
  }
  if (is_follow && selection.newest_first != 0) return "selection: newest_first is not for follows";
  if (is_follow && selection.cursor != nullptr) return "selection: cursor is not for follows";
  return nullptr;
}

stele::EntryFilter to_filter(stele_selection const& selection) {
  stele::EntryFilter filter{.min_level = static_cast<stele::Level>(selection.min_level),
                            .where = c::text_or_empty(selection.where)};
  if (selection.contains_bytes > 0) {
    filter.contains.assign(selection.contains, selection.contains_bytes);
  }
  if (selection.pid != nullptr) filter.pid = *selection.pid;
  if (selection.uid != nullptr) filter.uid = *selection.uid;
  if (selection.after_seq != nullptr) filter.after_seq = *selection.after_seq;
  return filter;
}

/// A query as a selection, which points into it: where 0 stands for "not given".
stele_selection selection_of(stele_query const* query) noexcept {
  stele_selection selection = everything;
  if (query == nullptr) return selection;
  selection.start_ts = query->start_ts;
  selection.end_ts = query->end_ts;
  if (query->limit > 0) selection.limit = &query->limit;
  if (query->after_seq > 0) selection.after_seq = &query->after_seq;
  selection.newest_first = query->newest_first;
  selection.min_level = query->min_level;
  selection.contains = query->contains;
  selection.contains_bytes = query->contains == nullptr ? 0 : std::strlen(query->contains);
  selection.where = query->where;
  selection.pid = query->pid;
  selection.uid = query->uid;
  return selection;
}

stele::WriterId to_writer(std::uint8_t const* writer) noexcept {
  stele::WriterId made{};
  if (writer != nullptr) std::copy_n(writer, made.size(), made.begin());
  return made;
}

char const* problem_of(stele_entry const* entries, std::size_t count) noexcept {
  if (entries == nullptr && count > 0) return "entries is NULL";
  for (std::size_t i = 0; i < count; ++i) {
    if (auto const* const problem = c::problem_of(&entries[i])) return problem;
  }
  return nullptr;
}

std::vector<stele::LogEntry> to_entries(stele_entry const* entries, std::size_t count) {
  std::vector<stele::LogEntry> made;
  made.reserve(count);
  for (std::size_t i = 0; i < count; ++i) made.push_back(c::to_entry(entries[i]));
  return made;
}

int first_seq_of(stele::Result<stele::SeqRange> const& written, std::uint64_t* first_seq) {
  if (!written) return c::fail(written.error());
  if (first_seq != nullptr) *first_seq = written->first_seq;
  return STELE_OK;
}

int hand_out(stele_client& client, stele::Result<std::string> text, char const** json) {
  if (!text) return c::fail(text.error());
  client.text = std::move(*text);
  *json = client.text.c_str();
  return STELE_OK;
}

/// Whether the visitor wants to go on.
bool show(stele::StoredEntry const& entry, stele_visitor visitor, void* context) {
  stele_stored_entry const shown{.seq = entry.seq,
                                 .timestamp = entry.timestamp,
                                 .level = static_cast<std::int32_t>(entry.level),
                                 .pid = entry.origin.pid,
                                 .uid = entry.origin.uid,
                                 .gid = entry.origin.gid,
                                 .message = entry.message.c_str(),
                                 .message_bytes = entry.message.size(),
                                 .metadata = entry.metadata.c_str()};
  return visitor(context, &shown) != 0;
}

stele::FollowOptions follow_options(stele_selection const& asked) {
  stele::FollowOptions options{
      .start_ts = asked.start_ts, .end_ts = asked.end_ts, .filter = to_filter(asked)};
  if (asked.limit != nullptr) options.newest = *asked.limit;
  return options;
}

/// A visitor that ends the follow within a part leaves the last seq that it has seen.
auto shows_parts(stele_visitor visitor, stele_removed removed, void* context) {
  return [=](stele::FollowPart& part) {
    if (part.removed && removed != nullptr) {
      removed(context, part.removed->first_seq, part.removed->last_seq);
    }
    for (auto const& entry : part.entries) {
      if (show(entry, visitor, context)) continue;
      part.last_seq = entry.seq;
      return false;
    }
    return true;
  };
}

char const* problem_of(stele_client_options const* options) noexcept {
  if (options == nullptr) return "options is NULL";
  if (options->size == sizeof(stele_client_options)) return nullptr;
  return "options: size is not that of this library's stele_client_options";
}

stele::ClientOptions to_options(stele_client_options const& options) {
  auto const limit_of = [](std::int64_t timeout_ms) {
    return timeout_ms < 0 ? stele::no_limit : std::chrono::milliseconds{timeout_ms};
  };
  return {.socket_path = c::text_or_empty(options.socket_path),
          .name = c::text_or_empty(options.name),
          .writer = to_writer(options.writer),
          .connect_timeout = limit_of(options.connect_timeout_ms),
          .request_timeout = limit_of(options.request_timeout_ms)};
}

}  // namespace

struct stele_follower {
  stele::Follower follower;
};

int stele_client_open(char const* socket_path, char const* name, stele_client** client) {
  stele_client_options options = STELE_CLIENT_OPTIONS;
  options.socket_path = socket_path;
  options.name = name;
  return stele_client_open_with(&options, client);
}

int stele_client_open_with(stele_client_options const* options, stele_client** client) {
  if (client == nullptr) return c::invalid_argument("client is NULL");
  *client = nullptr;
  if (auto const* const problem = problem_of(options)) return c::invalid_argument(problem);
  return c::guarded([&] {
    auto connected = stele::Client::connect(to_options(*options));
    if (!connected) return c::fail(connected.error());
    *client = new stele_client{std::move(*connected)};
    return int{STELE_OK};
  });
}

void stele_client_close(stele_client* client) { delete client; }

int stele_client_server(stele_client const* client, stele_server* server) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (server == nullptr) return c::invalid_argument("server is NULL");
  if (server->size != sizeof(stele_server)) {
    return c::invalid_argument("server: size is not that of this library's stele_server");
  }
  auto const& hello = client->client.hello();
  *server = {.size = sizeof(stele_server),
             .store_id = hello.store_id.c_str(),
             .version = hello.server_version.c_str(),
             .entry_bytes_max = hello.entry_bytes_max,
             .frame_bytes_max = hello.frame_bytes_max,
             .last_write_no = hello.last_write_no.value_or(0)};
  return STELE_OK;
}

int stele_write_log(stele_client* client, stele_entry const* entry, std::int64_t timeout_ms,
                    std::uint64_t* seq) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (auto const* const problem = c::problem_of(entry)) return c::invalid_argument(problem);
  return c::guarded([&] {
    auto written = client->client.write_log(c::to_entry(*entry), c::deadline_of(timeout_ms));
    if (!written) return c::fail(written.error());
    if (seq != nullptr) *seq = *written;
    return int{STELE_OK};
  });
}

int stele_write_many_logs(stele_client* client, stele_entry const* entries, std::size_t count,
                          std::int64_t timeout_ms, std::uint64_t* first_seq) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (auto const* const problem = problem_of(entries, count)) return c::invalid_argument(problem);
  return c::guarded([&] {
    return first_seq_of(
        client->client.write_many_logs(to_entries(entries, count), c::deadline_of(timeout_ms)),
        first_seq);
  });
}

int stele_write_once(stele_client* client, stele_entry const* entries, std::size_t count,
                     std::uint64_t write_no, std::int64_t timeout_ms, std::uint64_t* first_seq) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (auto const* const problem = problem_of(entries, count)) return c::invalid_argument(problem);
  return c::guarded([&] {
    return first_seq_of(
        client->client.write_once(to_entries(entries, count), write_no, c::deadline_of(timeout_ms)),
        first_seq);
  });
}

int stele_client_submit(stele_client* client, stele_entry const* entries, std::size_t count,
                        std::uint64_t write_no, stele_written written, void* context) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (auto const* const problem = problem_of(entries, count)) return c::invalid_argument(problem);
  if (written == nullptr) return c::invalid_argument("written is NULL");
  return c::guarded([&] {
    auto const complete = [written, context](stele::Result<stele::SeqRange> const& where) {
      written(context, c::code_of_result(where), where ? where->first_seq : 0);
    };
    return c::code_of_result(client->client.submit(to_entries(entries, count), complete, write_no));
  });
}

int stele_client_process(stele_client* client) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  return c::guarded([&] { return c::code_of_result(client->client.process()); });
}

int stele_client_descriptor(stele_client const* client) {
  return client == nullptr ? -1 : client->client.descriptor();
}

int stele_client_has_to_send(stele_client const* client) {
  return client != nullptr && client->client.has_to_send() ? 1 : 0;
}

std::size_t stele_client_writes_under_way(stele_client const* client) {
  return client == nullptr ? 0 : client->client.writes_under_way();
}

int stele_report_dropped(stele_client* client, std::uint64_t count, std::uint8_t const* writer,
                         std::int64_t timeout_ms) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  return c::guarded([&] {
    return c::code_of_result(
        client->client.report_dropped(count, to_writer(writer), c::deadline_of(timeout_ms)));
  });
}

int stele_confirm(stele_client* client, char const* consumer, std::uint64_t seq,
                  std::int64_t timeout_ms) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (consumer == nullptr) return c::invalid_argument("consumer is NULL");
  return c::guarded([&] {
    return c::code_of_result(client->client.confirm(consumer, seq, c::deadline_of(timeout_ms)));
  });
}

int stele_stats(stele_client* client, std::int64_t timeout_ms, char const** json) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (json == nullptr) return c::invalid_argument("json is NULL");
  return c::guarded([&] {
    return hand_out(*client, client->client.stats_json(c::deadline_of(timeout_ms)), json);
  });
}

int stele_audit(stele_client* client, std::uint64_t start_ts, std::int64_t timeout_ms,
                char const** json) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (json == nullptr) return c::invalid_argument("json is NULL");
  return c::guarded([&] {
    return hand_out(*client, client->client.audit_json(start_ts, c::deadline_of(timeout_ms)), json);
  });
}

int stele_read_logs(stele_client* client, std::uint64_t start_ts, std::uint64_t end_ts,
                    std::uint64_t limit, std::int64_t timeout_ms, stele_visitor visitor,
                    void* context) {
  stele_query query = STELE_ALL;
  query.start_ts = start_ts;
  query.end_ts = end_ts;
  query.limit = limit;
  return stele_query_logs(client, &query, timeout_ms, visitor, context);
}

int stele_query_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                     stele_visitor visitor, void* context) {
  auto const selection = selection_of(query);
  return stele_read_page(client, &selection, timeout_ms, visitor, context, nullptr);
}

int stele_read_page(stele_client* client, stele_selection const* selection, std::int64_t timeout_ms,
                    stele_visitor visitor, void* context, char const** cursor) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (visitor == nullptr) return c::invalid_argument("visitor is NULL");
  auto const& asked = selection == nullptr ? everything : *selection;
  if (auto const* const problem = problem_of(asked, false)) return c::invalid_argument(problem);
  return c::guarded([&] {
    stele::ReadOptions options{.start_ts = asked.start_ts,
                               .end_ts = asked.end_ts,
                               .cursor = c::text_or_empty(asked.cursor),
                               .filter = to_filter(asked)};
    if (asked.newest_first != 0) options.order = stele::Order::desc;
    if (asked.limit != nullptr) options.limit = *asked.limit;
    auto const visit = [&](stele::StoredEntry const& entry) {
      return show(entry, visitor, context);
    };
    auto end = client->client.read_logs(options, visit, c::deadline_of(timeout_ms));
    if (!end) return c::fail(end.error());
    client->text = std::move(end->cursor);
    if (cursor != nullptr) *cursor = client->text.c_str();
    return int{STELE_OK};
  });
}

int stele_count_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                     std::uint64_t* count) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (count == nullptr) return c::invalid_argument("count is NULL");
  auto const asked = selection_of(query);
  if (auto const* const problem = problem_of(asked, false)) return c::invalid_argument(problem);
  return c::guarded([&] {
    auto counted = client->client.count_logs(
        {.start_ts = asked.start_ts, .end_ts = asked.end_ts, .filter = to_filter(asked)},
        c::deadline_of(timeout_ms));
    if (!counted) return c::fail(counted.error());
    *count = counted->count;
    return int{STELE_OK};
  });
}

int stele_follow_logs(stele_client* client, stele_query const* query, std::int64_t timeout_ms,
                      stele_visitor visitor, stele_removed removed, void* context) {
  auto const selection = selection_of(query);
  return stele_follow(client, &selection, timeout_ms, visitor, removed, context, nullptr);
}

int stele_follow(stele_client* client, stele_selection const* selection, std::int64_t timeout_ms,
                 stele_visitor visitor, stele_removed removed, void* context,
                 std::uint64_t* last_seq) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  if (visitor == nullptr) return c::invalid_argument("visitor is NULL");
  auto const& asked = selection == nullptr ? everything : *selection;
  if (auto const* const problem = problem_of(asked, true)) return c::invalid_argument(problem);
  return c::guarded([&] {
    auto const shows = shows_parts(visitor, removed, context);
    auto const visit = [&](stele::FollowPart& part) {
      bool const goes_on = shows(part);
      if (last_seq != nullptr) *last_seq = part.last_seq;
      return goes_on;
    };
    auto end = client->client.follow_logs(follow_options(asked), visit, c::deadline_of(timeout_ms));
    if (!end) return c::fail(end.error());
    return end->stopped ? int{STELE_OK} : c::fail(STELE_SHUTTING_DOWN, "the daemon stops");
  });
}

int stele_ping(stele_client* client, std::int64_t timeout_ms) {
  if (auto const* const problem = problem_of(client)) return c::invalid_argument(problem);
  return c::guarded(
      [&] { return c::code_of_result(client->client.ping(c::deadline_of(timeout_ms))); });
}

int stele_follower_open(stele_client_options const* options, stele_selection const* selection,
                        stele_follower** follower) {
  if (follower == nullptr) return c::invalid_argument("follower is NULL");
  *follower = nullptr;
  if (auto const* const problem = problem_of(options)) return c::invalid_argument(problem);
  auto const& asked = selection == nullptr ? everything : *selection;
  if (auto const* const problem = problem_of(asked, true)) return c::invalid_argument(problem);
  return c::guarded([&] {
    *follower = new stele_follower{
        .follower = stele::Follower{to_options(*options), follow_options(asked)}};
    return int{STELE_OK};
  });
}

void stele_follower_close(stele_follower* follower) { delete follower; }

void stele_follower_wake(stele_follower* follower) {
  if (follower != nullptr) follower->follower.wake();
}

int stele_follower_descriptor(stele_follower const* follower) {
  return follower == nullptr ? -1 : follower->follower.descriptor();
}

int stele_follower_process(stele_follower* follower, stele_visitor visitor, stele_removed removed,
                           void* context) {
  if (follower == nullptr) return c::invalid_argument("follower is NULL");
  if (visitor == nullptr) return c::invalid_argument("visitor is NULL");
  return c::guarded([&] {
    return c::code_of_result(follower->follower.process(shows_parts(visitor, removed, context)));
  });
}

int stele_follower_run(stele_follower* follower, std::int64_t timeout_ms, stele_visitor visitor,
                       stele_removed removed, void* context) {
  if (follower == nullptr) return c::invalid_argument("follower is NULL");
  if (visitor == nullptr) return c::invalid_argument("visitor is NULL");
  return c::guarded([&] {
    return c::code_of_result(
        follower->follower.run(shows_parts(visitor, removed, context), c::deadline_of(timeout_ms)));
  });
}

// The table of options, and how the text of each value is read.
#include <algorithm>
#include <array>
#include <boost/algorithm/string/split.hpp>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/config/config.hpp"

namespace stele::daemon {
namespace {

/// How the values of some settings are written: what --help calls one, what is allowed, and what a
/// text means.
template <class Value>
struct Kind {
  std::string_view argument;
  std::string_view allowed;
  std::optional<Value> (*parse)(std::string_view text);
};

template <class Integer, int base = 10, Integer value_max = std::numeric_limits<Integer>::max()>
std::optional<Integer> parse_digits(std::string_view text) {
  Integer value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  bool const is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && value <= value_max ? std::optional(value) : std::nullopt;
}

std::optional<std::string> parse_path(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional<std::string>(text);
}

using OwnerId = std::optional<std::uint32_t>;  // Nothing: that of the process.

template <OwnerId (*parse_name)(std::string_view)>
std::optional<OwnerId> parse_owner(std::string_view text) {
  if (text == "own") return OwnerId();
  auto const id = parse_name(text);
  return id ? std::optional<OwnerId>(id) : std::nullopt;
}

bool is_name(std::string_view text) noexcept {
  constexpr std::size_t bytes_max = 64;
  return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

std::optional<std::vector<std::string>> parse_names(std::string_view text) {
  constexpr std::size_t names_max = 16;
  std::vector<std::string> names;
  if (text != "none") boost::split(names, text, [](char c) { return c == ','; });
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_name(*name) || std::find(names.begin(), name, *name) != name) return std::nullopt;
  }
  return names.size() > names_max ? std::nullopt : std::optional(std::move(names));
}

template <class Meaning, std::size_t count>
using Words = std::array<std::pair<std::string_view, Meaning>, count>;

using wal::Backend;
using wal::OnDamage;
constexpr Words<bool, 2> switch_words = {{{"true", true}, {"false", false}}};
constexpr Words<Backend, 3> backend_words = {
    {{"auto", Backend::automatic}, {"io_uring", Backend::io_uring}, {"posix", Backend::posix}}};
constexpr Words<OnDamage, 2> damage_words = {
    {{"serve", OnDamage::serve}, {"refuse", OnDamage::refuse}}};
constexpr Words<LogLevel, 4> level_words = {{{"debug", LogLevel::debug},
                                             {"info", LogLevel::info},
                                             {"warn", LogLevel::warn},
                                             {"error", LogLevel::error}}};

template <auto const& words>
auto parse_word(std::string_view text) {
  std::optional<typename std::decay_t<decltype(words)>::value_type::second_type> meaning;
  for (auto const& [word, its_meaning] : words) {
    if (word == text) meaning = its_meaning;
  }
  return meaning;
}

namespace kinds {
constexpr Kind<std::string> path{"PATH", "a path", parse_path};
constexpr Kind<std::uint64_t> size{"SIZE", "a size such as 512, 64K, 16M or 1G", parse_size};
constexpr Kind<std::uint64_t> count{"COUNT", "a count", parse_digits};
constexpr Kind<std::uint64_t> percent{"PERCENT", "a count", parse_digits};
constexpr Kind<std::chrono::seconds> duration{
    "TIME", "a time such as 30s, 5min, 12h, 7d, or 0 for none", parse_duration};
constexpr Kind<std::uint32_t> mode{"MODE", "an octal mode such as 0660",
                                   parse_digits<std::uint32_t, 8, 0777>};
constexpr Kind<OwnerId> user{"USER", "own, or a user (not nobody) by name or number",
                             parse_owner<parse_user>};
constexpr Kind<OwnerId> group{"GROUP", "own, or a group (not nogroup) by name or number",
                              parse_owner<parse_group>};
constexpr Kind<AccessList> access_list{
    "LIST", "all, or known users and @groups (not nobody) with commas between them",
    parse_access_list};
constexpr Kind<std::vector<std::string>> names{
    "NAMES",
    "none, or up to 16 different names of letters, digits, '.', '_' and '-' with commas between",
    parse_names};
constexpr Kind<bool> on_off{"", "true or false", parse_word<switch_words>};
constexpr Kind<Backend> backend{"NAME", "auto, io_uring or posix", parse_word<backend_words>};
constexpr Kind<OnDamage> action{"ACTION", "serve or refuse", parse_word<damage_words>};
constexpr Kind<LogLevel> level{"LEVEL", "debug, info, warn or error", parse_word<level_words>};
}  // namespace kinds

constexpr bool at_run_time = true;

/// The option that sets `member` of the settings.
template <auto const& kind, auto member>
constexpr Option option(std::string_view name, std::string_view default_value,
                        std::string_view help, bool is_taken_at_run_time = false) {
  return {.name = name,
          .argument = kind.argument,
          .default_value = default_value,
          .help = help,
          .set =
              [](Config& config, std::string_view text) {
                auto value = kind.parse(text);
                if (value) config.*member = *std::move(value);
                return value.has_value();
              },
          .allowed = kind.allowed,
          .copy = [](Config const& from, Config& to) { to.*member = from.*member; },
          .at_run_time = is_taken_at_run_time};
}

constexpr Option table[] = {
    option<kinds::path, &Config::socket>("socket", "/run/stele/stele.sock",
                                         "Unix domain socket that clients connect to"),
    option<kinds::mode, &Config::socket_mode>("socket-mode", "0660",
                                              "who may connect: permissions of the socket, octal"),
    option<kinds::user, &Config::socket_owner>(
        "socket-owner", "own", "whose the socket is: a user, or own: the process's"),
    option<kinds::group, &Config::socket_group>("socket-group", "own",
                                                "the group of the socket, or own: the process's"),
    option<kinds::access_list, &Config::may_write>(
        "may-write", "all", "who may write: all, or users and @groups, such as app,1001,@adm",
        at_run_time),
    option<kinds::access_list, &Config::may_read>("may-read", "all",
                                                  "who may read entries: the same", at_run_time),
    option<kinds::path, &Config::data_dir>("data-dir", "/var/lib/stele",
                                           "directory of the log; made if its parent exists"),
    option<kinds::backend, &Config::wal_backend>(
        "wal-backend", "auto",
        "how bytes get to the disk: io_uring, posix, or auto: the first that works"),
    option<kinds::on_off, &Config::buffered>(
        "buffered", "false", "write through the page cache also where it can be bypassed"),
    option<kinds::on_off, &Config::allow_remote>(
        "allow-remote", "false", "accept a network file system, whose locks and syncs may lie"),
    option<kinds::size, &Config::segment_bytes>("segment-bytes", "64M",
                                                "size of one file of the log"),
    option<kinds::size, &Config::commit_align>(
        "commit-align", "0", "commits start at multiples of this; 0: of the disk's sector"),
    option<kinds::on_off, &Config::pack>(
        "pack", "false", "compress the files of the log that are no longer written to"),
    option<kinds::size, &Config::retain_bytes>(
        "retain-bytes", "1G",
        "remove the oldest files while the log is larger; memory follows; 0: never; by default "
        "less where memory is small"),
    option<kinds::duration, &Config::retain_age>(
        "retain-age", "0", "remove files whose last entry is older; 0: never"),
    option<kinds::names, &Config::consumers>(
        "consumers", "none",
        "whose confirmation retention waits for: names with commas between them"),
    option<kinds::size, &Config::hold_bytes>(
        "hold-bytes", "512M",
        "how much larger than retain-bytes the log may become while it waits"),
    option<kinds::percent, &Config::history_share>(
        "history-share", "0",
        "of retain-bytes; a user that has more is refused what "
        "would remove others' entries; 0: none is",
        at_run_time),
    option<kinds::size, &Config::max_store_bytes>(
        "max-store-bytes", "0",
        "memory that entries may take; 0: by retain-bytes, or half of the machine's"),
    option<kinds::action, &Config::on_damage>(
        "on-damage", "serve",
        "when stored bytes are damaged: serve what is readable, or refuse to start"),
    option<kinds::count, &Config::max_connections>("max-connections", "1024",
                                                   "connections at a time", at_run_time),
    option<kinds::count, &Config::max_user_connections>(
        "max-user-connections", "64",
        "connections at a time of one user, besides root and the daemon's own; 0: max-connections",
        at_run_time),
    option<kinds::size, &Config::max_frame_bytes>("max-frame-bytes", "16M",
                                                  "one request, from 1M to 64M"),
    option<kinds::size, &Config::max_entry_bytes>("max-entry-bytes", "1M",
                                                  "message and metadata of one entry"),
    option<kinds::size, &Config::max_in_flight_bytes>(
        "max-in-flight-bytes", "64M",
        "accepted and not yet on disk, over all clients; above it no request is taken",
        at_run_time),
    option<kinds::size, &Config::max_unsent_bytes>(
        "max-unsent-bytes", "1M",
        "replies that a client has not read; above it that client is not served", at_run_time),
    option<kinds::size, &Config::max_user_unsent_bytes>(
        "max-user-unsent-bytes", "32M",
        "memory of such replies, over all connections of one user; above it large ones wait",
        at_run_time),
    option<kinds::size, &Config::max_all_unsent_bytes>(
        "max-all-unsent-bytes", "128M", "the same over all connections", at_run_time),
    option<kinds::size, &Config::max_unread_bytes>(
        "max-unread-bytes", "0",
        "received from a client and not yet handled; 0: max-frame-bytes and 256K more"),
    option<kinds::size, &Config::max_user_unread_bytes>(
        "max-user-unread-bytes", "0",
        "memory of such requests, over all connections of one user; above it large ones wait; 0: "
        "twice max-unread-bytes",
        at_run_time),
    option<kinds::size, &Config::max_all_unread_bytes>(
        "max-all-unread-bytes", "0",
        "the same over all connections; 0: four times max-user-unread-bytes", at_run_time),
    option<kinds::count, &Config::max_unanswered>(
        "max-unanswered", "4096", "requests of one client that wait for their answer", at_run_time),
    option<kinds::count, &Config::max_tails>("max-tails", "16", "follows of one client at a time",
                                             at_run_time),
    option<kinds::count, &Config::max_writers>("max-writers", "65536",
                                               "writers whose numbered writes are remembered"),
    option<kinds::duration, &Config::request_timeout>(
        "request-timeout", "30s",
        "a connection whose first request, or any that it began, is not whole by then is closed",
        at_run_time),
    option<kinds::duration, &Config::idle_timeout>(
        "idle-timeout", "0", "a connection without requests and follows for so long is closed",
        at_run_time),
    option<kinds::duration, &Config::reader_timeout>(
        "reader-timeout", "60s",
        "a connection that takes nothing of its replies for so long is closed", at_run_time),
    option<kinds::level, &Config::log_level>("log-level", "info", "what the daemon says on stderr",
                                             at_run_time),
};

struct Suffix {
  char letter;
  unsigned shift;
};
constexpr Suffix suffixes[] = {{'T', 40}, {'G', 30}, {'M', 20}, {'K', 10}};

}  // namespace

std::span<Option const> options() noexcept { return table; }

Config::Config() {
  for (Option const& option : table) option.set(*this, option.default_value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  std::uint64_t size = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return size;
  for (auto const& suffix : suffixes) {
    if (text.front() != suffix.letter) continue;
    text.remove_prefix(1);
    if (!text.empty() && text != "iB") return std::nullopt;
    if (size > UINT64_MAX >> suffix.shift) return std::nullopt;
    return size << suffix.shift;
  }
  return std::nullopt;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return std::chrono::seconds(0);
  constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86'400}};
  constexpr std::int64_t seconds_max = std::int64_t{1000} * 365 * 86'400;
  std::int64_t count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (auto const& [unit, seconds] : units) {
    if (text != unit) continue;
    if (count > seconds_max / seconds) return std::nullopt;
    return std::chrono::seconds(count * seconds);
  }
  return std::nullopt;
}

std::string format_size(std::uint64_t bytes) {
  for (auto const& suffix : suffixes) {
    if (bytes == 0 || bytes % (std::uint64_t{1} << suffix.shift) != 0) continue;
    return std::to_string(bytes >> suffix.shift) + suffix.letter;
  }
  return std::to_string(bytes);
}

}  // namespace stele::daemon

// The table of options, and how the text of each value is read.
#include <algorithm>
#include <array>
#include <boost/algorithm/string/split.hpp>
#include <charconv>
#include <utility>

#include "daemon/config/config.hpp"

namespace stele::daemon {
namespace {

constexpr std::string_view sizes_allowed = "a size such as 512, 64K, 16M or 1G";
constexpr std::string_view durations_allowed = "a time such as 30s, 5min, 12h, 7d, or 0 for none";
constexpr std::string_view consumers_allowed =
    "none, or up to 16 different names of letters, digits, '.', '_' and '-' with commas between";
constexpr std::string_view access_allowed =
    "all, or known users and @groups (not nobody) with commas between them";
/// Stands for the process's own user or group.
constexpr std::string_view own_word = "own";

template <std::uint64_t Config::*member>
bool set_size(Config& config, std::string_view value) {
  auto const size = parse_size(value);
  if (size) config.*member = *size;
  return size.has_value();
}

template <std::uint64_t Config::*member>
bool set_count(Config& config, std::string_view value) {
  std::uint64_t count = 0;
  auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc{} || end != value.data() + value.size()) return false;
  config.*member = count;
  return true;
}

template <std::chrono::seconds Config::*member>
bool set_duration(Config& config, std::string_view value) {
  auto const duration = parse_duration(value);
  if (duration) config.*member = *duration;
  return duration.has_value();
}

bool set_socket_owner(Config& config, std::string_view value) {
  config.socket_owner = value == own_word ? std::nullopt : parse_user(value);
  return value == own_word || config.socket_owner.has_value();
}

bool set_socket_group(Config& config, std::string_view value) {
  config.socket_group = value == own_word ? std::nullopt : parse_group(value);
  return value == own_word || config.socket_group.has_value();
}

template <AccessList Config::*member>
bool set_access(Config& config, std::string_view value) {
  auto list = parse_access_list(value);
  if (list) config.*member = *std::move(list);
  return list.has_value();
}

template <std::string Config::*member>
bool set_path(Config& config, std::string_view value) {
  if (value.empty()) return false;
  config.*member = value;
  return true;
}

template <bool Config::*member>
bool set_switch(Config& config, std::string_view value) {
  if (value != "true" && value != "false") return false;
  config.*member = value == "true";
  return true;
}

bool set_mode(Config& config, std::string_view value) {
  std::uint32_t mode = 0;
  auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), mode, 8);
  if (error != std::errc{} || end != value.data() + value.size() || mode > 0777) return false;
  config.socket_mode = mode;
  return true;
}

template <class Enum, std::size_t count>
bool set_word(Enum& member, std::string_view value,
              std::array<std::pair<std::string_view, Enum>, count> const& words) {
  for (auto const& [word, meaning] : words) {
    if (word != value) continue;
    member = meaning;
    return true;
  }
  return false;
}

bool set_backend(Config& config, std::string_view value) {
  using wal::Backend;
  return set_word(config.wal_backend, value,
                  std::array{std::pair{std::string_view("auto"), Backend::automatic},
                             std::pair{std::string_view("io_uring"), Backend::io_uring},
                             std::pair{std::string_view("posix"), Backend::posix}});
}

bool is_name(std::string_view text) noexcept {
  constexpr std::size_t bytes_max = 64;
  return !text.empty() && text.size() <= bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool set_consumers(Config& config, std::string_view value) {
  constexpr std::size_t consumers_max = 16;
  std::vector<std::string> names;
  if (value != "none") boost::split(names, value, [](char c) { return c == ','; });
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (!is_name(*name) || std::find(names.begin(), name, *name) != name) return false;
  }
  if (names.size() > consumers_max) return false;
  config.consumers = std::move(names);
  return true;
}

bool set_on_damage(Config& config, std::string_view value) {
  return set_word(config.on_damage, value,
                  std::array{std::pair{std::string_view("serve"), wal::OnDamage::serve},
                             std::pair{std::string_view("refuse"), wal::OnDamage::refuse}});
}

template <auto member>
void copy(Config const& from, Config& to) {
  to.*member = from.*member;
}

bool set_log_level(Config& config, std::string_view value) {
  return set_word(config.log_level, value,
                  std::array{std::pair{std::string_view("debug"), LogLevel::debug},
                             std::pair{std::string_view("info"), LogLevel::info},
                             std::pair{std::string_view("warn"), LogLevel::warn},
                             std::pair{std::string_view("error"), LogLevel::error}});
}

constexpr Option table[] = {
    {"socket", "PATH", "/run/stele/stele.sock", "Unix domain socket that clients connect to",
     &set_path<&Config::socket>, "a path", &copy<&Config::socket>},
    {"socket-mode", "MODE", "0660", "who may connect: permissions of the socket, octal", &set_mode,
     "an octal mode such as 0660", &copy<&Config::socket_mode>},
    {"socket-owner", "USER", "own", "whose the socket is: a user, or own: the process's",
     &set_socket_owner, "own, or a user (not nobody) by name or number",
     &copy<&Config::socket_owner>},
    {"socket-group", "GROUP", "own", "the group of the socket, or own: the process's",
     &set_socket_group, "own, or a group (not nogroup) by name or number",
     &copy<&Config::socket_group>},
    {"may-write", "LIST", "all", "who may write: all, or users and @groups, such as app,1001,@adm",
     &set_access<&Config::may_write>, access_allowed, &copy<&Config::may_write>, true},
    {"may-read", "LIST", "all", "who may read entries: the same", &set_access<&Config::may_read>,
     access_allowed, &copy<&Config::may_read>, true},
    {"data-dir", "PATH", "/var/lib/stele", "directory of the log; made if its parent exists",
     &set_path<&Config::data_dir>, "a path", &copy<&Config::data_dir>},
    {"wal-backend", "NAME", "auto",
     "how bytes get to the disk: io_uring, posix, or auto: the first that works", &set_backend,
     "auto, io_uring or posix", &copy<&Config::wal_backend>},
    {"buffered", "", "false", "write through the page cache also where it can be bypassed",
     &set_switch<&Config::buffered>, "true or false", &copy<&Config::buffered>},
    {"allow-remote", "", "false", "accept a network file system, whose locks and syncs may lie",
     &set_switch<&Config::allow_remote>, "true or false", &copy<&Config::allow_remote>},
    {"segment-bytes", "SIZE", "64M", "size of one file of the log",
     &set_size<&Config::segment_bytes>, sizes_allowed, &copy<&Config::segment_bytes>},
    {"commit-align", "SIZE", "0", "commits start at multiples of this; 0: of the disk's sector",
     &set_size<&Config::commit_align>, sizes_allowed, &copy<&Config::commit_align>},
    {"retain-bytes", "SIZE", "1G",
     "remove the oldest files while the log is larger; memory follows; 0: never",
     &set_size<&Config::retain_bytes>, sizes_allowed, &copy<&Config::retain_bytes>},
    {"retain-age", "TIME", "0", "remove files whose last entry is older; 0: never",
     &set_duration<&Config::retain_age>, durations_allowed, &copy<&Config::retain_age>},
    {"consumers", "NAMES", "none",
     "whose confirmation retention waits for: names with commas between them", &set_consumers,
     consumers_allowed, &copy<&Config::consumers>},
    {"hold-bytes", "SIZE", "512M",
     "how much larger than retain-bytes the log may become while it waits",
     &set_size<&Config::hold_bytes>, sizes_allowed, &copy<&Config::hold_bytes>},
    {"history-share", "PERCENT", "0",
     "of retain-bytes; a user that has more is refused what would remove others' entries; 0: none "
     "is",
     &set_count<&Config::history_share>, "a count", &copy<&Config::history_share>, true},
    {"max-store-bytes", "SIZE", "0",
     "memory that entries may take; 0: by retain-bytes, or half of the machine's",
     &set_size<&Config::max_store_bytes>, sizes_allowed, &copy<&Config::max_store_bytes>},
    {"on-damage", "ACTION", "serve",
     "when stored bytes are damaged: serve what is readable, or refuse to start", &set_on_damage,
     "serve or refuse", &copy<&Config::on_damage>},
    {"max-connections", "COUNT", "1024", "connections at a time",
     &set_count<&Config::max_connections>, "a count", &copy<&Config::max_connections>, true},
    {"max-user-connections", "COUNT", "64",
     "connections at a time of one user, besides root and the daemon's own; 0: max-connections",
     &set_count<&Config::max_user_connections>, "a count", &copy<&Config::max_user_connections>,
     true},
    {"max-frame-bytes", "SIZE", "16M", "one request, from 1M to 64M",
     &set_size<&Config::max_frame_bytes>, sizes_allowed, &copy<&Config::max_frame_bytes>},
    {"max-entry-bytes", "SIZE", "1M", "message and metadata of one entry",
     &set_size<&Config::max_entry_bytes>, sizes_allowed, &copy<&Config::max_entry_bytes>},
    {"max-in-flight-bytes", "SIZE", "64M",
     "accepted and not yet on disk, over all clients; above it no request is taken",
     &set_size<&Config::max_in_flight_bytes>, sizes_allowed, &copy<&Config::max_in_flight_bytes>,
     true},
    {"max-unsent-bytes", "SIZE", "1M",
     "replies that a client has not read; above it that client is not served",
     &set_size<&Config::max_unsent_bytes>, sizes_allowed, &copy<&Config::max_unsent_bytes>, true},
    {"max-user-unsent-bytes", "SIZE", "32M",
     "memory of such replies, over all connections of one user; above it large ones wait",
     &set_size<&Config::max_user_unsent_bytes>, sizes_allowed,
     &copy<&Config::max_user_unsent_bytes>, true},
    {"max-all-unsent-bytes", "SIZE", "128M", "the same over all connections",
     &set_size<&Config::max_all_unsent_bytes>, sizes_allowed, &copy<&Config::max_all_unsent_bytes>,
     true},
    {"max-unread-bytes", "SIZE", "0",
     "received from a client and not yet handled; 0: max-frame-bytes and 256K more",
     &set_size<&Config::max_unread_bytes>, sizes_allowed, &copy<&Config::max_unread_bytes>},
    {"max-user-unread-bytes", "SIZE", "0",
     "memory of such requests, over all connections of one user; above it large ones wait; 0: "
     "twice max-unread-bytes",
     &set_size<&Config::max_user_unread_bytes>, sizes_allowed,
     &copy<&Config::max_user_unread_bytes>, true},
    {"max-all-unread-bytes", "SIZE", "0",
     "the same over all connections; 0: four times max-user-unread-bytes",
     &set_size<&Config::max_all_unread_bytes>, sizes_allowed, &copy<&Config::max_all_unread_bytes>,
     true},
    {"max-unanswered", "COUNT", "4096", "requests of one client that wait for their answer",
     &set_count<&Config::max_unanswered>, "a count", &copy<&Config::max_unanswered>, true},
    {"max-tails", "COUNT", "16", "follows of one client at a time", &set_count<&Config::max_tails>,
     "a count", &copy<&Config::max_tails>, true},
    {"max-writers", "COUNT", "65536", "writers whose numbered writes are remembered",
     &set_count<&Config::max_writers>, "a count", &copy<&Config::max_writers>},
    {"request-timeout", "TIME", "30s",
     "a connection whose first request, or any that it began, is not whole by then is closed",
     &set_duration<&Config::request_timeout>, durations_allowed, &copy<&Config::request_timeout>,
     true},
    {"idle-timeout", "TIME", "0", "a connection without requests and follows for so long is closed",
     &set_duration<&Config::idle_timeout>, durations_allowed, &copy<&Config::idle_timeout>, true},
    {"reader-timeout", "TIME", "60s",
     "a connection that takes nothing of its replies for so long is closed",
     &set_duration<&Config::reader_timeout>, durations_allowed, &copy<&Config::reader_timeout>,
     true},
    {"log-level", "LEVEL", "info", "what the daemon says on stderr", &set_log_level,
     "debug, info, warn or error", &copy<&Config::log_level>, true},
};

struct Suffix {
  char letter;
  unsigned shift;
};
constexpr Suffix suffixes[] = {{'T', 40}, {'G', 30}, {'M', 20}, {'K', 10}};

}  // namespace

std::span<Option const> options() noexcept { return table; }

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

#include "daemon/config/config.hpp"

#include <sys/un.h>
#include <sysexits.h>

#include <algorithm>
#include <bit>
#include <boost/program_options.hpp>
#include <fstream>
#include <sstream>
#include <utility>

namespace stele::daemon {
namespace {

namespace po = boost::program_options;
using Messages = std::vector<std::string>;

Option const* find_option(std::string_view name) noexcept {
  auto const all = options();
  auto const found = std::find_if(all.begin(), all.end(),
                                  [name](Option const& option) { return option.name == name; });
  return found == all.end() ? nullptr : &*found;
}

po::options_description describe_settings() {
  po::options_description described("Settings, also as `name = value` in a configuration file", 98,
                                    58);
  for (Option const& option : options()) {
    auto* const value = po::value<std::string>();
    if (option.argument.empty()) {
      value->implicit_value("true")->value_name("true|false");
    } else {
      value->value_name(std::string(option.argument));
    }
    std::string help(option.help);
    help.append(" [").append(option.default_value).append("]");
    described.add_options()(std::string(option.name).c_str(), value, help.c_str());
  }
  return described;
}

po::options_description describe_actions() {
  po::options_description described("Actions", 98, 58);
  described.add_options()("config,c", po::value<std::string>()->value_name("FILE"),
                          "read settings from FILE; flags win over it");
  described.add_options()("check-config", "check the settings, say what is wrong, and end");
  described.add_options()("help,h", "this text");
  described.add_options()("version,V", "the version");
  return described;
}

/// Sets one value; where the value stands goes in front of the message.
void set_option(std::string_view name, std::string_view value, std::string const& where,
                Config& config, Messages& errors) {
  Option const* const option = find_option(name);
  if (option == nullptr) {
    errors.push_back(where + ": unknown setting");
  } else if (!option->set(config, value)) {
    errors.push_back(where + ": \"" + std::string(value) + "\" is not " +
                     std::string(option->allowed));
  }
}

std::optional<po::parsed_options> parse_flags(std::span<char const* const> arguments,
                                              Messages& errors) {
  po::options_description described;
  described.add(describe_actions()).add(describe_settings());
  std::vector<std::string> const words(arguments.begin(), arguments.end());
  try {
    using namespace po::command_line_style;
    // Unknown flags are let through, so that all of them can be named at once. No abbreviations:
    // a flag added later must not change what a script means.
    return po::command_line_parser(words)
        .options(described)
        .style(unix_style & ~allow_guessing)
        .allow_unregistered()
        .run();
  } catch (po::error const& error) {
    errors.push_back(error.what());
    return std::nullopt;
  }
}

void apply_flags(po::parsed_options const& flags, Config& config, Messages& errors) {
  bool after_unknown = false;
  for (auto const& flag : flags.options) {
    if (flag.position_key >= 0) {
      // What follows an unknown flag may be its value.
      if (!after_unknown) errors.push_back("unexpected argument \"" + flag.value.front() + "\"");
      continue;
    }
    after_unknown = flag.unregistered;
    if (flag.unregistered) {
      errors.push_back("unknown flag " + flag.original_tokens.front());
    } else if (find_option(flag.string_key) != nullptr) {
      // A switch without a value.
      std::string const value = flag.value.empty() ? "true" : flag.value.front();
      set_option(flag.string_key, value, "--" + flag.string_key, config, errors);
    }
  }
}

std::string const* find_flag(po::parsed_options const& flags, std::string_view name) {
  static std::string const present;
  for (auto const& flag : flags.options) {
    if (flag.string_key == name) return flag.value.empty() ? &present : &flag.value.front();
  }
  return nullptr;
}

/// Memory is taken and given back in chunks.
constexpr std::uint64_t store_slack_bytes = std::uint64_t{16} << 20;

/// A frame of a read with its last entry.
constexpr std::uint64_t unsent_bytes_min = std::uint64_t{4} << 20;

/// At most what fits: settings may be absurd.
std::uint64_t sum(std::uint64_t a, std::uint64_t b) noexcept {
  return a + std::min(b, UINT64_MAX - a);
}

std::string size_message(std::string_view name, std::string_view rule, std::uint64_t size) {
  return std::string(name) + " " + std::string(rule) + ", not " + format_size(size);
}

}  // namespace

Messages parse_config_file(std::istream& file, std::string_view name, Config& config) {
  Messages errors;
  try {
    auto const lines = po::parse_config_file<char>(file, describe_settings(), true);
    for (auto const& line : lines.options) {
      auto const where = std::string(name) + ": " + line.string_key;
      if (line.value.size() != 1) {
        errors.push_back(where + ": has no value");
      } else {
        set_option(line.string_key, line.value.front(), where, config, errors);
      }
    }
  } catch (po::error const& error) {
    errors.push_back(std::string(name) + ": " + error.what());
  }
  return errors;
}

Messages validate(Config const& config) {
  Messages errors;
  auto const require = [&errors](bool holds, std::string message) {
    if (!holds) errors.push_back(std::move(message));
  };
  require(config.socket.size() < sizeof(sockaddr_un{}.sun_path),
          "socket: the path is longer than the 107 bytes that a socket's name can have");
  require(config.max_frame_bytes >= (1U << 20) &&
              config.max_frame_bytes <= protocol::frame_bytes_ceiling,
          size_message("max-frame-bytes", "must be from 1M to 64M", config.max_frame_bytes));
  require(config.max_entry_bytes >= 1 && config.max_entry_bytes <= config.max_frame_bytes,
          size_message("max-entry-bytes", "must be at least 1 and at most max-frame-bytes",
                       config.max_entry_bytes));
  require(config.max_unread_bytes == 0 ||
              config.max_unread_bytes >= config.max_frame_bytes + protocol::frame_header_bytes,
          size_message("max-unread-bytes", "must be 0 or hold a frame and its 4 bytes of length",
                       config.max_unread_bytes));
  require(user_unread_bytes_max(config) >= 2 * config.max_frame_bytes,
          size_message("max-user-unread-bytes", "must be 0 or at least twice max-frame-bytes",
                       config.max_user_unread_bytes));
  require(all_unread_bytes_max(config) >= user_unread_bytes_max(config) + config.max_frame_bytes,
          size_message("max-all-unread-bytes",
                       "must be 0 or at least max-user-unread-bytes and max-frame-bytes more",
                       config.max_all_unread_bytes));
  require(config.max_unsent_bytes >= 1, "max-unsent-bytes must be at least 1");
  require(
      config.max_user_unsent_bytes >= unsent_bytes_min,
      size_message("max-user-unsent-bytes", "must be at least 4M", config.max_user_unsent_bytes));
  require(config.max_all_unsent_bytes >= config.max_user_unsent_bytes + unsent_bytes_min,
          size_message("max-all-unsent-bytes", "must be at least max-user-unsent-bytes and 4M more",
                       config.max_all_unsent_bytes));
  require(config.max_in_flight_bytes >= 1, "max-in-flight-bytes must be at least 1");
  require(config.max_connections >= 1, "max-connections must be at least 1");
  require(config.max_unanswered >= 1, "max-unanswered must be at least 1");
  require(config.max_writers >= 1, "max-writers must be at least 1");
  require(config.segment_bytes >= (1U << 20) && config.segment_bytes <= (std::uint64_t{4} << 30) &&
              config.segment_bytes % 4096 == 0,
          size_message("segment-bytes", "must be a multiple of 4K from 1M to 4G",
                       config.segment_bytes));
  require(
      config.commit_align == 0 || (std::has_single_bit(config.commit_align) &&
                                   config.commit_align >= 512 && config.commit_align <= (4U << 10)),
      size_message("commit-align", "must be 0 or a power of two from 512 to 4K",
                   config.commit_align));
  // A start makes two segments, both empty: with less, it could expire all that there is to read.
  require(config.retain_bytes == 0 || config.retain_bytes / 4 >= config.segment_bytes,
          size_message("retain-bytes", "must be 0 or at least four times segment-bytes",
                       config.retain_bytes));
  require(config.history_share <= 100,
          "history-share must be from 0 to 100, not " + std::to_string(config.history_share));
  require(config.history_share == 0 || config.retain_bytes != 0,
          "history-share must be 0 where retain-bytes is 0: nothing is removed for others' sake");
  auto const log_bytes = log_bytes_max(config);
  require(config.max_store_bytes == 0 || log_bytes == 0 ||
              config.max_store_bytes >= sum(sum(log_bytes, log_bytes / 4), store_slack_bytes),
          size_message("max-store-bytes",
                       "must be 0 or at least retain-bytes (and hold-bytes, if there are "
                       "consumers), a quarter for its index, and 16M",
                       config.max_store_bytes));
  return errors;
}

std::uint64_t held_bytes_max(Config const& config) noexcept {
  return config.consumers.empty() ? 0 : config.hold_bytes;
}

std::uint64_t history_bytes_max(Config const& config) noexcept {
  auto const percent = config.retain_bytes / 100;
  auto const rest = config.retain_bytes % 100;
  return percent * config.history_share + rest * config.history_share / 100;
}

std::uint64_t log_bytes_max(Config const& config) noexcept {
  return config.retain_bytes == 0 ? 0 : sum(config.retain_bytes, held_bytes_max(config));
}

std::uint64_t store_bytes_max(Config const& config, std::uint64_t machine_bytes) noexcept {
  if (config.max_store_bytes != 0) return config.max_store_bytes;
  if (auto const log_bytes = log_bytes_max(config); log_bytes != 0) {
    return sum(sum(log_bytes, log_bytes / 2), store_slack_bytes);
  }
  return machine_bytes / 2;
}

std::uint64_t unread_bytes_max(Config const& config) noexcept {
  return config.max_unread_bytes != 0 ? config.max_unread_bytes
                                      : config.max_frame_bytes + read_bytes_max;
}

std::uint64_t user_unread_bytes_max(Config const& config) noexcept {
  return config.max_user_unread_bytes != 0 ? config.max_user_unread_bytes
                                           : 2 * unread_bytes_max(config);
}

std::uint64_t all_unread_bytes_max(Config const& config) noexcept {
  return config.max_all_unread_bytes != 0 ? config.max_all_unread_bytes
                                          : 4 * user_unread_bytes_max(config);
}

std::optional<ConfigErrors> parse_command_line(std::span<char const* const> arguments,
                                               Invocation& invocation) {
  Messages errors;
  auto const flags = parse_flags(arguments, errors);
  if (!flags) return ConfigErrors{EX_USAGE, std::move(errors)};
  if (find_flag(*flags, "help") != nullptr) {
    invocation.action = Invocation::Action::help;
    return std::nullopt;
  }
  if (find_flag(*flags, "version") != nullptr) {
    invocation.action = Invocation::Action::version;
    return std::nullopt;
  }
  if (find_flag(*flags, "check-config") != nullptr) {
    invocation.action = Invocation::Action::check_config;
  }

  Messages file_errors;
  if (auto const* const path = find_flag(*flags, "config")) {
    std::ifstream file(*path);
    if (file) {
      file_errors = parse_config_file(file, *path, invocation.config);
    } else {
      file_errors.push_back("cannot read the configuration file " + *path);
    }
  }
  apply_flags(*flags, invocation.config, errors);
  int const exit_code = errors.empty() ? EX_CONFIG : EX_USAGE;
  auto const misfits = validate(invocation.config);
  errors.insert(errors.end(), file_errors.begin(), file_errors.end());
  errors.insert(errors.end(), misfits.begin(), misfits.end());
  if (errors.empty()) return std::nullopt;
  return ConfigErrors{exit_code, std::move(errors)};
}

std::string help_text() {
  std::ostringstream text;
  text << "usage: steled [--config FILE] [--name VALUE]…\n\n"
          "A durable, structured log store. Clients connect to its Unix domain socket.\n\n"
          "  steled --data-dir ./data --socket ./stele.sock\n\n"
       << describe_actions() << '\n'
       << describe_settings();
  return text.str();
}

ConfigChange compare(Config const& running, Config const& wanted) {
  ConfigChange change{.in_force = running};
  for (Option const& option : options()) {
    Config changed = running;
    option.copy(wanted, changed);
    if (changed == running) continue;
    (option.at_run_time ? change.applied : change.needs_restart).push_back(option.name);
    if (option.at_run_time) option.copy(wanted, change.in_force);
  }
  return change;
}

}  // namespace stele::daemon

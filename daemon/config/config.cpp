#include "daemon/config/config.hpp"

#include <sys/un.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <boost/algorithm/string/trim.hpp>
#include <fstream>
#include <utility>

namespace stele::daemon {
namespace {

using Messages = std::vector<std::string>;

Option const* find_option(std::string_view name) noexcept {
  auto const all = options();
  auto const found = std::find_if(all.begin(), all.end(),
                                  [name](Option const& option) { return option.name == name; });
  return found == all.end() ? nullptr : &*found;
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
  } else {
    config.given.push_back(option->name);
  }
}

constexpr std::size_t help_columns = 58;
constexpr std::size_t name_columns = 38;

/// In lines of at most help_columns.
std::string wrapped(std::string text) {
  for (std::size_t begin = 0; text.size() - begin > help_columns;) {
    auto const blank = text.rfind(' ', begin + help_columns);
    if (blank == std::string::npos || blank <= begin) break;
    text[blank] = '\n';
    begin = blank + 1;
  }
  return text;
}

// CLI11 would take what stands behind `--name=` from the next word, and `[a,b]` apart. No word has
// a NUL in it: one at the end of each value prevents both.
void mark(std::string& word) {
  if (!word.starts_with('-') || word.find('=') != std::string::npos) word += '\0';
}
std::string without_mark(std::string word) {
  if (word.ends_with('\0')) word.pop_back();
  return word;
}

/// The flags. The values of settings are text here; the table knows what they mean.
class Flags {
 public:
  Flags() : values_(options().size()) {
    // Unknown flags are let through, so that all of them can be named at once.
    app_.allow_extras();
    app_.add_option("-c,--config", config_file, "read settings from FILE; flags win over it")
        ->type_name("FILE")
        ->take_last();
    app_.add_flag("--check-config", checks_config,
                  "check the settings, say what is wrong, and end");
    app_.set_help_flag("-h,--help", "this text");
    app_.set_version_flag("-V,--version", "", "the version");
    for (auto* action : app_.get_options()) action->group("Actions");
    for (std::size_t i = 0; i < values_.size(); ++i) add_setting(options()[i], values_[i]);
  }

  /// Throws CLI::Error.
  void parse(std::span<char const* const> arguments) {
    std::vector<std::string> words(arguments.rbegin(), arguments.rend());
    std::ranges::for_each(words, mark);
    app_.parse(std::move(words));
  }
  void apply(Config& config, Messages& errors) const;

  std::string help() const {
    CLI::Formatter formatter;
    formatter.column_width(name_columns);
    return formatter.make_groups(&app_, CLI::AppFormatMode::Normal);
  }

  std::string config_file{};
  bool checks_config = false;

 private:
  void add_setting(Option const& option, std::string& value) {
    auto const name = "--" + std::string(option.name);
    auto const help =
        wrapped(std::string(option.help) + " [" + std::string(option.default_value) + "]");
    auto* const added = option.argument.empty() ? app_.add_flag(name, value, help)
                                                : app_.add_option(name, value, help);
    if (option.argument.empty()) {
      added->option_text("[=true|false]");
    } else {
      added->type_name(std::string(option.argument));
    }
    added->take_last()->group("Settings, also as `name = value` in a configuration file");
  }

  CLI::App app_{};
  std::vector<std::string> values_;
};

void Flags::apply(Config& config, Messages& errors) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    auto const name = "--" + std::string(options()[i].name);
    if (app_.count(name) == 0) continue;
    set_option(options()[i].name, without_mark(values_[i]), name, config, errors);
  }
  bool after_unknown = false;
  for (auto const& marked : app_.remaining()) {
    auto const word = without_mark(marked);
    // What follows an unknown flag may be its value.
    bool const is_flag = word.starts_with('-') && word != "-";
    if (is_flag) errors.push_back("unknown flag " + word);
    if (!is_flag && !after_unknown) errors.push_back("unexpected argument \"" + word + "\"");
    after_unknown = is_flag;
  }
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

bool Config::is_given(std::string_view name) const noexcept {
  return std::ranges::find(given, name) != given.end();
}

Messages parse_config_file(std::istream& file, std::string_view name, Config& config) {
  Messages errors;
  for (std::string line; std::getline(file, line);) {
    line.resize(std::min(line.find('#'), line.size()));  // The comment.
    boost::trim(line);
    if (line.empty()) continue;
    auto const equals = line.find('=');
    if (equals == std::string::npos) {
      errors.push_back(std::string(name) + ": \"" + line + "\" is not `name = value`");
      continue;
    }
    auto const setting = boost::trim_copy(line.substr(0, equals));
    auto const value = boost::trim_copy(line.substr(equals + 1));
    set_option(setting, value, std::string(name) + ": " + setting, config, errors);
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
  Flags flags;
  try {
    flags.parse(arguments);
  } catch (CLI::CallForHelp const&) {
    invocation.action = Invocation::Action::help;
    return std::nullopt;
  } catch (CLI::CallForVersion const&) {
    invocation.action = Invocation::Action::version;
    return std::nullopt;
  } catch (CLI::Error const& error) {
    return ConfigErrors{EX_USAGE, {error.what()}};
  }
  if (flags.checks_config) invocation.action = Invocation::Action::check_config;

  Messages file_errors;
  if (auto const path = without_mark(flags.config_file); !flags.config_file.empty()) {
    std::ifstream file(path);
    if (file) {
      file_errors = parse_config_file(file, path, invocation.config);
    } else {
      file_errors.push_back("cannot read the configuration file " + path);
    }
  }
  flags.apply(invocation.config, errors);
  int const exit_code = errors.empty() ? EX_CONFIG : EX_USAGE;
  auto const misfits = validate(invocation.config);
  errors.insert(errors.end(), file_errors.begin(), file_errors.end());
  errors.insert(errors.end(), misfits.begin(), misfits.end());
  if (errors.empty()) return std::nullopt;
  return ConfigErrors{exit_code, std::move(errors)};
}

std::string help_text() {
  return "usage: steled [--config FILE] [--name VALUE]…\n\n"
         "A durable, structured log store. Clients connect to its Unix domain socket.\n\n"
         "  steled --data-dir ./data --socket ./stele.sock\n" +
         Flags().help();
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

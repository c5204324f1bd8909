#include "daemon/config/config.hpp"

#include <sysexits.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace stele::daemon;

struct Parsed {
  Invocation invocation{};
  int exit_code = 0;
  std::vector<std::string> errors{};

  bool mentions(std::string_view text) const {
    return std::any_of(errors.begin(), errors.end(), [text](std::string const& error) {
      return error.find(text) != std::string::npos;
    });
  }
};

Parsed parse(std::vector<char const*> const& arguments) {
  Parsed parsed;
  if (auto const errors = parse_command_line(arguments, parsed.invocation)) {
    parsed.exit_code = errors->exit_code;
    parsed.errors = errors->messages;
  }
  return parsed;
}

std::vector<std::string> parse_file(std::string const& text, Config& config) {
  std::istringstream file(text);
  return parse_config_file(file, "test.conf", config);
}

std::string const sample_path = STELE_SAMPLE_CONF;

}  // namespace

BOOST_AUTO_TEST_SUITE(config_test)

BOOST_AUTO_TEST_CASE(no_arguments_give_the_defaults_and_they_are_valid) {
  auto const parsed = parse({});
  BOOST_TEST(parsed.errors.empty());
  BOOST_TEST((parsed.invocation.config == Config{}));
  BOOST_TEST((parsed.invocation.action == Invocation::Action::run));
}

BOOST_AUTO_TEST_CASE(the_table_names_the_defaults_that_are_in_force) {
  for (Option const& option : options()) {
    BOOST_TEST_CONTEXT(option.name) {
      Config config;
      BOOST_TEST(option.set(config, option.default_value));
      BOOST_TEST((config == Config{}));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_sample_file_has_every_setting_with_its_default_and_no_other) {
  std::ifstream file(sample_path);
  BOOST_REQUIRE(file);
  std::vector<std::string> commented;
  for (std::string line; std::getline(file, line);) {
    bool const is_setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    if (is_setting) commented.push_back(line.substr(1));
  }
  std::vector<std::string> expected;
  for (Option const& option : options()) {
    expected.push_back(std::string(option.name) + " = " + std::string(option.default_value));
  }
  BOOST_TEST(commented == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_sample_file_is_read_without_errors_and_changes_nothing) {
  auto const parsed = parse({"--config", sample_path.c_str()});
  BOOST_TEST(parsed.errors.empty());
  BOOST_TEST((parsed.invocation.config == Config{}));
}

BOOST_AUTO_TEST_CASE(values_of_a_file_are_taken) {
  Config config;
  auto const errors = parse_file(
      "# words\n"
      "socket = /tmp/s.sock\n"
      "wal-backend=posix\n"
      "retain-bytes = 4G\n"
      "buffered = true\n",
      config);
  BOOST_TEST(errors.empty());
  BOOST_TEST(config.socket == "/tmp/s.sock");
  BOOST_TEST((config.wal_backend == stele::wal::Backend::posix));
  BOOST_TEST(config.retain_bytes == std::uint64_t{4} << 30);
  BOOST_TEST(config.buffered);
}

BOOST_AUTO_TEST_CASE(all_errors_of_a_file_are_found) {
  Config config;
  auto const errors = parse_file("retain-byte = 1\nsocket-mode = 999\nlog-level = loud\n", config);
  BOOST_TEST(errors.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_flag_wins_over_the_file) {
  auto const parsed = parse({"--config", sample_path.c_str(), "--segment-bytes=8M", "--buffered"});
  BOOST_TEST(parsed.errors.empty());
  BOOST_TEST(parsed.invocation.config.segment_bytes == 8U << 20);
  BOOST_TEST(parsed.invocation.config.buffered);
}

BOOST_AUTO_TEST_CASE(a_switch_does_not_swallow_the_next_word) {
  auto const parsed = parse({"--buffered", "--log-level", "debug"});
  BOOST_TEST(parsed.errors.empty());
  BOOST_TEST(parsed.invocation.config.buffered);
  BOOST_TEST((parsed.invocation.config.log_level == LogLevel::debug));
  BOOST_TEST(!parse({"--buffered=false"}).invocation.config.buffered);
}

BOOST_AUTO_TEST_CASE(all_errors_of_a_command_line_are_told_at_once) {
  auto const parsed = parse({"--retain-byte", "1", "--socket-mode", "rw", "--max-frame-bytes", "1K",
                             "--max-connections=0", "stray"});
  BOOST_TEST(parsed.exit_code == EX_USAGE);
  BOOST_TEST(parsed.mentions("--retain-byte"));
  BOOST_TEST(parsed.mentions("--socket-mode"));
  BOOST_TEST(parsed.mentions("max-frame-bytes"));
  BOOST_TEST(parsed.mentions("max-connections"));
  BOOST_TEST(parsed.mentions("\"stray\""));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_a_configuration_error) {
  auto const parsed = parse({"--config", "/nonexistent/steled.conf"});
  BOOST_TEST(parsed.exit_code == EX_CONFIG);
  BOOST_TEST(parsed.mentions("/nonexistent/steled.conf"));
}

BOOST_AUTO_TEST_CASE(a_flag_without_its_value_is_a_usage_error) {
  BOOST_TEST(parse({"--socket"}).exit_code == EX_USAGE);
}

BOOST_AUTO_TEST_CASE(an_empty_value_is_no_reason_to_take_the_next_word) {
  auto const parsed = parse({"--socket=", "--buffered=", "--log-level", "", "--max-tails", "7"});
  BOOST_TEST(parsed.exit_code == EX_USAGE);
  BOOST_TEST(parsed.errors.size() == 3U);
  BOOST_TEST(parsed.invocation.config.max_tails == 7U);
}

BOOST_AUTO_TEST_CASE(brackets_and_signs_are_part_of_a_value) {
  BOOST_TEST(parse({"--socket", "[a,b]"}).invocation.config.socket == "[a,b]");
  BOOST_TEST(parse({"--socket=[a,b]"}).invocation.config.socket == "[a,b]");
  BOOST_TEST(parse({"--socket", "a=b"}).invocation.config.socket == "a=b");
  BOOST_TEST(parse({"--socket", "a", "--socket", "c"}).invocation.config.socket == "c");
  BOOST_TEST(parse({"--max-tails", "-1"}).mentions("\"-1\""));
}

BOOST_AUTO_TEST_CASE(flags_cannot_be_abbreviated) {
  BOOST_TEST(parse({"--segment", "8M"}).exit_code == EX_USAGE);
}

BOOST_AUTO_TEST_CASE(settings_that_do_not_fit_together_are_told) {
  BOOST_TEST(parse({"--max-entry-bytes", "17M"}).mentions("max-entry-bytes"));
  BOOST_TEST(parse({"--max-unread-bytes", "1M"}).mentions("max-unread-bytes"));
  BOOST_TEST(parse({"--retain-bytes", "64M"}).mentions("retain-bytes"));
  BOOST_TEST(parse({"--commit-align", "5000"}).mentions("commit-align"));
  BOOST_TEST(parse({"--history-share", "5", "--retain-bytes", "0"}).mentions("history-share"));
  std::string const long_path(108, 'x');
  BOOST_TEST(parse({"--socket", long_path.c_str()}).mentions("socket"));
}

BOOST_AUTO_TEST_CASE(owners_and_lists_are_taken_and_unknown_names_are_told) {
  auto const parsed = parse({"--socket-owner=root", "--socket-group=5", "--may-write=root,@5",
                             "--may-read", "7", "--idle-timeout=5min"});
  BOOST_TEST(parsed.errors.empty());
  auto const& config = parsed.invocation.config;
  BOOST_TEST((config.socket_owner == 0U));
  BOOST_TEST((config.socket_group == 5U));
  BOOST_TEST((config.may_write == AccessList{.all = false, .uids = {0}, .gids = {5}}));
  BOOST_TEST((config.may_read == AccessList{.all = false, .uids = {7}, .gids = {}}));
  BOOST_TEST(config.idle_timeout.count() == 300);
  auto const wrong = parse({"--socket-owner=no-such-user", "--socket-group=nogroup",
                            "--may-write=root,", "--may-read=no such", "--request-timeout=5 s"});
  BOOST_TEST(wrong.exit_code == EX_USAGE);
  BOOST_TEST(wrong.errors.size() == 5U);
}

BOOST_AUTO_TEST_CASE(each_limit_is_taken_at_its_edge_and_refused_beyond_it) {
  struct Edge {
    std::string good;
    std::string bad;
  };
  for (auto const& [good, bad] : {
           Edge{"--max-connections=1", "--max-connections=0"},
           {"--max-user-connections=0", "--max-user-connections=-1"},
           {"--max-frame-bytes=1M", "--max-frame-bytes=1048575"},
           {"--max-frame-bytes=64M", "--max-frame-bytes=67108865"},
           {"--max-entry-bytes=16M", "--max-entry-bytes=16777217"},
           {"--max-entry-bytes=1", "--max-entry-bytes=0"},
           {"--max-unread-bytes=16777220", "--max-unread-bytes=16777219"},
           {"--max-unsent-bytes=1", "--max-unsent-bytes=0"},
           {"--max-in-flight-bytes=1", "--max-in-flight-bytes=0"},
           {"--max-unanswered=1", "--max-unanswered=0"},
           {"--max-writers=1", "--max-writers=0"},
           {"--max-tails=0", "--max-tails=-1"},
           {"--segment-bytes=1M", "--segment-bytes=1044480"},
           {"--segment-bytes=256M", "--segment-bytes=257M"},
           {"--retain-bytes=256M", "--retain-bytes=268435455"},
           {"--max-store-bytes=1296M", "--max-store-bytes=1358954495"},
           {"--commit-align=4K", "--commit-align=8K"},
           {"--history-share=100", "--history-share=101"},
           {"--socket-mode=0777", "--socket-mode=1000"},
       }) {
    BOOST_TEST_CONTEXT(good) { BOOST_TEST(parse({good.c_str()}).errors.empty()); }
    BOOST_TEST_CONTEXT(bad) { BOOST_TEST(!parse({bad.c_str()}).errors.empty()); }
  }
}

BOOST_AUTO_TEST_CASE(memory_follows_retention_unless_it_is_set_and_is_bounded_always) {
  Config config;
  BOOST_TEST(store_bytes_max(config, 0) == (std::uint64_t{3} << 29) + (16U << 20));
  config.retain_bytes = 0;
  BOOST_TEST(store_bytes_max(config, 1000) == 500U);
  config.max_store_bytes = 7;
  BOOST_TEST(store_bytes_max(config, 1000) == 7U);
}

BOOST_AUTO_TEST_CASE(memory_follows_what_is_held_for_consumers_too) {
  auto const held = parse({"--consumers=a,b", "--hold-bytes=1G"});
  BOOST_TEST(held.errors.empty());
  auto const& config = held.invocation.config;
  BOOST_TEST(config.consumers.size() == 2U);
  BOOST_TEST(store_bytes_max(config, 0) == (std::uint64_t{3} << 30) + (16U << 20));
  BOOST_TEST(parse({"--consumers=a", "--max-store-bytes=1296M"}).mentions("hold-bytes"));
  BOOST_TEST(parse({"--hold-bytes=1G", "--max-store-bytes=1296M"}).errors.empty());
  for (auto const* wrong : {"--consumers=", "--consumers=a,", "--consumers=a,a", "--consumers=a b",
                            "--consumers=none,a,none"}) {
    BOOST_TEST_CONTEXT(wrong) { BOOST_TEST(!parse({wrong}).errors.empty()); }
  }
}

BOOST_AUTO_TEST_CASE(times_have_units) {
  BOOST_TEST((parse_duration("0") == std::chrono::seconds(0)));
  BOOST_TEST((parse_duration("30s") == std::chrono::seconds(30)));
  BOOST_TEST((parse_duration("5min") == std::chrono::minutes(5)));
  BOOST_TEST((parse_duration("12h") == std::chrono::hours(12)));
  BOOST_TEST((parse_duration("7d") == std::chrono::hours(7 * 24)));
  BOOST_TEST(parse_duration("365000d").has_value());
  for (auto const* text : {"", "s", "5", "5m", "-1s", "1.5h", "5 s", "365001d", "5ss"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_duration(text).has_value()); }
  }
}

BOOST_AUTO_TEST_CASE(absurd_sizes_are_as_large_as_can_be_and_not_small) {
  Config config;
  config.retain_bytes = UINT64_MAX - 5;
  config.hold_bytes = UINT64_MAX - 7;
  config.consumers = {"archive"};
  BOOST_TEST(log_bytes_max(config) == UINT64_MAX);
  BOOST_TEST(store_bytes_max(config, 1U << 30) == UINT64_MAX);
  config.max_store_bytes = std::uint64_t{64} << 20;
  BOOST_TEST(validate(config).size() == 1U);
  config.max_store_bytes = 0;
  config.hold_bytes = 0;
  BOOST_TEST(log_bytes_max(config) == UINT64_MAX - 5);
  BOOST_TEST(store_bytes_max(config, 1U << 30) == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(actions_are_recognised) {
  using Action = Invocation::Action;
  BOOST_TEST((parse({"--help"}).invocation.action == Action::help));
  BOOST_TEST((parse({"-V"}).invocation.action == Action::version));
  BOOST_TEST((parse({"--check-config"}).invocation.action == Action::check_config));
}

BOOST_AUTO_TEST_CASE(help_names_every_setting) {
  auto const text = help_text();
  for (Option const& option : options()) {
    BOOST_TEST_CONTEXT(option.name) {
      BOOST_TEST(text.find("--" + std::string(option.name)) != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(sizes_take_suffixes_and_nothing_else) {
  BOOST_TEST((parse_size("512") == 512U));
  BOOST_TEST((parse_size("64K") == 65536U));
  BOOST_TEST((parse_size("16MiB") == 16U << 20));
  BOOST_TEST((parse_size("1G") == 1U << 30));
  for (auto const* text : {"", "K", "1k", "1MB", "-1", "1.5M", "1 M", "16777216T", "0x10"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_size(text).has_value()); }
  }
  for (std::uint64_t const size : {0ULL, 1ULL, 1023ULL, 1024ULL, 3ULL << 20, 5ULL << 40}) {
    BOOST_TEST((parse_size(format_size(size)) == size));
  }
}

BOOST_AUTO_TEST_CASE(a_changed_setting_is_taken_at_run_time_or_named_as_one_that_needs_a_restart) {
  for (Option const& option : options()) {
    BOOST_TEST_CONTEXT(option.name) {
      Config wanted;
      for (std::string_view const value :
           {"1", "root", "@root", "0700", "true", "posix", "refuse", "debug", "7d", "/elsewhere"}) {
        if (wanted == Config{}) option.set(wanted, value);
      }
      auto const change = compare(Config{}, wanted);
      BOOST_TEST(change.applied.size() + change.needs_restart.size() == 1U);
      BOOST_TEST(change.applied.size() == (option.at_run_time ? 1U : 0U));
      BOOST_TEST((change.in_force == (option.at_run_time ? wanted : Config{})));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_has_not_changed_is_not_named) {
  auto const change = compare(Config{}, Config{});
  BOOST_TEST(change.applied.empty());
  BOOST_TEST(change.needs_restart.empty());
}

BOOST_AUTO_TEST_SUITE_END()

#include "client-lib/cli/command_line/arguments.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/cli/verbs.hpp"
#include "protocol/text/error_text.hpp"

namespace stele::cli {
namespace {

constexpr auto root_text = R"(Write to and read from a stele log.

Examples:
  stele ping
  stele write -p warn disk nearly full
  stele import /var/log/dpkg.log
  stele read --since '10 min ago'
  stele stats
)";

constexpr auto exit_codes_text =
    R"(Exit codes: 0 done; 1 the work failed (an unreadable file, a line above the limit, damage);
2 wrong usage; 3 no daemon, or the connection was lost; 4 the daemon refused; 6 a log that ends in
an unfinished write; 7 a directory in which no log can be read; 130 interrupted.
`stele VERB --help` says more about a verb.)";

constexpr std::size_t verb_name_width = 12;

// The list of verbs shows the first line of what a verb's own help starts with.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_subcommand(CLI::App const* verb) const override {
    auto const text = verb->get_description();
    return "  " + verb->get_name() + std::string(verb_name_width - verb->get_name().size(), ' ') +
           text.substr(0, text.find('\n')) + '\n';
  }
};

// CLI11 takes `[a,b]` apart where several words may stand, and the next word for the value where
// nothing stands behind `--name=`. No word of a command line has a NUL in it: one at the end hides
// the bracket, and is something.
void mark(std::string& word) {
  bool const is_bracket = word.size() > 1 && word.front() == '[' && word.back() == ']';
  if (is_bracket || (word.starts_with("--") && word.ends_with('='))) word += '\0';
}
std::string without_mark(std::string word) {
  if (word.ends_with('\0')) word.pop_back();
  return word;
}

// Values stay text here; what they mean is the verb's to say.
CLI::Option* add_option(CLI::App& app, Option const& option, std::vector<std::string>& values) {
  std::string const names{option.names};
  std::string const help{option.help};
  if (option.value.empty() && !is_positional(option)) return app.add_flag(names, help);
  auto* const added = app.add_option(names, values, help);
  added->type_name(std::string{option.value});
  if (!option.default_value.empty()) added->default_str(std::string{option.default_value});
  if (is_positional(option)) {
    if (!option.many) added->expected(1)->required()->allow_extra_args(false);
    return added;
  }
  if (option.value_may_lack) added->expected(0, 1);
  added->allow_extra_args(false);  // At most one value each time it is given.
  if (!option.many) added->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return added;
}

struct AddedVerb {
  Verb const* verb = nullptr;
  CLI::App* app = nullptr;
  std::vector<CLI::Option*> options{};  ///< As the verb's own list.
};

// Where CLI11 leaves what it finds; the elements stay where they are.
struct Found {
  std::string socket{};
  std::deque<std::vector<std::string>> values{};
};

std::vector<AddedVerb> add_verbs(CLI::App& app, Found& found) {
  for (auto const& option : common_options()) {
    app.add_option(std::string{option.names}, found.socket, std::string{option.help})
        ->type_name(std::string{option.value});
  }
  app.set_version_flag("-V,--version", "stele " STELE_VERSION);
  app.require_subcommand(0, 1);  // None is handled below, with a better text.
  app.fallthrough();
  app.formatter(std::make_shared<HelpFormatter>());
  std::vector<AddedVerb> added;
  for (auto const* verb : all_verbs()) {
    auto* const sub = app.add_subcommand(std::string{verb->name}, std::string{verb->text});
    sub->fallthrough();
    added.push_back({.verb = verb, .app = sub});
    for (auto const& option : verb->options)
      added.back().options.push_back(add_option(*sub, option, found.values.emplace_back()));
  }
  return added;
}

GivenOptions given_of(AddedVerb const& added, std::vector<std::string> const& command) {
  GivenOptions given;
  for (std::size_t i = 0; i < added.options.size(); ++i) {
    auto const& option = added.verb->options[i];
    auto const key = option_key(option);
    if (option.is_command && !command.empty()) {
      for (auto const& word : command) given.add(key, word);
      continue;
    }
    if (added.options[i]->count() == 0) continue;
    auto const values = added.options[i]->results();
    if (values.empty()) given.add(key, "");
    for (auto const& value : values) given.add(key, without_mark(value));
  }
  return given;
}

// The words behind `--`, if a verb before it takes a command; they are taken off `words`.
std::vector<std::string> take_command(std::vector<std::string>& words) {
  auto const dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end()) return {};
  bool const wanted = std::any_of(words.begin(), dashes, [](std::string const& word) {
    auto const verbs = all_verbs();
    return std::any_of(verbs.begin(), verbs.end(), [&](Verb const* verb) {
      return verb->name == word && !verb->options.empty() && verb->options.back().is_command;
    });
  });
  if (!wanted) return {};
  std::vector<std::string> command{dashes + 1, words.end()};
  words.erase(dashes, words.end());
  return command;
}

std::vector<std::string_view> option_names(Verb const& verb) {
  std::vector<std::string_view> names;
  for (auto const& option : verb.options) names.push_back(option_key(option));
  for (auto const& option : common_options()) names.push_back(option_key(option));
  return names;
}

int report_usage(CLI::App const& app, std::vector<AddedVerb> const& added,
                 CLI::ParseError const& error) {
  auto const chosen = std::find_if(added.begin(), added.end(),
                                   [](AddedVerb const& verb) { return verb.app->parsed(); });
  auto const unknown = app.remaining(true);
  if (chosen != added.end()) {
    auto const hint = "stele " + std::string{chosen->verb->name} + " --help";
    bool const is_option = !unknown.empty() && unknown.front().starts_with('-');
    if (!is_option) {
      print_error(error.what(), hint);
      return exit_usage;
    }
    auto const names = option_names(*chosen->verb);
    print_error(
        "unknown option '" + unknown.front() + "'" + protocol::did_you_mean(unknown.front(), names),
        hint);
    return exit_usage;
  }
  std::vector<std::string_view> names;
  for (auto const* verb : all_verbs()) names.push_back(verb->name);
  print_error(unknown.empty() ? error.what()
                              : "unknown verb '" + unknown.front() + "'" +
                                    protocol::did_you_mean(unknown.front(), names),
              "verbs are " + protocol::list_names(names) + "; stele --help shows examples");
  return exit_usage;
}

}  // namespace

ParsedArguments parse_arguments(int argc, char** argv) {
  CLI::App app{root_text, "stele"};
  app.footer(exit_codes_text);
  Found found;
  auto const added = add_verbs(app, found);
  std::vector<std::string> words{argv + std::min(argc, 1), argv + argc};
  auto const command = take_command(words);
  std::ranges::for_each(words, mark);
  std::ranges::reverse(words);  // As CLI11 wants them.
  try {
    app.parse(std::move(words));
  } catch (CLI::Success const& asked) {
    return {.exit_code = app.exit(asked)};
  } catch (CLI::ParseError const& error) {
    return {.exit_code = report_usage(app, added, error)};
  }
  for (auto const& verb : added) {
    if (!verb.app->parsed()) continue;
    auto socket_path = without_mark(found.socket);
    if (socket_path.empty() && app.get_option("--socket")->count() > 0) {
      throw UsageError{"--socket is empty",
                       "without it, $STELE_SOCKET or /run/stele/stele.sock holds"};
    }
    return {.arguments =
                Arguments{.options = {.socket_path = std::move(socket_path), .name = "stele"},
                          .verb = verb.verb,
                          .given = given_of(verb, command)}};
  }
  std::cerr << app.help();
  return {.exit_code = exit_usage};
}

}  // namespace stele::cli

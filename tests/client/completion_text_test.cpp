#include "client-lib/cli/command_line/completion_text.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/cli/verbs.hpp"

using stele::cli::all_verbs;
using stele::cli::completion_text;

namespace {

std::vector<std::string> names_of(stele::cli::Option const& option) {
  std::vector<std::string> names;
  std::string_view rest = option.names;
  for (;;) {
    auto const comma = rest.find(',');
    names.emplace_back(rest.substr(0, comma));
    if (comma == rest.npos) return names;
    rest.remove_prefix(comma + 1);
  }
}

bool has(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

/// What stands between the line that begins with `start` and `end`.
std::string section(std::string const& text, std::string const& start, std::string const& end) {
  auto const at = text.find(start);
  if (at == std::string::npos) return {};
  return text.substr(at, text.find(end, at + start.size()) - at);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(completion_text_test)

BOOST_AUTO_TEST_CASE(completions_and_manual_name_every_verb_and_every_option) {
  auto const bash = *completion_text("bash");
  auto const zsh = *completion_text("zsh");
  auto const fish = *completion_text("fish");
  auto const manual = stele::cli::manual_text("0.1.0");
  for (auto const* verb : all_verbs()) {
    std::string const name{verb->name};
    auto const in_bash = section(bash, "    " + name + ") options='", ";;");
    auto const in_zsh = section(zsh, "    " + name + ")\n", ";;");
    auto const in_manual = section(manual, ".SS " + name + "\n", "\n.S");
    for (auto const& option : verb->options) {
      if (is_positional(option)) continue;
      for (auto const& spelled : names_of(option)) {
        BOOST_TEST_CONTEXT(name << ' ' << spelled) {
          BOOST_TEST(has(in_bash, spelled + " ") != has(in_bash, spelled + "'"));
          BOOST_TEST(has(in_zsh, spelled + "["));
          auto const bare = spelled.substr(spelled.starts_with("--") ? 2 : 1);
          BOOST_TEST(has(fish, (spelled.starts_with("--") ? " -l " : " -s ") + bare + " "));
          std::string escaped;
          for (char const c : spelled) escaped += c == '-' ? std::string{"\\-"} : std::string{c};
          BOOST_TEST(has(in_manual, "\\fB" + escaped + "\\fR"));
        }
      }
    }
  }
  BOOST_TEST(!completion_text("tcsh").has_value());
}

BOOST_AUTO_TEST_CASE(no_verb_has_two_options_of_one_name) {
  for (auto const* verb : all_verbs()) {
    std::set<std::string> seen{"-h", "--help", "-V", "--version", "--socket"};
    for (auto const& option : verb->options) {
      for (auto const& name : names_of(option)) {
        BOOST_TEST(seen.insert(name).second, std::string{verb->name} + ' ' + name);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_verb_begins_with_a_sentence_and_has_an_example) {
  for (auto const* verb : all_verbs()) {
    auto const first = verb->text.substr(0, verb->text.find('\n'));
    BOOST_TEST((first.ends_with('.') && first.size() < 100), std::string{verb->name});
    BOOST_TEST(verb->text.find("\n  stele " + std::string{verb->name}) != std::string_view::npos,
               std::string{verb->name});
  }
}

BOOST_AUTO_TEST_SUITE_END()

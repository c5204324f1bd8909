#include "client-lib/cli/command_line/completion_text.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view manual_date = "2026-11-24";
constexpr std::string_view level_words = "trace debug info warn error fatal";

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    auto const end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view summary_of(Verb const& verb) noexcept {
  return verb.text.substr(0, verb.text.find('\n'));
}

// The words that a value may be; empty: it is free.
std::string words_of(Option const& option) {
  if (option.value == "LEVEL") return std::string{level_words};
  if (option.value.find('|') == option.value.npos) return {};
  std::string words{option.value};
  std::replace(words.begin(), words.end(), '|', ' ');
  return words;
}

bool is_file(Option const& option) noexcept {
  return option.value == "PATH" || option.names == "FILE" || option.names == "DIRECTORY";
}

std::vector<Option> options_of(Verb const& verb) {
  std::vector<Option> options;
  for (auto const& option : verb.options) options.push_back(option);
  for (auto const& option : common_options()) options.push_back(option);
  options.push_back({.names = "-h,--help", .help = "What the verb does, and its options"});
  return options;
}

// Text inside single quotes of a shell.
std::string enquote(std::string_view text) {
  std::string out = "'";
  for (char const c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string bash_text() {
  std::string verbs;
  std::string options;
  std::string values;
  for (auto const* verb : all_verbs()) {
    verbs += (verbs.empty() ? "" : " ") + std::string{verb->name};
    options += "    " + std::string{verb->name} + ") options='";
    for (auto const& option : options_of(*verb)) {
      if (is_positional(option)) continue;
      std::string pattern{std::string{verb->name} + ':'};
      std::string patterns;
      for (auto const name : split(option.names, ',')) {
        options += std::string{name} + ' ';
        patterns += (patterns.empty() ? "" : "|") + pattern + std::string{name};
      }
      auto const words = words_of(option);
      if (option.value.empty()) continue;
      values += "    " + patterns + ") ";
      values += !words.empty()    ? "COMPREPLY=($(compgen -W " + enquote(words) + " -- \"$word\"))"
                : is_file(option) ? "COMPREPLY=($(compgen -f -- \"$word\"))"
                                  : std::string{":"};
      values += "; return ;;\n";
    }
    options.back() = '\'';
    options += " ;;\n";
  }
  return "# bash completion for stele, made from its own table of verbs.\n"
         "_stele() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
         "  local verb='' options='' candidate i\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    candidate=\"${COMP_WORDS[i]}\"\n"
         "    case \" " +
         verbs +
         " \" in *\" $candidate \"*) verb=\"$candidate\"; break ;; esac\n"
         "  done\n"
         "  if [ -z \"$verb\" ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         verbs +
         " --help --version --socket' -- \"$word\"))\n"
         "    return\n"
         "  fi\n"
         "  case \"$verb:$before\" in\n" +
         values +
         "  esac\n"
         "  case \"$verb\" in\n" +
         options +
         "  esac\n"
         "  case \"$word\" in\n"
         "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _stele stele\n";
}

// Brackets and colons mean something in _arguments.
std::string zsh_help(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_value(Option const& option) {
  if (option.value.empty()) return {};
  auto const words = words_of(option);
  auto const action =
      !words.empty() ? "(" + words + ")" : std::string{is_file(option) ? "_files" : " "};
  return (option.value_may_lack ? "::" : ":") + zsh_help(option.value) + ":" + action;
}

std::string zsh_text() {
  std::string verbs;
  std::string cases;
  for (auto const* verb : all_verbs()) {
    verbs += "    " + enquote(std::string{verb->name} + ":" + zsh_help(summary_of(*verb))) + "\n";
    cases += "    " + std::string{verb->name} + ")\n      _arguments -S \\\n";
    for (auto const& option : options_of(*verb)) {
      if (is_positional(option)) continue;
      for (auto const name : split(option.names, ',')) {
        cases += "        " +
                 enquote((option.many ? "*" : "") + std::string{name} + "[" +
                         zsh_help(option.help) + "]" + zsh_value(option)) +
                 " \\\n";
      }
    }
    cases += "        '*:file:_files'\n      ;;\n";
  }
  return "#compdef stele\n"
         "# zsh completion for stele, made from its own table of verbs.\n"
         "local -a verbs\n"
         "local verb=''\n"
         "verbs=(\n" +
         verbs +
         ")\n"
         "local i\n"
         "for ((i = 2; i < CURRENT; ++i)); do\n"
         "  if (( ${verbs[(I)${words[i]}:*]} )); then verb=${words[i]}; break; fi\n"
         "done\n"
         "if [[ -z $verb ]]; then\n"
         "  _describe verb verbs\n"
         "else\n"
         "  shift $((i - 1)) words; (( CURRENT -= i - 1 ))\n"
         "  case $verb in\n" +
         cases +
         "  esac\n"
         "fi\n";
}

std::string fish_text() {
  std::string text =
      "# fish completion for stele, made from its own table of verbs.\n"
      "complete -c stele -n __fish_use_subcommand -f\n"
      "complete -c stele -n __fish_use_subcommand -s V -l version -d 'The version'\n";
  for (auto const* verb : all_verbs()) {
    text += "complete -c stele -n __fish_use_subcommand -a " + std::string{verb->name} + " -d " +
            enquote(summary_of(*verb)) + "\n";
    for (auto const& option : options_of(*verb)) {
      if (is_positional(option)) continue;
      text += "complete -c stele -n '__fish_seen_subcommand_from " + std::string{verb->name} + "'";
      for (auto const name : split(option.names, ',')) {
        bool const is_long = name.starts_with("--");
        text += (is_long ? " -l " : " -s ") + std::string{name.substr(is_long ? 2 : 1)};
      }
      auto const words = words_of(option);
      if (!option.value.empty() && !option.value_may_lack) text += is_file(option) ? " -rF" : " -x";
      if (!words.empty()) text += " -a " + enquote(words);
      text += " -d " + enquote(option.help) + "\n";
    }
  }
  return text;
}

// A backslash, and a point or quote at the start of a line, mean something to troff.
std::string troff(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      (out += "\\&") += c;
    } else {
      out += c;
    }
  }
  return out;
}

// A verb's own text: indented lines are as they are, the others run on.
void append_manual_text(std::string& out, std::string_view text) {
  bool literal = false;
  bool gap = false;
  for (auto const line : split(text, '\n')) {
    if (line.empty() || line == "Examples:" || line == "Example:") {
      gap = true;
      continue;
    }
    bool const wants_literal = line.starts_with(' ');
    if (wants_literal != literal) out += wants_literal ? ".RS 2\n.nf\n" : ".fi\n.RE\n";
    if (gap && !wants_literal) out += ".PP\n";
    literal = wants_literal;
    gap = false;
    out += troff(literal ? line.substr(2) : line) + "\n";
  }
  if (literal) out += ".fi\n.RE\n";
}

void append_manual_option(std::string& out, Option const& option) {
  std::string names;
  for (auto const name : split(option.names, ',')) {
    names += (names.empty() ? "" : ", ") + std::string{"\\fB"} + troff(name) + "\\fR";
  }
  out += ".TP\n" + names;
  if (!option.value.empty()) out += " \\fI" + troff(option.value) + "\\fR";
  out += "\n" + troff(option.help);
  if (!option.default_value.empty()) out += " (default: " + troff(option.default_value) + ")";
  out += ".\n";
}

constexpr std::string_view manual_end = R"(.SH EXIT STATUS
.TP
0
done; also when the reader of the output went away
.TP
1
the work itself failed, or a loss was found
.TP
2
the command line is wrong
.TP
3
no daemon, the connection was lost, or no answer in time
.TP
4
the daemon refused
.TP
5
.B read \-\-fail\-empty
found nothing
.TP
6, 7
.B verify
and
.BR dump :
the log ends in an unfinished write; no log can be read
.TP
130
interrupted
.SH ENVIRONMENT
.TP
.B STELE_SOCKET
the daemon's socket
.TP
.BR STELE_PAGER ", " PAGER
the pager
.TP
.B NO_COLOR
no colours
.SH SEE ALSO
.BR journalctl (1),
.BR systemd\-cat (1),
.BR lnav (1)
)";

}  // namespace

std::optional<std::string> completion_text(std::string_view shell) {
  if (shell == "bash") return bash_text();
  if (shell == "zsh") return zsh_text();
  if (shell == "fish") return fish_text();
  return std::nullopt;
}

std::string manual_text(std::string_view version) {
  std::string out =
      ".TH STELE 1 " + std::string{manual_date} + " \"stele " + std::string{version} + "\"\n";
  out += ".SH NAME\nstele \\- write to and read from a stele log\n.SH SYNOPSIS\n";
  out += ".B stele\n\\fIVERB\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n.SH DESCRIPTION\n";
  out +=
      "The daemon steled stores log entries durably; this command writes them, reads them and\n"
      "looks after them. Options that every verb takes:\n";
  for (auto const& option : common_options()) append_manual_option(out, option);
  append_manual_option(out, {.names = "-h,--help", .help = "What a verb does, and its options"});
  append_manual_option(out, {.names = "-V,--version", .help = "The version"});
  out += ".SH VERBS\n";
  for (auto const* verb : all_verbs()) {
    out += ".SS " + std::string{verb->name} + "\n";
    append_manual_text(out, verb->text);
    for (auto const& option : verb->options) append_manual_option(out, option);
  }
  out += manual_end;
  return out;
}

}  // namespace stele::cli

#include <array>
#include <string_view>

#include "client-lib/cli/command_line/completion_text.hpp"
#include "client-lib/cli/command_line/given_options.hpp"
#include "client-lib/cli/terminal/streams.hpp"
#include "client-lib/cli/verbs.hpp"

namespace stele::cli {
namespace {

constexpr std::string_view completion_help =
    R"(Print completions for a shell, or the manual page, made from the table of verbs.

Examples:
  stele completion bash > ~/.local/share/bash-completion/completions/stele
  stele completion zsh > /usr/local/share/zsh/site-functions/_stele
  stele completion fish > ~/.config/fish/completions/stele.fish
  stele completion man > ~/.local/share/man/man1/stele.1
)";

constexpr std::array completion_options{
    Option{.names = "SHELL", .value = "bash|zsh|fish|man", .help = "What to print"},
};

int run_completion(ClientOptions const&, GivenOptions const& given) {
  auto const shell = given.text("SHELL");
  auto const text =
      shell == "man" ? std::optional{manual_text(STELE_VERSION)} : completion_text(shell);
  if (!text) throw UsageError{"completion is for bash, zsh, fish or man", "stele completion bash"};
  Output output;
  output.text() += *text;
  return output.finish();
}

}  // namespace

Verb const completion_verb{
    .name = "completion",
    .text = completion_help,
    .options = completion_options,
    .run = run_completion};

}  // namespace stele::cli

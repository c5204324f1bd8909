// What shells and man(1) know about the command, made from its table of verbs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stele::cli {

/// The completions for `bash`, `zsh` or `fish`; nothing for another name.
std::optional<std::string> completion_text(std::string_view shell);

/// stele(1) as man page source.
std::string manual_text(std::string_view version);

}  // namespace stele::cli

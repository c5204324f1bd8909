// JSON text spread over lines.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

/// Appends `json` (valid, without white space between tokens) with a line for each member and
/// element, indented by two blanks a level. Every token stays as it is.
void append_indented_json(std::string& out, std::string_view json);

}  // namespace stele::cli

// The daemon's statistics for people.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

/// A JSON object as aligned lines, one a value: `wal.commits  12`. Members of inner objects follow
/// their name and a point; arrays stay JSON. Text that is no JSON object comes back unchanged.
std::string stats_table(std::string_view json);

}  // namespace stele::cli

// What can still be told of a commit whose body is damaged.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "wal/format/format.hpp"

namespace stele::wal {

struct RemainingPayload {
  Seq seq = 0;
  std::string_view payload{};
};

/// The payloads that are provably those of the commit, at their places. If the body is still made
/// of as many records as the header says, and its checksum differs from the right one by just what
/// the bad records' differ, these cost themselves only; else a bad record costs what follows, and
/// unless `body` ends early, so does the first that does not begin in the header's sector. Empty
/// payloads are left out: zeros look like them. `body` may end early.
std::vector<RemainingPayload> salvageable_payloads(CommitHeader const& header,
                                                   std::span<std::byte const> body);

}  // namespace stele::wal

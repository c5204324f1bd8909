// What can still be told of a commit whose body is damaged.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "wal/format.hpp"

namespace stele::wal {

struct RemainingPayload {
  Seq seq = 0;
  std::string_view payload{};
};

/// The payloads of which a record's own checksum says that they are as they were written, and whose
/// place in the commit is sure. If the body is still made of as many records as the header says, a
/// bad record costs itself only; else the lengths behind it cannot be believed, and it costs what
/// follows. Empty payloads are left out: zeros look like them. `body` may end early.
std::vector<RemainingPayload> remains_of(CommitHeader const& header,
                                         std::span<std::byte const> body);

}  // namespace stele::wal

// Copies what can be read of a damaged log into a new one. The source is only read.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "wal/log.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

struct SalvageReport {
  std::uint64_t payloads = 0;       ///< Copied,
  std::uint64_t out_of_damage = 0;  ///< of them out of damaged commits.
  std::vector<Gap> gaps{};  ///< What the new log does not hold. Where it lay: in the source.
};

struct SalvageOptions {
  std::function<bool()> in_use{};  ///< Whether a process has the source open.
  std::function<std::uint64_t()> entropy{};
};

/// `target` is empty. Payloads keep their seqs, writers and order; what is missing, and what the
/// source knew to be missing, the new log names. It has a store id of its own. Until the last step
/// has succeeded, `target` holds no MANIFEST. Errc::locked if the source is in use.
Result<SalvageReport> salvage_log(Directory& source, Directory& target,
                                  SalvageOptions const& options);

}  // namespace stele::wal

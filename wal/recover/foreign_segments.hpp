// Segments of another branch of the log, such as of a copy that a daemon has worked on, in the
// places of its own: store id, numbers and seqs fit, salts do not.
#pragma once

#include <cstdint>

#include "wal/recover/log_inventory.hpp"

namespace stele::wal {

/// Whether the header of one segment names the other as the one before it.
enum class Link : std::uint8_t { unknown, agrees, differs };
Link link_between(OpenSegment const& before, OpenSegment const& after);

/// Of which somebody says what its salt is; 0: nobody does.
struct KnownSegment {
  std::uint64_t segment_no = 0;
  std::uint64_t salt = 0;
};

/// Marks them as unreadable, and as strays: they are not served, and a start puts them aside.
/// `known_last` is what MANIFEST says; from there on back each segment names the one before it.
void leave_out_foreign(Directory& directory, ReadAhead& reader, LogInventory& inventory,
                       KnownSegment const& known_last);

}  // namespace stele::wal

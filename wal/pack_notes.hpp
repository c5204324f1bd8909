// What the owner of a log keeps beside its packed payloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "wal/types.hpp"

namespace stele::wal {

/// Makes what the owner of a log wants to know of a block without unpacking it. The log does not
/// look into notes.
class PackNotes {
 public:
  /// A pack begins; one that was begun before is given up, if it was not ended.
  virtual void begin_pack() {}
  /// Each payload and group in the order of the log; on_commit() behind those of a commit, as
  /// RecoverySink has it.
  virtual void on_payload(Seq seq, std::string_view payload) = 0;
  virtual void on_group(WriterMark const& /*writer*/, Seq /*first*/, Seq /*last*/) {}
  virtual void on_commit(std::uint64_t /*disk_bytes*/) {}
  /// The note of the payloads since the last call.
  virtual std::vector<std::byte> take_block_note() = 0;
  /// The note of all of them.
  virtual std::vector<std::byte> take_pack_note() = 0;

 protected:
  ~PackNotes() = default;
};

}  // namespace stele::wal

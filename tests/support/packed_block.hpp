// A block of a pack made of payloads, as the log gives it to its owner.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "wal/pack/commit_frame.hpp"
#include "wal/pack/compressor.hpp"
#include "wal/pack/pack_reader.hpp"

namespace stele::test {

inline wal::PackedBlock make_packed_block(wal::Seq first_seq,
                                          std::vector<std::string> const& payloads,
                                          wal::Compressor& compressor, char separator = ',') {
  std::string text;
  std::vector<std::byte> lengths;
  for (auto const& payload : payloads) {
    if (&payload != &payloads.front()) text += separator;
    text += payload;
    wal::append_varint(lengths, payload.size());
  }
  wal::PackedBlock block;
  block.header.first_seq = first_seq;
  block.header.payload_count = static_cast<std::uint32_t>(payloads.size());
  block.header.payloads = compressor.append(std::as_bytes(std::span(text)), block.bytes);
  block.header.lengths = compressor.append(lengths, block.bytes);
  return block;
}

}  // namespace stele::test

// The golden pack, the worked example of FORMAT.md, and the code: all three say the same.
// STELE_GOLDEN=print shows what the code writes.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "support/hex_dump.hpp"
#include "support/memory_file.hpp"
#include "wal/format/format.hpp"
#include "wal/pack/pack_writer.hpp"
#include "wal/pack/packed_segment.hpp"
#include "wal/recover/segment_scanner.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

std::vector<std::byte> golden_segment() {
  return parse_hex_dump(read_project_file("tests/wal/golden/segment_v1_2.hex"));
}

/// The golden segment as a pack, not compressed: a compressor's bytes are no part of the format.
std::vector<std::byte> pack_golden_segment() {
  MemoryFile file(golden_segment());
  auto const header = std::get<SegmentHeader>(read_segment_header(file));
  auto const compressor = make_raw_compressor();
  PackWriter writer({.segment = header, .segment_bytes = encode_segment_header(header)},
                    {.separator = ','}, *compressor);
  for (auto offset = first_commit_offset; offset < 0x2400;) {
    auto const head = std::span(file.bytes).subspan(offset).first<commit_header_bytes>();
    auto const commit = std::get<CommitHeader>(decode_commit_header(head));
    auto const end = align_up(offset + commit_header_bytes + commit.body_bytes, 512);
    auto const body =
        std::span(file.bytes).subspan(offset + commit_header_bytes, commit.body_bytes);
    BOOST_TEST_REQUIRE(!writer.add({commit, header_crc(head), offset, end, body}));
    offset = end;
  }
  writer.finish();
  return writer.take_output();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_document_test)

BOOST_AUTO_TEST_CASE(the_code_writes_the_golden_pack) {
  auto const written = hex_dump(pack_golden_segment());
  if (std::getenv("STELE_GOLDEN") != nullptr) std::cout << written;
  BOOST_TEST(written == read_project_file("tests/wal/golden/pack_v1.hex"));
}

// Its first two shards: all that is said, without the parity.
BOOST_AUTO_TEST_CASE(format_md_shows_the_golden_pack) {
  auto const golden = read_project_file("tests/wal/golden/pack_v1.hex");
  auto const shown = golden.substr(0, golden.find("00002000"));
  BOOST_TEST(!shown.empty());
  BOOST_TEST(read_project_file("wal/FORMAT.md").find(shown) != std::string::npos);
}

// Packs of version 1 are read for ever.
BOOST_AUTO_TEST_CASE(the_golden_pack_reads_as_the_golden_segment) {
  auto const golden = parse_hex_dump(read_project_file("tests/wal/golden/pack_v1.hex"));
  PendingReads pending;
  auto opened = PackedSegment::open(std::make_unique<MemoryFile>(golden), "golden", pending);
  BOOST_TEST_REQUIRE(opened.has_value());
  auto const segment = golden_segment();
  std::vector<std::byte> bytes(segment.size());
  BOOST_TEST_REQUIRE((*opened)->read_at(0, bytes).has_value());
  BOOST_TEST((bytes == segment));
}

BOOST_AUTO_TEST_SUITE_END()

// A pack gives back its segment to the byte, and its payloads one by one.
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/made_segment.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

PackOptions small_options() {
  PackOptions options;
  options.separator = ',';
  options.block_bytes = 2000;
  return options;
}

/// The segment as a pack in its place shows it, read in pieces of so many bytes.
std::vector<std::byte> read_back(std::vector<std::byte> const& packed, std::size_t piece) {
  PendingReads pending;
  auto opened = PackedSegment::open(std::make_unique<MemoryFile>(packed), "wal-7.pack", pending);
  BOOST_TEST_REQUIRE(opened.has_value());
  auto& file = **opened;
  std::vector<std::byte> all(file.size().value());
  for (std::size_t at = 0; at < all.size(); at += piece) {
    auto const into = std::span(all).subspan(at, std::min(piece, all.size() - at));
    auto const read = file.read_at(at, into);
    BOOST_TEST_REQUIRE(read.has_value());
    BOOST_TEST(*read == into.size());
  }
  return all;
}

void check(MadeSegment const& segment, PackOptions const& options, Compressor& compressor) {
  auto const packed = segment.pack(options, compressor);
  for (auto const piece : {std::size_t{512}, std::size_t{8192}, packed.size() + (1U << 20)}) {
    BOOST_TEST((read_back(packed, piece) == segment.bytes));
  }
  OpenPack open(packed);
  BOOST_TEST_REQUIRE(open.pack != nullptr);
  BOOST_TEST((open.payloads() == segment.payloads));
  BOOST_TEST(open.pack->check().is_intact());
  BOOST_TEST_REQUIRE(open.pack->summary() != nullptr);
  auto const& summary = *open.pack->summary();
  BOOST_TEST((summary.end == segment.end()));
  BOOST_TEST(summary.payload_count == segment.payloads.size());
  BOOST_TEST(summary.commit_count == segment.commits.size());
  BOOST_TEST((open.pack->header().segment == segment.header));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_round_trip_test)

BOOST_AUTO_TEST_CASE(any_segment_comes_back_to_the_byte) {
  auto const runs = number_from_environment("STELE_PACK_RUNS", 60);
  auto const zstd = make_zstd_compressor();
  auto const raw = make_raw_compressor();
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      auto options = small_options();
      if (seed % 3 == 0) options.block_bytes = 40'000;
      if (seed % 5 == 0) options.geometry = {.data = 3, .parity = 1, .window = 7};
      auto const segment =
          make_segment(seed, static_cast<int>(seed % 40), seed % 4 == 0 ? 30'000 : 900);
      check(segment, options, seed % 2 == 0 ? *raw : *zstd);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_segment_without_payloads_comes_back) {
  auto const zstd = make_zstd_compressor();
  MadeSegment empty;
  empty.finish();
  check(empty, small_options(), *zstd);
  MadeSegment marks;
  for (int i = 0; i < 3; ++i) marks.commit(CommitKind::mark);
  marks.finish();
  check(marks, small_options(), *zstd);
}

BOOST_AUTO_TEST_CASE(a_group_over_many_blocks_comes_back) {
  auto const zstd = make_zstd_compressor();
  MadeSegment segment;
  segment.add_group({"before"});
  segment.add_group(std::vector<std::string>(5000, "one of many"));
  segment.add_group({"behind"});
  segment.commit(CommitKind::entries);
  segment.commit(CommitKind::mark);
  segment.finish();
  check(segment, small_options(), *zstd);
}

BOOST_AUTO_TEST_CASE(what_a_writer_numbers_stays_with_its_groups) {
  auto const zstd = make_zstd_compressor();
  MadeSegment segment;
  for (std::uint64_t i = 0; i < 300; ++i) {
    WriterMark mark{.write_no = i % 7 == 0 ? (std::uint64_t{1} << 63) - 1 - i : i,
                    .late = i % 5 == 0};
    mark.writer.fill(static_cast<std::uint8_t>(i % 3));
    segment.add_group({"x"}, mark);
    segment.commit(CommitKind::entries);
  }
  segment.finish();
  check(segment, small_options(), *zstd);
}

BOOST_AUTO_TEST_CASE(many_commits_without_payloads_are_cut_into_blocks) {
  auto const raw = make_raw_compressor();
  MadeSegment segment;
  for (int i = 0; i < 2000; ++i) {
    segment.add_gap(
        {.first_seq = 1, .last_seq = 0, .reason = GapReason::dropped_by_client, .dropped = 1});
    segment.commit(CommitKind::gap);
  }
  segment.finish();
  check(segment, small_options(), *raw);
  OpenPack open(segment.pack(small_options(), *raw));
  BOOST_TEST(open.pack->blocks().size() > 1u);
}

BOOST_AUTO_TEST_CASE(the_times_by_which_retention_goes_are_in_the_summary) {
  auto const zstd = make_zstd_compressor();
  MadeSegment segment;
  segment.commit(CommitKind::mark);
  for (int const ms : {500, 90, 700}) {
    segment.add_gap(age_record(std::chrono::milliseconds(ms)));
    segment.commit(CommitKind::gap);
  }
  segment.commit(CommitKind::seal);
  segment.finish();
  OpenPack open(segment.pack(small_options(), *zstd));
  auto const& summary = *open.pack->summary();
  BOOST_TEST(summary.first_age.value().count() == 500);
  BOOST_TEST(summary.last_age.count() == 700);
  BOOST_TEST(summary.sealed);
}

BOOST_AUTO_TEST_CASE(bytes_that_do_not_shrink_are_kept_as_they_are) {
  auto const zstd = make_zstd_compressor();
  PayloadMaker maker(3, 0);
  std::string noise;
  for (int i = 0; i < 100'000; ++i) noise += static_cast<char>(maker.below(256));
  MadeSegment segment;
  segment.add_group({noise});
  segment.commit(CommitKind::entries);
  segment.finish();
  OpenPack open(segment.pack({}, *zstd));
  BOOST_TEST((open.pack->blocks().at(0).payloads.codec == Codec::raw));
  BOOST_TEST(open.file.bytes.size() < noise.size() + 6 * shard_bytes);
  check(segment, {}, *zstd);
}

namespace {

struct CountingNotes final : PackNotes {
  void on_payload(Seq seq, std::string_view payload) override {
    note.push_back(static_cast<std::byte>(seq));
    bytes += payload.size();
  }
  void on_group(WriterMark const& writer, Seq first, Seq last) override {
    if (writer.write_no == 7) sevens += last - first + 1;
  }
  void on_commit(std::uint64_t disk_bytes) override { on_disk += disk_bytes; }
  std::vector<std::byte> take_block_note() override { return std::exchange(note, {}); }
  std::vector<std::byte> take_pack_note() override {
    return {static_cast<std::byte>(sevens), static_cast<std::byte>(on_disk / 512)};
  }
  std::vector<std::byte> note{};
  std::size_t bytes = 0;
  std::uint64_t sevens = 0;
  std::uint64_t on_disk = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(the_owners_notes_come_back_with_their_blocks) {
  auto const zstd = make_zstd_compressor();
  MadeSegment segment;
  WriterMark const seven{.writer = {1}, .write_no = 7};
  for (int i = 0; i < 40; ++i) {
    segment.add_group({std::string(300, 'x'), "y"}, i % 4 == 0 ? seven : WriterMark{});
    segment.commit(CommitKind::entries);
  }
  segment.finish();
  CountingNotes notes;
  auto options = small_options();
  options.notes = &notes;
  OpenPack open(segment.pack(options, *zstd));
  BOOST_TEST(open.pack->blocks().size() > 3u);
  PackedBlock block;
  for (std::size_t i = 0; i < open.pack->blocks().size(); ++i) {
    BOOST_TEST_REQUIRE(open.pack->read_block(i, block));
    BOOST_TEST_REQUIRE(block.note().size() == block.header.payload_count);
    for (std::size_t at = 0; at < block.note().size(); ++at) {
      BOOST_TEST((block.note()[at] == static_cast<std::byte>(block.header.first_seq + at)));
    }
  }
  BOOST_TEST(notes.bytes == 40u * 301u);
  BOOST_TEST((open.pack->note()[0] == std::byte{20}));
  BOOST_TEST((open.pack->note()[1] == std::byte{40}));
}

BOOST_AUTO_TEST_CASE(what_does_not_follow_is_refused) {
  auto const zstd = make_zstd_compressor();
  MadeSegment segment;
  for (int i = 0; i < 3; ++i) {
    segment.add_group({"payload"});
    segment.commit(CommitKind::entries);
  }
  segment.finish();
  PackHeader const header{.segment = segment.header,
                          .segment_bytes = encode_segment_header(segment.header)};
  auto const refusal_of_second = [&](auto change) {
    PackWriter writer(header, small_options(), *zstd);
    BOOST_TEST(!writer.add(segment.commit_at(segment.commits[0])));
    auto commit = segment.commit_at(segment.commits[1]);
    change(commit);
    return writer.add(commit);
  };
  auto const seal = [](PackedCommit& commit) {
    commit.crc = header_crc(encode_commit_header(commit.header));
  };
  BOOST_TEST(!refusal_of_second([](PackedCommit&) {}));
  BOOST_TEST((refusal_of_second([&](auto& c) { ++c.header.commit_no, seal(c); }) ==
              PackRefusal::out_of_order));
  BOOST_TEST((refusal_of_second([&](auto& c) { ++c.header.chain, seal(c); }) ==
              PackRefusal::out_of_order));
  BOOST_TEST((refusal_of_second([&](auto& c) { --c.header.first_seq, seal(c); }) ==
              PackRefusal::out_of_order));
  BOOST_TEST((refusal_of_second([](auto& c) { c.offset += 512; }) == PackRefusal::out_of_order));
  BOOST_TEST((refusal_of_second([](auto& c) { c.end_offset += 512; }) == PackRefusal::not_exact));
  BOOST_TEST((refusal_of_second([](auto& c) { ++c.crc; }) == PackRefusal::not_exact));
  BOOST_TEST(
      (refusal_of_second([&](auto& c) { ++c.header.salt, seal(c); }) == PackRefusal::not_exact));
  BOOST_TEST((refusal_of_second([](auto& c) { c.body = c.body.first(c.body.size() - 1); }) ==
              PackRefusal::not_exact));
}

BOOST_AUTO_TEST_SUITE_END()

// What a pack that was damaged still gives: all of it as long as parity reaches, and what it does
// not give it names. Nothing wrong is ever returned.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "support/made_segment.hpp"
#include "support/sanitized.hpp"
#include "wal/format/crc32c.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

constexpr std::size_t sector = shard_bytes;

/// A segment of entries that compress a little, and its pack.
struct Subject {
  explicit Subject(int groups, std::size_t block_bytes = 1500, StripeGeometry geometry = {}) {
    PayloadMaker maker(11, 100);
    for (int i = 0; i < groups; ++i) {
      segment.add_group({"entry " + std::to_string(i) + maker.make(), std::string(60, 'x')},
                        {.writer = {1}, .write_no = static_cast<std::uint64_t>(i)});
      segment.commit(CommitKind::entries);
    }
    segment.commit(CommitKind::seal);
    segment.finish(std::vector<std::byte>(100, std::byte{0x5a}));
    PackOptions options;
    options.block_bytes = block_bytes;
    options.geometry = geometry;
    packed = segment.pack(options, *make_raw_compressor());
  }

  /// Whether all of the segment is read back where only the pack is there.
  bool gives_segment(MemoryFile const& damaged) const {
    PendingReads pending;
    auto file = std::make_unique<MemoryFile>(damaged.bytes);
    file->unreadable = damaged.unreadable;
    auto opened = PackedSegment::open(std::move(file), "wal-7.pack", pending);
    if (!opened) return false;
    std::vector<std::byte> all((*opened)->size().value());
    return (*opened)->read_at(0, all) && all == segment.bytes;
  }

  MadeSegment segment{};
  std::vector<std::byte> packed{};
};

Seq count_of(std::vector<LostSeqs> const& lost) {
  Seq count = 0;
  for (auto const& range : lost) count += range.last - range.first + 1;
  return count;
}

/// Nothing is wrong, and what is not given is named, and nothing else is.
void check_honest(Subject const& subject, OpenPack& open) {
  auto const given = open.payloads();
  for (auto const& [seq, payload] : given) {
    if (subject.segment.payloads.at(seq) != payload) BOOST_TEST(false, "wrong payload " << seq);
  }
  auto const check = open.pack->check();
  for (auto const& range : check.lost) {
    for (auto seq = range.first; seq <= range.last; ++seq) {
      if (given.contains(seq)) BOOST_TEST(false, "seq " << seq << " is given and named as lost");
    }
  }
  if (open.pack->summary() == nullptr) return;
  BOOST_TEST(given.size() + count_of(check.lost) == subject.segment.payloads.size());
}

/// Between two places that are damaged; the sanitizers make it slow.
constexpr std::size_t damage_step = stele::test::is_sanitized_test ? 7 : 1;

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_damage_test)

BOOST_AUTO_TEST_CASE(a_flip_of_any_byte_is_told_and_costs_nothing) {
  Subject const subject(40);
  OpenPack open(subject.packed);
  std::size_t told = 0;
  std::size_t whole = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < subject.packed.size(); at += damage_step, ++tried) {
    open.file.bytes[at] ^= std::byte{0x10};
    open.reopen();
    if (open.pack != nullptr && open.payloads() == subject.segment.payloads &&
        open.pack->header().segment == subject.segment.header && open.pack->summary() != nullptr) {
      ++whole;
    }
    if (open.pack != nullptr) {
      auto const check = open.pack->check();
      if (!check.is_intact() && check.lost.empty()) ++told;
    }
    open.file.bytes[at] ^= std::byte{0x10};
  }
  BOOST_TEST(whole == tried);
  BOOST_TEST(told == tried);
}

BOOST_AUTO_TEST_CASE(any_two_sectors_are_repaired_whether_zeroed_or_refused) {
  Subject const subject(250);
  auto const sectors = subject.packed.size() / sector;
  BOOST_TEST(sectors > 8u);
  for (std::size_t first = 0; first < sectors; ++first) {
    for (auto second = first; second < sectors; second += damage_step) {
      for (bool const refused : {false, true}) {
        OpenPack open(subject.packed);
        for (auto const at : {first, second}) {
          if (refused) open.file.unreadable.insert(at);
          std::fill_n(open.file.bytes.begin() + static_cast<std::ptrdiff_t>(at * sector), sector,
                      std::byte{0});
        }
        open.reopen();
        BOOST_TEST_REQUIRE(open.pack != nullptr);
        auto const check = open.pack->check();
        bool const right = open.payloads() == subject.segment.payloads && check.lost.empty() &&
                           !check.is_intact() && subject.gives_segment(open.file);
        BOOST_TEST(right, "sectors " << first << " and " << second);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stretch_of_damage_that_stripes_share_is_repaired) {
  Subject const subject(300, 1500, {.data = 4, .parity = 2, .window = 32});
  OpenPack const whole(subject.packed);
  auto const data_shards = whole.pack->blocks().back().offset / sector;
  BOOST_TEST(data_shards >= 8u);
  // Four shards in a row are of as many stripes, or two of each.
  for (std::size_t at = 0; at + 4 <= data_shards; ++at) {
    OpenPack open(subject.packed);
    std::fill_n(open.file.bytes.begin() + static_cast<std::ptrdiff_t>(at * sector), 4 * sector,
                std::byte{0xff});
    open.reopen();
    BOOST_TEST_REQUIRE(open.pack != nullptr);
    BOOST_TEST((open.payloads() == subject.segment.payloads));
    BOOST_TEST(open.pack->repaired_shards() >= 4u);
  }
}

BOOST_AUTO_TEST_CASE(beyond_parity_exactly_the_payloads_of_the_blocks_that_are_hit_are_lost) {
  Subject const subject(600, 1500, {.data = 8, .parity = 1, .window = 16});
  OpenPack whole(subject.packed);
  auto const blocks = whole.pack->blocks();
  auto const data_shards = blocks.back().offset / sector;  // The directory lies behind them.
  BOOST_TEST(data_shards > 16u);
  // In a window of 16 shards the stripes are those of even and of odd number.
  for (std::size_t first = 0; first + 2 < data_shards; ++first) {
    if (first % 16 >= 14) continue;
    OpenPack open(subject.packed);
    for (auto const at : {first, first + 2}) {
      std::fill_n(open.file.bytes.begin() + static_cast<std::ptrdiff_t>(at * sector), sector,
                  std::byte{0});
    }
    std::vector<LostSeqs> expected;
    for (auto const& block : blocks) {
      auto const hit = [&](std::size_t at) {
        return block.offset + block_header_bytes < (at + 1) * sector &&
               block.offset + block.total_bytes() > at * sector;
      };
      if (!hit(first) && !hit(first + 2)) continue;
      if (!expected.empty() && expected.back().last + 1 == block.first_seq) {
        expected.back().last = block.next_seq() - 1;
      } else {
        expected.push_back({block.first_seq, block.next_seq() - 1});
      }
    }
    open.reopen();
    BOOST_TEST_REQUIRE(open.pack != nullptr);
    BOOST_TEST((open.pack->check().lost == expected), "shards from " << first);
    check_honest(subject, open);
  }
}

BOOST_AUTO_TEST_CASE(without_directory_and_map_blocks_are_found_one_by_one) {
  Subject const subject(200);
  OpenPack whole(subject.packed);
  auto const last = whole.pack->blocks().back();
  auto const directory = last.offset + last.total_bytes();
  OpenPack open(subject.packed);
  std::fill(open.file.bytes.begin() + static_cast<std::ptrdiff_t>(directory), open.file.bytes.end(),
            std::byte{0x77});
  open.reopen();
  BOOST_TEST_REQUIRE(open.pack != nullptr);
  BOOST_TEST(open.pack->summary() == nullptr);
  BOOST_TEST((open.payloads() == subject.segment.payloads));
  BOOST_TEST(open.pack->check().directory_lost);
  // A block in between is passed, and its seqs are named.
  auto const hit = whole.pack->blocks()[2];
  open.file.bytes[hit.offset] ^= std::byte{1};
  open.reopen();
  std::vector<LostSeqs> const expected{{hit.first_seq, hit.next_seq() - 1}};
  BOOST_TEST((open.pack->check().lost == expected));
  check_honest(subject, open);
}

BOOST_AUTO_TEST_CASE(a_lost_header_is_known_from_the_directory) {
  Subject const subject(100);
  OpenPack open(subject.packed);
  // The header, and all parity that could bring it back.
  open.file.bytes[0] ^= std::byte{1};
  for (auto at = open.file.bytes.size() - 3 * sector; at < open.file.bytes.size() - sector;
       at += sector) {
    open.file.bytes[at] ^= std::byte{1};
  }
  open.reopen();
  BOOST_TEST_REQUIRE(open.pack != nullptr);
  BOOST_TEST((open.pack->header().segment == subject.segment.header));
  BOOST_TEST((open.payloads() == subject.segment.payloads));
}

BOOST_AUTO_TEST_CASE(a_file_that_lost_its_end_gives_what_parity_reaches) {
  Subject const subject(100);
  auto const sectors = subject.packed.size() / sector;
  for (std::size_t kept = 0; kept < sectors; ++kept) {
    for (std::size_t const odd : {std::size_t{0}, std::size_t{100}}) {
      OpenPack open(std::vector<std::byte>(
          subject.packed.begin(),
          subject.packed.begin() + static_cast<std::ptrdiff_t>(kept * sector + odd)));
      if (open.pack == nullptr) {
        BOOST_TEST(kept == 0u);
        continue;
      }
      check_honest(subject, open);
      auto const check = open.pack->check();
      BOOST_TEST((check.wrong_size || check.directory_lost));
      if (kept + 3 >= sectors) BOOST_TEST((open.payloads() == subject.segment.payloads));
    }
  }
  auto longer = subject.packed;
  longer.resize(longer.size() + 5 * sector);
  OpenPack open(longer);
  BOOST_TEST((open.payloads() == subject.segment.payloads));
  BOOST_TEST(open.pack->check().wrong_size);
}

BOOST_AUTO_TEST_CASE(a_newer_version_is_unsupported_and_not_damaged) {
  Subject subject(3);
  constexpr std::size_t major_at = 8;
  subject.packed[major_at] = std::byte{9};
  auto const crc = crc32c(std::span<std::byte const>(subject.packed).first(pack_header_bytes - 4));
  for (std::size_t i = 0; i < 4; ++i) {
    subject.packed[pack_header_bytes - 4 + i] = static_cast<std::byte>(crc >> (8 * i));
  }
  // As a newer program would have written it: with parity and map of its own.
  MemoryFile file(subject.packed);
  file.bytes.resize(sector);
  auto const opened = PackReader::open(file);
  BOOST_TEST_REQUIRE(!opened.has_value());
  BOOST_TEST((opened.error().code == Errc::unsupported_version));
}

BOOST_AUTO_TEST_CASE(lost_commits_are_refused_as_a_device_refuses_bytes_and_others_are_read) {
  Subject const subject(200, 1500, {.data = 8, .parity = 1, .window = 16});
  OpenPack whole(subject.packed);
  auto const blocks = whole.pack->blocks();
  auto damaged = subject.packed;
  for (auto const at : {std::size_t{4}, std::size_t{6}}) {
    std::fill_n(damaged.begin() + static_cast<std::ptrdiff_t>(at * sector), sector, std::byte{0});
  }
  OpenPack open(damaged);
  auto const lost = open.pack->check().lost;
  BOOST_TEST_REQUIRE(!lost.empty());
  PendingReads pending;
  auto opened = PackedSegment::open(std::make_unique<MemoryFile>(damaged), "wal-7.pack", pending);
  BOOST_TEST_REQUIRE(opened.has_value());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < subject.segment.bytes.size(); at += 512) {
    std::vector<std::byte> bytes(std::min<std::size_t>(512, subject.segment.bytes.size() - at));
    if (!(*opened)->read_at(at, bytes)) {
      ++refused;
    } else if (!std::equal(bytes.begin(), bytes.end(),
                           subject.segment.bytes.begin() + static_cast<std::ptrdiff_t>(at))) {
      BOOST_TEST(false, "wrong bytes at " << at);
    }
  }
  BOOST_TEST(refused > 0u);
  BOOST_TEST(refused < subject.segment.bytes.size() / 512 / 2);
}

BOOST_AUTO_TEST_SUITE_END()

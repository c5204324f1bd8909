// Which unpacked blocks stay while several readers go through the history.
// Invariants checked: who reads through all of it takes no block from those who stay at a place,
// and who goes to and fro between neighbours unpacks each of them once.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/store_fixture.hpp"
#include "support/packed_block.hpp"

namespace {

using stele::daemon::Seq;
using stele::daemon::Store;
using stele::daemon::UnpackedChunks;

/// A history of blocks of 250 kB, all of it packed.
struct HistoryFixture : stele::test::StoreFixture {
  static constexpr Seq entries_a_block = 250;
  static constexpr Seq blocks = 120;

  HistoryFixture() {
    auto const compressor = stele::wal::make_zstd_compressor();
    std::string const message(900, 'm');
    for (Seq block = 0; block < blocks; ++block) {
      std::vector<std::string> payloads;
      auto const first = next_seq;
      while (payloads.size() < entries_a_block) payloads.push_back(write(next_seq, message));
      packed.push_back(stele::test::make_packed_block(first, payloads, *compressor));
    }
    write(next_seq, std::string(2'000'000, 'm'));  // In the chunk that grows, which stays.
    store.adopt(std::move(packed));
    BOOST_TEST(store.packed().entries == blocks * entries_a_block);
  }
  /// In a step of its own. Returns how many blocks that unpacked.
  std::uint64_t look(Seq block, Seq index = 0) {
    auto const before = store.blocks_unpacked();
    Store::Finder finder(store);
    BOOST_TEST(finder.find(1 + block * entries_a_block + index).text.size() > 900U);
    return store.blocks_unpacked() - before;
  }

  std::vector<stele::wal::PackedBlock> packed{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(unpacked_chunks_test, HistoryFixture)

BOOST_AUTO_TEST_CASE(a_read_of_all_the_history_takes_no_block_from_who_pages) {
  std::vector<Seq> const pages = {110, 113, 116};
  for (auto const page : pages) BOOST_TEST(look(page) == 1U);
  for (Seq block = 0; block < 100; ++block) look(block);
  for (auto const page : pages) BOOST_TEST(look(page, 100) == 0U);
}

BOOST_AUTO_TEST_CASE(nor_does_one_from_the_newest_entry_down) {
  std::vector<Seq> const pages = {1, 4, 7};
  for (auto const page : pages) BOOST_TEST(look(page) == 1U);
  for (Seq block = 110; block > 10; --block) look(block);
  for (auto const page : pages) BOOST_TEST(look(page, 100) == 0U);
}

BOOST_AUTO_TEST_CASE(two_reads_of_all_the_history_unpack_each_block_once_each) {
  BOOST_TEST(look(119) == 1U);
  std::uint64_t unpacked = 0;
  for (Seq step = 0; step < 200; ++step) {
    unpacked += look(step / 4, step % 4);
    unpacked += look(60 + step / 4, step % 4);
  }
  BOOST_TEST(unpacked == 100U);
  BOOST_TEST(look(119) == 0U);
}

// As a read by time does where entries came late.
BOOST_AUTO_TEST_CASE(to_and_fro_between_neighbours_each_is_unpacked_once) {
  for (Seq block = 60; block < 100; block += 2) look(block);  // There is no more room.
  std::uint64_t unpacked = 0;
  for (Seq step = 0; step < 300; ++step) unpacked += look(20 + step % 3, step % 100);
  BOOST_TEST(unpacked == 3U);
}

BOOST_AUTO_TEST_CASE(what_stays_unpacked_is_bounded) {
  for (Seq block = 0; block < 100; ++block) {
    look(block);
    look(block * 7 % 100);
  }
  auto const packed_bytes = store.held_bytes();
  { Store::Finder const settled(store); }
  auto const held = store.text_bytes() + store.packed().bytes + store.index_bytes();
  BOOST_TEST(store.held_bytes() <= packed_bytes);
  BOOST_TEST(store.held_bytes() - held <= UnpackedChunks::bytes_max);
}

BOOST_AUTO_TEST_SUITE_END()

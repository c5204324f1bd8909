// Entries that were packed just now become blocks in memory a little at a time.
// Invariants checked: no turn does much of it, entries are found at every moment, what was removed
// meanwhile stays away, and the loop goes on with it until all is done.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "daemon/committer_fixture.hpp"
#include "daemon/store_fixture.hpp"
#include "support/packed_block.hpp"
#include "wal/write/segment_packer.hpp"

namespace {

using stele::daemon::chunk_bytes;
using stele::daemon::Seq;
using stele::daemon::TurnBudget;

/// Some forty chunks of text, and the blocks that hold all of it but the last entry.
struct AdoptionFixture : stele::test::StoreFixture {
  static constexpr Seq entries_a_block = 250;
  static constexpr Seq blocks = 160;

  AdoptionFixture() {
    auto const compressor = stele::wal::make_zstd_compressor();
    std::string const message(900, 'm');
    for (Seq block = 0; block < blocks; ++block) {
      std::vector<std::string> payloads;
      auto const first = next_seq;
      while (payloads.size() < entries_a_block) payloads.push_back(write(next_seq, message));
      packed.push_back(stele::test::make_packed_block(first, payloads, *compressor));
    }
    write(next_seq, std::string(2'000'000, 'm'));  // In the chunk that grows, which stays.
  }
  bool adopt_some() {
    TurnBudget budget(TurnBudget::turn_visits / 4);
    return store.adopt_more(budget);
  }

  std::vector<stele::wal::PackedBlock> packed{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(adoption_test)

BOOST_FIXTURE_TEST_CASE(a_step_lets_go_of_few_chunks_and_entries_are_found_meanwhile,
                        AdoptionFixture) {
  store.begin_to_adopt(std::move(packed));
  BOOST_TEST(store.packed().entries == 0U);
  std::size_t steps = 0;
  for (bool is_left = true; is_left; ++steps) {
    auto const before = store.text_bytes();
    is_left = adopt_some();
    BOOST_TEST(before - store.text_bytes() <= chunk_bytes);
    auto const seq = 1 + steps * 317 % (blocks * entries_a_block);
    auto const text = read_all({.start_ts = seq, .end_ts = seq});
    BOOST_TEST(text.starts_with("{\"seq\":" + std::to_string(seq) + ","));
  }
  BOOST_TEST(steps > blocks * entries_a_block * 900 / chunk_bytes);
  BOOST_TEST(store.packed().entries == blocks * entries_a_block);
  BOOST_TEST(store.text_bytes() < 4'000'000U);
  BOOST_TEST(!adopt_some());
}

BOOST_FIXTURE_TEST_CASE(what_is_removed_meanwhile_stays_away, AdoptionFixture) {
  store.begin_to_adopt(std::move(packed));
  BOOST_TEST(adopt_some());
  auto const removed = blocks / 2 * entries_a_block;
  store.remove_up_to(removed);
  while (adopt_some()) continue;
  BOOST_TEST(store.packed().entries == removed);
  BOOST_TEST(store.count_between(1, store.visible_seq()) == removed + 1);
  store.remove_up_to(store.visible_seq());
  BOOST_TEST(store.packed().bytes == 0U);
  BOOST_TEST(store.text_bytes() == 0U);
}

BOOST_FIXTURE_TEST_CASE(all_may_be_removed_before_it_is_adopted, AdoptionFixture) {
  store.begin_to_adopt(std::move(packed));
  BOOST_TEST(adopt_some());
  store.remove_up_to(store.visible_seq());
  while (adopt_some()) continue;
  BOOST_TEST(store.packed().entries == 0U);
  BOOST_TEST(store.held_bytes() < 1'000'000U);
}

namespace {

stele::wal::InlinePackWorker worker;

stele::wal::Options packing_options() {
  auto options = stele::test::LogFixture::small_options();
  options.packing = {.worker = &worker, .separator = ','};
  options.segment_bytes = 8 << 20;
  return options;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_loop_goes_on_with_it_turn_by_turn_until_all_is_adopted) {
  stele::test::CommitterFixture daemon(packing_options());
  std::string const message(50'000, 'm');
  auto const packed = [&] { return daemon.committer->log().metrics().segments_packed; };
  for (int i = 0; i < 300 && packed() == 0; ++i) {
    daemon.append(message);
    daemon.settle();
  }
  BOOST_TEST(packed() == 1U);
  while (daemon.turns.requested > 0) daemon.end_turn();
  BOOST_TEST(daemon.store.packed().text_bytes > 7'000'000U);
  BOOST_TEST(daemon.store.text_bytes() <= 2 * chunk_bytes);
}

BOOST_AUTO_TEST_SUITE_END()

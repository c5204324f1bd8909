// A store that keeps some of its entries packed against one that keeps all as they are.
// Invariants checked: whatever was packed, and whenever, both find the same entries in the same
// order, by time, by seq and by what they say, and hold as many.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "daemon/query/follow_read.hpp"
#include "daemon/query/range_count.hpp"
#include "daemon/store_fixture.hpp"
#include "support/packed_block.hpp"
#include "support/sanitized.hpp"

namespace {

using stele::daemon::Seq;
using stele::daemon::Store;
using stele::daemon::TurnBudget;
using stele::protocol::EntryFilter;
using stele::protocol::Order;
using stele::protocol::ReadLogs;
using stele::test::StoreFixture;

/// The same log twice.
class Twins {
 public:
  explicit Twins(std::uint64_t seed) : random_(seed) {}

  void write(std::size_t entries) {
    for (; entries > 0; --entries) {
      auto const timestamp = clock_ += random_() % 50;
      auto const late = random_() % 8 == 0 ? random_() % std::min<std::uint64_t>(clock_, 400) : 0;
      std::string message = random_() % 5 == 0 ? "needle " : "hay ";
      message.append(random_() % 300, static_cast<char>('a' + random_() % 26));
      if (random_() % 3'000 == 0) message.append(3'000'000, 'x');
      if (random_() % 30 == 0) {
        TurnBudget budget(1 + random_() % 300);
        packed.store.adopt_more(budget);
      }
      // Some levels for a while, so that there are blocks without others.
      auto const level = static_cast<stele::Level>(random_() % (1 + timestamp / 500 % 6));
      plain.write(timestamp - late, message, level);
      packed.write(timestamp - late, message, level);
    }
  }
  /// Seqs that the log does not hold.
  void skip() {
    auto const last = plain.next_seq + random_() % 5;
    for (auto* twin : {&plain, &packed}) {
      twin->next_seq = last + 1;
      twin->store.pass_up_to(last);
    }
  }
  void remove() {
    auto const held = plain.store.visible_seq() - plain.store.removed_seq();
    auto const up_to = plain.store.removed_seq() + random_() % (held + 1);
    plain.store.remove_up_to(up_to);
    packed.store.remove_up_to(up_to);
  }
  /// What a segment might hold. They are packed in any order, and some never.
  void pack() {
    if (random_() % 4 == 0) next_packed_ += random_() % 300;
    std::vector<stele::wal::PackedBlock> segment;
    for (auto blocks = random_() % 6; blocks > 0; --blocks) {
      Store::Finder finder(plain.store);
      auto const found = finder.find_from(next_packed_, plain.store.visible_seq(), 1);
      if (found.run.entries == 0) break;
      std::vector<std::string> payloads;
      auto seq = found.first_seq;
      for (auto left = 1 + random_() % 200; left > 0; --left, ++seq) {
        auto const next = finder.find_from(seq, plain.store.visible_seq(), 1);
        if (next.first_seq != seq) break;
        payloads.emplace_back(next.run.text);
      }
      auto& compressor = random_() % 4 == 0 ? *raw_ : *zstd_;
      segment.push_back(stele::test::make_packed_block(found.first_seq, payloads, compressor));
      if (random_() % 3 != 0) add_note(segment.back(), payloads);
      next_packed_ = seq;
    }
    if (!segment.empty()) segments_.push_back(std::move(segment));
    while (segments_.size() > random_() % 4) {
      auto const next =
          segments_.begin() + static_cast<std::ptrdiff_t>(random_() % segments_.size());
      if (random_() % 2 == 0) {
        packed.store.adopt(std::move(*next));
      } else {
        packed.store.begin_to_adopt(std::move(*next));
      }
      segments_.erase(next);
    }
  }

  void check() {
    for (auto const order : {Order::asc, Order::desc}) {
      check_reads({.order = order});
      for (auto const& filter : filters()) check_reads({.order = order, .filter = filter});
      auto const from = random_() % (clock_ + 1);
      check_reads({.start_ts = from, .end_ts = from + random_() % 2'000, .order = order});
    }
    for (auto const& filter : filters()) {
      auto const from = random_() % (clock_ + 1);
      auto const end = random_() % 2 == 0 ? UINT64_MAX : from + random_() % 5'000;
      auto const bucket_us = random_() % 3 == 0 ? 1 + random_() % 1'000 : 0;
      for (auto const start : {std::uint64_t{0}, from}) {
        stele::protocol::CountLogs const request{
            .start_ts = start, .end_ts = end, .filter = filter};
        BOOST_TEST(count(plain, request) == count(packed, request));
      }
      if (bucket_us > 0) {
        stele::protocol::CountLogs const request{.filter = filter, .bucket_us = bucket_us};
        BOOST_TEST(count(plain, request) == count(packed, request));
      }
      BOOST_TEST((follow(plain, filter) == follow(packed, filter)));
    }
    auto const last = plain.store.visible_seq();
    for (int i = 0; i < 20; ++i) {
      auto const first = 1 + random_() % (last + 1);
      auto const end = first + random_() % (last + 1);
      BOOST_TEST(plain.store.count_between(first, end) == packed.store.count_between(first, end));
    }
  }

  StoreFixture plain{};
  StoreFixture packed{};

 private:
  static void add_note(stele::wal::PackedBlock& block, std::vector<std::string> const& payloads) {
    stele::daemon::BlockNoteWriter writer;
    for (auto const& payload : payloads) {
      auto const key = stele::protocol::read_entry_key(payload);
      writer.add(key->timestamp, key->level);
    }
    auto const note = writer.take();
    block.header.note_bytes = static_cast<std::uint32_t>(note.size());
    block.bytes.insert(block.bytes.end(), note.begin(), note.end());
  }
  void check_reads(ReadLogs const& request) {
    auto const step_bytes = std::size_t{1} << (8 + random_() % 14);
    auto of_plain = plain.begin(request);
    auto of_packed = packed.begin(request);
    bool const are_same =
        plain.read_all(of_plain, step_bytes) == packed.read_all(of_packed, step_bytes);
    BOOST_TEST(are_same);
  }
  std::vector<EntryFilter> filters() {
    auto const after = random_() % (plain.store.visible_seq() + 1);
    return {{},
            {.contains = "needle"},
            {.contains = "nowhere"},
            {.min_level = stele::Level::warn},
            {.min_level = stele::Level::fatal},
            {.after_seq = after, .min_level = stele::Level::debug},
            {.min_level = stele::Level::error, .contains = "needle"},
            {.min_level = stele::Level::info, .uid = 2}};
  }
  static std::uint64_t count(StoreFixture& twin, stele::protocol::CountLogs const& request) {
    stele::daemon::RangeCount counted(request);
    BOOST_REQUIRE(counted.begin(twin.store).has_value());
    using Status = stele::daemon::RangeCount::Status;
    for (;;) {
      TurnBudget budget;
      if (counted.step(twin.store, budget) == Status::done) return counted.count();
    }
  }
  static std::string follow(StoreFixture& twin, EntryFilter const& filter) {
    stele::daemon::FollowRead read({.filter = filter});
    BOOST_REQUIRE(read.begin(twin.store).has_value());
    read.finish(twin.store);
    std::string text;
    for (;;) {
      TurnBudget budget;
      auto const step = read.step(twin.store, std::size_t{1} << 16, budget);
      for (auto const& run : step.runs) (text += run.text) += ',';
      if (step.status == stele::daemon::FollowRead::Status::ended) return text;
    }
  }

  std::mt19937_64 random_;
  std::uint64_t clock_ = 1'000;
  Seq next_packed_ = 1;
  std::vector<std::vector<stele::wal::PackedBlock>> segments_{};  ///< To be adopted.
  std::unique_ptr<stele::wal::Compressor> zstd_ = stele::wal::make_zstd_compressor();
  std::unique_ptr<stele::wal::Compressor> raw_ = stele::wal::make_raw_compressor();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(packed_store_test)

BOOST_AUTO_TEST_CASE(any_log_packed_at_any_moment_reads_the_same) {
  constexpr std::uint64_t seeds = stele::test::is_sanitized_test ? 3 : 12;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 random(seed);
      Twins twins(seed);
      for (int step = 0; step < 30; ++step) {
        twins.write(random() % 400);
        if (random() % 5 == 0) twins.skip();
        twins.pack();
        if (random() % 6 == 0) twins.remove();
        if (random() % 3 == 0) twins.check();
      }
      twins.check();
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_block_that_is_packed_already_is_not_taken_again, StoreFixture) {
  std::vector<std::string> payloads;
  for (std::uint64_t i = 0; i < 20; ++i) payloads.push_back(write(i, "message"));
  auto const raw = stele::wal::make_raw_compressor();
  auto const block = [&](Seq first, std::size_t count) {
    auto const begin = payloads.begin() + static_cast<std::ptrdiff_t>(first - 1);
    return stele::test::make_packed_block(
        first, {begin, begin + static_cast<std::ptrdiff_t>(count)}, *raw);
  };
  store.adopt({block(1, 5), block(6, 5)});
  store.adopt({block(6, 5)});
  store.adopt({block(5, 2), block(11, 3)});
  BOOST_TEST(store.packed().entries == 13u);
  BOOST_TEST(store.count_between(1, 20) == 20u);
}

BOOST_FIXTURE_TEST_CASE(packed_entries_take_a_part_of_their_memory_until_they_are_gone,
                        StoreFixture) {
  std::vector<std::string> payloads;
  std::string const message = "the quick brown fox jumps over the lazy dog";
  for (std::uint64_t i = 0; i < 100'000; ++i) payloads.push_back(write(i, message));
  auto const held = store.held_bytes();
  auto const compressor = stele::wal::make_zstd_compressor();
  for (std::size_t at = 0; at < payloads.size(); at += 1'000) {
    auto const begin = payloads.begin() + static_cast<std::ptrdiff_t>(at);
    store.adopt({stele::test::make_packed_block(at + 1, {begin, begin + 1'000}, *compressor)});
  }
  BOOST_TEST(store.packed().entries == payloads.size());
  // The chunk that grows stays.
  BOOST_TEST(store.held_bytes() < held / 5);
  BOOST_TEST(store.blocks_unpacked() == 0U);
  BOOST_TEST(read_all({.start_ts = 500, .end_ts = 500}) == payloads[500]);
  BOOST_TEST(read_all({.start_ts = 501, .end_ts = 501}) == payloads[501]);
  BOOST_TEST(store.blocks_unpacked() == 1U);
  store.remove_up_to(payloads.size());
  BOOST_TEST(store.packed().bytes == 0U);
  BOOST_TEST(store.packed().entries == 0U);
  BOOST_TEST(store.text_bytes() == 0U);
}

BOOST_FIXTURE_TEST_CASE(reads_of_much_history_leave_few_unpacked_blocks, StoreFixture) {
  std::vector<std::string> payloads;
  std::string const message(1'000, 'm');
  for (std::uint64_t i = 0; i < 40'000; ++i) payloads.push_back(write(i, message));
  auto const compressor = stele::wal::make_zstd_compressor();
  for (std::size_t at = 0; at < payloads.size(); at += 200) {
    auto const begin = payloads.begin() + static_cast<std::ptrdiff_t>(at);
    store.adopt({stele::test::make_packed_block(at + 1, {begin, begin + 200}, *compressor)});
  }
  auto const held = store.held_bytes();
  BOOST_TEST(read_all({}).size() > payloads.size() * message.size());
  Store::Finder const settled(store);
  BOOST_TEST(store.held_bytes() <= held + (std::size_t{5} << 20));
}

BOOST_FIXTURE_TEST_CASE(a_turn_pays_for_what_it_unpacks, StoreFixture) {
  auto const text = write(1, std::string(1'000'000, 'm'));
  write(2, std::string(3'000'000, 'm'));  // In a chunk of its own, which stays.
  auto const compressor = stele::wal::make_zstd_compressor();
  store.adopt({stele::test::make_packed_block(1, {text}, *compressor)});
  TurnBudget budget;
  BOOST_TEST(Store::Finder(store, &budget).find(1).text.size() == text.size());
  BOOST_TEST(budget.is_spent());
}

BOOST_AUTO_TEST_SUITE_END()

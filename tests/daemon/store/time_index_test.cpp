// The index against a std::set, over seeded random operations.
// Invariants checked: same size, same order both ways from any key, same first and last key.
#include "daemon/store/time_index.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <random>
#include <set>
#include <vector>

#include "support/sanitized.hpp"

namespace {

using stele::daemon::time_key_max;
using stele::daemon::time_key_min;
using stele::daemon::TimeIndex;
using stele::daemon::TimeKey;
using Model = std::set<TimeKey>;

std::vector<TimeKey> ascending(TimeIndex const& index, TimeKey from, std::size_t count) {
  std::vector<TimeKey> keys;
  if (count == 0) return keys;
  index.ascend(from, [&](TimeIndex::Keys visited) {
    BOOST_TEST(!visited.empty());
    keys.insert(keys.end(), visited.begin(), visited.end());
    return keys.size() < count;
  });
  keys.resize(std::min(keys.size(), count));
  return keys;
}

std::vector<TimeKey> descending(TimeIndex const& index, TimeKey from, std::size_t count) {
  std::vector<TimeKey> keys;
  if (count == 0) return keys;
  index.descend(from, [&](TimeIndex::Keys visited) {
    BOOST_TEST(!visited.empty());
    keys.insert(keys.end(), visited.rbegin(), visited.rend());
    return keys.size() < count;
  });
  keys.resize(std::min(keys.size(), count));
  return keys;
}

void check_same(TimeIndex const& index, Model const& model) {
  BOOST_REQUIRE_EQUAL(index.size(), model.size());
  auto const rising = ascending(index, time_key_min, model.size() + 1);
  BOOST_TEST(std::equal(rising.begin(), rising.end(), model.begin(), model.end()));
  auto const falling = descending(index, time_key_max, model.size() + 1);
  BOOST_TEST(std::equal(falling.begin(), falling.end(), model.rbegin(), model.rend()));
  if (model.empty()) return;
  BOOST_TEST((index.first() == *model.begin()));
  BOOST_TEST((index.last() == *model.rbegin()));
}

/// Fills both with `count` keys whose timestamps `next` makes.
template <class Next>
void fill(TimeIndex& index, Model& model, std::uint64_t count, Next next) {
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    TimeKey const key{next(seq), seq};
    index.insert(key);
    model.insert(key);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(time_index_test)

BOOST_AUTO_TEST_CASE(an_empty_index_visits_nothing) {
  TimeIndex const index;
  check_same(index, {});
}

BOOST_AUTO_TEST_CASE(keys_in_order_fill_leaves_to_sixteen_bytes_a_key) {
  TimeIndex index;
  Model model;
  fill(index, model, 100'000, [](auto seq) { return seq * 10; });
  check_same(index, model);
  BOOST_TEST(index.bytes() < 100'000U * 17);
}

BOOST_AUTO_TEST_CASE(keys_that_nobody_writes_beside_take_a_few_bytes_each) {
  constexpr std::uint64_t keys = 400'000;
  TimeIndex near;
  for (std::uint64_t seq = 1; seq <= keys; ++seq) {
    // A few of them late, as from several writers.
    near.insert({seq * 137 - (seq % 7 == 0 ? seq % 700 : 0), seq});
  }
  BOOST_TEST(near.bytes() < keys * 5);
  TimeIndex seconds;
  for (std::uint64_t seq = 1; seq <= keys; ++seq) seconds.insert({seq / 100 * 1'000'000, seq});
  BOOST_TEST(seconds.bytes() < keys * 5 / 2);
}

BOOST_AUTO_TEST_CASE(no_order_of_keys_takes_more_than_twenty_six_bytes_a_key) {
  std::mt19937_64 random(1);
  constexpr std::uint64_t middle = 1'000'000'000;
  struct Order {
    char const* name;
    std::function<std::uint64_t(std::uint64_t)> timestamp_of;
  };
  Order const orders[] = {
      {"reversed", [](auto seq) { return middle - seq; }},
      {"random", [&](auto) { return random(); }},
      {"from both ends", [](auto seq) { return seq % 2 == 0 ? seq : middle - seq; }},
      {"from the middle", [](auto seq) { return seq % 2 == 0 ? middle + seq : middle - seq; }},
      {"into the middle", [](auto seq) { return seq % 2 == 0 ? 0 : middle; }},
      {"blocks, reversed", [](auto seq) { return middle - seq / 100 * 100 + seq % 100; }},
      {"one late in 10", [](auto seq) { return seq % 10 == 0 ? seq - 10 : seq; }},
      {"one late in 513", [](auto seq) { return seq % 513 == 0 ? seq - 300 : seq; }},
      {"a clock that is set back", [](auto seq) { return seq % 30'000; }},
      {"four writers, one behind", [](auto seq) { return seq % 4 == 0 ? seq - seq / 2 : seq; }},
  };
  constexpr std::uint64_t keys = stele::test::is_sanitized_test ? 15'000 : 100'000;
  for (auto const& order : orders) {
    BOOST_TEST_CONTEXT(order.name) {
      TimeIndex index;
      Model model;
      fill(index, model, keys, order.timestamp_of);
      check_same(index, model);
      BOOST_TEST(index.bytes() < keys * 26);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_removal_leaves_is_joined) {
  std::mt19937_64 random(1);
  TimeIndex index;
  Model model;
  fill(index, model, 100'000, [&](auto) { return random(); });
  index.remove_up_to(99'000);
  std::erase_if(model, [](TimeKey key) { return key.seq <= 99'000; });
  check_same(index, model);
  BOOST_TEST(index.bytes() < 1'000U * 36);
}

BOOST_AUTO_TEST_CASE(equal_timestamps_are_ordered_by_seq) {
  TimeIndex index;
  Model model;
  fill(index, model, 2'000, [](auto) { return std::uint64_t{7}; });
  check_same(index, model);
}

BOOST_AUTO_TEST_CASE(extreme_timestamps_have_a_place) {
  TimeIndex index;
  Model model;
  fill(index, model, 2'000, [](auto seq) { return seq % 2 == 0 ? std::uint64_t{0} : UINT64_MAX; });
  check_same(index, model);
}

BOOST_AUTO_TEST_CASE(a_visit_starts_at_the_given_key_or_the_next_one_in_its_direction) {
  TimeIndex index;
  for (std::uint64_t seq = 1; seq <= 3; ++seq) index.insert({seq * 10, seq});
  BOOST_TEST((ascending(index, {20, 2}, 1).front() == TimeKey{20, 2}));
  BOOST_TEST((ascending(index, {20, 3}, 1).front() == TimeKey{30, 3}));
  BOOST_TEST((descending(index, {20, 2}, 1).front() == TimeKey{20, 2}));
  BOOST_TEST((descending(index, {20, 1}, 1).front() == TimeKey{10, 1}));
  BOOST_TEST(ascending(index, {31, 0}, 1).empty());
  BOOST_TEST(descending(index, {9, 9}, 1).empty());
}

BOOST_AUTO_TEST_CASE(random_inserts_and_removals_match_the_model) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 random(seed);
      TimeIndex index;
      Model model;
      std::uint64_t seq = 0;
      std::uint64_t removed = 0;
      // Few distinct timestamps in some runs, many in others; drifting upwards as clocks do.
      std::uint64_t const spread = std::uint64_t{1} << (random() % 20);
      for (int step = 0; step < 20'000; ++step) {
        if (random() % 4'000 == 0) {
          removed += random() % (seq - removed + 1);
          auto const gone = std::erase_if(model, [&](TimeKey key) { return key.seq <= removed; });
          BOOST_TEST(index.remove_up_to(removed) == gone);
        }
        TimeKey const key{static_cast<std::uint64_t>(step) + random() % spread, ++seq};
        index.insert(key);
        model.insert(key);
      }
      check_same(index, model);
      for (int probe = 0; probe < 200; ++probe) {
        TimeKey const from{random() % (20'000 + spread), random() % seq};
        auto const rising = ascending(index, from, 3);
        auto expected = model.lower_bound(from);
        for (TimeKey const key : rising) BOOST_TEST((key == *expected++));
        BOOST_TEST((rising.size() == 3 || expected == model.end()));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

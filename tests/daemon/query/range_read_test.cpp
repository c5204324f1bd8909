#include "daemon/query/range_read.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "daemon/store_fixture.hpp"

namespace {

using stele::Error;
using stele::daemon::parse_read_cursor;
using stele::daemon::RangeRead;
using stele::daemon::ReadCursor;
using stele::daemon::TimeKey;
using stele::protocol::Order;
using stele::protocol::ReadLogs;

struct RangeFixture : stele::test::StoreFixture {
  /// The keys of a read, in the order in which it gives them.
  std::vector<TimeKey> keys(RangeRead& read, std::size_t step_bytes = 1 << 20) {
    std::vector<TimeKey> result;
    auto const text = read_all(read, step_bytes);
    for (auto at = text.find("{\"seq\":"); at != std::string::npos;
         at = text.find("{\"seq\":", at + 1)) {
      auto const key = stele::protocol::read_entry_key(std::string_view(text).substr(at));
      result.push_back({key.value().timestamp, key.value().seq});
    }
    return result;
  }
  std::vector<std::uint64_t> timestamps(ReadLogs const& request) {
    auto read = begin(request);
    std::vector<std::uint64_t> result;
    for (TimeKey const key : keys(read)) result.push_back(key.timestamp);
    return result;
  }
};

using Timestamps = std::vector<std::uint64_t>;

ReadLogs range(std::uint64_t start_ts, std::uint64_t end_ts, Order order = Order::asc) {
  ReadLogs request;
  request.start_ts = start_ts;
  request.end_ts = end_ts;
  request.order = order;
  return request;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(range_read_test, RangeFixture)

BOOST_AUTO_TEST_CASE(both_ends_of_a_range_belong_to_it) {
  write_all({10, 20, 30, 40});
  BOOST_TEST(timestamps(range(20, 30)) == (Timestamps{20, 30}), boost::test_tools::per_element());
  BOOST_TEST(timestamps(range(20, 30, Order::desc)) == (Timestamps{30, 20}),
             boost::test_tools::per_element());
  BOOST_TEST(timestamps(range(40, 40)) == (Timestamps{40}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_that_starts_after_its_end_is_empty) {
  write_all({10, 20});
  BOOST_TEST(timestamps(range(20, 10)).empty());
  BOOST_TEST(timestamps(range(20, 10, Order::desc)).empty());
  BOOST_TEST(timestamps(range(11, 19)).empty());
}

BOOST_AUTO_TEST_CASE(zero_and_the_largest_timestamp_are_reached) {
  write_all({UINT64_MAX, 0});
  BOOST_TEST(timestamps({}) == (Timestamps{0, UINT64_MAX}), boost::test_tools::per_element());
  BOOST_TEST(timestamps(range(UINT64_MAX, UINT64_MAX, Order::desc)) == (Timestamps{UINT64_MAX}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(out_of_order_and_equal_timestamps_come_by_time_then_seq) {
  write_all({30, 10, 20, 10});
  auto rising = begin({});
  BOOST_TEST((keys(rising) == std::vector<TimeKey>{{10, 2}, {10, 4}, {20, 3}, {30, 1}}));
  auto falling = begin(range(0, UINT64_MAX, Order::desc));
  BOOST_TEST((keys(falling) == std::vector<TimeKey>{{30, 1}, {20, 3}, {10, 4}, {10, 2}}));
}

BOOST_AUTO_TEST_CASE(entries_that_become_visible_after_the_start_are_left_out) {
  write_all({10, 30});
  auto read = begin({});
  write_all({20, 40});
  BOOST_TEST((keys(read) == std::vector<TimeKey>{{10, 1}, {30, 2}}));
}

// They are neighbours of the last entry that is read, in time and in the log.
BOOST_AUTO_TEST_CASE(a_run_of_neighbours_ends_where_the_snapshot_or_the_range_ends) {
  write_all({10, 20, 30});
  auto read = begin({});
  write_all({40, 50});
  BOOST_TEST((keys(read) == std::vector<TimeKey>{{10, 1}, {20, 2}, {30, 3}}));
  BOOST_TEST(timestamps(range(20, 40)) == (Timestamps{20, 30, 40}),
             boost::test_tools::per_element());
}

// Invariants checked: every step size gives the entries of the range in order, byte for byte.
BOOST_AUTO_TEST_CASE(steps_of_any_size_give_the_entries_of_the_range_in_order) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    RangeFixture log;
    std::vector<std::pair<TimeKey, std::string>> model;
    // From all in order to none; several leaves of the index and chunks of the store.
    for (std::uint64_t seq = 1; seq <= 2'000; ++seq) {
      auto const timestamp = seq * 10 - random() % (std::uint64_t{1} << (seed * 2));
      model.push_back({{timestamp, seq}, log.write(timestamp, std::string(random() % 3'000, 'x'))});
    }
    std::erase_if(model, [](auto const& entry) {
      return entry.first.timestamp < 5'000 || entry.first.timestamp > 18'000;
    });
    std::sort(model.begin(), model.end());
    for (Order const order : {Order::asc, Order::desc}) {
      std::string expected;
      for (auto const& [key, text] : model) expected += (expected.empty() ? "" : ",") + text;
      for (std::size_t const step_bytes : {1'000U, 100'000U, 3'000'000U}) {
        auto read = log.begin(range(5'000, 18'000, order));
        BOOST_TEST((log.read_all(read, step_bytes) == expected), "seed " << seed);
      }
      std::reverse(model.begin(), model.end());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_read_goes_on_after_its_place_was_removed) {
  write_all({10, 20, 30, 40});
  auto read = begin({});
  BOOST_TEST(take_step(read, 1).entries == 1U);
  store.remove_up_to(2);
  BOOST_TEST((keys(read) == std::vector<TimeKey>{{30, 3}, {40, 4}}));
}

BOOST_AUTO_TEST_CASE(a_step_gives_one_entry_more_than_fits_at_most) {
  for (std::uint64_t i = 0; i < 100; ++i) write(i);
  auto read = begin({});
  auto const step = take_step(read, 1000);
  std::size_t bytes = 0;
  for (auto const& run : step.runs) bytes += run.text.size() + 1;
  BOOST_TEST(bytes >= 1000U);
  BOOST_TEST(bytes < 1000U + 300U);
  BOOST_TEST((step.status == RangeRead::Status::more));
}

// A snapshot may have to pass by a great many younger entries.
BOOST_AUTO_TEST_CASE(a_step_that_finds_nothing_still_ends_soon) {
  write(100'000);
  auto read = begin({});
  for (std::uint64_t i = 0; i < 50'000; ++i) write(i);
  auto const step = take_step(read, 1 << 20);
  BOOST_TEST((step.status == RangeRead::Status::more));
  BOOST_TEST(step.runs.empty());
  BOOST_TEST((keys(read) == std::vector<TimeKey>{{100'000, 1}}));
}

BOOST_AUTO_TEST_CASE(a_limit_that_cuts_gives_a_cursor_and_one_that_does_not_gives_none) {
  write_all({10, 20, 30});
  ReadLogs request;
  request.limit = 2;
  auto cut = begin(request);
  auto const step = take_step(cut, 1 << 20);
  BOOST_TEST((step.status == RangeRead::Status::limited));
  BOOST_TEST(step.entries == 2U);
  BOOST_TEST(cut.cursor() == "30.3.3.a");
  request.limit = 3;
  auto whole = begin(request);
  BOOST_TEST((take_step(whole, 1 << 20).status == RangeRead::Status::exhausted));
}

BOOST_AUTO_TEST_CASE(a_limit_of_zero_gives_a_cursor_at_the_first_entry) {
  write_all({10, 20});
  ReadLogs request = range(15, UINT64_MAX);
  request.limit = 0;
  auto read = begin(request);
  BOOST_TEST(take_step(read, 1 << 20).entries == 0U);
  BOOST_TEST(read.cursor() == "20.2.2.a");
}

BOOST_AUTO_TEST_CASE(pages_cover_a_range_once_while_entries_arrive) {
  std::mt19937_64 random(7);
  for (Order const order : {Order::asc, Order::desc}) {
    for (int i = 0; i < 500; ++i) write(random() % 300);
    auto all = begin(range(20, 250, order));
    auto const expected = keys(all);

    std::vector<TimeKey> paged;
    ReadLogs request = range(20, 250, order);
    request.limit = 7;
    std::string cursor;
    do {
      request.cursor = cursor;
      auto page = begin(request);
      for (TimeKey const key : keys(page, 500)) paged.push_back(key);
      BOOST_REQUIRE_LE(paged.size(), expected.size());
      cursor = paged.size() < expected.size() ? page.cursor() : "";
      write(random() % 300);
    } while (!cursor.empty());
    BOOST_TEST((paged == expected));
  }
}

BOOST_AUTO_TEST_CASE(terms_leave_out_what_does_not_match) {
  write(10, "one disk");
  write(20, "two");
  write(30, "three disk");
  write(15, "four disk");
  ReadLogs request;
  request.filter.contains = "disk";
  BOOST_TEST(timestamps(request) == (Timestamps{10, 15, 30}), boost::test_tools::per_element());
  request.order = Order::desc;
  request.filter.after_seq = 1;
  BOOST_TEST(timestamps(request) == (Timestamps{30, 15}), boost::test_tools::per_element());
  request.filter.contains = {};
  BOOST_TEST(timestamps(request) == (Timestamps{30, 20, 15}), boost::test_tools::per_element());
  request.order = Order::asc;
  BOOST_TEST(timestamps(request) == (Timestamps{15, 20, 30}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_limit_counts_only_what_matches_and_its_cursor_keeps_to_the_terms) {
  for (std::uint64_t i = 0; i < 30; ++i) write(i, i % 3 == 0 ? "yes" : "no");
  for (Order const order : {Order::asc, Order::desc}) {
    ReadLogs request;
    request.order = order;
    request.filter.contains = "yes";
    auto const all = timestamps(request);
    BOOST_TEST(all.size() == 10U);
    Timestamps paged;
    request.limit = 3;
    std::string cursor;
    for (int pages = 0; pages < 4; ++pages) {
      request.cursor = cursor;
      auto page = begin(request);
      for (TimeKey const key : keys(page, 100)) paged.push_back(key.timestamp);
      cursor = page.cursor();
    }
    BOOST_TEST(paged == all, boost::test_tools::per_element());
  }
}

// Few entries match, so that most steps find nothing: each must end all the same.
BOOST_AUTO_TEST_CASE(a_read_with_terms_is_sliced_and_finds_each_match_once) {
  for (std::uint64_t i = 0; i < 100'000; ++i) write(i % 1000, i % 20'000 == 7 ? "needle" : "hay");
  for (Order const order : {Order::asc, Order::desc}) {
    ReadLogs request;
    request.order = order;
    request.filter.contains = "needle";
    auto read = begin(request);
    std::size_t steps = 0;
    std::size_t found = 0;
    RangeRead::Step step;
    do {
      step = take_step(read, 1 << 20);
      found += step.entries;
      ++steps;
    } while (step.status == RangeRead::Status::more);
    BOOST_TEST(found == 5U);
    BOOST_TEST(steps >= 10U);
  }
}

BOOST_AUTO_TEST_CASE(neighbours_that_match_are_one_run) {
  for (std::uint64_t i = 0; i < 10; ++i) write(i, i == 4 ? "no" : "yes");
  ReadLogs request;
  request.filter.contains = "yes";
  auto read = begin(request);
  auto const step = take_step(read, 1 << 20);
  BOOST_TEST(step.entries == 9U);
  BOOST_TEST(step.runs.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_cursor_survives_its_text) {
  ReadCursor const cursor{{UINT64_MAX, 5}, 9, Order::desc};
  BOOST_TEST(to_text(cursor) == "18446744073709551615.5.9.d");
  BOOST_TEST((parse_read_cursor(to_text(cursor)) == cursor));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_cursor_is_refused) {
  for (auto const* text : {"", "1", "1.2.3", "1.2.3.", "1.2.3.x", "1.2.3.aa", "-1.2.3.a", "1..3.a",
                           "18446744073709551616.1.1.a", "1.2.3.a ", " 1.2.3.a", "a.b.c.d"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_read_cursor(text).has_value()); }
  }
  ReadLogs request;
  request.cursor = "nonsense";
  BOOST_TEST((RangeRead::make(request).error().code == Error::bad_request));
}

BOOST_AUTO_TEST_CASE(a_cursor_of_the_other_order_is_refused) {
  ReadLogs request;
  request.cursor = "1.2.3.d";
  BOOST_TEST((RangeRead::make(request).error().code == Error::bad_request));
}

BOOST_AUTO_TEST_CASE(a_cursor_at_a_removed_entry_has_expired) {
  write_all({10, 20, 30});
  store.remove_up_to(2);
  ReadLogs request;
  request.cursor = "20.2.3.a";
  BOOST_TEST((RangeRead::make(request)->begin(store).error().code == Error::cursor_expired));
  request.cursor = "30.3.3.a";
  BOOST_TEST(RangeRead::make(request)->begin(store).has_value());
}

BOOST_AUTO_TEST_CASE(a_cursor_of_a_read_that_had_come_to_no_entry_gives_what_is_kept) {
  write_all({10, 20, 30});
  for (std::uint64_t const removed : {0U, 2U}) {
    store.remove_up_to(removed);
    for (Order const order : {Order::asc, Order::desc}) {
      auto request = range(0, 40, order);
      auto const all = timestamps(request);
      auto const cursor = begin(request).cursor();
      request.cursor = cursor;
      BOOST_TEST(timestamps(request) == all, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cursor_from_the_future_is_refused) {
  write(10);
  ReadLogs request;
  request.cursor = "10.1.2.a";
  BOOST_TEST((RangeRead::make(request)->begin(store).error().code == Error::bad_request));
}

BOOST_AUTO_TEST_SUITE_END()

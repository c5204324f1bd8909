// The edges of a time range, its order, its limit and its cursor.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "stele/client.hpp"
#include "support/steled.hpp"

using stele::Client;
using stele::LogEntry;
using stele::Order;
using stele::ReadOptions;
using stele::StoredEntry;

namespace {

constexpr auto ts_max = std::numeric_limits<std::uint64_t>::max();

/// A daemon that holds one entry for each of these timestamps, written in this order.
class RangeFixture {
 public:
  RangeFixture() : client_(start()) {
    for (auto const timestamp : timestamps) {
      client_.write_log({.timestamp = timestamp, .message = "x"}).value();
    }
  }

  // seq                                            1   2   3  4   5   6   7       8
  std::vector<std::uint64_t> const timestamps{50, 10, 30, 0, 30, 20, ts_max, 30};

  std::vector<std::uint64_t> seqs(ReadOptions const& options) {
    std::vector<std::uint64_t> found;
    end_ = client_
               .read_logs(options,
                          [&](StoredEntry& entry) {
                            found.push_back(entry.seq);
                            return true;
                          })
               .value();
    return found;
  }
  std::string const& cursor() const { return end_.cursor; }
  Client& client() { return client_; }

 private:
  Client start() {
    daemon_.start();
    return Client::connect({.socket_path = daemon_.socket()}).value();
  }

  stele::test::Steled daemon_{};
  Client client_;
  stele::ReadEnd end_{};
};

using Seqs = std::vector<std::uint64_t>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(range_test, RangeFixture)

BOOST_AUTO_TEST_CASE(the_whole_range_is_by_timestamp_then_seq) {
  BOOST_TEST(seqs({}) == (Seqs{4, 2, 6, 3, 5, 8, 1, 7}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(desc_is_the_exact_reverse) {
  BOOST_TEST(seqs({.order = Order::desc}) == (Seqs{7, 1, 8, 5, 3, 6, 2, 4}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(both_ends_are_inclusive) {
  BOOST_TEST(seqs({.start_ts = 10, .end_ts = 30}) == (Seqs{2, 6, 3, 5, 8}),
             boost::test_tools::per_element());
  BOOST_TEST(seqs({.start_ts = 11, .end_ts = 29}) == (Seqs{6}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_of_one_instant_finds_all_equal_timestamps_in_seq_order) {
  BOOST_TEST(seqs({.start_ts = 30, .end_ts = 30}) == (Seqs{3, 5, 8}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(zero_and_the_largest_timestamp_are_ordinary) {
  BOOST_TEST(seqs({.start_ts = 0, .end_ts = 0}) == (Seqs{4}), boost::test_tools::per_element());
  BOOST_TEST(seqs({.start_ts = ts_max, .end_ts = ts_max}) == (Seqs{7}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_range_between_entries_is_empty) {
  BOOST_TEST(seqs({.start_ts = 31, .end_ts = 49}).empty());
  BOOST_TEST(cursor().empty());
}

BOOST_AUTO_TEST_CASE(start_above_end_is_an_empty_range_not_an_error) {
  BOOST_TEST(seqs({.start_ts = 30, .end_ts = 10}).empty());
  BOOST_TEST(seqs({.start_ts = ts_max, .end_ts = 0}).empty());
}

BOOST_AUTO_TEST_CASE(a_limit_cuts_and_its_cursor_goes_on_without_gap_or_double) {
  for (auto const order : {Order::asc, Order::desc}) {
    auto const whole = seqs({.order = order});
    for (std::uint64_t limit = 1; limit <= whole.size(); ++limit) {
      Seqs pages;
      std::string next;
      do {
        auto const page = seqs({.order = order, .limit = limit, .cursor = next});
        BOOST_REQUIRE_LE(page.size(), limit);
        pages.insert(pages.end(), page.begin(), page.end());
        next = cursor();
        BOOST_REQUIRE_LE(pages.size(), whole.size());
      } while (!next.empty());
      BOOST_TEST(pages == whole, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_cursor_goes_on_in_the_snapshot_of_its_read) {
  BOOST_TEST(seqs({.limit = 2}).size() == 2U);
  auto const next = cursor();
  client().write_log({.timestamp = 25, .message = "late"}).value();
  BOOST_TEST(seqs({.cursor = next}) == (Seqs{6, 3, 5, 8, 1, 7}), boost::test_tools::per_element());
  BOOST_TEST(seqs({}).size() == timestamps.size() + 1);
}

BOOST_AUTO_TEST_CASE(an_empty_log_has_empty_ranges) {
  stele::test::Steled empty;
  empty.start();
  auto client = Client::connect({.socket_path = empty.socket()}).value();
  BOOST_TEST(client.read_logs(0, ts_max).value().empty());
}

BOOST_AUTO_TEST_SUITE_END()

#include "wal/gap_ledger.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace stele::wal;

namespace {

Gap damaged(Seq first, Seq last) {
  return {.first_seq = first, .last_seq = last, .reason = GapReason::damaged};
}
Gap torn(Seq first, Seq last) {
  return {.first_seq = first, .last_seq = last, .reason = GapReason::torn};
}
Gap expired(Seq last, std::uint64_t segment_no) {
  return {.first_seq = 1, .last_seq = last, .reason = GapReason::expired, .segment_no = segment_no};
}
Gap dropped(Seq before, std::uint64_t count, WriterId const& writer = {}) {
  return {.first_seq = before,
          .last_seq = before - 1,
          .reason = GapReason::dropped_by_client,
          .dropped = count,
          .writer = writer};
}

std::vector<Gap> gaps_of(GapLedger const& ledger) {
  return {ledger.gaps().begin(), ledger.gaps().end()};
}

GapLedger ledger_of(std::vector<Gap> const& gaps) {
  GapLedger ledger;
  for (auto const& gap : gaps) ledger.add(gap);
  return ledger;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gap_ledger_test)

BOOST_AUTO_TEST_CASE(gaps_come_in_the_order_of_their_seqs) {
  auto const ledger = ledger_of({torn(30, 31), damaged(5, 9), dropped(20, 4), damaged(20, 20)});
  BOOST_TEST((gaps_of(ledger) ==
              std::vector{damaged(5, 9), dropped(20, 4), damaged(20, 20), torn(30, 31)}));
}

BOOST_AUTO_TEST_CASE(a_seq_is_named_once_and_the_first_record_says_why) {
  auto const ledger = ledger_of({torn(5, 100), damaged(3, 120), damaged(4, 4), torn(200, 200)});
  BOOST_TEST((gaps_of(ledger) ==
              std::vector{damaged(3, 4), torn(5, 100), damaged(101, 120), torn(200, 200)}));
  BOOST_TEST((ledger.totals() == GapTotals{.damaged = 22, .torn = 97}));
}

BOOST_AUTO_TEST_CASE(totals_count_what_lies_behind_a_seq) {
  auto const ledger = ledger_of({damaged(5, 9), torn(20, 20), dropped(21, 7)});
  BOOST_TEST((ledger.totals() == GapTotals{.damaged = 5, .torn = 1, .dropped = 7}));
  BOOST_TEST((ledger.totals(7) == GapTotals{.damaged = 2, .torn = 1, .dropped = 7}));
  BOOST_TEST((ledger.totals(20) == GapTotals{.dropped = 7}));
  BOOST_TEST((ledger.totals(21) == GapTotals{}));
  BOOST_TEST(ledger.totals().missing_seqs() == 6u);
}

BOOST_AUTO_TEST_CASE(what_expires_takes_older_gaps_with_it) {
  auto ledger = ledger_of({damaged(5, 9), dropped(10, 3), dropped(12, 4), torn(11, 13)});
  ledger.expire(1, 1);
  BOOST_TEST(ledger.gaps().size() == 4u, "nothing has expired");
  ledger.expire(10, 2);
  BOOST_TEST((gaps_of(ledger) == std::vector{expired(9, 2), torn(11, 13), dropped(12, 4)}));
  ledger.expire(12, 3);
  BOOST_TEST((gaps_of(ledger) == std::vector{expired(11, 3), torn(12, 13)}));
  BOOST_TEST((ledger.totals() == GapTotals{.expired = 11, .torn = 2}));
}

BOOST_AUTO_TEST_CASE(drops_of_one_writer_at_one_place_are_one) {
  WriterId const writer{1};
  auto const ledger = ledger_of(
      {dropped(1, 2, writer), dropped(1, 3, writer), dropped(1, 4), dropped(2, 5, writer)});
  BOOST_TEST((gaps_of(ledger) ==
              std::vector{dropped(1, 5, writer), dropped(1, 4), dropped(2, 5, writer)}));
  BOOST_TEST((ledger.totals() == GapTotals{.dropped = 14}));
}

BOOST_AUTO_TEST_CASE(more_drops_than_are_kept_one_by_one_lose_their_places_and_not_their_number) {
  GapLedger ledger;
  for (Seq seq = 1; seq <= GapLedger::dropped_records_max + 3; ++seq) ledger.add(dropped(seq, 2));
  BOOST_TEST(ledger.gaps().size() == GapLedger::dropped_records_max);
  BOOST_TEST((ledger.gaps().front() == dropped(4, 8)));
  BOOST_TEST(ledger.totals().dropped == 2 * (GapLedger::dropped_records_max + 3));
  ledger.expire(10, 2);
  ledger.add(dropped(9999, 1, WriterId{1}));
  BOOST_TEST(ledger.gaps().size() == GapLedger::dropped_records_max - 7 + 2);
}

// A log may have a gap for every other commit: each is found in its place, and not by looking at
// all.
BOOST_AUTO_TEST_CASE(very_many_gaps_cost_each_what_one_costs) {
  constexpr Seq count = 100'000;
  GapLedger ledger;
  for (Seq k = 0; k < count; ++k) ledger.add(damaged(2 * k + 1, 2 * k + 1));
  for (Seq k = 0; k < count; ++k) ledger.add(torn(2 * k + 1, 2 * k + 1));  // Named already.
  BOOST_TEST(ledger.gaps().size() == count);
  BOOST_TEST(ledger.compared() <= 4 * count);
  BOOST_TEST((ledger.totals() == GapTotals{.damaged = count}));
}

BOOST_AUTO_TEST_CASE(counts_of_drops_end_at_the_largest_number_however_they_are_summed) {
  WriterId const writer{1};
  auto const ledger = ledger_of({dropped(1, UINT64_MAX, writer), dropped(1, 1, writer)});
  BOOST_TEST((gaps_of(ledger) == std::vector{dropped(1, UINT64_MAX, writer)}));
  BOOST_TEST((ledger.totals() == GapTotals{.dropped = UINT64_MAX}));

  auto const apart = ledger_of({dropped(1, UINT64_MAX - 1, writer), dropped(2, 1), dropped(3, 7)});
  BOOST_TEST((apart.totals() == GapTotals{.dropped = UINT64_MAX}));

  GapLedger joined;
  for (std::size_t i = 0; i <= GapLedger::dropped_records_max; ++i) {
    joined.add(dropped(i + 1, UINT64_MAX / 2));
  }
  BOOST_TEST(joined.gaps().size() == GapLedger::dropped_records_max);
  BOOST_TEST(joined.gaps().front().dropped == UINT64_MAX - 1);
  BOOST_TEST((joined.totals() == GapTotals{.dropped = UINT64_MAX}));
}

BOOST_AUTO_TEST_CASE(what_is_acknowledged_is_told_apart_and_what_comes_later_is_not) {
  auto ledger = ledger_of({damaged(5, 20), torn(22, 23), damaged(30, 30)});
  BOOST_TEST((ledger.unacknowledged(1, 100) == std::vector{damaged(5, 20), damaged(30, 30)}));
  BOOST_TEST((ledger.unacknowledged(10, 12) == std::vector{damaged(10, 12)}));
  ledger.acknowledge(10, 25);
  auto known = damaged(10, 20);
  known.acknowledged = true;
  BOOST_TEST((gaps_of(ledger) == std::vector{damaged(5, 9), known, torn(22, 23), damaged(30, 30)}));
  BOOST_TEST((ledger.totals() == GapTotals{.damaged = 17, .torn = 2, .acknowledged = 11}));
  ledger.add(damaged(24, 24));
  BOOST_TEST((ledger.unacknowledged(10, 25) == std::vector{damaged(24, 24)}));
}

BOOST_AUTO_TEST_SUITE_END()

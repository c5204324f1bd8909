#include "daemon/query/follow_read.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/store_fixture.hpp"

namespace {

using stele::Error;
using stele::daemon::FollowRead;
using stele::daemon::Seq;
using stele::daemon::TurnBudget;
using stele::protocol::ReadLogs;
using Status = FollowRead::Status;

struct FollowFixture : stele::test::StoreFixture {
  FollowRead follow(ReadLogs const& request) {
    FollowRead read(request);
    BOOST_REQUIRE(read.begin(store).has_value());
    return read;
  }
  /// Steps, each in a turn of its own, until it waits or has ended: seqs, `!` for caught up and
  /// `[a-b]` for lost ones.
  std::string run(FollowRead& read, std::size_t step_bytes = 1 << 20) {
    std::string text;
    do {
      TurnBudget turn;
      auto const step = read.step(store, step_bytes, turn);
      status = step.status;
      std::size_t entries = 0;
      for (auto const& run : step.runs) {
        auto const first = stele::protocol::read_entry_key(run.text).value().seq;
        for (std::size_t i = 0; i < run.entries; ++i) text += std::to_string(first + i) + ' ';
        entries += run.entries;
      }
      BOOST_TEST(step.entries == entries);
      if (step.caught_up) text += "! ";
      if (step.lost) {
        text += '[' + std::to_string(step.lost->from_seq) + '-' +
                std::to_string(step.lost->to_seq) + "] ";
      }
    } while (status == Status::more);
    return text;
  }
  std::string run(ReadLogs const& request) {
    auto read = follow(request);
    return run(read);
  }

  Status status = Status::more;
};

ReadLogs after(Seq seq) {
  ReadLogs request;
  request.filter.after_seq = seq;
  return request;
}

ReadLogs newest(std::uint64_t limit) {
  ReadLogs request;
  request.limit = limit;
  return request;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(follow_read_test, FollowFixture)

BOOST_AUTO_TEST_CASE(history_comes_in_order_of_seq_then_what_becomes_visible) {
  write_all({30, 10, 20});
  auto read = follow({});
  BOOST_TEST(run(read) == "1 2 3 ! ");
  BOOST_TEST((status == Status::waits));
  BOOST_TEST(!read.has_news(store));
  stage(5);
  BOOST_TEST(!read.has_news(store));
  store.publish(4);
  BOOST_TEST(read.has_news(store));
  BOOST_TEST(run(read) == "4 ");
  BOOST_TEST(read.seq() == 4U);
  BOOST_TEST(run(read) == "");
}

BOOST_AUTO_TEST_CASE(it_starts_behind_the_seq_that_is_named) {
  write_all({1, 2, 3});
  BOOST_TEST(run(after(0)) == "1 2 3 ! ");
  BOOST_TEST(run(after(2)) == "3 ! ");
  BOOST_TEST(run(after(3)) == "! ");
  BOOST_TEST((FollowRead(after(4)).begin(store).error().code == Error::bad_request));
}

BOOST_AUTO_TEST_CASE(a_limit_is_how_many_of_the_newest_come_first) {
  write_all({9, 8, 7, 6});
  auto now = follow(newest(0));
  BOOST_TEST(run(now) == "! ");
  BOOST_TEST(run(newest(1)) == "4 ! ");
  BOOST_TEST(run(newest(3)) == "2 3 4 ! ");
  BOOST_TEST(run(newest(100)) == "1 2 3 4 ! ");
  auto both = newest(2);
  both.filter.after_seq = 3;
  BOOST_TEST(run(both) == "4 ! ");
  write(5);
  BOOST_TEST(run(now) == "5 ");
}

BOOST_AUTO_TEST_CASE(an_empty_store_is_caught_up_with_at_once) {
  auto read = follow({});
  BOOST_TEST(run(read) == "! ");
  BOOST_TEST(run(newest(5)) == "! ");
  write(1);
  BOOST_TEST(run(read) == "1 ");
}

BOOST_AUTO_TEST_CASE(terms_and_the_range_hold_for_history_and_for_what_comes) {
  for (std::uint64_t i = 1; i <= 9; ++i) write(i * 10, i % 3 == 0 ? "yes" : "no");
  ReadLogs request;
  request.start_ts = 50;
  request.end_ts = 110;
  BOOST_TEST(run(request) == "5 6 7 8 9 ! ");
  request.filter.contains = "yes";
  auto read = follow(request);
  BOOST_TEST(run(read) == "6 9 ! ");
  write(100, "yes");
  write(100, "no");
  write(120, "yes");
  BOOST_TEST(run(read) == "10 ");
  BOOST_TEST(read.seq() == 12U);
  request.limit = 1;
  BOOST_TEST(run(request) == "10 ! ");
  request.filter.contains = "nowhere";
  BOOST_TEST(run(request) == "! ");
}

BOOST_AUTO_TEST_CASE(neighbours_come_as_one_run_however_many_they_are) {
  for (std::uint64_t i = 0; i < 1000; ++i) write(1000 - i);
  auto read = follow({});
  TurnBudget turn;
  auto const step = read.step(store, 1 << 20, turn);
  BOOST_TEST(step.entries == 1000U);
  BOOST_TEST(step.runs.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_retention_removes_before_it_was_given_is_told_once) {
  for (std::uint64_t i = 0; i < 10; ++i) write(i);
  auto read = follow(after(1));
  TurnBudget turn;
  BOOST_TEST(read.step(store, 1, turn).entries == 1U);
  store.remove_up_to(6);
  BOOST_TEST(run(read) == "[3-6] 7 8 9 10 ! ");
  store.remove_up_to(9);
  write(1);
  BOOST_TEST(run(read) == "11 ");
  write(1);
  write(1);
  store.remove_up_to(12);
  BOOST_TEST(run(read) == "[12-12] 13 ");
}

BOOST_AUTO_TEST_CASE(only_who_names_a_seq_is_told_what_was_removed_before_it_began) {
  write_all({1, 2, 3, 4});
  store.remove_up_to(2);
  BOOST_TEST(run({}) == "3 4 ! ");
  BOOST_TEST(run(newest(3)) == "3 4 ! ");
  BOOST_TEST(run(after(0)) == "[1-2] 3 4 ! ");
  BOOST_TEST(run(after(1)) == "[2-2] 3 4 ! ");
  BOOST_TEST(run(after(2)) == "3 4 ! ");
}

BOOST_AUTO_TEST_CASE(seqs_that_were_never_given_out_are_passed_over) {
  write_all({1, 2});
  next_seq = 10;
  write_all({3, 4});
  BOOST_TEST(run({}) == "1 2 10 11 ! ");
  BOOST_TEST(run(after(5)) == "10 11 ! ");
  BOOST_TEST(run(newest(3)) == "2 10 11 ! ");
  store.publish(20);
  auto read = follow(newest(1));
  BOOST_TEST(run(read) == "11 ! ");
  BOOST_TEST(read.seq() == 20U);
}

BOOST_AUTO_TEST_CASE(it_ends_with_what_was_visible_when_it_was_told_to) {
  write_all({1, 2});
  auto read = follow({});
  read.finish(store);
  write(3);
  BOOST_TEST(run(read) == "1 2 ! ");
  BOOST_TEST((status == Status::ended));
  BOOST_TEST(read.seq() == 2U);
}

BOOST_AUTO_TEST_CASE(a_step_that_finds_nothing_still_ends_soon) {
  for (std::uint64_t i = 0; i < 20'000; ++i) write(i, i == 15'000 ? "needle" : "hay");
  ReadLogs request;
  request.filter.contains = "needle";
  for (auto const limit : {false, true}) {
    if (limit) request.limit = 1;
    auto read = follow(request);
    std::size_t steps = 1;
    TurnBudget first;
    auto step = read.step(store, 1 << 20, first);
    BOOST_TEST(step.entries == 0U);
    std::size_t entries = 0;
    while (step.status == Status::more) {
      TurnBudget turn;
      step = read.step(store, 1 << 20, turn);
      entries += step.entries;
      ++steps;
    }
    BOOST_TEST(steps >= 5U);
    BOOST_TEST(entries == 1U);
  }
}

// Invariants checked: every matching entry comes once, in order, or lies in a stretch that is told
// as lost, whatever becomes visible, is removed or is refused between two steps.
BOOST_AUTO_TEST_CASE(a_follow_has_no_gap_and_no_double_while_the_store_changes) {
  std::mt19937_64 random(23);
  for (int life = 0; life < 50; ++life) {
    auto const start = store.visible_seq();
    auto read = follow(after(start));
    Seq told = start;
    for (int i = 0; i < 200; ++i) {
      auto const staged = random() % 4;
      for (std::uint64_t k = 0; k < staged; ++k)
        stage(random() % 100, std::string(random() % 50, 'x'));
      if (random() % 10 == 0 && staged > 0) {
        next_seq -= 1;
        store.unstage_from(next_seq);
      }
      if (random() % 2 == 0) store.publish(next_seq - 1);
      if (random() % 40 == 0)
        store.remove_up_to(store.visible_seq() - std::min<Seq>(3, store.visible_seq()));
      TurnBudget turn;
      auto const step = read.step(store, 1 + random() % 500, turn);
      if (step.lost) {
        BOOST_REQUIRE_EQUAL(step.lost->from_seq, told + 1);
        told = step.lost->to_seq;
      }
      for (auto const& run : step.runs) {
        BOOST_REQUIRE_EQUAL(stele::protocol::read_entry_key(run.text).value().seq, told + 1);
        told += run.entries;
      }
      BOOST_REQUIRE_EQUAL(read.seq(), told);
      BOOST_REQUIRE_LE(told, store.visible_seq());
    }
    store.publish(next_seq - 1);
    run(read);
    BOOST_REQUIRE_EQUAL(read.seq(), store.visible_seq());
  }
}

BOOST_AUTO_TEST_SUITE_END()

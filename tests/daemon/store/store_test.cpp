#include "daemon/store/store.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/recovery/store_loader.hpp"
#include "daemon/store_fixture.hpp"

namespace {

using stele::daemon::RangeRead;
using stele::daemon::Seq;
using stele::daemon::Store;
using stele::test::StoreFixture;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(store_test, StoreFixture)

BOOST_AUTO_TEST_CASE(a_staged_entry_is_invisible_until_it_is_published) {
  auto const text = stage(10);
  BOOST_TEST(read_all({}) == "");
  BOOST_TEST(store.visible_seq() == 0U);
  store.publish(1);
  BOOST_TEST(read_all({}) == text);
  BOOST_TEST(store.visible_seq() == 1U);
}

BOOST_AUTO_TEST_CASE(publishing_stops_at_the_given_seq) {
  auto const first = stage(10);
  stage(11);
  store.publish(1);
  BOOST_TEST(read_all({}) == first);
}

BOOST_AUTO_TEST_CASE(unstaged_seqs_are_staged_again_with_other_bytes) {
  auto const kept = stage(10, "kept");
  stage(11, "refused");
  stage(12, "refused too");
  store.unstage_from(2);
  next_seq = 2;
  auto const instead = stage(13, "instead");
  store.publish(2);
  BOOST_TEST(read_all({}) == kept + ',' + instead);
  BOOST_TEST(store.text_bytes() == kept.size() + instead.size() + 2);
}

BOOST_AUTO_TEST_CASE(unstaging_everything_leaves_an_empty_store) {
  std::string const large(1'200'000, 'x');
  for (int i = 0; i < 4; ++i) stage(10, large);
  store.unstage_from(1);
  next_seq = 1;
  BOOST_TEST(store.text_bytes() == 0U);
  auto const text = write(5);
  BOOST_TEST(read_all({}) == text);
}

BOOST_AUTO_TEST_CASE(entries_written_in_order_are_one_run) {
  std::string expected;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    if (i > 0) expected += ',';
    expected += write(i);
  }
  auto read = begin({});
  auto const step = take_step(read, 1 << 20);
  BOOST_REQUIRE_EQUAL(step.runs.size(), 1U);
  BOOST_TEST(step.runs[0].text == expected);
  BOOST_TEST(step.entries == 1000U);
}

BOOST_AUTO_TEST_CASE(a_run_has_one_entry_more_than_fits_and_no_more_than_asked_for) {
  std::vector<std::string> texts;
  for (std::uint64_t i = 0; i < 5; ++i) texts.push_back(write(i, std::string(i * 7, 'x')));
  for (Seq first = 1; first <= 5; ++first) {
    for (std::size_t count = 1; first + count <= 6; ++count) {
      for (std::size_t bytes_max = 1; bytes_max < 1000; ++bytes_max) {
        std::string expected = texts[first - 1];
        std::size_t entries = 1;
        while (entries < count && expected.size() + 1 < bytes_max) {
          expected += ',' + texts[first - 1 + entries++];
        }
        auto const run = Store::Finder(store).find_run(first, count, bytes_max);
        BOOST_REQUIRE_EQUAL(run.text, expected);
        BOOST_REQUIRE_EQUAL(run.entries, entries);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_ends_where_a_chunk_ends) {
  std::string const large(1'200'000, 'x');
  for (std::uint64_t i = 0; i < 3; ++i) write(i, large);
  auto read = begin({});
  BOOST_TEST(take_step(read, 10 << 20).runs.size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_entry_larger_than_a_chunk_is_whole) {
  std::string const large(3 << 20, 'x');
  auto const text = write(1, large);
  BOOST_TEST(text.size() > large.size());
  BOOST_TEST((read_all({}) == text));
}

BOOST_AUTO_TEST_CASE(a_reply_keeps_the_bytes_of_entries_that_are_removed) {
  auto const text = write(1);
  auto read = begin({});
  auto const step = take_step(read, 1 << 20);
  auto const chunk = *step.runs.at(0).chunk;
  std::string_view const bytes = step.runs[0].text;
  store.remove_up_to(1);
  BOOST_TEST(store.text_bytes() == 0U);
  BOOST_TEST(bytes == text);
}

/// New memory costs many times what filling it does.
BOOST_AUTO_TEST_CASE(memory_of_entries_that_are_gone_serves_those_to_come_unless_a_reply_has_it) {
  constexpr std::size_t spare_bytes_max = std::size_t{16} << 20;
  std::string const huge(5'000'000, 'x');
  auto const address = [this] {
    return stele::daemon::Store::Finder(store).find(next_seq - 1).text.data();
  };
  auto const remove_all = [this] { store.remove_up_to(next_seq - 1); };
  store.spare_memory().set_bytes_max(spare_bytes_max);
  write(10, huge);
  auto const* const first = address();
  remove_all();
  BOOST_TEST(store.spare_memory().bytes() >= huge.size());
  write(11, huge);
  BOOST_TEST(static_cast<void const*>(address()) == first);
  BOOST_TEST(store.spare_memory().bytes() == 0U);

  auto read = begin({});
  auto const step = take_step(read, 1 << 20);
  auto const shared = *step.runs.at(0).chunk;
  remove_all();
  BOOST_TEST(store.spare_memory().bytes() == 0U);
  // Ready at once, or in parts.
  write(12, huge);
  remove_all();
  BOOST_TEST(store.prepare_memory(huge.size()).is_ready());
  BOOST_TEST(!store.prepare_memory(huge.size()).is_ready());
}

BOOST_AUTO_TEST_CASE(the_memory_that_is_kept_for_entries_is_bounded) {
  std::string const entry(1'000'000, 'x');
  store.spare_memory().set_bytes_max(std::size_t{10} << 20);
  for (std::uint64_t i = 0; i < 30; ++i) write(i, entry);
  store.remove_up_to(next_seq - 1);
  BOOST_TEST(store.spare_memory().bytes() > std::size_t{7} << 20);
  BOOST_TEST(store.spare_memory().bytes() <= std::size_t{10} << 20);
}

BOOST_AUTO_TEST_CASE(removed_entries_are_not_read_and_the_rest_is) {
  write_all({30, 10, 20});
  auto const text = write(5);
  store.remove_up_to(3);
  BOOST_TEST(read_all({}) == text);
  BOOST_TEST(store.index().size() == 1U);
  BOOST_TEST(store.removed_seq() == 3U);
}

BOOST_AUTO_TEST_CASE(everything_can_be_removed_and_writing_goes_on) {
  write_all({1, 2, 3});
  store.remove_up_to(3);
  BOOST_TEST(read_all({}) == "");
  auto const text = write(4);
  BOOST_TEST(read_all({}) == text);
}

BOOST_AUTO_TEST_CASE(recovered_text_is_visible_at_once_and_equal) {
  auto const text = write(77, "from the log");
  Store recovered;
  BOOST_TEST(recovered.insert(1, text));
  BOOST_TEST(recovered.visible_seq() == 1U);
  BOOST_TEST(Store::Finder(recovered).find(1).text == text);
  BOOST_TEST((recovered.index().first() == stele::daemon::TimeKey{77, 1}));
}

BOOST_AUTO_TEST_CASE(recovery_goes_on_after_a_gap_in_the_seqs) {
  auto const first = write(1);
  next_seq = 100;
  auto const later = write(2);
  Store recovered;
  BOOST_TEST(recovered.insert(1, first));
  BOOST_TEST(recovered.insert(100, later));
  BOOST_TEST(Store::Finder(recovered).find(1).text == first);
  BOOST_TEST(Store::Finder(recovered).find(100).text == later);
}

BOOST_AUTO_TEST_CASE(a_log_of_which_nothing_is_left_goes_on_behind_what_is_missing) {
  using stele::wal::Gap;
  using stele::wal::GapReason;
  struct FixedClock final : stele::daemon::Clock {
    std::uint64_t wall_us() const noexcept override { return 0; }
    stele::daemon::Instant now() const noexcept override { return {}; }
  } const clock;
  next_seq = 8;
  auto const text = write(1);
  for (auto const reason : {GapReason::expired, GapReason::damaged, GapReason::torn}) {
    Store recovered;
    stele::daemon::StoreLoader loader(recovered, clock);
    loader.on_gap(Gap{.first_seq = 1, .last_seq = 7, .reason = reason});
    BOOST_TEST(recovered.visible_seq() == 7U);
    BOOST_TEST(recovered.removed_seq() == (reason == GapReason::expired ? 7U : 0U));
    BOOST_TEST(recovered.count_between(1, 7) == 0U);
    // Retention takes it as it takes entries.
    recovered.remove_up_to(7);
    BOOST_TEST(recovered.insert(8, text));
    BOOST_TEST(Store::Finder(recovered).find(8).text == text);
    recovered.remove_up_to(8);
    BOOST_TEST(recovered.index().size() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(retention_may_go_past_the_last_entry) {
  write(1);
  store.remove_up_to(9);
  BOOST_TEST(store.visible_seq() == 9U);
  BOOST_TEST(store.removed_seq() == 9U);
  next_seq = 10;
  auto const text = write(2);
  BOOST_TEST(read_all({}) == text);
}

// Each mapping counts against a limit of the system: a log may have more gaps than that allows.
BOOST_AUTO_TEST_CASE(entries_on_both_sides_of_a_gap_lie_in_the_same_memory) {
  Store loaded;
  std::vector<char const*> places;
  for (Seq seq = 1; seq < 2000; seq += 2) {
    auto const text = R"({"seq":)" + std::to_string(seq) +
                      R"(,"timestamp":5,"level":"info","message":"m","metadata":{},"version":1,)"
                      R"("origin":{"pid":1,"uid":2,"gid":3}})";
    BOOST_TEST_REQUIRE(loaded.insert(seq, text));
    auto const run = Store::Finder(loaded).find(seq);
    BOOST_TEST(run.text == text);
    places.push_back(run.text.data());
  }
  for (std::size_t i = 1; i < places.size(); ++i) {
    BOOST_TEST_REQUIRE(places[i] - places[i - 1] > 0);
    BOOST_TEST_REQUIRE(places[i] - places[i - 1] < 200);
  }
  loaded.remove_up_to(999);
  BOOST_TEST(Store::Finder(loaded).find(1001).text.data() == places[500]);
  BOOST_TEST(loaded.count_between(1, 1999) == 500u);
}

BOOST_AUTO_TEST_CASE(text_that_is_no_entry_or_has_another_seq_is_not_taken) {
  auto const text = write(1);
  Store recovered;
  BOOST_TEST(!recovered.insert(1, "not an entry"));
  BOOST_TEST(!recovered.insert(2, text));
  BOOST_TEST(recovered.index().size() == 0U);
  BOOST_TEST(recovered.insert(1, text));
  BOOST_TEST(!recovered.insert(1, text));
}

BOOST_AUTO_TEST_CASE(a_log_that_is_larger_than_the_memory_is_not_loaded_to_its_end) {
  write_all({1, 2, 3, 4});
  stele::daemon::SystemClock const clock;
  Store loaded;
  stele::daemon::StoreLoader loader(loaded, clock, {store.held_bytes() / 2, false});
  for (Seq seq = 1; seq <= 4; ++seq) {
    loader.on_payload(seq, Store::Finder(store).find(seq).text);
  }
  BOOST_TEST(loader.is_full());
  BOOST_TEST(loaded.index().size() < 4U);
}

BOOST_AUTO_TEST_CASE(what_retention_is_about_to_remove_makes_room_while_a_log_is_loaded) {
  for (std::uint64_t i = 1; i <= 1000; ++i) write(i, std::string(5000, 'x'));
  stele::daemon::SystemClock const clock;
  Store loaded;
  auto const room = store.held_bytes() / 2;
  stele::daemon::StoreLoader loader(loaded, clock, {room, true});
  for (Seq seq = 1; seq <= 1000; ++seq) {
    loader.on_payload(seq, Store::Finder(store).find(seq).text);
    BOOST_TEST_REQUIRE(loaded.held_bytes() <= room + (1U << 16));
  }
  BOOST_TEST(!loader.is_full());
  BOOST_TEST(loaded.visible_seq() == 1000U);
  BOOST_TEST(loaded.index().size() > 100U);
  BOOST_TEST(loaded.removed_seq() + loaded.index().size() == 1000U);
}

BOOST_AUTO_TEST_SUITE_END()

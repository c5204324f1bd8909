#include "client-lib/logger/log_buffer.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "client-lib/process/backoff.hpp"

using stele::client::Backoff;
using stele::client::LogBuffer;

namespace {

void append(LogBuffer& buffer, std::initializer_list<char const*> texts) {
  for (auto const* text : texts) buffer.append(text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_buffer_test)

BOOST_AUTO_TEST_CASE(entries_gather_in_one_batch_until_it_is_full) {
  LogBuffer buffer({.batch_bytes_max = 7});
  append(buffer, {"aaa", "bbb", "ccc"});
  BOOST_TEST(buffer.seal_oldest().text == "aaa,bbb");
  buffer.pop_stored();
  BOOST_TEST(buffer.seal_oldest().text == "ccc");
  buffer.pop_stored();
  BOOST_TEST(buffer.empty());
  BOOST_TEST(buffer.stored() == 3U);
}

BOOST_AUTO_TEST_CASE(a_sealed_batch_takes_no_more_entries) {
  LogBuffer buffer({.batch_bytes_max = 100});
  append(buffer, {"aaa"});
  BOOST_TEST(buffer.seal_oldest().text == "aaa");
  append(buffer, {"bbb", "ccc"});
  BOOST_TEST(buffer.seal_oldest().text == "aaa");
  buffer.pop_stored();
  BOOST_TEST(buffer.seal_oldest().text == "bbb,ccc");
}

BOOST_AUTO_TEST_CASE(an_entry_above_the_size_of_a_batch_is_a_batch_of_its_own) {
  LogBuffer buffer({.batch_bytes_max = 5});
  append(buffer, {"a", "bbbbbbbbbb", "c"});
  BOOST_TEST(buffer.seal_oldest().text == "a");
  buffer.pop_stored();
  BOOST_TEST(buffer.seal_oldest().text == "bbbbbbbbbb");
  buffer.pop_stored();
  BOOST_TEST(buffer.seal_oldest().text == "c");
}

BOOST_AUTO_TEST_CASE(settled_entries_are_counted_for_their_owners_in_their_order) {
  LogBuffer buffer({.batch_bytes_max = 100});
  int one = 0;
  int two = 0;
  buffer.append("a", {.owner = &one, .bytes = 10});
  buffer.append("b", {.owner = &one, .bytes = 20});
  buffer.append("c", {.owner = &two, .bytes = 40});
  buffer.append("d", {.owner = &one, .bytes = 80});
  buffer.seal_oldest();
  buffer.split_oldest();
  buffer.pop_stored();
  buffer.seal_oldest();
  buffer.pop_refused();
  auto const settled = buffer.take_settled();
  BOOST_REQUIRE(settled.stored.size() == 1U);
  BOOST_TEST(settled.stored[0].owner == &one);
  BOOST_TEST(settled.stored[0].entries == 2U);
  BOOST_TEST(settled.stored[0].bytes == 30U);
  BOOST_REQUIRE(settled.refused.size() == 2U);
  BOOST_TEST(settled.refused[0].owner == &two);
  BOOST_TEST(settled.refused[0].bytes == 40U);
  BOOST_TEST(settled.refused[1].owner == &one);
  BOOST_TEST(settled.refused[1].entries == 1U);
  BOOST_TEST(buffer.take_settled().stored.empty());
}

BOOST_AUTO_TEST_CASE(a_batch_can_be_halved_down_to_its_entries_in_their_order) {
  LogBuffer buffer({.batch_bytes_max = 100});
  append(buffer, {"a", "bb", "ccc", "dddd", "e"});
  buffer.seal_oldest();
  BOOST_TEST(buffer.text_bytes() == 15U);
  buffer.split_oldest();
  BOOST_TEST(buffer.text_bytes() == 14U);
  BOOST_TEST(buffer.seal_oldest().text == "a,bb");
  buffer.split_oldest();
  BOOST_TEST(buffer.seal_oldest().text == "a");
  buffer.pop_stored();
  BOOST_TEST(buffer.seal_oldest().text == "bb");
  buffer.pop_refused();
  BOOST_TEST(buffer.seal_oldest().text == "ccc,dddd,e");
  append(buffer, {"f"});
  BOOST_TEST(buffer.seal_oldest().entry_count() == 3U);
  buffer.pop_stored();
  buffer.seal_oldest();
  buffer.pop_stored();
  BOOST_TEST(buffer.text_bytes() == 0U);
  BOOST_TEST(buffer.accepted() == 6U);
  BOOST_TEST(buffer.settled() == 6U);
  BOOST_TEST(buffer.refused() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_dropped_or_refused_is_to_be_reported_until_it_was) {
  LogBuffer buffer({.batch_bytes_max = 100});
  buffer.drop();
  append(buffer, {"a", "b"});
  buffer.seal_oldest();
  buffer.pop_refused();
  BOOST_TEST(buffer.dropped() == 3U);
  BOOST_TEST(buffer.unreported() == 3U);
  buffer.report(2);
  BOOST_TEST(buffer.unreported() == 1U);
  BOOST_TEST(buffer.dropped() == 3U);
}

BOOST_AUTO_TEST_CASE(pauses_begin_with_none_and_double_up_to_the_longest) {
  Backoff backoff;
  BOOST_TEST(backoff.next(0).count() == 0);
  BOOST_TEST(backoff.next(0).count() == Backoff::shortest.count());
  BOOST_TEST(backoff.next(0).count() == 2 * Backoff::shortest.count());
  for (int i = 0; i < 20; ++i) backoff.next(0);
  BOOST_TEST(backoff.next(0).count() == Backoff::longest.count());
  for (std::uint32_t random : {1U, 512U, 1023U, 0xffffffffU}) {
    auto const pause = backoff.next(random).count();
    BOOST_TEST(pause <= Backoff::longest.count());
    BOOST_TEST(pause >= Backoff::longest.count() / 2);
  }
  backoff.reset();
  BOOST_TEST(backoff.next(1).count() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

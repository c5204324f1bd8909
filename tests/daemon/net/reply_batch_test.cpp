#include "daemon/net/reply_batch.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

namespace {

using stele::daemon::Chunk;
using stele::daemon::ReplyBatch;

/// What a socket that takes `bytes_max` bytes a call would have received.
std::string send_all(ReplyBatch& batch, std::size_t bytes_max) {
  std::string sent;
  while (!batch.empty()) {
    ReplyBatch::Parts parts;
    std::string call;
    for (auto const part : batch.unsent(parts)) call += part;
    BOOST_REQUIRE(!call.empty());
    call.resize(std::min(call.size(), bytes_max));
    batch.on_sent(call.size());
    sent += call;
  }
  return sent;
}

struct BatchFixture {
  void add_slice(std::string const& bytes) {
    slices.push_back(bytes);
    batch.add_slice(chunk, slices.back());
  }

  std::shared_ptr<Chunk> chunk = std::make_shared<Chunk>(1, stele::daemon::map_chunk_memory(16));
  std::deque<std::string> slices{};
  ReplyBatch batch{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(reply_batch_test, BatchFixture)

BOOST_AUTO_TEST_CASE(text_and_slices_are_sent_in_order_whatever_the_socket_takes) {
  for (std::size_t const bytes_max : {1U, 2U, 3U, 7U, 1000U}) {
    batch.text() += "ab";
    add_slice("SLICE");
    add_slice("NEXT");
    batch.text() += "cd";
    add_slice("LAST");
    BOOST_TEST(batch.unsent_bytes() == 17U);
    BOOST_TEST(send_all(batch, bytes_max) == "abSLICENEXTcdLAST");
    BOOST_TEST(batch.empty());
    batch.clear();
  }
}

BOOST_AUTO_TEST_CASE(more_parts_than_a_call_takes_are_sent_in_several_calls) {
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    batch.text() += 't';
    add_slice("s");
    expected += "ts";
  }
  ReplyBatch::Parts parts;
  BOOST_TEST(batch.unsent(parts).size() == ReplyBatch::parts_max);
  BOOST_TEST(send_all(batch, 1000) == expected);
}

BOOST_AUTO_TEST_CASE(a_call_is_bounded_in_bytes_and_goes_on_inside_a_part) {
  batch.text() += "text";
  add_slice(std::string(2 * ReplyBatch::call_bytes_max, 's'));
  ReplyBatch::Parts parts;
  auto const unsent = batch.unsent(parts);
  BOOST_TEST(unsent.size() == 2U);
  BOOST_TEST(unsent[0].size() + unsent[1].size() == ReplyBatch::call_bytes_max);
  BOOST_TEST((send_all(batch, SIZE_MAX) == "text" + slices.back()));
}

BOOST_AUTO_TEST_CASE(clearing_lets_go_of_the_store) {
  add_slice("x");
  BOOST_TEST(chunk.use_count() == 2);
  batch.clear();
  BOOST_TEST(chunk.use_count() == 1);
  BOOST_TEST(batch.empty());
}

BOOST_AUTO_TEST_CASE(a_slice_that_is_sent_lets_go_of_the_store) {
  add_slice("FIRST");
  add_slice("SECOND");
  BOOST_TEST(batch.held_bytes() >= 11U);
  auto const held = batch.held_bytes();
  batch.on_sent(5);
  BOOST_TEST(chunk.use_count() == 2);
  BOOST_TEST(batch.held_bytes() == held - 5);
  BOOST_TEST(send_all(batch, 1000) == "SECOND");
  BOOST_TEST(chunk.use_count() == 1);
  BOOST_TEST(batch.sent_bytes_total() == 11U);
}

BOOST_AUTO_TEST_CASE(slices_of_a_chunk_that_is_removed_are_copied_if_they_are_less_than_it) {
  auto const pinned = std::make_shared<std::size_t>(0);
  batch.text() += "ab";
  add_slice("SLICE");
  add_slice("NEXT");
  batch.on_sent(4);
  auto const held = batch.held_bytes();
  chunk->retire(pinned);
  BOOST_TEST(chunk.use_count() == 1);
  BOOST_TEST(batch.held_bytes() == held);
  for (auto& slice : slices) slice.assign(slice.size(), '?');
  BOOST_TEST(send_all(batch, 3) == "ICENEXT");
  chunk.reset();
  BOOST_TEST(*pinned == 0U);
}

BOOST_AUTO_TEST_CASE(a_removed_chunk_stays_while_its_slices_are_more_than_it_and_no_longer) {
  auto const pinned = std::make_shared<std::size_t>(0);
  std::string const bytes(3000, 's');
  ReplyBatch others;
  others.add_slice(chunk, bytes);
  others.add_slice(chunk, bytes);
  batch.add_slice(chunk, bytes);
  chunk->retire(pinned);
  chunk.reset();
  BOOST_TEST(*pinned > 4000U);
  others.clear();
  BOOST_TEST(*pinned == 0U);
  BOOST_TEST(send_all(batch, 1000) == bytes);
}

BOOST_AUTO_TEST_SUITE_END()

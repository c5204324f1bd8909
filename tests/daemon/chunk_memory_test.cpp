#include "daemon/chunk_memory.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <vector>

namespace {

using namespace stele::daemon;

BOOST_AUTO_TEST_SUITE(chunk_memory_test)

BOOST_AUTO_TEST_CASE(every_piece_of_a_reserve_is_whole_zeroed_and_its_own) {
  ChunkReserve reserve;
  std::vector<ChunkMemory> pieces;
  // More in a row than can be ready.
  for (char mark = 1; mark <= 20; ++mark) {
    auto& piece = pieces.emplace_back(reserve.take());
    BOOST_TEST_REQUIRE(piece.get_deleter().bytes == chunk_bytes);
    BOOST_TEST(std::all_of(piece.get(), piece.get() + chunk_bytes, [](char c) { return c == 0; }));
    std::fill_n(piece.get(), chunk_bytes, mark);
  }
  char mark = 1;
  for (auto const& piece : pieces) {
    BOOST_TEST(
        std::all_of(piece.get(), piece.get() + chunk_bytes, [&](char c) { return c == mark; }));
    ++mark;
  }
}

BOOST_AUTO_TEST_CASE(memory_outlives_the_reserve_that_it_came_from) {
  ChunkMemory piece;
  {
    ChunkReserve reserve;
    piece = reserve.take();
  }
  std::fill_n(piece.get(), chunk_bytes, 'x');
  BOOST_TEST(piece[chunk_bytes - 1] == 'x');
}

BOOST_AUTO_TEST_CASE(a_larger_entry_gets_memory_of_its_size) {
  auto const piece = map_chunk_memory(chunk_bytes + 1);
  BOOST_TEST(piece.get_deleter().bytes == chunk_bytes + 4096);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

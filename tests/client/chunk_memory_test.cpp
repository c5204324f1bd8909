#include "client-lib/logger/chunk_memory.hpp"

#include <sys/mman.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>

#include "support/huge_pages.hpp"

using stele::client::chunk_block_bytes;
using stele::client::make_chunks;
using stele::test::huge_page_bytes;

namespace {

constexpr std::size_t chunk_bytes = std::size_t{64} << 10;

bool is_mapped(char const* start) {
  std::array<unsigned char, chunk_block_bytes / 4096> pages;
  return ::mincore(const_cast<char*>(start), chunk_block_bytes, pages.data()) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(chunk_memory_test)

BOOST_AUTO_TEST_CASE(chunks_that_are_made_together_share_a_huge_page_which_goes_with_the_last) {
  auto const before = huge_page_bytes();
  auto chunks = make_chunks(chunk_bytes);
  BOOST_TEST_REQUIRE(chunks.size() == chunk_block_bytes / chunk_bytes);
  auto const* const start = chunks.front().data();
  BOOST_TEST(reinterpret_cast<std::uintptr_t>(start) % chunk_block_bytes == 0U);
  std::string const message(chunk_bytes - 100, 'x');
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    BOOST_TEST(chunks[i].data() == start + i * chunk_bytes);
    BOOST_TEST(chunks[i].capacity() == chunk_bytes);
    chunks[i].append({.message = message});
  }
  if (before) BOOST_TEST(*huge_page_bytes() == *before + chunk_block_bytes);
  auto last = std::move(chunks.back());
  chunks.clear();
  BOOST_TEST(is_mapped(start));
  BOOST_TEST((last.next().value().message == message));
  last = stele::client::RecordChunk{1};
  BOOST_TEST(!is_mapped(start));
}

BOOST_AUTO_TEST_SUITE_END()

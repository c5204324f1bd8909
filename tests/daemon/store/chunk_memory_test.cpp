#include "daemon/store/chunk_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/store/store.hpp"

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

BOOST_AUTO_TEST_CASE(memory_that_a_reserve_has_ready_is_what_a_batch_gets_and_needs_no_preparing) {
  ChunkReserve reserve;
  Store store(Store::writers_max_default, &reserve);
  // Its thread makes some when nobody else wants the processor.
  auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool is_ready = false;
  while (!is_ready && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    is_ready = store.prepare_memory(chunk_bytes / 4).is_ready();
  }
  BOOST_TEST(is_ready);
  BOOST_TEST(!store.prepare_memory(2 * chunk_bytes).is_ready());
}

BOOST_AUTO_TEST_CASE(what_is_staged_next_lies_in_the_memory_that_was_made_ready_for_it) {
  Store store;
  stele::protocol::EntryDraft draft;
  draft.message = R"("m")";
  draft.metadata = stele::protocol::empty_metadata;
  store.stage(draft, {.seq = 1});
  auto memory = map_chunk_memory(chunk_bytes);
  char const* const begin = memory.get();
  store.use_next(std::move(memory));
  BOOST_TEST(static_cast<void const*>(store.stage(draft, {.seq = 2}).data()) == begin);
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

BOOST_AUTO_TEST_CASE(the_thread_of_a_reserve_takes_no_signals) {
  ChunkReserve const reserve;
  std::size_t threads = 0;
  for (auto const& task : std::filesystem::directory_iterator{"/proc/self/task"}) {
    if (task.path().filename() == std::to_string(::getpid())) continue;
    std::ifstream status{task.path() / "status"};
    std::string word;
    while (status >> word && word != "SigBlk:") continue;
    unsigned long long blocked = 0;
    status >> std::hex >> blocked;
    for (int const signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
      BOOST_TEST((blocked >> (signal - 1) & 1U) == 1U);
    }
    ++threads;
  }
  BOOST_TEST(threads == 1U);
}

BOOST_AUTO_TEST_CASE(a_larger_entry_gets_memory_of_its_size) {
  auto const piece = map_chunk_memory(chunk_bytes + 1);
  BOOST_TEST(piece.get_deleter().bytes == chunk_bytes + 4096);
}

BOOST_AUTO_TEST_CASE(prepared_memory_is_made_ready_in_parts) {
  PreparedMemory memory(chunk_bytes + 1);
  BOOST_TEST(memory.bytes() == chunk_bytes + 4096);
  std::size_t pages = 0;
  while (!memory.is_ready()) {
    auto const count = memory.prepare(100);
    BOOST_TEST(count <= 100U);
    pages += count;
  }
  BOOST_TEST(pages == chunk_bytes / 4096 + 1);
  BOOST_TEST(memory.prepare(100) == 0U);
  auto const piece = memory.take();
  BOOST_TEST(piece[chunk_bytes] == 0);
  BOOST_TEST(PreparedMemory().is_ready());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

// Writes from several coroutines over one connection, and reads the entries back page by page.
// The socket: $STELE_SOCKET, else the default.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <exception>
#include <iostream>
#include <stele/async_client.hpp>
#include <string>

namespace asio = boost::asio;
using asio::use_awaitable;

namespace {

void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

// Writes of coroutines that run at the same time go out together, and share syncs of the disk.
asio::awaitable<void> work(stele::AsyncClient& client, int number) {
  for (int step = 1; step <= 3; ++step) {
    stele::LogEntry entry;
    entry.message = "worker " + std::to_string(number) + ", step " + std::to_string(step);
    auto calls = client.until(std::chrono::seconds{10});
    auto seq = co_await calls.async_write_log(std::move(entry), use_awaitable);
    if (!seq) std::cerr << "stele-async: " << seq.error().message << '\n';
  }
}

asio::awaitable<void> read_all(stele::AsyncClient& client) {
  stele::ReadOptions options;
  options.limit = 4;
  int entries = 0;
  for (;;) {
    auto page = co_await client.async_read_logs(options, use_awaitable);
    if (!page) throw std::runtime_error(page.error().message);
    entries += static_cast<int>(page->entries.size());
    if (page->cursor.empty()) break;
    options.cursor = page->cursor;
  }
  std::cout << "read " << entries << " entries\n";
}

}  // namespace

int main() {
  asio::io_context loop;
  stele::AsyncClient client{loop.get_executor()};

  auto hello = client.async_connect({.name = "async"}, asio::use_future);
  loop.run();
  if (auto connected = hello.get(); !connected) {
    std::cerr << "stele-async: " << connected.error().message << '\n';
    return 1;
  }

  loop.restart();
  for (int number = 1; number <= 3; ++number) co_spawn(loop, work(client, number), rethrow);
  loop.run();

  loop.restart();
  co_spawn(loop, read_all(client), rethrow);
  loop.run();
}

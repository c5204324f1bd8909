// Four threads log without waiting for the disk; nothing is lost when the daemon is restarted
// meanwhile. The socket: $STELE_SOCKET, else the default.
#include <chrono>
#include <iostream>
#include <stele/buffered_logger.hpp>
#include <stele/metadata.hpp>
#include <string>
#include <thread>
#include <vector>

int main() {
  stele::BufferedLogger logger{{.name = "buffered"}};

  std::vector<std::thread> threads;
  for (int number = 1; number <= 4; ++number) {
    threads.emplace_back([&logger, number] {
      for (int step = 1; step <= 100; ++step) {
        auto logged = logger.log(
            {.message = "step " + std::to_string(step),
             .metadata = stele::Metadata{}.add("thread", number).add("step", step).text()});
        if (!logged) std::cerr << "stele-buffered: " << logged.error().message << '\n';
      }
    });
  }
  for (auto& thread : threads) thread.join();

  auto flushed = logger.flush(std::chrono::seconds{10});  // All of it is on disk, or why not.
  if (!flushed) std::cerr << "stele-buffered: " << flushed.error().message << '\n';

  auto const status = logger.status();
  std::cout << "stored " << status.stored << ", refused " << status.refused << '\n';
  return flushed ? 0 : 1;
}

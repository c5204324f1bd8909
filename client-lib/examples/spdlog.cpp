// A program that logs with spdlog, into stele. The socket: $STELE_SOCKET, else the default.
#include <spdlog/spdlog.h>

#include <stele/spdlog_sink.hpp>

int main() {
  // The line that differs; the rest is spdlog.
  auto log = spdlog::create<stele::SpdlogSink>("spdlog-example");
  spdlog::set_default_logger(log);
  spdlog::flush_on(spdlog::level::err);  // A line of this level waits until it is on disk.

  spdlog::info("started with {} workers", 4);
  SPDLOG_WARN("disk {} is {:.0f} % full", "sda", 81.4);  // With file, line and function.
  spdlog::error("worker {} failed", 3);

  spdlog::shutdown();  // Stores what is left.
}

// Threads that log through one logger while the daemon is killed and restarted, and the judgement
// of what the log holds then. STELE_BUFFERED_ENTRIES and STELE_BUFFERED_KILLS choose how many.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "stele/buffered_logger.hpp"
#include "support/steled.hpp"

namespace stele::test {

class LoggedThroughKills {
 public:
  LoggedThroughKills();

  static constexpr std::uint64_t thread_count = 8;
  Steled daemon{"posix", {"--retain-bytes", "0"}};

  /// Says which thread wrote an entry, and which of its entries it is.
  static std::string message(std::uint64_t thread, std::uint64_t number);

  /// Each thread calls `log` with its number and 0, 1, 2, …; ends when all is on disk.
  void log_with(BufferedLogger& logger,
                std::function<void(std::uint64_t thread, std::uint64_t number)> const& log);

  /// Checks with Boost.Test that each entry is in the log once and in its thread's order, that none
  /// was refused, and that memory was bounded; prints the figures.
  void judge(std::string const& name, BufferedLoggerStatus const& status);

 private:
  void kill_and_restart(BufferedLogger const& logger);

  std::uint64_t entries_each_;
  std::uint64_t kills_;
  std::uint64_t took_ms_ = 0;
  std::size_t memory_growth_ = 0;
};

}  // namespace stele::test

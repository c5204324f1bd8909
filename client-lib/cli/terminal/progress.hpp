// The line that shows how far an import is, for people who watch it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace stele::cli {

struct ProgressState {
  std::uint64_t bytes_done = 0;
  std::optional<std::uint64_t> bytes_total{};  ///< Unknown for a pipe.
  std::uint64_t lines_done = 0;
  std::chrono::milliseconds elapsed{};
};

/// `[####      ] 42%  1.2 MiB/2.9 MiB  412 k lines/s  ETA 2s`, or without a total
/// `1.2 MiB  20 k lines  412 k lines/s`.
std::string progress_text(ProgressState const& state);

/// `512 B`, `1.2 MiB`.
std::string bytes_text(std::uint64_t bytes);
/// `999`, `1.2 k`, `412 k`, `1.5 M`.
std::string count_text(std::uint64_t count);

/// Draws progress_text() over itself on standard error, at most ten times a second; does nothing
/// if that is no terminal.
class ProgressMeter {
 public:
  explicit ProgressMeter(std::optional<std::uint64_t> bytes_total);
  ~ProgressMeter() { clear(); }
  ProgressMeter(ProgressMeter const&) = delete;
  ProgressMeter& operator=(ProgressMeter const&) = delete;

  void show(std::uint64_t bytes_done, std::uint64_t lines_done);
  /// Before anything else is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool enabled_;
  bool drawn_ = false;
  std::optional<std::uint64_t> bytes_total_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_draw_ = start_;
};

}  // namespace stele::cli

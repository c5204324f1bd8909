// What is written: entries of one exact size, rendered before the measurement begins. During it
// only their timestamps are set, so that the generator costs the server next to nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stele/log_entry.hpp"

namespace stele::bench {

/// The same numbers for the same seed (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept;
  /// 0 to bound - 1; 0 if the bound is 0.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }

 private:
  std::uint64_t state_;
};

/// Timestamps, one microsecond apart from now on. Of an out-of-order entry it is one between the
/// run's first and its latest.
class Timeline {
 public:
  explicit Timeline(double out_of_order_share = 0, std::uint64_t seed = 1);
  std::uint64_t next() noexcept;

 private:
  std::uint64_t first_;
  std::uint64_t latest_;
  double out_of_order_share_;
  Random random_;
};

/// 16 digits, as every timestamp of this century in microseconds has.
inline constexpr std::uint64_t timestamp_mark = 1'111'111'111'111'111;

/// An entry, with timestamp_mark, whose JSON text as a client sends it has exactly this size.
/// Throws if that is too small. `number` makes it differ from others.
LogEntry make_entry(std::size_t text_bytes, std::size_t number);
/// That text. The shortest ones leave out the level, which has a default.
std::string make_entry_text(std::size_t text_bytes, std::size_t number);

/// Requests of which only the timestamps differ from one use to the next.
class RequestTemplates {
 public:
  /// `request` holds timestamp_mark wherever a timestamp belongs.
  void add(std::string request);
  void append_next(std::string& out, Timeline& timeline);

 private:
  struct Template {
    std::string text;
    std::vector<std::size_t> timestamp_offsets;
  };
  std::vector<Template> templates_{};
  std::size_t next_ = 0;
};

}  // namespace stele::bench

// What the decisions about requests need of the log. Interface only: the WAL driver implements it
// for the process, and the tests do.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wal/log.hpp"

namespace stele::daemon {

/// Counters of commit times: bucket i counts those below 2^i microseconds that no lower bucket
/// counts; the last one takes all others. Powers of two: 5 % steps would say no more about a disk.
struct LatencyHistogram {
  static constexpr std::size_t buckets = 24;  ///< Up to 2^23 us, eight seconds.
  std::uint64_t counts[buckets] = {};

  void add(std::uint64_t microseconds) noexcept {
    std::size_t bucket = 0;
    while (bucket + 1 < buckets && microseconds >> bucket != 0) ++bucket;
    ++counts[bucket];
  }
};

struct LogStatus {
  wal::Seq durable_seq = 0;
  std::size_t pending_bytes = 0;
  wal::LogMetrics metrics{};
  LatencyHistogram commit_us{};  ///< From "a commit may begin" until it was on disk.
};

class LogPort {
 public:
  virtual wal::Seq next_seq() const noexcept = 0;
  virtual std::size_t pending_bytes() const noexcept = 0;
  virtual boost::system::error_code admit(std::size_t payloads,
                                          std::size_t payload_bytes) const noexcept = 0;
  /// Appends one group, and sees to it that a commit begins once this turn of the loop is over.
  virtual wal::Seq append(std::span<std::string_view const> payloads) = 0;
  virtual LogStatus status() const = 0;

 protected:
  ~LogPort() = default;
};

}  // namespace stele::daemon

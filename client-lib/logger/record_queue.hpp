// What programs log, as they gave it, until there is time to make entries of it. No I/O, no clock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "stele/log_entry.hpp"

namespace stele::client {

/// One call of a logger. Its texts belong to somebody else.
struct Record {
  std::uint64_t timestamp = 0;
  std::int64_t time_before_epoch = 0;  ///< Of a line before 1970, whose timestamp is 0.
  std::uint64_t thread = 0;
  std::uint32_t line = 0;
  Level level = Level::info;
  std::string_view message{};
  /// The text of a JSON object; empty: made of what follows, and the message may be any bytes.
  std::string_view metadata{};
  std::string_view logger{};
  std::string_view file{};
  std::string_view function{};
  std::string_view context{};  ///< Empty, or the text of a JSON object.
};

/// Records one behind the other, in memory that is used again: no allocation for each. Where one is
/// from is there once for all that are from the same place:
///
///   | header | place | message | header | message | header | metadata | message |
class RecordChunk {
 public:
  explicit RecordChunk(std::size_t capacity)
      : bytes_(std::make_shared_for_overwrite<char[]>(capacity)), capacity_(capacity) {}
  /// Memory that others have parts of.
  RecordChunk(std::shared_ptr<char[]> bytes, std::size_t capacity) noexcept
      : bytes_(std::move(bytes)), capacity_(capacity) {}
  /// The most memory that a record takes.
  static std::size_t bytes_of(Record const& record) noexcept;

  std::size_t free_bytes() const noexcept { return capacity_ - used_; }
  std::size_t capacity() const noexcept { return capacity_; }
  char const* data() const noexcept { return bytes_.get(); }
  void append(Record const& record) noexcept;
  /// The next one that was not read; valid as long as the chunk is not cleared.
  std::optional<Record> next() noexcept;
  /// The memory that it took.
  std::size_t last_bytes() const noexcept { return last_bytes_; }
  void clear() noexcept;

 private:
  void put(void const* bytes, std::size_t count) noexcept;
  void get(void* bytes, std::size_t count) noexcept;
  std::string_view get_text(std::size_t count) noexcept;
  std::uint32_t put_place(Record const& record) noexcept;
  bool is_at(std::size_t offset, Record const& record) const noexcept;
  void get_place(std::uint32_t offset, Record& record) noexcept;

  std::shared_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  std::size_t read_ = 0;
  std::size_t last_bytes_ = 0;
  /// Where some of the places are, by a hash of line and thread; 0: none.
  std::array<std::uint32_t, 16> places_{};
};

struct LoggerState;

/// What some threads log with one logger; a thread always uses the same of its shards. So threads
/// seldom wait for one another, and the records of each are in the order of its calls.
struct alignas(64) RecordShard {
  std::mutex mutex{};                  ///< Of chunks; held for no system call.
  std::vector<RecordChunk> chunks{};   ///< Empty, or the pipeline knows that there is something.
  std::atomic<std::uint64_t> accepted{0};
  std::uint64_t settled = 0;           ///< Of them, in their order; the pipeline's.
  LoggerState* logger = nullptr;

  /// Copies the record if the last chunk has as many free bytes.
  bool append(Record const& record, std::size_t bytes) noexcept {
    if (chunks.empty() || chunks.back().free_bytes() < bytes) return false;
    chunks.back().append(record);
    accepted.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
};

/// Records of several shards, by their timestamps as nearly as their order in each allows.
class RecordMerger {
 public:
  struct Merged {
    Record record{};  ///< Valid until the next call.
    std::size_t bytes = 0;
    RecordShard* shard = nullptr;
  };

  bool empty() const noexcept { return lanes_.empty(); }
  /// There must be a record in each chunk.
  void add(RecordShard& shard, std::vector<RecordChunk> chunks);
  /// The oldest one.
  std::optional<Merged> next();
  /// A chunk that was read whole since the last call.
  std::optional<RecordChunk> take_spent();

 private:
  struct Lane {
    RecordShard* shard = nullptr;
    std::vector<RecordChunk> chunks{};
    std::size_t at = 0;
    Record head{};
    std::size_t head_bytes = 0;
  };
  void advance();

  std::vector<Lane> lanes_{};
  std::size_t current_ = 0;
  bool has_current_ = false;
  std::vector<RecordChunk> spent_{};
};

}  // namespace stele::client

// What programs log, as they gave it, until there is time to make entries of it. No I/O, no clock,
// no threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "stele/log_entry.hpp"

namespace stele::client {

/// One call of a logger. Its texts belong to somebody else.
struct Record {
  void* owner = nullptr;  ///< Whose it is; handed back when it is settled.
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
};

/// Records one behind the other, in memory that is used again: no allocation for each.
class RecordQueue {
 public:
  class Chunk {
   public:
    explicit Chunk(std::size_t capacity)
        : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}
    std::size_t free_bytes() const noexcept { return capacity_ - used_; }
    std::size_t capacity() const noexcept { return capacity_; }
    void append(Record const& record) noexcept;
    /// The next one that was not read; valid as long as the chunk is not cleared.
    std::optional<Record> next() noexcept;
    void clear() noexcept { used_ = read_ = 0; }

   private:
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_;
    std::size_t used_ = 0;
    std::size_t read_ = 0;
  };

  /// The memory that a record takes.
  static std::size_t bytes_of(Record const& record) noexcept;

  bool empty() const noexcept { return chunks_.empty(); }
  /// Copies the record. May throw std::bad_alloc, and has done nothing then.
  void append(Record const& record);
  /// The oldest records. There must be some.
  Chunk take_oldest();
  /// A chunk that was read is used again.
  void give_back(Chunk chunk);

 private:
  static constexpr std::size_t chunk_bytes = std::size_t{64} << 10;
  /// A larger record has a chunk of its own, so that little of a chunk stays free.
  static constexpr std::size_t large_bytes = chunk_bytes / 8;
  static constexpr std::size_t spares_max = 16;

  std::deque<Chunk> chunks_{};
  std::vector<Chunk> spares_{};
};

}  // namespace stele::client

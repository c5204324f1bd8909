// Entries on their way to the daemon, as JSON text in batches. No I/O, no clock, no threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace stele::client {

/// Entries become batches, each stored as a whole by one numbered write. Once the oldest batch has
/// been sealed, to be sent, its entries are what they are until it is settled.
///
///   append --> | newest batch | ... | oldest batch | --seal, pop--> settled
///
/// Every entry that was accepted is settled at some time, in order: stored, or refused by the
/// daemon. An entry that is not accepted counts as dropped.
class LogBuffer {
 public:
  struct Limits {
    std::size_t batch_bytes_max = 0;  ///< JSON text of a batch of more than one entry.
  };
  /// Whose an entry is, and what it counts for where it came from.
  struct Origin {
    void* owner = nullptr;
    std::size_t bytes = 0;
  };

  explicit LogBuffer(Limits const& limits) noexcept : limits_(limits) {}

  /// `text`: one entry as protocol::append_entry writes it.
  void append(std::string_view text, Origin const& origin);
  void append(std::string_view text) { append(text, Origin{}); }
  /// Entries were not accepted.
  void drop(std::uint64_t count = 1) noexcept { dropped_ += count; }

  bool empty() const noexcept { return batches_.empty(); }
  /// Whether the oldest batch is sealed.
  bool is_sealed() const noexcept { return !batches_.empty() && batches_.front().sealed; }
  /// JSON text of all batches.
  std::size_t text_bytes() const noexcept { return text_bytes_; }

  /// Consecutive entries of one owner.
  struct Share {
    void* owner = nullptr;
    std::uint64_t entries = 0;
    std::size_t bytes = 0;
  };
  struct Batch {
    std::string text{};                       ///< Entries with a comma between two.
    std::vector<std::uint32_t> entry_ends{};  ///< In `text`, without the comma.
    std::vector<Share> shares{};              ///< Whose they are, in order.
    bool sealed = false;
    std::size_t entry_count() const noexcept { return entry_ends.size(); }
  };
  /// The oldest batch; no more entries go into it. There must be one.
  Batch const& seal_oldest();
  /// Makes two of the oldest batch, of which the first half stays sealed. It must have two entries.
  void split_oldest();
  /// The oldest batch is settled. Refused entries count as dropped.
  void pop_stored();
  void pop_refused();

  /// What was settled since the last call, by owners.
  struct Settled {
    std::vector<Share> stored{};
    std::vector<Share> refused{};
  };
  Settled take_settled();

  /// `count` dropped entries were reported to the daemon.
  void report(std::uint64_t count) noexcept { reported_ += count; }

  std::uint64_t accepted() const noexcept { return accepted_; }
  std::uint64_t stored() const noexcept { return stored_; }
  /// Entries that were accepted and refused by the daemon.
  std::uint64_t refused() const noexcept { return refused_; }
  std::uint64_t settled() const noexcept { return stored_ + refused_; }
  std::uint64_t dropped() const noexcept { return dropped_; }
  std::uint64_t unreported() const noexcept { return dropped_ - reported_; }

 private:
  static void add_share(std::vector<Share>& shares, Share const& added);
  static void add_shares(std::vector<Share>& shares, Batch const& batch);
  static std::vector<Share> split_shares(std::vector<Share>& shares, std::size_t kept);
  Batch pop_oldest();
  void use_again(Batch batch) noexcept;

  Limits limits_;
  std::deque<Batch> batches_{};
  Batch spare_{};  ///< Its memory is for the next batch.
  Settled settled_{};
  std::size_t text_bytes_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t stored_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t reported_ = 0;
};

}  // namespace stele::client

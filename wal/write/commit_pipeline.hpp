// Decides what the next commit holds and when a payload may be called durable. No I/O, no clock:
// the log obeys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wal/format/commit_buffer.hpp"
#include "wal/log.hpp"

namespace stele::wal {

/// Group commit: one commit is in flight, and what arrives meanwhile gathers into the next.
///
///   idle --begin()--> in flight --on_durable()--> idle        any --on_failed()--> failed (final)
///
/// After a failure the bytes on disk are unknown, so nothing is ever acknowledged again: a second
/// sync would report success for data that the first one lost.
class CommitPipeline {
 public:
  struct Settings {
    std::size_t commit_align = 512;
    std::size_t gather_bytes = 0;
    std::chrono::milliseconds mark_delay{0};
  };

  CommitPipeline(LogEnd const& start, Settings const& settings);

  Seq next_seq() const noexcept { return next_seq_; }
  Seq durable_seq() const noexcept { return durable_seq_; }
  std::uint64_t durable_commit() const noexcept { return durable_commit_; }
  std::uint64_t next_commit_no() const noexcept { return next_commit_no_; }
  std::uint32_t chain() const noexcept { return chain_; }
  std::size_t pending_bytes() const noexcept { return pending_bytes_; }
  Gathering gathering() const noexcept;
  /// Of buffers that are kept for what comes.
  std::size_t spare_bytes() const noexcept;
  bool in_flight() const noexcept { return in_flight_.has_value(); }
  bool failed() const noexcept { return failed_; }
  bool idle() const noexcept { return !in_flight_ && queue_.empty(); }

  Seq append(WriterMark const& writer, std::span<std::string_view const> payloads);
  /// Returns the number of the commit that will hold it, unless drop_queued() takes it.
  std::uint64_t append_gap(Gap const& gap);

  /// Bytes that the next commit takes on disk; nothing if there is nothing to commit.
  std::optional<std::size_t> next_commit_bytes() const noexcept;
  /// Bytes on disk of all that is queued.
  std::size_t queued_commit_bytes() const noexcept;
  std::uint32_t next_commit_payloads() const noexcept { return queue_.front().payload_count(); }

  /// Seals the next commit for a segment with this salt and returns its bytes, which live until
  /// on_durable(). Precondition: something is queued, nothing is in flight.
  std::span<std::byte const> begin(std::uint64_t salt);

  /// The commit in flight is on disk. Returns the new durable seq.
  Seq on_durable(Instant now);
  void on_failed() noexcept { failed_ = true; }

  /// Drops all that is queued and not in flight; its seqs will be given out again.
  /// Returns the first of them.
  Seq drop_queued();

  /// When a MARK is due: the last commit is durable and nothing has followed.
  std::optional<Instant> mark_deadline() const noexcept { return mark_deadline_; }
  void queue_mark();
  void queue_seal();

 private:
  struct Queued {
    CommitBuffer buffer{};
    CommitKind kind = CommitKind::entries;
    Seq first_seq = 0;

    std::uint32_t payload_count() const noexcept { return buffer.payload_count(); }
  };

  Queued& open_commit(CommitKind kind, std::size_t bytes);
  CommitBuffer take_spare_buffer(std::size_t body_bytes) noexcept;
  void push(CommitKind kind, std::size_t bytes = 0);
  std::size_t disk_bytes(Queued const& queued) const noexcept;

  Settings settings_;
  std::uint64_t next_commit_no_;
  std::uint64_t durable_commit_;
  std::uint32_t chain_;
  Seq next_seq_;
  Seq durable_seq_;
  std::size_t pending_bytes_ = 0;
  bool failed_ = false;
  std::optional<Instant> mark_deadline_{};
  std::optional<Queued> in_flight_{};
  std::deque<Queued> queue_{};
  std::vector<CommitBuffer> spare_buffers_{};
};

}  // namespace stele::wal

// What the requests of one connection are answered with, in their order.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>

#include "daemon/request/request_handler.hpp"

namespace stele::daemon {

/// Replies that are not made yet. What happens to the log, and what a cancel ends, is noted in
/// those that it concerns.
class ReplyQueue {
 public:
  void push(PendingReply reply);
  PendingReply& front() noexcept { return replies_.front(); }
  void pop_front() noexcept;

  bool empty() const noexcept { return replies_.empty(); }
  std::size_t size() const noexcept { return replies_.size(); }
  /// Of replies whose text is known already.
  std::size_t text_bytes() const noexcept { return text_bytes_; }
  /// The memory that all take.
  std::size_t held_bytes() const noexcept;

  /// Writes from `first` on were never written, nor was a report that is not durable.
  void refuse_from(Seq first, std::uint64_t durable_commit);
  /// What is not durable now never will be known to be.
  void fail(Seq visible_seq, std::uint64_t durable_commit);
  /// The oldest write that the log still owes.
  std::optional<Seq> awaited_seq(Seq visible_seq) const noexcept;
  /// Whether the log owes a report of dropped entries.
  bool awaits_drop(std::uint64_t durable_commit) const noexcept;

  /// Ends the reads with this id; false: there is none.
  bool cancel(std::string_view target) noexcept;
  /// Whether a follow with this id waits to begin.
  bool has_follow(std::string_view id) const noexcept;
  /// Whether a read is on its way to the client.
  bool read_is_under_way() const noexcept;
  /// Whether a reply with this id may come before all that is queued: between the frames of a read
  /// that is under way, and before nothing but reads, all of which have other ids.
  bool may_be_overtaken_by(std::string_view id) const noexcept;

 private:
  std::deque<PendingReply> replies_{};
  std::deque<std::size_t> held_{};  ///< By each, when it came.
  std::size_t held_bytes_ = 0;
  std::size_t text_bytes_ = 0;
  std::size_t log_replies_ = 0;  ///< Of writes and reports.
  std::size_t follows_ = 0;
};

}  // namespace stele::daemon

// Which numbered writes the log holds, so that one that comes again is not written again.
// No I/O, no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "protocol/writer_id.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

using protocol::WriterId;

struct NumberedWrite {
  std::uint64_t write_no = 0;
  wal::Seq first_seq = 0;
  wal::Seq last_seq = 0;

  bool operator==(NumberedWrite const&) const = default;
};

/// The last writes of the writers that wrote last. A writer's numbers rise in the order of the log.
///
///   staged --publish--> remembered --(newer writes, newer writers, remove_up_to)--> forgotten
///      \--unstage_from--> never was
///
/// What is remembered rests on the log's groups in their order alone, so a table that is filled
/// from the log after a restart says what the one before it said.
class WriterTable {
 public:
  /// Of one writer: its writes that may be under way when its connection breaks.
  static constexpr std::size_t writes_max = 64;

  explicit WriterTable(std::size_t writers_max) noexcept : writers_max_(writers_max) {}

  enum class Verdict {
    is_new,     ///< Above all numbers of this writer.
    repeated,   ///< Written before, or staged.
    skipped,    ///< Not written, and a later number was: too late.
    forgotten,  ///< Nobody knows whether it was written.
  };
  struct Judgement {
    Verdict verdict = Verdict::is_new;
    NumberedWrite original{};  ///< With `repeated`.
  };
  /// `counted_to`: a number up to which the caller has seen this writer count from 1; 0: not yet.
  /// A writer that is not remembered must begin with 1 or go on from there; any other number may
  /// have been written and forgotten.
  Judgement judge(WriterId const& writer, std::uint64_t write_no, std::uint64_t counted_to) const;

  /// A new write was given to the log. Seqs rise from call to call.
  void stage(WriterId const& writer, NumberedWrite const& write);
  /// Up to `seq` all is on disk.
  void publish(wal::Seq seq);
  /// From `first` on nothing was written.
  void unstage_from(wal::Seq first);
  /// Up to `seq` entries were removed or are damaged: all writes up to there are forgotten.
  void remove_up_to(wal::Seq seq);

  /// The last write of this writer that is on disk.
  std::optional<NumberedWrite> last(WriterId const& writer) const;
  /// Writers that are remembered.
  std::size_t size() const noexcept { return order_.size(); }
  /// What was written up to this seq may be of a writer that is forgotten; 0: none is.
  wal::Seq forgotten_seq() const noexcept { return forgotten_seq_; }

 private:
  struct Writer {
    std::vector<NumberedWrite> writes{};  ///< By rising number and seq; the staged ones last.
    std::size_t staged = 0;
  };
  struct Staged {
    wal::Seq last_seq;
    WriterId writer;
  };

  std::span<NumberedWrite const> remembered(Writer const& writer) const noexcept;
  void remember(WriterId const& id);
  void forget_oldest();

  std::size_t writers_max_;
  std::map<WriterId, Writer> writers_{};
  /// By the seq of the last write that is on disk.
  std::map<wal::Seq, WriterId> order_{};
  std::deque<Staged> staged_{};
  wal::Seq removed_seq_ = 0;
  wal::Seq forgotten_seq_ = 0;
};

}  // namespace stele::daemon

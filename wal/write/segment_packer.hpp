// Makes a pack of a segment that nobody writes to any more, and puts it in its place.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "wal/format/aligned_buffer.hpp"
#include "wal/pack/pack_writer.hpp"
#include "wal/pack/packed_directory.hpp"
#include "wal/pack_worker.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Steps, each begun when the one before it has completed:
///
///   make a piece of the pack -> write it to wal-n.pack.tmp -> … -> sync the file
///   -> read it back and hold it against the segment -> rename to wal-n.pack
///   -> sync the directory -> remove wal-n.seg
///
/// The pack is made of what the disk holds, and only if each commit of the segment is as valid as a
/// start would ask. Until its name is on disk the segment stays. A crash at any step leaves the
/// segment, the pack, or both; see settle_packs().
class SegmentPacker final : private Completion {
 public:
  /// A segment as the log knows it.
  struct Target {
    std::uint64_t segment_no = 0;
    std::uint64_t end_offset = 0;  ///< Where its last commit ends.
    /// What its first commit carries.
    std::uint64_t first_commit_no = 0;
    std::uint32_t first_chain = 0;
    /// A pack stands in its place, which is damaged and repaired when it is read: another one is
    /// made of what it gives.
    bool is_packed = false;
  };
  enum class State : std::uint8_t {
    idle,
    working,
    done,    ///< The pack is on disk, and the segment is gone.
    failed,  ///< The segment is as it was. With Errc::no_space it may be tried again later.
  };

  /// All outlive this.
  SegmentPacker(PackedDirectory& directory, PackWorker& worker, PackOptions const& options);
  SegmentPacker(SegmentPacker const&) = delete;
  SegmentPacker& operator=(SegmentPacker const&) = delete;
  ~SegmentPacker();

  State state() const noexcept { return state_; }
  /// Whether a request is with the directory: then this object must stay alive; so it must while
  /// the worker is at work.
  bool in_flight() const noexcept { return in_flight_; }
  std::uint64_t segment_no() const noexcept { return segment_no_; }
  Failure const& failure() const noexcept { return failure_; }
  /// Of the pack that is done.
  PackSummary const& summary() const noexcept { return summary_; }
  std::uint64_t pack_bytes() const noexcept { return written_; }
  /// Its blocks with payloads, once.
  std::vector<PackedBlock> take_blocks() noexcept { return std::move(blocks_); }

  /// Precondition: not working.
  void start(Target const& target);
  /// Goes on if the worker has done its part. To be called behind Directory::poll().
  void poll();
  /// Begins no further step: the segment is not to be packed any more.
  void abandon() noexcept { abandoned_ = true; }
  bool is_abandoned() const noexcept { return abandoned_; }

 private:
  enum class Step : std::uint8_t {
    making,
    writing,
    syncing_file,
    comparing,
    syncing_name,
  };
  struct Job;

  void on_complete(boost::system::error_code error) noexcept override;
  Result<void> begin(Target const& target);
  Result<void> advance();
  void make_piece();
  Result<void> write_piece();
  Result<void> compare();
  Result<void> put_name();
  Result<void> finish();
  void fail(Failure failure);

  PackedDirectory& packed_directory_;
  Directory& directory_;  ///< With packs and segments under their own names.
  PackWorker& worker_;
  PackOptions options_;
  std::unique_ptr<Job> job_{};  ///< The worker's while it is at work.
  State state_ = State::idle;
  Step step_ = Step::making;
  std::uint64_t segment_no_ = 0;
  std::unique_ptr<File> file_{};
  AlignedBuffer piece_{};
  std::uint64_t written_ = 0;
  PackSummary summary_{};
  bool is_of_pack_ = false;  ///< What is packed is not a segment but a pack.
  std::vector<PackedBlock> blocks_{};
  bool has_name_ = false;
  bool in_flight_ = false;
  bool awaits_worker_ = false;
  bool abandoned_ = false;
  Failure failure_{};
};

/// For a start, before it reads the log: where a crash left both a segment and its pack, the pack
/// stays if all of it is right, and the segment goes; else the pack is put aside. Blocks.
Result<void> settle_packs(Directory& directory);

}  // namespace stele::wal

// Makes a segment ready ahead of need, so that a commit only ever overwrites zeros that are on
// disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wal/aligned_buffer.hpp"
#include "wal/manifest.hpp"
#include "wal/retention.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// A segment that can be written: front to back, once.
struct Segment {
  std::unique_ptr<File> file{};
  SegmentHeader header{};
  std::uint64_t end_offset = first_commit_offset;  ///< Where the next commit goes.

  std::uint64_t room() const noexcept { return file ? header.segment_bytes - end_offset : 0; }
};

/// Steps, each begun when the one before it has completed:
///
///   create wal-n.seg.tmp and MANIFEST.tmp -> zeros, slice by slice -> both header copies
///   -> sync the file -> rename to wal-n.seg -> sync the directory -> write MANIFEST.tmp
///   -> rename to MANIFEST -> sync the directory -> remove what has expired -> ready
///
/// The slices are small, so that a commit that is due waits for one of them at most. A crash at any
/// step leaves a .tmp file, or a whole segment that the MANIFEST does not name yet; neither was
/// ever written to by a commit, and the next start removes them.
class SegmentMaker final : private Completion {
 public:
  struct Plan {
    SegmentHeader header{};
    Manifest manifest{};  ///< As it is to stand when the segment is ready.
    std::vector<ExpiredSegment> expired{};
  };
  enum class State : std::uint8_t { idle, working, ready, failed };

  explicit SegmentMaker(Directory& directory);

  State state() const noexcept { return state_; }
  /// Whether a request is with the directory: then this object must stay alive.
  bool in_flight() const noexcept { return in_flight_; }
  Plan const& plan() const noexcept { return plan_; }
  Failure const& failure() const noexcept { return failure_; }

  /// Precondition: not working.
  void start(Plan plan);
  /// Begins no further step.
  void abandon() noexcept { abandoned_ = true; }
  /// Precondition: ready.
  Segment take();

 private:
  enum class Step : std::uint8_t {
    zeroing,
    writing_header,
    syncing_file,
    syncing_name,
    writing_manifest,
    syncing_manifest_name,
  };

  void on_complete(boost::system::error_code error) noexcept override;
  Result<void> advance();
  Result<void> write_slice();
  Result<void> write_header();
  void write_manifest();
  Result<void> finish();
  void fail(Failure failure);

  Directory& directory_;
  State state_ = State::idle;
  Step step_ = Step::zeroing;
  Plan plan_{};
  std::unique_ptr<File> file_{};
  std::unique_ptr<File> manifest_file_{};
  AlignedBuffer slice_{};
  std::uint64_t zeroed_ = 0;
  bool in_flight_ = false;
  bool abandoned_ = false;
  Failure failure_{};
};

}  // namespace stele::wal

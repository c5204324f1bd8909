// Makes a segment ready ahead of need, so that a commit only ever overwrites zeros that are on
// disk.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wal/format/aligned_buffer.hpp"
#include "wal/format/manifest.hpp"
#include "wal/recover/retention.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// A segment that can be written: front to back, once.
struct Segment {
  std::unique_ptr<File> file{};
  SegmentHeader header{};
  std::uint64_t end_offset = first_commit_offset;  ///< Where the next commit goes.

  std::uint64_t free_bytes() const noexcept { return file ? header.segment_bytes - end_offset : 0; }
};

/// Steps, each begun when the one before it has completed:
///
///   create wal-n.seg.tmp and MANIFEST.tmp -> zeros, slice by slice -> both header copies
///   -> sync the file -> rename to wal-n.seg -> sync the directory -> write MANIFEST.tmp
///   -> exchange with MANIFEST -> sync the directory -> remove what has expired -> ready
///
/// What was MANIFEST before is MANIFEST.tmp then: it is always there, so that a full disk has room
/// for the next one. If the disk has no room for the new segment and there are files that may go,
/// they go first; and the space of the largest of them is not given up, since another program may
/// be waiting for it:
///
///   sync the directory -> write MANIFEST.tmp, without them -> exchange with MANIFEST -> sync it
///   -> rename one of them to wal-n.seg.tmp, remove the others -> sync the directory
///   -> from the start
///
/// The slices are small, so that a commit that is due waits for one of them at most. A crash at any
/// step leaves a .tmp file, or a whole segment that the MANIFEST does not name (yet, or any more);
/// nothing of them counts, and the next start removes them, or makes a segment of their space.
class SegmentMaker final : private Completion {
 public:
  struct Plan {
    SegmentHeader header{};
    Manifest manifest{};                    ///< As it is to stand when the segment is ready.
    std::vector<ExpiredSegment> expired{};  ///< Left out of it.
    std::vector<std::string> unused{};      ///< Other files that may go if the disk is full.
    Manifest shortened{};                   ///< As it stands on disk, without any of these.
    bool old_manifest_is_bad = false;       ///< Then nothing is written to its blocks.
  };
  enum class State : std::uint8_t { idle, working, ready, failed };

  explicit SegmentMaker(Directory& directory);

  State state() const noexcept { return state_; }
  /// Whether a request is with the directory: then this object must stay alive.
  bool in_flight() const noexcept { return in_flight_; }
  Plan const& plan() const noexcept { return plan_; }
  Failure const& failure() const noexcept { return failure_; }

  /// Whether MANIFEST on disk has left out what the plan lets expire; if the disk is full, before
  /// the segment is ready, or even if it cannot be made: `shortened` stands on disk then.
  bool expiry_is_done() const noexcept { return expiry_is_done_; }

  /// Whether there was no room until something else went, if it did; or perhaps no room besides
  /// what an attempt before had got.
  bool disk_was_full() const noexcept { return disk_was_full_; }

  /// Precondition: not working.
  void start(Plan plan);
  /// Begins no further step.
  void abandon() noexcept { abandoned_ = true; }
  /// Precondition: ready.
  Segment take();

 private:
  enum class Step : std::uint8_t {
    syncing_old_name,
    writing_shortened,
    syncing_shortened_name,
    syncing_freed,
    zeroing,
    writing_header,
    syncing_file,
    syncing_name,
    writing_manifest,
    syncing_manifest_name,
  };

  void on_complete(boost::system::error_code error) noexcept override;
  Result<void> advance();
  Result<void> begin();
  Result<void> reserve();
  bool has_files_to_free() const noexcept;
  Result<void> begin_to_free();
  Result<void> free_files();
  void remove_expired(std::string_view kept_name);
  Result<void> write_slice();
  Result<void> write_header();
  void write_manifest(Manifest const& manifest, Step step);
  Result<void> put_manifest(Step step);
  Result<void> finish();
  void fail(Failure failure);

  Directory& directory_;
  State state_ = State::idle;
  Step step_ = Step::zeroing;
  Plan plan_{};
  std::unique_ptr<File> file_{};
  std::unique_ptr<File> manifest_file_{};
  AlignedBuffer block_{};  ///< What is written over the zeros: a header, a MANIFEST.
  std::uint64_t zeroed_ = 0;
  bool has_reserved_file_ = false;  ///< The unfinished segment had space before it was begun.
  bool expiry_is_done_ = false;
  bool disk_was_full_ = false;
  bool in_flight_ = false;
  bool abandoned_ = false;
  Failure failure_{};
};

}  // namespace stele::wal

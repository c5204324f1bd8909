// Fills the store with what the log held, at start-up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/recovery/entry_notes.hpp"
#include "daemon/store/store.hpp"
#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

class StoreLoader final : public wal::RecoverySink {
 public:
  /// What the store may take. Beyond it the oldest entries make room if retention is about to
  /// remove them anyway; else the rest of the log is left out.
  struct MemoryLimit {
    std::uint64_t bytes_max = UINT64_MAX;
    bool retains = false;
  };
  StoreLoader(Store& store, Clock const& clock) noexcept
      : StoreLoader(store, clock, MemoryLimit()) {}
  StoreLoader(Store& store, Clock const& clock, MemoryLimit limit) noexcept;

  bool on_pack(wal::PackContents& contents) override;
  void on_group(wal::WriterMark const& writer, wal::Seq first, wal::Seq last) override;
  void on_payload(wal::Seq seq, std::string_view payload) override;
  void on_commit(std::uint64_t segment_no, std::uint64_t disk_bytes) override;
  void on_packed(wal::PackedBlock block) override;
  void on_gap(wal::Gap const& gap) override;
  bool is_full() const noexcept override { return full_; }
  void on_progress(std::uint64_t bytes_done, std::uint64_t bytes_total) override;

  /// Called with the bytes that have been read and all that there are, after each segment.
  using ProgressHandler = std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)>;
  void set_progress_handler(ProgressHandler handler) { on_progress_ = std::move(handler); }

  /// Payloads that the log vouches for but that are no entries: written by something else.
  std::uint64_t rejected() const noexcept { return rejected_; }

 private:
  void restore_writes(std::span<wal::PackedGroup const> groups, PackNote const& note);
  void keep_within_room();

  Store& store_;
  Clock const& clock_;
  MemoryLimit limit_;
  Instant reported_at_;
  ProgressHandler on_progress_{};
  bool full_ = false;
  std::uint64_t rejected_ = 0;
  /// One client's write.
  struct Group {
    wal::WriterMark mark{};
    NumberedWrite write{};
    std::uint64_t payload_bytes = 0;
  };
  std::optional<Group> group_{};  ///< While its payloads come, as long as they are entries.
  std::uint64_t segment_no_ = 0;
};

/// The start-up lines about what was recovered: a summary, and each thing that is missing, with a
/// warning for damage that nobody has acknowledged.
void report_recovery(wal::RecoveryReport const& report, wal::GapLedger const& ledger,
                     Store const& store, std::uint64_t rejected, std::uint64_t took_us);

}  // namespace stele::daemon

// Fills the store with what the log held, at start-up.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/clock.hpp"
#include "daemon/store.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

class StoreLoader final : public wal::RecoverySink {
 public:
  StoreLoader(Store& store, Clock const& clock) noexcept;

  void on_group(wal::WriterMark const& writer, wal::Seq first, wal::Seq last) override;
  void on_payload(wal::Seq seq, std::string_view payload) override;
  void on_gap(wal::Gap const& gap) override;
  void on_progress(std::uint64_t bytes_done, std::uint64_t bytes_total) override;

  /// Payloads that the log vouches for but that are no entries: written by something else.
  std::uint64_t rejected() const noexcept { return rejected_; }

 private:
  Store& store_;
  Clock const& clock_;
  Instant reported_at_;
  std::uint64_t rejected_ = 0;
  struct NumberedGroup {
    WriterId writer{};
    NumberedWrite write{};
  };
  std::optional<NumberedGroup> group_{};  ///< While its payloads come.
};

/// The start-up lines about what was recovered: a summary, and a warning for each thing missing.
void report_recovery(wal::RecoveryReport const& report, Store const& store, std::uint64_t rejected,
                     std::uint64_t took_us);

}  // namespace stele::daemon

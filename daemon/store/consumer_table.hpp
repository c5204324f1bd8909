// Those whom retention waits for, and how far each of them has come. No I/O, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wal/log.hpp"

namespace stele::daemon {

struct Consumer {
  std::string name{};
  /// It has what it needs up to there. Nothing: it has not said so since the daemon's start.
  std::optional<wal::Seq> confirmed_seq{};
  std::uint64_t lost = 0;  ///< Entries that retention took before it had confirmed them.
};

/// Their names are settings, so nothing has to outlive the daemon: one that has not said yet where
/// it is may need everything.
class ConsumerTable {
 public:
  explicit ConsumerTable(std::span<std::string const> names = {});

  /// False: there is no consumer of this name.
  bool confirm(std::string_view name, wal::Seq seq) noexcept;
  /// Retention took the entries behind `before` up to `seq`.
  void remove(wal::Seq before, wal::Seq seq) noexcept;

  /// The first seq that one of them may still need.
  wal::Seq held_from() const noexcept;
  std::span<Consumer const> all() const noexcept { return consumers_; }

 private:
  std::vector<Consumer> consumers_{};
};

}  // namespace stele::daemon

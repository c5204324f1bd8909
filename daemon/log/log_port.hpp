// What the decisions about requests need of the log. Interface only: the WAL driver implements it
// for the process, and the tests do.
#pragma once

#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

/// Once this many bytes of payload have gathered for the next commit, each connection may add its
/// share and no more: a commit stays so short that who writes little hardly notices who writes
/// much.
inline constexpr std::size_t gathered_bytes_full = std::size_t{512} << 10;

/// While several users write, each of them may add so much to a commit, by however many
/// connections; one message may cross it.
inline constexpr std::size_t user_bytes_full = std::size_t{256} << 10;

/// Large writes are handed to the log while less than this waits for the disk: of huge ones one at
/// a time is on its way, whoever sends them, and what is small waits for one of them at most.
inline constexpr std::size_t large_pending_bytes = std::size_t{1} << 20;

/// A commit of more than large_pending_bytes holds up all that is written meanwhile. So while other
/// users write, there is a pause behind it before the next huge write: huge_pause_factor times as
/// long as it took, and huge_pause_max at most.
inline constexpr int huge_pause_factor = 100;
inline constexpr std::chrono::milliseconds huge_pause_max{1000};

struct LogStatus {
  wal::Seq durable_seq = 0;
  std::size_t pending_bytes = 0;
  wal::LogMetrics metrics{};
};

class LogPort {
 public:
  virtual wal::Seq next_seq() const noexcept = 0;
  virtual std::size_t pending_bytes() const noexcept = 0;
  virtual wal::Gathering gathering() const noexcept = 0;
  virtual boost::system::error_code admit(std::size_t payloads,
                                          std::size_t payload_bytes) const noexcept = 0;
  /// Whether writes are refused for lack of space: from the first one on until there is space, also
  /// while smaller ones still fit.
  virtual bool is_full() const noexcept = 0;
  /// A write was refused for lack of space.
  virtual void note_refused() noexcept = 0;
  /// Whether the segments that are there have room for about so much more. If not, there is
  /// progress when they have.
  virtual bool has_segment_for(std::size_t payload_bytes) noexcept = 0;
  /// Whether the pause behind the last huge commit is over. If not, there is progress when it is.
  virtual bool huge_pause_is_over() noexcept = 0;
  /// Appends one group, and sees to it that a commit begins once this turn of the loop is over.
  virtual wal::Seq append(wal::WriterMark const& writer,
                          std::span<std::string_view const> payloads) = 0;
  /// Appends a record that a client gave up `count` entries; returns the commit that will hold it.
  virtual std::uint64_t append_dropped(wal::WriterId const& writer, std::uint64_t count) = 0;
  /// Appends a record that an operator knows of the damage among these seqs; returns the commit
  /// that will hold it.
  virtual std::uint64_t append_acknowledged(wal::Seq first, wal::Seq last) = 0;
  /// See wal::Log.
  virtual void hold_from(wal::Seq first) noexcept = 0;
  virtual wal::Seq first_seq_kept() const noexcept = 0;
  virtual std::uint64_t durable_commit() const noexcept = 0;
  virtual wal::GapLedger const& gaps() const noexcept = 0;
  virtual LogStatus status() const = 0;

 protected:
  ~LogPort() = default;
};

}  // namespace stele::daemon

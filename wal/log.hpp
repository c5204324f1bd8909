// The log: opaque payloads in, sequence numbers out, "durable" reported when it is true.
// The one header of this module that the daemon needs, with storage.hpp and disk_directory.hpp.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wal/error.hpp"
#include "wal/pack/pack_format.hpp"
#include "wal/storage.hpp"
#include "wal/types.hpp"

namespace stele::wal {

enum class OnDamage : std::uint8_t { serve, refuse };

class PackWorker;
class PackNotes;

/// How segments are packed that nobody writes to any more. What it names outlives the log.
struct Packing {
  PackWorker* worker = nullptr;  ///< Null: they are not packed.
  char separator = '\n';         ///< Between two payloads of a block.
  PackNotes* notes = nullptr;    ///< See pack_notes.hpp. Null: there are none.
};

struct Options {
  std::uint64_t segment_bytes = std::uint64_t{64} << 20;
  /// Of the segment that open() makes, whose zeros it waits for: a multiple of 4096, at most
  /// segment_bytes.
  std::uint64_t first_segment_bytes = std::uint64_t{16} << 20;
  /// Commits start at multiples of this; 0: of the directory's alignment.
  std::size_t commit_align = 0;
  /// A group is at most this many bytes of payload and record headers, and lies in one commit.
  std::size_t commit_bytes_max = std::size_t{32} << 20;
  /// Arrivals gather into one commit up to this size, then into the next.
  std::size_t gather_bytes = std::size_t{4} << 20;
  /// Whole old segments are removed while the log is larger than this. 0: never.
  std::uint64_t retain_bytes = 0;
  /// Whole old segments are removed when their last commit is older. 0: never.
  std::chrono::seconds retain_age{0};
  /// What is held, by hold_from(), stays while the log is at most so much larger than retain_bytes;
  /// whatever its size if that is 0. 0: nothing is held.
  std::uint64_t hold_bytes = 0;
  OnDamage on_damage = OnDamage::serve;
  Packing packing{};
  /// Source of the store id and of segment salts; empty: the kernel's.
  std::function<std::uint64_t()> entropy{};
  /// Idle time after a commit until a MARK records that it was durable.
  std::chrono::milliseconds mark_delay{50};
  /// Time between two attempts to make a spare segment when the disk is full.
  std::chrono::milliseconds space_retry_delay{1000};
};

/// One group of a segment that is packed.
struct PackedGroup {
  WriterMark writer{};
  Seq first = 0;
  Seq last = 0;
};

/// A segment that is packed, of which all is there.
struct PackContents {
  std::uint64_t segment_no = 0;
  std::span<std::byte const> note{};      ///< The owner's, of all of it.
  std::span<PackedGroup const> groups{};  ///< In the order of the log, without a seq between them.
  std::vector<PackedBlock> blocks{};      ///< Those with payloads, in their order.
};

/// Receives what recovery finds, in seq order. Payloads are valid during the call only.
class RecoverySink {
 public:
  /// Instead of the payloads of a segment. True: the sink has taken all of them, by the notes that
  /// its owner made when they were packed. False: it has taken none, and they come one by one.
  virtual bool on_pack(PackContents& /*contents*/) { return false; }
  virtual void on_payload(Seq seq, std::string_view payload) = 0;
  virtual void on_group(WriterMark const& /*writer*/, Seq /*first*/, Seq /*last*/) {}
  /// Behind its groups: what their commit takes of its segment, with header and padding.
  virtual void on_commit(std::uint64_t /*segment_no*/, std::uint64_t /*disk_bytes*/) {}
  virtual void on_gap(Gap const& /*gap*/) {}
  /// Behind the payloads of a segment that is packed: its blocks with payloads, in their order.
  /// Some may be missing, and some may have payloads that are no part of the log.
  virtual void on_packed(PackedBlock /*block*/) {}
  /// Asked after each segment. True: it takes nothing more, and open() fails with Errc::sink_full.
  virtual bool is_full() const noexcept { return false; }
  virtual void on_progress(std::uint64_t /*bytes_done*/, std::uint64_t /*bytes_total*/) {}

 protected:
  ~RecoverySink() = default;
};

/// What recovery did, for the start-up log line and stats.
struct RecoveryReport {
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;  ///< Of the commits, with headers and padding.
  std::uint64_t commits = 0;
  std::uint64_t payloads = 0;
  bool clean_stop = false;  ///< The log ended with a SEAL.
  /// Damage that no gap names: a lost MANIFEST, a commit without payloads.
  bool damage_without_seqs = false;
  std::vector<Gap> gaps{};              ///< All that is known to be missing, old and new.
  std::vector<Gap> acknowledgements{};  ///< first_seq and last_seq: damage between is known.
  /// New in this start: one sentence each, with file and offset, up to findings_max of them.
  std::vector<std::string> findings{};
  std::uint64_t findings_omitted = 0;  ///< How many more there are.

  static constexpr std::size_t findings_max = 1000;
};

class GapLedger;

/// Told by the log, from within open(), start_commit(), poll() and on_timer() only.
class LogListener {
 public:
  /// Everything up to `seq` is on disk, and so are the records of drops appended before what
  /// follows it.
  virtual void on_durable(Seq seq) = 0;
  /// Groups from `first` on were never written and never will be: the disk is full. Their seqs
  /// will be given out again. Nor will any record of drops be that is not on disk yet.
  virtual void on_refused(Seq first) = 0;
  /// A write or sync failed. Terminal: what was appended and is not durable has an unknown fate.
  virtual void on_failed(Failure const& failure) = 0;
  /// Payloads up to `seq` were removed by retention.
  virtual void on_expired(Seq seq) = 0;
  /// These payloads, whose seqs rise, are kept as these blocks from now on.
  virtual void on_packed(std::vector<PackedBlock> /*blocks*/) {}
  /// A segment stays as it is, and nothing else has changed: why.
  virtual void on_not_packed(Failure const& /*failure*/) {}

 protected:
  ~LogListener() = default;
};

/// Counters since start; plain data.
struct LogMetrics {
  std::uint64_t commits = 0;
  std::uint64_t commit_payloads = 0;
  std::uint64_t commit_bytes = 0;  ///< As written, with headers and padding.
  std::uint64_t commit_payloads_max = 0;
  std::uint64_t marks = 0;
  std::uint64_t drop_bytes = 0;  ///< Of the commits that report drops.
  std::uint64_t segments_made = 0;
  std::uint64_t segments_removed = 0;
  std::uint64_t space_failures = 0;
  std::uint64_t segments_packed = 0;      ///< Since the start,
  std::uint64_t packed_bytes = 0;         ///< what the packs take,
  std::uint64_t packed_from_bytes = 0;    ///< and what the segments had taken.
  std::uint64_t segments_not_packed = 0;  ///< They are damaged, or an error struck.
  std::uint64_t segment_waits = 0;        ///< Commits that had to wait for a spare segment,
  std::uint64_t segment_wait_us = 0;      ///< and how long, in all.
  Seq active_first_seq = 0;               ///< First of the segment that commits go to,
  Seq durable_first_seq = 0;              ///< and of that which the last one went to.
  /// Commits by time from begin to durable: bucket n counts those of 2^n up to 2^(n+1)-1 µs (bucket
  /// 0: also 0 µs; the last: all above).
  std::array<std::uint64_t, 24> commit_latency_us_log2{};
  std::uint64_t commit_latency_us = 0;  ///< Of all of them together.
  std::uint64_t log_bytes = 0;          ///< Of all segments; the active one counts as full.
  std::uint64_t segments = 0;
};

/// What has been appended and is in no commit yet.
struct Gathering {
  std::uint64_t commit_no = 0;  ///< Of the commit that takes it; another one once that has begun.
  std::size_t bytes = 0;        ///< Of payloads.
};

/// A log opened for appending. Single-threaded: every call comes from the thread of its owner.
///
/// One commit is in flight at a time; while it is, appended groups gather into the next. Nothing
/// is written from append() itself: the owner calls start_commit() when it has gathered what is at
/// hand, and poll() when the directory's event_fd is readable.
class Log {
 public:
  /// Locks the directory, recovers what it holds into `sink`, and makes the log ready for appends:
  /// a new segment, on disk. Blocks. `directory` and `listener` outlive the log.
  static Result<std::unique_ptr<Log>> open(Directory& directory, Options const& options,
                                           RecoverySink& sink, LogListener& listener);
  ~Log();

  RecoveryReport const& recovery() const noexcept;
  StoreId const& store_id() const noexcept;
  Options const& options() const noexcept;  ///< In force, defaults resolved.

  /// The seq that the next appended payload will get.
  Seq next_seq() const noexcept;
  Seq durable_seq() const noexcept;
  /// Appended and not yet durable, as payload bytes.
  std::size_t pending_bytes() const noexcept;
  Gathering gathering() const noexcept;

  /// Whether a group of about this many bytes would not wait for a segment to be made. Also if it
  /// would be refused.
  bool has_segment_for(std::size_t payload_bytes) const noexcept;
  /// Why there is no segment behind the active one; null: there is one, or it is being made for the
  /// first time. It is tried again until there is.
  Failure const* missing_segment() const noexcept;
  /// Whether a group of these payload bytes could be appended now: no error, Errc::no_space,
  /// Errc::too_large or Errc::failed.
  boost::system::error_code admit(std::size_t payloads, std::size_t payload_bytes) const noexcept;

  /// Appends one group: all of it lies in one commit, or none of it does. Returns its first seq.
  /// The payloads are copied. Precondition: admit() said yes, and there is at least one payload.
  Seq append(WriterMark const& writer, std::span<std::string_view const> payloads);

  /// Appends a record that a client dropped `count` payloads here, behind those appended so far.
  /// Returns the commit that will hold it: on disk once durable_commit() has come so far. If the
  /// listener gets on_refused() before that, it will not be. Precondition: as for append().
  std::uint64_t append_dropped(WriterId const& writer, std::uint64_t count);
  /// Appends a record that an operator knows of the damage among these seqs; returns the commit
  /// that will hold it.
  std::uint64_t append_acknowledged(Seq first, Seq last);
  std::uint64_t durable_commit() const noexcept;

  /// From now on payloads from `first` on are held: retention spares them within hold_bytes. Until
  /// the first call all are.
  void hold_from(Seq first) noexcept;

  /// From now on options().retain_bytes is this.
  void retain(std::uint64_t bytes) noexcept;

  /// The first payload that stays when this segment is full and the next ones are made, as far as
  /// the size of the log decides. 0: all stay.
  Seq first_seq_kept() const noexcept;

  /// All that is missing, as far as that is on disk.
  GapLedger const& gaps() const noexcept;

  /// Begins a commit with what has gathered, unless one is in flight.
  void start_commit(Instant now);

  /// Takes in what the disk has finished; notifies the listener; begins what follows.
  void poll(Instant now);

  /// When on_timer() wants to be called next, if at all. Changes only within the calls above.
  std::optional<Instant> next_deadline() const noexcept;
  void on_timer(Instant now);

  /// Looks whether the next start will find what is written now. If the directory was removed or
  /// replaced, the log has failed.
  void check_place();

  /// Whether appended groups are waiting or in flight.
  bool idle() const noexcept;
  /// Writes a SEAL, so that the next start knows that nothing is missing. Blocks. Precondition:
  /// idle(). The log accepts nothing afterwards.
  Result<void> close();

  LogMetrics const& metrics() const noexcept;

 private:
  class Core;
  explicit Log(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

/// What Log::admit() holds against commit_bytes_max: the payloads, and what each and all of them
/// take besides.
std::size_t admitted_bytes(std::size_t payloads, std::size_t payload_bytes) noexcept;

}  // namespace stele::wal

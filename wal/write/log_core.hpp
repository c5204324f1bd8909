// The log behind log.hpp: the shell that obeys the commit pipeline.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "wal/gap_ledger.hpp"
#include "wal/log.hpp"
#include "wal/pack/packed_directory.hpp"
#include "wal/recover/log_reading.hpp"
#include "wal/recover/retention.hpp"
#include "wal/write/commit_pipeline.hpp"
#include "wal/write/segment_maker.hpp"
#include "wal/write/segment_packer.hpp"

namespace stele::wal {

/// The shell around the pipeline: it carries bytes between the pipeline, the segments and the
/// directory, and decides nothing about durability itself.
class Log::Core final : private Completion {
 public:
  Core(std::unique_ptr<PackedDirectory> directory, Options const& options, LogListener& listener,
       Recovered recovered, RecoveryReport report);
  Core(Core const&) = delete;
  Core& operator=(Core const&) = delete;
  ~Core();

  Result<void> start();
  std::uint64_t append_dropped(WriterId const& writer, std::uint64_t count);
  std::uint64_t append_acknowledged(Seq first, Seq last);
  void start_commit(Instant now);
  void poll(Instant now);
  void on_timer(Instant now);
  void check_place();
  std::optional<Instant> next_deadline() const noexcept;
  bool has_segment_for(std::size_t payload_bytes) const noexcept;
  Failure const* missing_segment() const noexcept;
  boost::system::error_code admit(std::size_t payloads, std::size_t payload_bytes) const noexcept;
  Seq first_seq_kept() const noexcept;
  Result<void> close();

  Seq held_from = 0;  ///< See Log::hold_from().
  Options options;
  RecoveryReport const report;
  StoreId store_id{};
  CommitPipeline pipeline;
  GapLedger gaps{};
  LogMetrics metrics{};

 private:
  struct UnderWay {
    std::uint64_t commit_no = 0;
    Gap gap{};  ///< Acknowledged: it names no gap, but damage that is known.
  };

  void on_complete(boost::system::error_code error) noexcept override;
  void advance();
  void write_commit();
  void rotate_segment();
  void count_segment_wait();
  bool note_durable_drops();
  void refuse_queued();
  enum class OnDisk : std::uint8_t { with_room, full };
  void make_segment(OnDisk disk = OnDisk::with_room);
  void settle_maker();
  bool goes_on_freeing();
  void fail(Failure failure);
  void open_first_segment();
  void give_tails_back();
  bool release_tails(std::uint64_t bytes_per_zero);
  void release_tail(std::uint64_t segment_no, std::uint64_t end_offset) noexcept;
  SegmentMaker::Plan plan_segment(OnDisk disk) const;
  void plan_start(SegmentMaker::Plan& plan) const;
  std::vector<std::uint64_t> segment_spaces() const;
  RetentionView view() const noexcept;
  std::chrono::milliseconds age() const noexcept;
  void take_time(Instant now) noexcept;
  void queue_age();
  void note_age();
  void rotate_for_age();
  void apply_expiry();
  void remove_leftovers();
  Result<void> put_strays_aside();
  void prepare_to_pack();
  bool may_have_packs() const noexcept;
  void go_on_packing();
  bool is_to_expire(std::uint64_t segment_no) const noexcept;
  void spare_expiring_segment() noexcept;
  void settle_packer();
  void begin_to_pack();
  void stop_packing() noexcept;
  Result<void> name_end();
  bool waits_for_space() const noexcept { return space_retry_at_.has_value(); }

  std::unique_ptr<PackedDirectory> packed_directory_;
  Directory& directory_;  ///< The same.
  LogListener& listener_;
  Recovered recovered_;
  Manifest manifest_{};
  std::deque<UnderWay> drops_{};        ///< Not on disk yet.
  std::deque<KeptSegment> segments_{};  ///< With commits; the active one last.
  Segment active_{};                    ///< No file yet: the disk has been full since the start.
  SegmentMaker maker_;
  std::optional<SegmentPacker> packer_{};
  bool packer_settled_ = true;  ///< The packer's last outcome has been dealt with.
  std::optional<Instant> pack_retry_at_{};
  bool maker_settled_ = true;               ///< The maker's last outcome has been dealt with,
  bool expiry_settled_ = true;              ///< and what it let expire.
  OnDisk planned_for_ = OnDisk::with_room;  ///< The last attempt to make a segment,
  bool is_disk_full_ = false;               ///< and what it met.
  bool has_tails_ = true;                   ///< See give_tails_back().
  bool write_in_flight_ = false;
  bool closing_ = false;
  bool destroyed_ = false;
  Instant now_{};
  Instant opened_at_{};
  bool has_time_ = false;                                 ///< The time is known.
  std::optional<std::chrono::milliseconds> noted_age_{};  ///< In the last age record.
  std::optional<Instant> age_check_at_{};
  Instant commit_begun_{};
  std::uint64_t commit_disk_bytes_ = 0;
  std::uint32_t commit_payloads_ = 0;
  std::optional<Instant> segment_wait_begun_{};
  std::optional<Instant> space_retry_at_{};
  Failure space_failure_{};  ///< Why it is tried again.
  std::optional<Failure> failure_{};
};

}  // namespace stele::wal

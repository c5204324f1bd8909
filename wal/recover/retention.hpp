// Which segments retention takes. Decides; touches nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "wal/format/manifest.hpp"
#include "wal/recover/log_reading.hpp"

namespace stele::wal {

/// What retention looks at.
struct RetentionView {
  Options const& options;
  std::deque<KeptSegment> const& segments;  ///< With commits; the active one last.
  std::uint64_t log_bytes = 0;
  Seq durable_seq = 0;
  Seq held_from = 0;                ///< See Log::hold_from().
  std::chrono::milliseconds age{};  ///< Of the log, by its own count: FORMAT.md, "Age".
};

struct ExpiredSegment {
  std::uint64_t segment_no = 0;
  bool damaged = false;  ///< Kept under another name.
};

/// Which segments go if a new one of `new_bytes` comes: the oldest first, never the active one.
/// `manifest` is made to leave them out. On a full disk `space` is what each segment takes of it,
/// else empty: then more may go, until one of them is large enough to become the new one, as long
/// as all take more than the limit less two segments.
std::vector<ExpiredSegment> plan_expiry(RetentionView const& view, std::uint64_t new_bytes,
                                        Manifest& manifest,
                                        std::span<std::uint64_t const> space = {});

/// The first payload that stays if this many bytes more come, as far as size decides. 0: all stay.
Seq first_seq_kept(RetentionView const& view, std::uint64_t new_bytes) noexcept;

/// Whether payloads are too old, also those in the active segment. Segments without payloads are no
/// reason: else an idle log would make one after another.
bool has_old_payloads(RetentionView const& view);

/// Whether a crash now would make payloads live longer, if `noted` is the last age on disk: of
/// segments that were left only, since an active one counts from the start that finds it. Once all
/// are known to be too old there is nothing more to say; nor is there while the oldest is held,
/// since age takes nothing then: else an idle log would fill with ages.
bool needs_age_record(RetentionView const& view, std::chrono::milliseconds noted);

/// When each segment was left, by the age records behind it; what none follows counts from the last
/// one on, which is returned: the age that the log is known to have.
std::chrono::milliseconds date_segments(std::vector<KeptSegment>& segments);

}  // namespace stele::wal

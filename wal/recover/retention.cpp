#include "wal/recover/retention.hpp"

#include <algorithm>
#include <numeric>

namespace stele::wal {
namespace {

/// How far below its limit a log on a full disk may get: the files that go may be too small to
/// become a segment, and what they took is lost to others then.
constexpr std::uint64_t spared_segments = 2;

bool is_too_old(RetentionView const& view, KeptSegment const& segment) noexcept {
  auto const limit = view.options.retain_age;
  return limit.count() != 0 && view.age - segment.since >= limit;
}

/// Whether somebody still wants what ends with `last_seq`, and a log of that size has room for it.
bool is_held(RetentionView const& view, Seq last_seq, std::uint64_t log_bytes) noexcept {
  auto const& options = view.options;
  if (options.hold_bytes == 0 || last_seq < view.held_from) return false;
  // Also where the sum is more than fits.
  return options.retain_bytes == 0 || log_bytes <= options.retain_bytes ||
         log_bytes - options.retain_bytes <= options.hold_bytes;
}

/// Of a segment, or of those before it if it holds no payload.
Seq last_seq_of(RetentionView const& view, std::size_t index) noexcept {
  return index + 1 < view.segments.size() ? view.segments[index + 1].first_seq - 1
                                          : view.durable_seq;
}

}  // namespace

std::vector<ExpiredSegment> plan_expiry(RetentionView const& view, std::uint64_t new_bytes,
                                        Manifest& manifest, std::span<std::uint64_t const> space) {
  std::vector<ExpiredSegment> expired;
  auto const& segments = view.segments;
  auto const bytes_max = view.options.retain_bytes == 0 ? UINT64_MAX : view.options.retain_bytes;
  auto bytes = view.log_bytes + new_bytes;
  auto taken = std::accumulate(space.begin(), space.end(), new_bytes);
  std::uint64_t largest = 0;
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    bool const is_wanted = !space.empty() && largest < new_bytes &&
                           taken + spared_segments * view.options.segment_bytes > bytes_max;
    if (bytes <= bytes_max && !is_too_old(view, segments[i]) && !is_wanted) break;
    if (is_held(view, last_seq_of(view, i), bytes)) break;
    expired.push_back({segments[i].segment_no, segments[i].damaged});
    bytes -= segments[i].bytes;
    if (!space.empty()) {
      taken -= space[i];
      if (!segments[i].damaged) largest = std::max(largest, space[i]);
    }
    auto const& first = segments[i + 1];
    manifest.first_segment_no = first.segment_no;
    manifest.first_commit_no = first.first_commit_no;
    manifest.first_chain = first.first_chain;
    manifest.first_seq = first.first_seq;
  }
  return expired;
}

Seq first_seq_kept(RetentionView const& view, std::uint64_t new_bytes) noexcept {
  Seq first = 0;
  auto bytes = view.log_bytes + new_bytes;
  for (std::size_t i = 0; i + 1 < view.segments.size(); ++i) {
    bool const too_many = view.options.retain_bytes != 0 && bytes > view.options.retain_bytes;
    if (!too_many || is_held(view, last_seq_of(view, i), bytes)) break;
    bytes -= view.segments[i].bytes;
    first = view.segments[i + 1].first_seq;
  }
  return first;
}

bool has_old_payloads(RetentionView const& view) {
  auto const first = view.segments.front().first_seq;
  for (std::size_t i = 0; i < view.segments.size() && is_too_old(view, view.segments[i]); ++i) {
    auto const last = last_seq_of(view, i);
    if (is_held(view, last, view.log_bytes)) break;
    if (last >= first) return true;
  }
  return false;
}

bool needs_age_record(RetentionView const& view, std::chrono::milliseconds noted) {
  auto const& segments = view.segments;
  if (is_held(view, last_seq_of(view, 0), view.log_bytes)) return false;
  for (auto i = segments.size() - 1; i-- > 0;) {
    if (last_seq_of(view, i) < segments[i].first_seq) continue;  // It holds no payload.
    return noted < view.age && noted - segments[i].since < view.options.retain_age;
  }
  return false;
}

std::chrono::milliseconds date_segments(std::vector<KeptSegment>& segments) {
  std::chrono::milliseconds age{0};
  for (auto const& segment : segments) age = std::max(age, segment.last_age);
  auto left = age;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    segment->since = left;
    if (segment->first_age) left = std::min(left, *segment->first_age);
  }
  return age;
}

}  // namespace stele::wal

#include "daemon/recovery/store_loader.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "daemon/supervision/status_line.hpp"

namespace stele::daemon {
namespace {

constexpr std::chrono::seconds progress_line_period{2};
/// Of what a start found: a damaged log may have very many places.
constexpr std::size_t recovery_lines_max = 50;

}  // namespace

StoreLoader::StoreLoader(Store& store, Clock const& clock, MemoryLimit limit) noexcept
    : store_(store), clock_(clock), limit_(limit), reported_at_(clock.now()) {}

/// If the notes of all blocks can be read, and fit them.
bool StoreLoader::on_pack(wal::PackContents& contents) {
  auto const note = decode_pack_note(contents.note);
  if (!note || full_) return false;
  auto groups_left = contents.groups.size();
  for (auto const& stretch : note->groups) {
    if (stretch.groups > groups_left) return false;
    groups_left -= static_cast<std::size_t>(stretch.groups);
  }
  if (groups_left > 0) return false;
  std::vector<std::uint64_t> timestamps;
  for (auto const& block : contents.blocks) {
    if (!append_timestamps(block.note(), block.header.payload_count, timestamps)) return false;
  }
  if (contents.blocks.empty()) return true;
  store_.insert(contents.blocks, timestamps);
  keep_within_room();
  restore_writes(contents.groups, *note);
  store_.history().restore_segment(contents.groups.back().last, note->users);
  segment_no_ = contents.segment_no;
  return true;
}

void StoreLoader::restore_writes(std::span<wal::PackedGroup const> groups, PackNote const& note) {
  std::size_t next = 0;
  for (auto const& stretch : note.groups) {
    for (auto left = stretch.groups; left > 0; --left) {
      auto const& [writer, first, last] = groups[next++];
      if (writer == wal::WriterMark{}) continue;
      store_.writers().restore(writer.writer, {writer.write_no, first, last}, stretch.uid,
                               writer.late);
    }
  }
}

void StoreLoader::on_group(wal::WriterMark const& writer, wal::Seq first, wal::Seq last) {
  group_ = {writer, {writer.write_no, first, last}};
}

void StoreLoader::on_payload(wal::Seq seq, std::string_view payload) {
  if (full_) return;
  if (!store_.insert(seq, payload)) {
    ++rejected_;
    group_.reset();
    store_.pass_up_to(seq);
  }
  keep_within_room();
  if (!group_) return;
  group_->payload_bytes += payload.size();
  if (group_->write.last_seq != seq) return;
  auto const origin = protocol::read_entry_origin(payload).value_or(Origin{});
  auto const& [mark, write, payload_bytes] = *group_;
  auto const entries = write.last_seq - write.first_seq + 1;
  store_.history().stage(seq, origin.uid, wal::admitted_bytes(entries, payload_bytes));
  if (mark != wal::WriterMark{}) {
    store_.writers().restore(mark.writer, write, origin.uid, mark.late);
  }
}

void StoreLoader::on_commit(std::uint64_t segment_no, std::uint64_t disk_bytes) {
  if (full_) return;
  if (segment_no != std::exchange(segment_no_, segment_no)) store_.history().begin_segment();
  store_.history().commit(store_.visible_seq(), disk_bytes);
}

/// Payloads that the log does not count among its own, or that are no entries, stay out.
void StoreLoader::on_packed(wal::PackedBlock block) {
  auto const& header = block.header;
  auto const held = store_.count_between(header.first_seq, header.next_seq() - 1);
  if (full_ || held != header.payload_count) return;
  std::vector<wal::PackedBlock> blocks;
  blocks.push_back(std::move(block));
  store_.adopt(std::move(blocks));
}

/// In large steps: each costs a pass over the index.
void StoreLoader::keep_within_room() {
  if (store_.held_bytes() <= limit_.bytes_max) return;
  full_ = !limit_.retains;
  auto const held = store_.visible_seq() - store_.removed_seq();
  if (!full_) store_.remove_up_to(store_.removed_seq() + std::max<Seq>(1, held / 8));
}

void StoreLoader::on_gap(wal::Gap const& gap) {
  // All that comes now lies behind it, also where no entry is left.
  store_.pass_up_to(gap.last_seq);
  if (gap.reason == wal::GapReason::expired) store_.remove_up_to(gap.last_seq);
  // Some of what is missing may have been numbered.
  if (gap.reason == wal::GapReason::expired || gap.reason == wal::GapReason::damaged) {
    store_.writers().lose_up_to(gap.last_seq);
  }
}

void StoreLoader::on_progress(std::uint64_t bytes_done, std::uint64_t bytes_total) {
  if (on_progress_) on_progress_(bytes_done, bytes_total);
  auto const now = clock_.now();
  if (now - reported_at_ < progress_line_period || bytes_total == 0) return;
  reported_at_ = now;
  spdlog::info("recovering: {} of {} MiB", mebibytes(bytes_done), mebibytes(bytes_total));
}

namespace {

/// A warning as long as somebody has to look at it.
void report_gap(wal::Gap const& gap, wal::GapLedger const& gaps) {
  bool const is_damage = gap.reason == wal::GapReason::damaged;
  bool const is_new = is_damage && !gaps.unacknowledged(gap.first_seq, gap.last_seq).empty();
  spdlog::log(is_new ? spdlog::level::warn : spdlog::level::info,
              "entries {} to {} are missing: {}{}", gap.first_seq, gap.last_seq,
              wal::to_string(gap.reason), is_damage && !is_new ? ", acknowledged" : "");
}

}  // namespace

void report_recovery(wal::RecoveryReport const& report, wal::GapLedger const& ledger,
                     Store const& store, std::uint64_t rejected, std::uint64_t took_us) {
  if (report.segments == 0) {
    spdlog::info("a new log");
  } else {
    auto const bytes_per_second = took_us == 0 ? 0 : report.bytes * 1'000'000 / took_us;
    spdlog::info("recovered {} entries ({} MiB of log in {} segments) in {} ms, {} MiB/s, after {}",
                 report.payloads, mebibytes(report.bytes), report.segments, took_us / 1000,
                 mebibytes(bytes_per_second), report.clean_stop ? "a clean stop" : "no clean stop");
  }
  if (store.index().size() > 0) {
    spdlog::info("history held: seq {} to {}, {} MiB in memory", store.removed_seq() + 1,
                 store.visible_seq(), mebibytes(store.text_bytes() + store.index_bytes()));
  }
  auto const shown = std::min(report.findings.size(), recovery_lines_max);
  for (auto const& finding : std::span(report.findings).first(shown)) spdlog::warn("{}", finding);
  auto const findings_left = report.findings.size() - shown + report.findings_omitted;
  if (findings_left > 0) spdlog::warn("{} more findings; see stele verify", findings_left);
  std::size_t gaps = 0;
  std::size_t reports = 0;
  for (auto const& gap : report.gaps) {
    if (gap.reason == wal::GapReason::expired) continue;
    if (gap.reason == wal::GapReason::dropped_by_client) {
      ++reports;
      continue;
    }
    if (gaps++ >= recovery_lines_max) continue;
    report_gap(gap, ledger);
  }
  if (gaps > recovery_lines_max) {
    spdlog::warn("{} more gaps; see stele audit", gaps - recovery_lines_max);
  }
  if (reports > 0) spdlog::info("clients dropped entries, in {} places of the log", reports);
  if (rejected > 0) {
    spdlog::warn("{} records of the log are not entries of this program; not served", rejected);
  }
}

}  // namespace stele::daemon

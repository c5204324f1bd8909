#include "wal/offline/backup.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "wal/file/new_file.hpp"
#include "wal/format/aligned_buffer.hpp"
#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

constexpr std::size_t piece_bytes = std::size_t{1} << 20;
/// Retention that overtakes the copying makes a new beginning necessary.
constexpr int attempts_max = 5;

/// What is to be copied.
struct Extent {
  Manifest manifest{};           ///< Of the copy.
  std::uint64_t end_offset = 0;  ///< Of its last segment.
};

/// Damage that nothing follows: what lies behind it must not be left out.
bool ends_in_damage(LogCheck const& check) {
  return std::ranges::any_of(check.findings, [](Finding const& finding) {
    return finding.kind == Finding::Kind::damage && finding.gap.segment_no != 0 &&
           finding.next_segment_no == 0;
  });
}

/// 0 if nobody knows it any more.
std::uint64_t salt_of(LogInventory const& inventory, std::uint64_t segment_no) {
  auto const& segment = inventory.segments.at(segment_no);
  if (segment.unreadable.empty()) return segment.header.salt;
  auto const& manifest = inventory.manifest;
  return segment_no == manifest.last_segment_no ? manifest.last_salt : 0;
}

/// The log as it was checked: of one at work up to its last whole commit, of another one all.
Extent extent_of(LogCheck const& check) {
  Extent extent{.manifest = check.inventory.manifest};
  auto& manifest = extent.manifest;
  auto const& last = check.segments.back();
  auto const& segment = check.inventory.segments.at(last.segment_no);
  manifest.last_segment_no = last.segment_no;
  manifest.last_salt = salt_of(check.inventory, last.segment_no);
  manifest.copied_from_segment_no = 0;
  manifest.durable_commit = check.end.commit_no - 1;
  bool const whole = !check.in_use || ends_in_damage(check);
  manifest.end_seq = whole ? check.end.next_seq : 0;
  extent.end_offset = whole ? segment.bytes : std::max(last.end_offset, first_commit_offset);
  return extent;
}

/// How many bytes lie before the zeros at their end, in whole blocks.
std::size_t bytes_before_zeros(std::span<std::byte const> bytes) noexcept {
  auto const last = std::find_if(bytes.rbegin(), bytes.rend(),
                                 [](std::byte byte) { return byte != std::byte{0}; });
  return align_up(static_cast<std::size_t>(bytes.rend() - last), header_block_bytes);
}

class Backup {
 public:
  Backup(Directory& source, Directory& target, LogCheck check)
      : source_(source), target_(target), piece_(piece_bytes) {
    report_.check = std::move(check);
    extent_ = extent_of(report_.check);
  }

  /// Nothing: retention has removed all that was to be copied.
  Result<std::optional<BackupReport>> run();

 private:
  Result<void> look_at_target();
  Result<void> join(std::uint64_t segment_no);
  bool goes_on_in_target() const;
  bool is_foreign(std::uint64_t segment_no) const;
  bool was_left(std::uint64_t segment_no) const;
  Result<bool> is_complete(std::uint64_t segment_no) const;
  Result<bool> copy_segments();
  Result<bool> copy_segment(std::uint64_t segment_no, File& file);
  Result<bool> is_still_there(std::uint64_t segment_no);
  Result<bool> follow_retention(std::uint64_t segment_no);
  Result<void> finish();
  Result<void> read_back();

  Directory& source_;
  Directory& target_;
  Extent extent_{};
  std::optional<Manifest> earlier_{};          ///< Of the copy that is there.
  std::optional<Manifest> target_manifest_{};  ///< As it is now.
  bool joined_ = false;  ///< What is copied next goes on where the target's log ends.
  LogFiles files_{};     ///< Of the target.
  AlignedBuffer piece_;
  BackupReport report_{};
};

Failure diverged(std::string message) { return {Errc::diverged, std::move(message)}; }

/// Whether a directory without a MANIFEST holds more than what an earlier copy can have left that
/// was stopped before it had one.
Result<bool> strange_files(Directory& directory, LogFiles const& files) {
  auto const names = directory.list();
  if (!names) return names.error();
  return names->size() > files.unfinished.size();
}

Result<void> Backup::look_at_target() {
  auto files = list_log_files(target_);
  if (!files) return files.error();
  files_ = *std::move(files);
  if (files_.manifest) {
    auto const read = read_manifest(target_);
    if (!read) return read.error();
    auto const* manifest = std::get_if<Manifest>(&*read);
    if (manifest == nullptr) return diverged("its MANIFEST cannot be read");
    if (manifest->store_id != extent_.manifest.store_id) return diverged("it is of another log");
    earlier_ = *manifest;
    target_manifest_ = earlier_;
  } else if (auto const strange = strange_files(target_, files_); !strange || *strange) {
    return strange ? diverged("it is not empty, and holds no copy of a log") : strange.error();
  }
  if (!files_.segments.empty() && files_.segments.back() > extent_.manifest.last_segment_no) {
    return diverged("it has segments that the log does not have");
  }
  joined_ = goes_on_in_target();
  // From here on it is known to be ours, or to hold nothing else.
  for (auto const& name : files_.unfinished) {
    if (auto const removed = target_.remove(name); !removed) return removed;
  }
  return {};
}

/// Whether the first segment of the log is one that the earlier copy has begun.
bool Backup::goes_on_in_target() const {
  return earlier_ && extent_.manifest.first_segment_no <= earlier_->last_segment_no;
}

/// Where what follows does not go on where the target's log ends, the target's MANIFEST says that
/// it is no part of that log: it holds what it held until the new MANIFEST is there. A target that
/// holds nothing yet becomes a log that has expired up to there.
Result<void> Backup::join(std::uint64_t segment_no) {
  if (std::exchange(joined_, true)) return {};
  if (!target_manifest_) {
    target_manifest_ = extent_.manifest;
    target_manifest_->last_segment_no = target_manifest_->first_segment_no - 1;
    target_manifest_->last_salt = 0;
    target_manifest_->durable_commit = target_manifest_->first_commit_no - 1;
    target_manifest_->end_seq = 0;
  } else if (target_manifest_->copied_from_segment_no == 0) {
    target_manifest_->copied_from_segment_no = segment_no;
  } else {
    return {};
  }
  return write_manifest(target_, *target_manifest_);
}

/// Whether an earlier run has left the segment behind, and begun a later one.
bool Backup::was_left(std::uint64_t segment_no) const {
  if (!earlier_) return false;
  if (segment_no < earlier_->last_segment_no) return true;
  auto const from = earlier_->copied_from_segment_no;
  return from != 0 && segment_no >= from && segment_no < files_.segments.back();
}

/// Whether the target has it as a whole.
Result<bool> Backup::is_complete(std::uint64_t segment_no) const {
  if (!std::ranges::binary_search(files_.segments, segment_no)) return false;
  auto const there = open_segment(target_, segment_no);
  if (!there) return there.error();
  if (!there->unreadable.empty()) return false;
  auto const& here = report_.check.inventory.segments.at(segment_no);
  if (there->header != here.header) {
    return diverged("its " + segment_name(segment_no) + " is another one than the log's");
  }
  return was_left(segment_no) && there->bytes == here.bytes;
}

bool Backup::is_foreign(std::uint64_t segment_no) const {
  return std::ranges::any_of(report_.check.inventory.strays, [&](StraySegment const& stray) {
    return stray.segment_no == segment_no;
  });
}

/// MANIFEST has left out what cannot be opened any more.
Result<bool> Backup::follow_retention(std::uint64_t segment_no) {
  auto const read = read_manifest(source_);
  if (!read) return read.error();
  auto const* now = std::get_if<Manifest>(&*read);
  if (now == nullptr || now->first_segment_no <= segment_no) return true;
  if (now->first_segment_no > extent_.manifest.last_segment_no) return false;
  extent_.manifest.begin_as(*now);
  joined_ = goes_on_in_target();
  return true;
}

Result<bool> Backup::copy_segments() {
  auto const& manifest = extent_.manifest;
  for (auto no = manifest.first_segment_no; no <= manifest.last_segment_no; ++no) {
    if (no < manifest.first_segment_no) continue;
    // It is no part of the log; an earlier copy may still have the true one.
    if (is_foreign(no)) continue;
    auto const complete = is_complete(no);
    if (!complete) return complete.error();
    if (*complete) {
      if (auto const joined = join(no); !joined) return joined.error();
      continue;
    }
    auto file = source_.open(segment_name(no));
    if (!file) {
      // Missing in the log, it is missing in the copy; or retention has just removed it.
      auto const goes_on = follow_retention(no);
      if (!goes_on || !*goes_on) return goes_on;
      continue;
    }
    if (auto const joined = join(no); !joined) return joined.error();
    auto const copied = copy_segment(no, **file);
    if (!copied) return copied.error();
    if (!*copied) {
      auto const goes_on = follow_retention(no);
      if (!goes_on || !*goes_on) return goes_on;
      if (no >= manifest.first_segment_no) return false;  // Nobody knows; from the start, then.
      continue;
    }
    // No later name is on disk without this one.
    if (auto const synced = sync_names(target_); !synced) return synced.error();
  }
  return true;
}

/// Whether MANIFEST is known to name it still: on a full disk the bytes of one that has expired may
/// be those of a new segment by now.
Result<bool> Backup::is_still_there(std::uint64_t segment_no) {
  auto const read = read_manifest(source_);
  if (!read) return read.error();
  auto const* now = std::get_if<Manifest>(&*read);
  return now != nullptr && now->first_segment_no <= segment_no;
}

/// False: it has expired meanwhile, and is not copied.
Result<bool> Backup::copy_segment(std::uint64_t segment_no, File& file) {
  auto const size = file.size();
  if (!size) return size.error();
  // A file whose size is no multiple of the blocks is damaged, and copied with zeros behind it.
  auto const bytes = align_up(*size, header_block_bytes);
  auto const end =
      segment_no == extent_.manifest.last_segment_no ? std::min(extent_.end_offset, bytes) : bytes;
  auto made = NewFile::create(target_, segment_name(segment_no), bytes);
  if (!made) return made.error();
  std::uint64_t zeros_from = 0;
  for (std::uint64_t offset = 0; offset < bytes; offset += piece_bytes) {
    auto const wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, bytes - offset));
    std::span const piece(piece_.data(), wanted);
    auto const read = file.read_at(offset, piece);
    if (!read) return read.error();
    auto const kept = std::min<std::uint64_t>(*read, std::max(end, offset) - offset);
    std::ranges::fill(piece.subspan(static_cast<std::size_t>(kept)), std::byte{0});
    if (auto const used = bytes_before_zeros(piece); used > 0) zeros_from = offset + used;
    if (auto const written = made->write(offset, piece); !written) return written.error();
  }
  auto const is_there = is_still_there(segment_no);
  if (!is_there) return is_there;
  if (!*is_there) {
    auto const removed = target_.remove(unfinished(segment_name(segment_no)));
    return removed ? Result<bool>(false) : removed.error();
  }
  if (auto const finished = made->finish(zeros_from); !finished) return finished.error();
  ++report_.segments_copied;
  report_.bytes_copied += bytes;
  return true;
}

/// The new MANIFEST, and then the end of what it does not name.
Result<void> Backup::finish() {
  if (auto const written = write_manifest(target_, extent_.manifest); !written) return written;
  auto const files = list_log_files(target_);
  if (!files) return files.error();
  for (auto const no : files->segments) {
    if (no >= extent_.manifest.first_segment_no) continue;
    if (auto const removed = target_.remove(segment_name(no)); !removed) return removed;
    ++report_.segments_removed;
  }
  report_.segments = files->segments.size() - report_.segments_removed;
  return sync_names(target_);
}

/// That the copy ends with the commit with which the log ended, whose checksum rests on that of the
/// commit before it.
Result<void> Backup::read_back() {
  auto const copy = check_log(target_, [] { return false; });
  if (!copy) return copy.error();
  auto const& end = report_.check.end;
  bool const is_damaged = report_.check.has(Finding::Kind::damage);
  // An earlier copy may hold what is damaged now, and so know more of the end.
  bool const same =
      copy->end.commit_no == end.commit_no && (copy->end.chain == end.chain || is_damaged);
  bool const damaged = copy->has(Finding::Kind::damage) && !is_damaged;
  if (same && !damaged) return {};
  return Failure{Errc::damaged, "the copy does not read back as what was copied"};
}

Result<std::optional<BackupReport>> Backup::run() {
  if (auto const looked = look_at_target(); !looked) return looked.error();
  auto const copied = copy_segments();
  if (!copied) return copied.error();
  if (!*copied) return std::nullopt;
  if (auto const finished = finish(); !finished) return finished.error();
  if (auto const same = read_back(); !same) return same.error();
  return std::optional(std::move(report_));
}

}  // namespace

Result<BackupReport> backup_log(Directory& source, Directory& target,
                                std::function<bool()> const& in_use) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    auto check = check_log(source, in_use);
    if (!check) return check.error();
    if (check->inventory.rebuilt) {
      return Failure{Errc::damaged, "MANIFEST is missing or damaged; a start makes it again"};
    }
    if (check->segments.empty()) return Failure{Errc::not_a_log, "no commit was ever written here"};
    bool const goes_on = check->in_use && attempt + 1 < attempts_max;
    auto done = Backup(source, target, *std::move(check)).run();
    // A log at work may have got a commit between two looks at its end: the copy has one more then.
    if (!done && done.error().code == Errc::damaged && goes_on) continue;
    if (!done) return done.error();
    if (*done) return **std::move(done);
  }
  return Failure{Errc::failed, "the log removed its segments faster than they could be copied"};
}

}  // namespace stele::wal

#include "wal/recover/log_reading.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "wal/format/segment_name.hpp"
#include "wal/recover/log_files.hpp"

namespace stele::wal {
namespace {

struct Sync final : Completion {
  void on_complete(boost::system::error_code result) noexcept override {
    error = result;
    done = true;
  }
  boost::system::error_code error{};
  bool done = false;
};

/// What was read may still lie in the page cache or in the device's cache only.
Result<void> sync_segment(Directory& directory, std::uint64_t segment_no) {
  auto file = directory.open(segment_name(segment_no));
  if (!file) return file.error();
  Sync sync;
  file.value()->sync(sync);
  while (!sync.done) directory.wait();
  if (sync.error) {
    return Failure{sync.error, segment_name(segment_no) + ": sync: " + sync.error.message()};
  }
  return {};
}

/// From the last segment that was written to on: those before it were left when their last commit
/// was on disk. A spare that looks unused may still get a write that a crash left under way, unless
/// it is settled now that there is none; where the disk is full, no new segment says where the log
/// ended.
Result<void> sync_end(Directory& directory, std::vector<KeptSegment> const& kept,
                      LogInventory const& inventory) {
  auto const is_readable = [&](std::uint64_t segment_no) {
    return inventory.segments.at(segment_no).unreadable.empty();
  };
  auto const last = std::find_if(kept.rbegin(), kept.rend(), [&](KeptSegment const& segment) {
    return is_readable(segment.segment_no);
  });
  auto const from = last == kept.rend() ? 0 : last->segment_no;
  for (auto at = inventory.segments.lower_bound(from); at != inventory.segments.end(); ++at) {
    if (!is_readable(at->first)) continue;
    if (auto const synced = sync_segment(directory, at->first); !synced) return synced;
  }
  return {};
}

/// A name that no file has yet, so that what is kept replaces nothing.
std::string free_name(std::set<std::string>& names, std::string const& wanted) {
  auto name = wanted;
  for (int count = 2; !names.insert(name).second; ++count) {
    name = wanted + '.' + std::to_string(count);
  }
  return name;
}

/// What a crash left: segments that retention was about to remove, and spares that MANIFEST was
/// about to name. Other files are left alone.
void note_leftovers(Directory& directory, ReadAhead& reader, LogFiles const& files,
                    Recovered& recovered) {
  auto const& manifest = recovered.manifest;
  for (auto const no : files.segments) {
    if (manifest.first_segment_no <= no && no <= manifest.last_segment_no) continue;
    auto const segment = open_segment(directory, no);
    if (!segment || !segment->unreadable.empty()) continue;
    if (segment->header.store_id != manifest.store_id) continue;
    if (no > manifest.last_segment_no && was_used(reader, *segment)) continue;
    bool const whole = no > manifest.last_segment_no || is_whole(reader, *segment);
    auto const name = segment_name(no);
    if (whole) {
      recovered.leftovers.push_back(name);
    } else {
      recovered.damaged_leftovers.push_back({name, name + std::string(damaged_suffix)});
    }
  }
}

Result<void> note_strays(Directory& directory, std::vector<StraySegment> const& strays,
                         Recovered& recovered) {
  if (strays.empty()) return {};
  auto const listed = directory.list();
  if (!listed) return listed.error();
  std::set<std::string> names(listed->begin(), listed->end());
  for (auto const& stray : strays) {
    auto const name = segment_name(stray.segment_no);
    recovered.strays.push_back({name, free_name(names, name + std::string(stray_suffix))});
  }
  return {};
}

}  // namespace

Result<Recovered> recover(Directory& directory, RecoverySink& sink, RecoveryReport& report) {
  ReadAhead reader(directory);
  auto reading = read_log(directory, reader, sink, report);
  if (!reading) return reading.error();
  auto& [inventory, recovered] = reading.value();
  if (recovered.fresh) return std::move(recovered);
  if (auto const synced = sync_end(directory, recovered.segments, inventory); !synced) {
    return synced.error();
  }
  note_leftovers(directory, reader, inventory.files, recovered);
  if (auto const noted = note_strays(directory, inventory.strays, recovered); !noted) {
    return noted.error();
  }
  for (auto const& pack : recovered.repaired) {
    report.findings.push_back(pack_name(pack.segment_no) +
                              ": damaged sectors: " + std::to_string(pack.sectors) +
                              "; nothing is lost, they were made again from parity");
  }
  return std::move(recovered);
}

}  // namespace stele::wal

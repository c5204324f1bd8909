#include "wal/pack/packed_directory.hpp"

#include <algorithm>
#include <utility>

#include "wal/format/segment_name.hpp"

namespace stele::wal {
namespace {

bool is_missing(Failure const& failure) noexcept {
  return failure.code == boost::system::errc::no_such_file_or_directory;
}

}  // namespace

Result<std::vector<std::string>> PackedDirectory::list() {
  auto listed = directory_.list();
  if (!listed) return listed;
  std::vector<std::string> names;
  std::vector<std::string> of_packs;
  for (auto& name : *listed) {
    if (auto const number = parse_pack_name(name)) {
      of_packs.push_back(segment_name(*number));
    } else {
      names.push_back(std::move(name));
    }
  }
  for (auto& name : of_packs) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

bool PackedDirectory::has(std::string_view name) const {
  auto const file = directory_.open(name);
  return file || !is_missing(file.error());
}

Result<std::unique_ptr<File>> PackedDirectory::open(std::string_view name) {
  auto file = directory_.open(name);
  auto const number = parse_segment_name(name);
  if (file || !number || !is_missing(file.error())) return file;
  auto const packed_name = pack_name(*number);
  auto pack = directory_.open(packed_name);
  if (!pack) return is_missing(pack.error()) ? std::move(file) : std::move(pack);
  auto segment = PackedSegment::open(std::move(*pack), packed_name, pending_);
  if (!segment) return segment.error();
  return std::unique_ptr<File>(std::move(*segment));
}

Result<void> PackedDirectory::rename(std::string_view from, std::string_view to) {
  auto const number = parse_segment_name(from);
  if (!number) return directory_.rename(from, to);
  auto const packed_name = pack_name(*number);
  if (has(from)) {
    auto const renamed = directory_.rename(from, to);
    if (renamed && has(packed_name)) return directory_.remove(packed_name);
    return renamed;
  }
  if (!to.starts_with(from)) return directory_.rename(packed_name, to);
  // What is added to the segment's name is added to the pack's. What is kept replaces nothing.
  auto const wanted = packed_name + std::string(to.substr(from.size()));
  auto target = wanted;
  for (int count = 2; has(target); ++count) target = wanted + '.' + std::to_string(count);
  return directory_.rename(packed_name, target);
}

Result<void> PackedDirectory::remove(std::string_view name) {
  auto const number = parse_segment_name(name);
  if (!number) return directory_.remove(name);
  auto const packed_name = pack_name(*number);
  if (!has(packed_name)) return directory_.remove(name);
  if (has(name)) {
    if (auto const removed = directory_.remove(name); !removed) return removed;
  }
  return directory_.remove(packed_name);
}

std::uint64_t PackedDirectory::space(std::string_view name) const noexcept {
  auto const own = directory_.space(name);
  auto const number = parse_segment_name(name);
  return own == 0 && number ? directory_.space(pack_name(*number)) : own;
}

/// A pack has no zeros to give back, and a name that is not there is left alone.
void PackedDirectory::release_zeros(std::string_view name, std::uint64_t offset) noexcept {
  directory_.release_zeros(name, offset);
}

std::size_t PackedDirectory::poll() {
  if (pending_.empty()) return directory_.poll();
  auto const ready = std::exchange(pending_, {});
  for (auto const& [completion, error] : ready) completion->on_complete(error);
  return ready.size();
}

void PackedDirectory::wait() {
  if (pending_.empty()) return directory_.wait();
  poll();
}

}  // namespace stele::wal

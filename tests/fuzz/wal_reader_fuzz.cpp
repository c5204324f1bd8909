// Whatever somebody does to the segments of a log: reading it ends, seqs rise, and as long as no
// checksum was forged every payload that comes is the one that was written.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "support/byte_script.hpp"
#include "support/log_fixture.hpp"
#include "support/segment_view.hpp"
#include "wal/file/read_ahead.hpp"
#include "wal/format/format.hpp"
#include "wal/recover/log_reading.hpp"

using namespace stele::wal;
using namespace stele::test;

namespace {

constexpr std::size_t sector = 512;

/// A log of some segments, with groups, marks and a report of dropped payloads.
SimulatedDisk write_log() {
  SimulatedDisk disk{{}};
  LogFixture log(disk);
  if (!log.open()) std::abort();
  for (int i = 0; i < 20; ++i) {
    log.append_group({"payload " + std::to_string(i), std::string(5000, 'x'), ""});
    if (i % 5 == 0) log.log->append_dropped({}, 3);
    log.settle();
  }
  log.idle();
  log.stop();
  return disk;
}

struct Original {
  SimulatedDisk disk = write_log();
  std::vector<std::string> names = segments_of(disk);
  std::map<std::string, std::vector<PlacedCommit>> commits = [this] {
    std::map<std::string, std::vector<PlacedCommit>> found;
    for (auto const& name : names) found[name] = commits_of(disk, name);
    return found;
  }();
  std::map<Seq, std::string> payloads = [this] {
    LogFixture log(disk);
    if (!log.open()) std::abort();
    return log.sink.payloads;
  }();
};

/// Gives a commit another header, with checksums that are right.
void forge_commit(std::vector<std::byte>& bytes, std::vector<PlacedCommit> const& commits,
                  ByteScript& script) {
  if (commits.empty()) return;
  auto const& place = commits[script.take(1) % commits.size()];
  auto header = place.header;
  auto const value = script.take(2);
  switch (script.take(1) % 6) {
    case 0:
      header.first_seq += value;
      break;
    case 1:
      header.payload_count = static_cast<std::uint32_t>(value);
      break;
    case 2:
      header.body_bytes = static_cast<std::uint32_t>(value);
      break;
    case 3:
      header.commit_no += value;
      break;
    case 4:
      header.durable_commit += value;
      break;
    default:
      header.chain = static_cast<std::uint32_t>(value);
  }
  std::size_t const body = place.offset + commit_header_bytes;
  if (body > bytes.size()) return;
  auto const body_bytes = std::min<std::size_t>(header.body_bytes, bytes.size() - body);
  header.body_crc = body_crc(header.salt, std::span(bytes).subspan(body, body_bytes));
  auto const encoded = encode_commit_header(header);
  std::memcpy(bytes.data() + place.offset, encoded.data(), encoded.size());
}

/// Follows the script; whether it forged checksums.
bool damage(SimulatedDisk& disk, Original const& original, ByteScript& script) {
  auto const& names = original.names;
  bool forged = false;
  while (!script.at_end()) {
    auto const what = script.take(1);
    auto const& name = names[what / 8 % names.size()];
    auto& bytes = disk.bytes(name);
    if (bytes.empty()) continue;
    auto const at = script.take(3) % bytes.size();
    auto const sector_at = at / sector * sector;
    switch (what % 8) {
      case 0:
      case 1:
        bytes[at] ^= static_cast<std::byte>(script.take(1));
        break;
      case 2:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(sector_at),
                    std::min(sector, bytes.size() - sector_at), std::byte{0});
        break;
      case 3: {
        auto const from = script.take(3) % bytes.size() / sector * sector;
        auto const count = std::min({sector, bytes.size() - from, bytes.size() - sector_at});
        std::memmove(bytes.data() + sector_at, bytes.data() + from, count);
        break;
      }
      case 4:
        bytes.resize(at);
        break;
      case 5:
        disk.make_unreadable(name, sector_at, sector);
        break;
      default:
        forge_commit(bytes, original.commits.at(name), script);
        forged = true;
    }
  }
  return forged;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static Original const original;
  auto disk = original.disk.clone();
  ByteScript script(data, std::min<std::size_t>(size, 200));
  bool const forged = damage(disk, original, script);
  CollectingSink sink;
  RecoveryReport report;
  auto const directory = disk.mount();
  ReadAhead reader(*directory);
  if (!read_log(*directory, reader, sink, report)) return 0;
  if (forged) return 0;
  for (auto const& [seq, payload] : sink.payloads) {
    auto const written = original.payloads.find(seq);
    if (written == original.payloads.end() || written->second != payload) std::abort();
  }
  return 0;
}

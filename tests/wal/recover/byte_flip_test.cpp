// Every byte of a log that holds each structure of the format, changed one at a time: the change is
// found, and named with file and offset, or it is one of those that FORMAT.md says nothing rests
// on. No payload ever comes back with other bytes, and a check finds what a start finds.
//
// One bit of each byte is enough, another one from byte to byte: a CRC sees any change of one bit,
// and what no CRC covers is compared with fixed values. STELE_FLIP_ALL=1 tries all bits of all
// bytes, and all eight at once.
#include <boost/test/unit_test.hpp>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/known_log.hpp"
#include "support/sanitized.hpp"
#include "wal/format/segment_name.hpp"
#include "wal/offline/log_check.hpp"
#include "wal/recover/log_reading.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::is_named;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::number_from_environment;
using stele::test::place_of;
using stele::test::PlacedCommit;
using stele::test::SimulatedDisk;

namespace {

constexpr std::uint64_t stride_default = stele::test::is_sanitized_test ? 13 : 1;

/// Segment 1: groups of named writers and of nobody, several to a commit, a client's drop, a torn
/// tail. Segment 2: the gap record that names it, and a SEAL. Segment 3: active, a MARK at its end.
/// Segment 4: the spare.
KnownLog every_structure() {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write(life, "one");
    life.append_group({"two", "three", std::string(700, '4')}, {.writer = {1}, .write_no = 5});
    life.append_group({"five"});
    life.settle();
    log.payloads[2] = "two";
    log.payloads[3] = "three";
    log.payloads[4] = std::string(700, '4');
    log.payloads[5] = "five";
    life.log->append_dropped({2}, 3);
    life.idle();
    life.append("torn");
    life.settle();
  });
  auto const torn = place_of(log.disk, 6);
  log.disk.bytes(torn.segment)[torn.commit.offset + commit_header_bytes] ^= std::byte{1};
  {
    LogFixture life(log.disk);
    BOOST_TEST_REQUIRE(life.open());
    log.write(life, "seven");
    life.stop();
  }
  log.live([&](LogFixture& life) {
    log.write(life, "eight");
    life.idle();
  });
  return log;
}

struct Counts {
  std::uint64_t damage = 0;
  std::uint64_t torn = 0;
  std::uint64_t notes = 0;
  std::uint64_t harmless = 0;
};

class FlipSweep {
 public:
  explicit FlipSweep(KnownLog const& log) : log_(log) {
    for (auto const& name : stele::test::segments_of(log.disk)) {
      commits_[name] = commits_of(log.disk, name);
    }
  }

  void flip(std::string const& name, std::uint64_t offset, std::byte change) {
    auto disk = log_.disk.clone();
    disk.bytes(name)[offset] ^= change;
    auto const files = segment_files(disk);
    auto const directory = disk.mount();
    auto const checked = check_log(*directory, [] { return false; });
    stele::test::CollectingSink sink;
    RecoveryReport report;
    auto const recovered = recover(*directory, sink, report);
    BOOST_TEST_REQUIRE(checked.has_value());
    BOOST_TEST_REQUIRE(recovered.has_value());
    check_payloads(sink, report);
    std::vector<std::string> news;
    for (auto const& finding : checked->findings) {
      if (finding.kind != Finding::Kind::note && !finding.named) news.push_back(finding.text);
    }
    BOOST_TEST((news == report.findings), "a check and a start differ");
    BOOST_TEST((checked->report.gaps == report.gaps));
    BOOST_TEST((segment_files(disk) == files));
    judge(name, offset, *checked);
  }

  /// Behind the headers in their blocks, and behind the last commit.
  bool nothing_rests_on(std::string const& name, std::uint64_t offset) const {
    if (name == "MANIFEST") return false;
    if (offset < first_commit_offset) return offset % header_block_bytes >= segment_header_bytes;
    return commit_at(name, offset) == nullptr;
  }

  Counts counts{};

 private:
  void check_payloads(stele::test::CollectingSink const& sink, RecoveryReport const& report) const {
    for (auto const& [seq, payload] : sink.payloads) {
      auto const original = log_.payloads.find(seq);
      BOOST_TEST((original != log_.payloads.end() && original->second == payload), seq);
    }
    for (auto const& [seq, payload] : log_.payloads) {
      BOOST_TEST((sink.payloads.contains(seq) != is_named(report.gaps, seq)), seq);
    }
  }
  void judge(std::string const& name, std::uint64_t offset, LogCheck const& checked) {
    if (checked.findings.empty()) {
      BOOST_TEST(nothing_rests_on(name, offset));
      ++counts.harmless;
      return;
    }
    BOOST_TEST_REQUIRE(checked.findings.size() == 1u);
    auto const& finding = checked.findings.front();
    BOOST_TEST(finding.text.starts_with(place_named(name, offset)), finding.text);
    if (finding.kind == Finding::Kind::damage) ++counts.damage;
    if (finding.kind == Finding::Kind::torn) ++counts.torn;
    if (finding.kind == Finding::Kind::note) {
      ++counts.notes;
      BOOST_TEST(checked.report.payloads == log_.payloads.size());
    }
  }
  PlacedCommit const* commit_at(std::string const& name, std::uint64_t offset) const {
    for (auto const& commit : commits_.at(name)) {
      if (commit.offset <= offset && offset < commit.end) return &commit;
    }
    return nullptr;
  }
  std::string place_named(std::string const& name, std::uint64_t offset) const {
    if (name == "MANIFEST") return name + " is damaged";
    auto place = offset / header_block_bytes * header_block_bytes;
    if (offset >= first_commit_offset) {
      auto const& commits = commits_.at(name);
      auto const* commit = commit_at(name, offset);
      place = commits.empty() ? first_commit_offset : commits.back().end;
      if (commit != nullptr) place = offset < commit->used_end ? commit->offset : commit->used_end;
    }
    return name + " at offset " + std::to_string(place) + ": ";
  }

  KnownLog const& log_;
  std::map<std::string, std::vector<PlacedCommit>> commits_{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(byte_flip_test)

BOOST_AUTO_TEST_CASE(every_changed_byte_is_found_or_is_one_that_nothing_rests_on) {
  auto const log = every_structure();
  bool const all = number_from_environment("STELE_FLIP_ALL", 0) != 0;
  auto const stride = all ? 1 : number_from_environment("STELE_FLIP_STRIDE", stride_default);
  FlipSweep sweep(log);
  std::uint64_t cases = 0;
  std::vector<std::string> names = stele::test::segments_of(log.disk);
  BOOST_TEST_REQUIRE(names.size() == 4u);
  names.emplace_back("MANIFEST");
  for (auto const& name : names) {
    auto const size = log.disk.bytes(name).size();
    for (std::uint64_t offset = 0; offset < size; offset += stride) {
      // Of long stretches of the same kind a sample will do.
      if (!all && sweep.nothing_rests_on(name, offset) && offset % 97 != 0) continue;
      BOOST_TEST_CONTEXT(name << " at " << offset) {
        for (unsigned bit = 0; bit < (all ? 8u : 1u); ++bit, ++cases) {
          sweep.flip(name, offset, std::byte{1} << (all ? bit : offset % 8));
        }
        if (all) sweep.flip(name, offset, std::byte{0xff}), ++cases;
      }
    }
  }
  auto const& counts = sweep.counts;
  BOOST_TEST(counts.damage > 0u);
  BOOST_TEST(counts.notes > 0u);
  std::cout << "byte_flip_test: " << cases << " flips: " << counts.damage << " found as damage, "
            << counts.torn << " as a torn end, " << counts.notes << " noted, " << counts.harmless
            << " where nothing rests on the byte; 0 wrong bytes\n";
}

BOOST_AUTO_TEST_CASE(large_damage_in_several_places_is_found_by_a_check_as_by_a_start) {
  auto const seed = number_from_environment("STELE_SEED", 1);
  auto const runs = number_from_environment("STELE_DAMAGE_RUNS", 60);
  std::mt19937_64 random(seed);
  auto const below = [&](std::uint64_t bound) { return random() % bound; };
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write_large(life, 60);
    life.idle();
  });
  for (std::uint64_t run = 0; run < runs; ++run) {
    auto disk = log.disk.clone();
    for (auto hits = 1 + below(6); hits > 0; --hits) {
      auto& bytes = disk.bytes(segment_name(1 + below(4)));
      auto const length = std::uint64_t{1} << below(14);
      auto const begin = below(bytes.size() - length);
      auto const from = below(bytes.size() - length);
      auto const kind = below(3);
      for (std::uint64_t i = 0; i < length; ++i) {
        auto const byte = kind == 0 ? std::byte{0} : static_cast<std::byte>(random());
        bytes[begin + i] = kind == 2 ? bytes[from + i] : byte;
      }
    }
    BOOST_TEST_CONTEXT("STELE_SEED=" << seed << " run " << run) { log.check_start(disk); }
  }
  std::cout << "byte_flip_test: " << runs << " logs damaged in up to 6 places, STELE_SEED=" << seed
            << "\n";
}

BOOST_AUTO_TEST_SUITE_END()

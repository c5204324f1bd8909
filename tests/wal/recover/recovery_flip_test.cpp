// Each byte of a small log, flipped one at a time: every flip is reported or provably harmless,
// and no start delivers wrong bytes (support/known_log.hpp says what is checked of each).
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "support/known_log.hpp"
#include "support/sanitized.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::commits_of;
using stele::test::KnownLog;
using stele::test::LogFixture;
using stele::test::SimulatedDisk;
using stele::test::Start;

namespace {

/// Two lives: segments 1 and 2, each with commits, and the spare 3. A MARK ends it, so every
/// payload is proven.
KnownLog small_log() {
  KnownLog log;
  log.live([&](LogFixture& life) {
    log.write(life, "one");
    log.write(life, "two " + std::string(600, '2'));
    life.append_group({"three", "four"});
    log.payloads[3] = "three";
    log.payloads[4] = "four";
    life.settle();
  });
  log.live([&](LogFixture& life) {
    log.write(life, "five");
    log.write(life, "six");
    life.idle();
  });
  return log;
}

/// Between two bytes that are flipped; the sanitizers make it slow.
constexpr std::size_t flip_step = stele::test::is_sanitized_test ? 13 : 1;

Start start_with_flip(KnownLog const& log, std::string const& name, std::size_t offset) {
  auto damaged = log.disk.clone();
  damaged.bytes(name)[offset] ^= std::byte{0x40};
  return log.check_start(damaged);
}

/// Whether this byte belongs to a commit: its header or its body.
bool is_used(std::vector<stele::test::PlacedCommit> const& commits, std::size_t offset) {
  return std::ranges::any_of(commits, [&](stele::test::PlacedCommit const& commit) {
    return commit.offset <= offset && offset < commit.used_end;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recovery_flip_test)

BOOST_AUTO_TEST_CASE(a_flip_in_any_byte_of_a_commit_is_reported_and_one_in_padding_does_no_harm) {
  auto const log = small_log();
  for (auto const& name : {segment_name(1), segment_name(2)}) {
    auto const commits = commits_of(log.disk, name);
    BOOST_TEST_REQUIRE(commits.size() >= 4u);
    for (auto offset = first_commit_offset; offset < commits.back().end; offset += flip_step) {
      BOOST_TEST_CONTEXT(name << " at " << offset) {
        auto const start = start_with_flip(log, name, offset);
        BOOST_TEST(start.complains() == is_used(commits, offset));
        if (!start.complains()) BOOST_TEST((start.payloads == log.payloads));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flip_loses_the_payloads_of_its_own_commit_only) {
  auto const log = small_log();
  for (auto const& [name, count] : {std::pair{segment_name(1), 4}, {segment_name(2), 2}}) {
    int seen = 0;
    for (auto const& commit : commits_of(log.disk, name)) {
      auto expected = log.payloads;
      for (std::uint32_t i = 0; i < commit.header.payload_count; ++i, ++seen) {
        expected.erase(commit.header.first_seq + i);
      }
      auto const start = start_with_flip(log, name, commit.offset + 20);
      BOOST_TEST((start.payloads == expected), name << " at " << commit.offset);
      auto const body = start_with_flip(log, name, commit.used_end - 1);
      BOOST_TEST((body.payloads == expected), name << " at " << commit.used_end - 1);
    }
    BOOST_TEST(seen == count);
  }
}

BOOST_AUTO_TEST_CASE(a_flip_in_one_copy_of_a_segment_header_does_no_harm) {
  auto const log = small_log();
  for (std::uint64_t segment_no = 1; segment_no <= 3; ++segment_no) {
    for (std::size_t copy = 0; copy < header_blocks; ++copy) {
      for (std::size_t at = 0; at < segment_header_bytes; ++at) {
        BOOST_TEST_CONTEXT(segment_name(segment_no) << " copy " << copy << " at " << at) {
          auto const offset = copy * header_block_bytes + at;
          auto const start = start_with_flip(log, segment_name(segment_no), offset);
          BOOST_TEST(!start.complains());
          BOOST_TEST((start.payloads == log.payloads));
        }
      }
    }
  }
}

// manifest_test flips the other bits; here it matters what a start makes of it.
BOOST_AUTO_TEST_CASE(a_flip_in_the_manifest_is_reported_and_loses_nothing) {
  auto const log = small_log();
  for (std::size_t offset = 0; offset < 4096; offset += offset < 96 ? 1 : 100) {
    BOOST_TEST_CONTEXT("MANIFEST at " << offset) {
      auto const start = start_with_flip(log, "MANIFEST", offset);
      BOOST_TEST(start.complains());
      BOOST_TEST((start.payloads == log.payloads));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_flip_in_unused_space_loses_nothing) {
  auto const log = small_log();
  for (std::uint64_t segment_no = 1; segment_no <= 3; ++segment_no) {
    auto const name = segment_name(segment_no);
    auto const commits = commits_of(log.disk, name);
    auto const begin = commits.empty() ? first_commit_offset : commits.back().end;
    std::set<std::uint64_t> offsets{segment_header_bytes,
                                    header_block_bytes - 1,
                                    header_block_bytes + segment_header_bytes,
                                    first_commit_offset - 1,
                                    begin,
                                    (64u << 10) - 1};
    for (auto offset = begin; offset < 64u << 10; offset += 509) offsets.insert(offset);
    for (auto const offset : offsets) {
      BOOST_TEST_CONTEXT(name << " at " << offset) {
        auto const start = start_with_flip(log, name, offset);
        BOOST_TEST((start.payloads == log.payloads));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

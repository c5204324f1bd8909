#include "wal/recover/segment_scanner.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "support/simulated_disk.hpp"
#include "wal/format/commit_body.hpp"
#include "wal/format/commit_buffer.hpp"
#include "wal/format/crc32c.hpp"
#include "wal/format/field_codec.hpp"

using namespace stele::wal;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(segment_scanner_test)

namespace {

constexpr auto file_name = "segment";
constexpr std::size_t align = 512;

/// A segment that is laid out by hand and then scanned.
struct Fixture {
  explicit Fixture(std::uint64_t segment_bytes = 64 << 10)
      : header{.segment_bytes = segment_bytes,
               .commit_align = align,
               .store_id = {1, 2, 3},
               .segment_no = 4,
               .salt = 0xabcdef} {
    disk.put(file_name, std::vector<std::byte>(segment_bytes));
    auto const encoded = encode_segment_header(header);
    put(0, encoded);
    put(header_block_bytes, encoded);
  }

  void put(std::uint64_t offset, std::span<std::byte const> from) {
    std::memcpy(bytes().data() + offset, from.data(), from.size());
  }
  std::vector<std::byte>& bytes() { return disk.bytes(file_name); }
  std::byte& byte(std::uint64_t offset) { return bytes()[offset]; }

  /// Puts a commit behind the one before; returns its offset.
  std::uint64_t add(std::uint64_t commit_no, std::string const& payload = "payload",
                    std::uint64_t salt = 0xabcdef) {
    CommitBuffer buffer;
    std::vector<std::string_view> const payloads{payload};
    buffer.add_group({}, payloads);
    auto const sealed =
        buffer.seal({.salt = salt, .commit_no = commit_no, .first_seq = commit_no}, align);
    put(end, sealed);
    return std::exchange(end, end + sealed.size());
  }

  SegmentScanner& scanner() {
    scanner_.reset();
    file = directory->open(file_name).value();
    return scanner_.emplace(reader, *file, header);
  }
  std::variant<SegmentHeader, ScanFault> read_header() {
    return read_segment_header(*directory->open(file_name).value());
  }

  SimulatedDisk disk{{}};
  SegmentHeader header;
  std::uint64_t end = first_commit_offset;
  std::unique_ptr<Directory> directory = disk.mount();
  std::unique_ptr<File> file{};
  ReadAhead reader{*directory};
  std::optional<SegmentScanner> scanner_{};
};

using HeaderResult = std::variant<SegmentHeader, ScanFault>;

ScanFault fault_of(std::variant<ScannedCommit, ScanFault> const& result) {
  BOOST_TEST_REQUIRE(result.index() == 1u);
  return std::get<ScanFault>(result);
}

}  // namespace

BOOST_AUTO_TEST_CASE(either_copy_of_the_header_suffices) {
  for (std::uint64_t const damaged : {std::uint64_t{50}, header_block_bytes + std::uint64_t{50}}) {
    Fixture fix;
    fix.byte(damaged) ^= std::byte{1};
    BOOST_TEST((fix.read_header() == HeaderResult(fix.header)));
  }
}

BOOST_AUTO_TEST_CASE(without_a_valid_copy_there_is_no_header) {
  Fixture fix;
  fix.byte(50) ^= std::byte{1};
  fix.byte(header_block_bytes + 90) ^= std::byte{1};
  BOOST_TEST((fix.read_header() == HeaderResult(ScanFault::invalid)));
}

BOOST_AUTO_TEST_CASE(an_unreadable_first_copy_is_made_up_for_by_the_second) {
  Fixture fix;
  fix.disk.make_unreadable(file_name, 0, 512);
  BOOST_TEST((fix.read_header() == HeaderResult(fix.header)));
  fix.disk.make_unreadable(file_name, 0, first_commit_offset);
  BOOST_TEST((fix.read_header() == HeaderResult(ScanFault::unreadable)));
}

BOOST_AUTO_TEST_CASE(a_header_of_a_newer_version_is_unsupported) {
  Fixture fix;
  auto encoded = encode_segment_header(fix.header);
  encoded[8] = std::byte{2};
  FieldWriter(std::span(encoded).last(4)).u32(crc32c(std::span(encoded).first(124)));
  fix.put(0, encoded);
  BOOST_TEST((fix.read_header() == HeaderResult(ScanFault::unsupported)));
}

BOOST_AUTO_TEST_CASE(a_header_with_impossible_sizes_is_invalid) {
  for (std::uint32_t const commit_align : {0u, 256u, 513u, 8192u}) {
    Fixture fix;
    fix.header.commit_align = commit_align;
    fix.put(0, encode_segment_header(fix.header));
    fix.put(header_block_bytes, encode_segment_header(fix.header));
    BOOST_TEST((fix.read_header() == HeaderResult(ScanFault::invalid)), commit_align);
  }
}

BOOST_AUTO_TEST_CASE(a_valid_commit_is_found_with_its_extent_and_its_checksum) {
  Fixture fix;
  auto const offset = fix.add(1, std::string(1000, 'x'));
  auto const scanned = fix.scanner().commit_at(offset);
  BOOST_TEST_REQUIRE(scanned.index() == 0u);
  auto const& commit = std::get<ScannedCommit>(scanned);
  BOOST_TEST(commit.header.commit_no == 1u);
  BOOST_TEST(commit.offset == offset);
  BOOST_TEST(commit.end_offset == fix.end);
  BOOST_TEST(commit.body.size() == group_bytes(1, 1000));
  BOOST_TEST(is_well_formed(commit.header, commit.body));
  auto const stored = FieldReader(std::span(fix.bytes()).subspan(offset + 60)).u32();
  BOOST_TEST(commit.crc == stored);
}

BOOST_AUTO_TEST_CASE(no_byte_of_a_commit_can_change_unseen_but_its_padding) {
  Fixture fix;
  auto const offset = fix.add(1);
  auto const used = commit_header_bytes + group_bytes(1, 7);
  for (auto at = offset; at < fix.end; ++at) {
    fix.byte(at) ^= std::byte{0x10};
    BOOST_TEST((fix.scanner().commit_at(offset).index() == 0) == (at >= offset + used), at);
    fix.byte(at) ^= std::byte{0x10};
  }
}

BOOST_AUTO_TEST_CASE(a_commit_with_the_salt_of_another_segment_is_invalid) {
  Fixture fix;
  auto const offset = fix.add(1, "payload", 0xabcdee);
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::invalid));
  BOOST_TEST(!fix.scanner().commit_header_at(offset).has_value());
  BOOST_TEST(!fix.scanner().find(first_commit_offset, 0).has_value());
}

// The generator polynomial, added to a salt, leaves the checksum that starts from it as it is.
BOOST_AUTO_TEST_CASE(a_salt_is_compared_and_not_only_summed) {
  Fixture fix;
  constexpr std::uint64_t polynomial = 0x105ec76f1;
  BOOST_TEST(body_crc(0xabcdef, {}) == body_crc(0xabcdef ^ polynomial, {}));
  auto const offset = fix.add(1, "payload", 0xabcdef ^ polynomial);
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::invalid));
}

BOOST_AUTO_TEST_CASE(zeros_are_no_commit) {
  Fixture fix;
  BOOST_TEST((fault_of(fix.scanner().commit_at(first_commit_offset)) == ScanFault::invalid));
}

BOOST_AUTO_TEST_CASE(a_commit_that_leaves_its_segment_is_invalid) {
  Fixture fix;
  auto const offset = fix.add(1, std::string(1000, 'x'));
  fix.header.segment_bytes = fix.end - align;
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::invalid));
  BOOST_TEST((fault_of(fix.scanner().commit_at(fix.header.segment_bytes)) == ScanFault::invalid));
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_within_a_commit_holds_no_valid_one) {
  Fixture fix;
  auto const offset = fix.add(1, std::string(1000, 'x'));
  for (auto const kept : {offset, offset + 10, offset + 64, offset + 1000}) {
    Fixture cut;
    cut.add(1, std::string(1000, 'x'));
    cut.bytes().resize(kept);
    BOOST_TEST((fault_of(cut.scanner().commit_at(offset)) == ScanFault::invalid), kept);
  }
}

BOOST_AUTO_TEST_CASE(an_unreadable_commit_is_not_an_invalid_one) {
  Fixture fix;
  auto const offset = fix.add(1, std::string(3000, 'x'));
  fix.disk.make_unreadable(file_name, offset, 512);
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::unreadable));
  fix.disk.make_unreadable(file_name, offset + 1024, 512);
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::unreadable));
}

BOOST_AUTO_TEST_CASE(an_unreadable_sector_hides_no_commit_but_its_own) {
  Fixture fix;
  auto const first = fix.add(1);
  auto const second = fix.add(2);
  auto const third = fix.add(3);
  fix.disk.make_unreadable(file_name, second, 512);
  BOOST_TEST((fix.scanner().commit_at(first).index() == 0));
  BOOST_TEST((fix.scanner().commit_at(third).index() == 0));
  auto const found = fix.scanner().find(second, 2);
  BOOST_TEST_REQUIRE(found.has_value());
  BOOST_TEST(found->offset == third);
}

BOOST_AUTO_TEST_CASE(a_commit_of_a_newer_version_is_unsupported) {
  Fixture fix;
  auto const offset = fix.add(1);
  fix.byte(offset + 4) = std::byte{2};
  std::span const header(fix.bytes().data() + offset, commit_header_bytes);
  FieldWriter(header.last(4)).u32(crc32c(header.first(60)));
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::unsupported));
}

BOOST_AUTO_TEST_CASE(a_header_is_found_whatever_became_of_its_body) {
  Fixture fix;
  auto const offset = fix.add(5, std::string(1000, 'x'));
  fix.byte(offset + 600) ^= std::byte{1};
  auto const header = fix.scanner().commit_header_at(offset);
  BOOST_TEST_REQUIRE(header.has_value());
  BOOST_TEST(header->commit_no == 5u);
  BOOST_TEST((fault_of(fix.scanner().commit_at(offset)) == ScanFault::invalid));
}

BOOST_AUTO_TEST_CASE(search_finds_the_next_valid_commit_of_at_least_that_number) {
  Fixture fix;
  fix.add(1);
  auto const second = fix.add(2, std::string(2000, 'x'));
  fix.end += 3 * align;
  auto const third = fix.add(9);
  BOOST_TEST(fix.scanner().find(first_commit_offset, 2)->offset == second);
  BOOST_TEST(fix.scanner().find(first_commit_offset, 3)->offset == third);
  BOOST_TEST(fix.scanner().find(second + align, 1)->offset == third);
  BOOST_TEST(!fix.scanner().find(first_commit_offset, 10).has_value());
  fix.byte(second + 100) ^= std::byte{1};
  BOOST_TEST(fix.scanner().find(first_commit_offset, 2)->offset == third);
}

BOOST_AUTO_TEST_CASE(a_payload_that_looks_like_a_commit_is_not_found_between_alignments) {
  Fixture fix;
  CommitBuffer inner;
  inner.add_group({}, std::vector<std::string_view>{"inner"});
  auto const sealed = inner.seal({.salt = 0xabcdef, .commit_no = 7}, align);
  std::string const text(reinterpret_cast<char const*>(sealed.data()), sealed.size());
  auto const offset = fix.add(1, text);
  BOOST_TEST(!fix.scanner().find(offset + align, 2).has_value());
}

BOOST_AUTO_TEST_CASE(commits_beyond_the_first_window_are_read) {
  Fixture fix(12 << 20);
  std::string const large((5 << 20) + 77, 'L');
  auto const first = fix.add(1, large);
  auto const second = fix.add(2, large);
  auto& scanner = fix.scanner();
  for (auto const offset : {first, second, first}) {
    auto const scanned = scanner.commit_at(offset);
    BOOST_TEST_REQUIRE(scanned.index() == 0u);
    GroupReader groups(std::get<ScannedCommit>(scanned).body);
    BOOST_TEST((RecordReader(groups.next()->records).next() == large));
  }
  BOOST_TEST((scanner.rest(fix.end).kind == TailState::Kind::zero));
}

BOOST_AUTO_TEST_CASE(rest_tells_zeros_from_traces_and_measures_them) {
  Fixture fix;
  fix.add(1);
  BOOST_TEST((fix.scanner().rest(fix.end).kind == TailState::Kind::zero));
  BOOST_TEST(fix.scanner().rest(fix.end).bytes == 0u);
  fix.byte(fix.end + 1500) = std::byte{1};
  auto const rest = fix.scanner().rest(fix.end);
  BOOST_TEST((rest.kind == TailState::Kind::nonzero));
  BOOST_TEST(rest.bytes == 1501u);
  fix.bytes().back() = std::byte{1};
  BOOST_TEST(fix.scanner().rest(fix.end).bytes == fix.header.segment_bytes - fix.end);
}

BOOST_AUTO_TEST_CASE(rest_is_unreadable_if_any_of_it_is) {
  Fixture fix;
  fix.add(1);
  fix.disk.make_unreadable(file_name, fix.end + 4096, 512);
  fix.byte(fix.end + 8192) = std::byte{1};
  auto const rest = fix.scanner().rest(fix.end);
  BOOST_TEST((rest.kind == TailState::Kind::unreadable));
  BOOST_TEST(rest.bytes == 8193u);
}

BOOST_AUTO_TEST_CASE(a_file_that_lost_its_end_is_unreadable_there) {
  Fixture fix;
  fix.add(1);
  fix.bytes().resize(40 << 10);
  BOOST_TEST((fix.scanner().rest(fix.end).kind == TailState::Kind::unreadable));
}

BOOST_AUTO_TEST_SUITE_END()

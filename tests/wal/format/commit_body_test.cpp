#include "wal/format/commit_body.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/exact_bytes.hpp"
#include "wal/format/commit_buffer.hpp"

using namespace stele::wal;
using stele::test::ExactBytes;

namespace {

/// The body of a commit of two groups, to be bent.
struct Body {
  Body() {
    CommitBuffer buffer;
    buffer.add_group({.write_no = 1}, std::vector<std::string_view>{"one", "two", ""});
    buffer.add_group({.write_no = 2}, std::vector<std::string_view>{"three"});
    auto const size = buffer.body_bytes();
    auto const body = buffer.seal({}, 512).subspan(commit_header_bytes, size);
    bytes.assign(body.begin(), body.end());
  }

  bool well_formed(CommitKind kind = CommitKind::entries) const {
    ExactBytes exact(bytes);
    return is_well_formed({.kind = kind, .payload_count = payload_count}, exact.all());
  }
  void set_group(std::size_t offset, GroupHeader const& header) {
    encode_group_header(header, std::span<std::byte, group_header_bytes>(bytes.data() + offset,
                                                                         group_header_bytes));
  }
  GroupHeader group(std::size_t offset) const {
    return decode_group_header(
        std::span<std::byte const, group_header_bytes>(bytes.data() + offset, group_header_bytes));
  }

  static constexpr std::size_t second_group = group_bytes(3, 6);
  std::vector<std::byte> bytes{};
  std::uint32_t payload_count = 4;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(commit_body_test)

BOOST_AUTO_TEST_CASE(payloads_are_read_back_in_order_with_their_groups) {
  Body const body;
  std::vector<std::string> payloads;
  std::vector<std::uint64_t> write_nos;
  GroupReader groups(body.bytes);
  while (auto const group = groups.next()) {
    write_nos.push_back(group->header.writer.write_no);
    RecordReader records(group->records);
    while (auto const payload = records.next()) payloads.emplace_back(*payload);
    BOOST_TEST(records.at_end());
  }
  BOOST_TEST(groups.at_end());
  BOOST_TEST((payloads == std::vector<std::string>{"one", "two", "", "three"}));
  BOOST_TEST((write_nos == std::vector<std::uint64_t>{1, 2}));
}

BOOST_AUTO_TEST_CASE(a_body_as_written_is_well_formed) { BOOST_TEST(Body().well_formed()); }

BOOST_AUTO_TEST_CASE(every_truncation_is_ill_formed) {
  for (Body body; !body.bytes.empty();) {
    body.bytes.pop_back();
    BOOST_TEST(!body.well_formed(), body.bytes.size() << " bytes");
  }
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_last_group_are_ill_formed) {
  for (std::size_t extra = 1; extra <= group_header_bytes; ++extra) {
    Body body;
    body.bytes.resize(body.bytes.size() + extra);
    body.payload_count = 4;
    // A whole empty group says nothing; whatever is shorter is no group at all.
    BOOST_TEST(body.well_formed() == (extra == group_header_bytes), extra << " bytes");
  }
}

BOOST_AUTO_TEST_CASE(a_count_in_the_header_that_is_not_the_payloads_is_ill_formed) {
  for (std::uint32_t const count : {0u, 3u, 5u, 0xffffffffu}) {
    Body body;
    body.payload_count = count;
    BOOST_TEST(!body.well_formed(), count);
  }
}

BOOST_AUTO_TEST_CASE(a_count_in_a_group_that_is_not_its_payloads_is_ill_formed) {
  for (std::uint32_t const count : {0u, 2u, 4u, 0xffffffffu}) {
    Body body;
    auto group = body.group(0);
    group.payload_count = count;
    body.set_group(0, group);
    BOOST_TEST(!body.well_formed(), count);
  }
}

BOOST_AUTO_TEST_CASE(a_group_that_is_longer_or_shorter_than_its_records_is_ill_formed) {
  for (std::size_t const offset : {std::size_t{0}, Body::second_group}) {
    for (std::uint32_t const difference : {1u, 0xffffffffu, 1000u}) {
      Body body;
      auto group = body.group(offset);
      group.records_bytes += difference;
      body.set_group(offset, group);
      BOOST_TEST(!body.well_formed(), offset << " by " << difference);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_record_that_leaves_its_group_is_ill_formed) {
  for (std::uint32_t const bytes : {4u, 100u, 0xffffffffu}) {
    Body body;
    encode_record_header({.payload_bytes = bytes},
                         std::span<std::byte, record_header_bytes>(
                             body.bytes.data() + group_header_bytes, record_header_bytes));
    BOOST_TEST(!body.well_formed(), bytes);
  }
}

BOOST_AUTO_TEST_CASE(an_entries_commit_without_payloads_is_ill_formed) {
  Body body;
  body.bytes.clear();
  body.payload_count = 0;
  BOOST_TEST(!body.well_formed());
}

BOOST_AUTO_TEST_CASE(a_mark_or_seal_is_well_formed_only_when_it_is_empty) {
  for (auto const kind : {CommitKind::mark, CommitKind::seal}) {
    Body body;
    BOOST_TEST(!body.well_formed(kind));
    body.bytes.clear();
    BOOST_TEST(!body.well_formed(kind));
    body.payload_count = 0;
    BOOST_TEST(body.well_formed(kind));
  }
}

BOOST_AUTO_TEST_CASE(a_gap_commit_holds_whole_gap_records_and_no_payloads) {
  Body body;
  body.bytes.assign(2 * gap_record_bytes, std::byte{0});
  BOOST_TEST(!body.well_formed(CommitKind::gap));
  body.payload_count = 0;
  BOOST_TEST(body.well_formed(CommitKind::gap));
  body.bytes.pop_back();
  BOOST_TEST(!body.well_formed(CommitKind::gap));
}

BOOST_AUTO_TEST_SUITE_END()

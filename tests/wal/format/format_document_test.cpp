// The golden files of format versions 1.0 to 1.2, the worked example of FORMAT.md, and the code:
// all three say the same. STELE_GOLDEN=print shows what the code writes.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

#include "support/hex_dump.hpp"
#include "support/log_fixture.hpp"
#include "wal/format/format.hpp"
#include "wal/format/segment_name.hpp"

using namespace stele::wal;
using stele::test::Crash;
using stele::test::hex_dump;
using stele::test::LogFixture;
using stele::test::parse_hex_dump;
using stele::test::read_project_file;
using stele::test::SimulatedDisk;

namespace {

std::string const manifest_file(manifest_name);
WriterMark const writer{.writer = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa,
                                   0xab, 0xac, 0xad, 0xae, 0xaf},
                        .write_no = 7};

struct Example {
  std::string segment{};
  std::string manifest{};  ///< As it was before the spare.
};

/// A log with one group of two payloads, made with these random numbers.
Example make_example() {
  SimulatedDisk disk{{}};
  auto options = LogFixture::small_options();
  options.entropy = [next = std::uint64_t{0x1111111111111111}]() mutable {
    return std::exchange(next, next + 0x1111111111111111);
  };
  LogFixture life(disk, options);
  BOOST_TEST_REQUIRE(life.open());
  Example example{.manifest = hex_dump(disk.bytes(manifest_file))};
  life.append_group({"hello", "world!"}, writer);
  life.settle();
  life.crash(Crash::kill);
  example.segment = hex_dump(disk.bytes(segment_name(1)));
  return example;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(format_document_test)

BOOST_AUTO_TEST_CASE(a_dump_is_read_back) {
  std::vector<std::byte> bytes(1000, std::byte{7});
  bytes[500] = std::byte{'x'};
  bytes.resize(1007);
  BOOST_TEST((parse_hex_dump(hex_dump(bytes)) == bytes));
}

BOOST_AUTO_TEST_CASE(the_code_writes_the_golden_segment_and_manifest) {
  auto const& [segment, manifest] = make_example();
  if (std::getenv("STELE_GOLDEN") != nullptr) std::cout << segment << manifest;
  BOOST_TEST(segment == read_project_file("tests/wal/golden/segment_v1_2.hex"));
  BOOST_TEST(manifest == read_project_file("tests/wal/golden/manifest_v1_2.hex"));
}

BOOST_AUTO_TEST_CASE(format_md_shows_the_golden_segment) {
  auto const golden = read_project_file("tests/wal/golden/segment_v1_2.hex");
  BOOST_TEST(read_project_file("wal/FORMAT.md").find(golden) != std::string::npos);
}

// Logs of version 1 are read for ever.
BOOST_AUTO_TEST_CASE(the_golden_logs_are_read) {
  for (std::string const version : {"v1", "v1_1", "v1_2"}) {
    SimulatedDisk disk{{}};
    auto const golden = [&](char const* name) {
      return parse_hex_dump(
          read_project_file("tests/wal/golden/" + (name + ("_" + version)) + ".hex"));
    };
    disk.put(segment_name(1), golden("segment"));
    disk.put(manifest_file, golden("manifest"));
    LogFixture life(disk);
    BOOST_TEST_REQUIRE(life.open(), life.failure.message);
    BOOST_TEST((life.sink.payloads == std::map<Seq, std::string>{{1, "hello"}, {2, "world!"}}));
    BOOST_TEST_REQUIRE(life.sink.groups.size() == 1u);
    BOOST_TEST((life.sink.groups[0].writer == writer));
    BOOST_TEST(life.log->next_seq() == 3u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

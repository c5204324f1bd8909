#include "wal/file/read_ahead.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "support/simulated_disk.hpp"

using namespace stele::wal;
using stele::test::SimulatedDisk;

BOOST_AUTO_TEST_SUITE(read_ahead_test)

namespace {

constexpr auto file_name = "file";
constexpr std::size_t sector = 512;

struct Fixture {
  explicit Fixture(std::size_t file_bytes) {
    std::vector<std::byte> bytes(file_bytes);
    for (std::size_t i = 0; i < file_bytes; ++i) bytes[i] = expected_at(i);
    disk.put(file_name, std::move(bytes));
    open();
  }
  ~Fixture() { reader.close(); }

  void open() {
    reader.close();
    file = directory->open(file_name).value();
    reader.open(*file);
  }
  /// Of 64-bit words that are all different.
  static std::byte expected_at(std::size_t offset) {
    auto const word = (offset / 8 + 1) * 0x9e3779b97f4a7c15;
    return static_cast<std::byte>(word >> (offset % 8 * 8));
  }
  /// Whether the view holds what the file does, and as much of it as was asked for.
  bool shows(std::uint64_t offset, std::size_t bytes) {
    auto const view = reader.view(offset, bytes);
    if (!view.readable || view.bytes.size() != bytes) return false;
    for (std::size_t i = 0; i < bytes; ++i) {
      if (view.bytes[i] != expected_at(offset + i)) return false;
    }
    return true;
  }

  SimulatedDisk disk{{}};
  std::unique_ptr<Directory> directory = disk.mount();
  std::unique_ptr<File> file{};
  ReadAhead reader{*directory};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_stretch_is_whole_wherever_pieces_meet) {
  constexpr std::size_t file_bytes = std::size_t{18} << 20;
  // From less than a piece to more than the largest.
  for (std::size_t const step : {std::size_t{700} * sector, std::size_t{3} * sector + 17,
                                 (std::size_t{3} << 20) + 5, (std::size_t{5} << 20) + 512}) {
    Fixture fix(file_bytes);
    for (std::size_t offset = 0; offset < file_bytes; offset += step) {
      auto const bytes = std::min(step, file_bytes - offset);
      BOOST_TEST(fix.shows(offset, bytes), step << " at " << offset);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_looked_at_in_order_is_read_once) {
  constexpr std::size_t file_bytes = std::size_t{18} << 20;
  for (std::size_t const step : {sector, std::size_t{1000} * sector, std::size_t{3} << 20}) {
    Fixture fix(file_bytes);
    for (std::size_t offset = 0; offset + step <= file_bytes; offset += step) {
      fix.reader.view(offset, step);
    }
    BOOST_TEST(fix.disk.bytes_read() == file_bytes, step);
  }
}

BOOST_AUTO_TEST_CASE(a_short_look_reads_little) {
  Fixture fix(std::size_t{64} << 20);
  BOOST_TEST(fix.shows(8192, 64));
  fix.reader.close();
  BOOST_TEST(fix.disk.bytes_read() <= std::size_t{64} << 10);
}

BOOST_AUTO_TEST_CASE(a_look_back_or_far_ahead_shows_what_is_there) {
  Fixture fix(std::size_t{18} << 20);
  for (std::size_t const offset : {0u, 17u << 20, 1u << 20, (1u << 20) - 700, 9u << 20, 3u}) {
    BOOST_TEST(fix.shows(offset, 100'000), offset);
  }
}

BOOST_AUTO_TEST_CASE(a_file_ends_where_it_ends) {
  for (std::size_t const file_bytes :
       {std::size_t{0}, std::size_t{700}, std::size_t{256} << 10, (std::size_t{256} << 10) + 100,
        std::size_t{3} << 20, (std::size_t{3} << 20) + 1}) {
    Fixture fix(file_bytes);
    for (std::size_t offset = 0; offset < file_bytes; offset += 64) {
      auto const bytes = std::min(std::size_t{64}, file_bytes - offset);
      BOOST_TEST_REQUIRE(fix.reader.view(offset, 64).bytes.size() == bytes);
      BOOST_TEST_REQUIRE(fix.shows(offset, bytes));
    }
    for (auto const beyond : {file_bytes, file_bytes + 1, file_bytes + 100'000}) {
      auto const view = fix.reader.view(beyond, 64);
      BOOST_TEST(view.readable);
      BOOST_TEST(view.bytes.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sector_that_the_device_refuses_hides_no_other) {
  constexpr std::size_t file_bytes = std::size_t{9} << 20;
  for (std::size_t const bad :
       {std::size_t{0}, std::size_t{100} * sector, std::size_t{3} << 20, file_bytes - sector}) {
    Fixture fix(file_bytes);
    fix.disk.make_unreadable(file_name, bad, sector);
    for (std::size_t offset = 0; offset < file_bytes; offset += sector) {
      BOOST_TEST_REQUIRE(fix.reader.view(offset, sector).readable == (offset != bad), offset);
      if (offset != bad) BOOST_TEST_REQUIRE(fix.shows(offset, sector), offset);
    }
    BOOST_TEST(!fix.reader.view(bad, sector).readable);
    if (bad > 0) BOOST_TEST(!fix.reader.view(bad - sector, 2 * sector).readable);
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_on_its_way_to_a_file_that_was_left) {
  Fixture fix(std::size_t{9} << 20);
  fix.reader.view(0, 64);
  fix.reader.close();
  fix.file.reset();
  BOOST_TEST(fix.directory->poll() == 0u);
}

BOOST_AUTO_TEST_CASE(of_one_file_nothing_is_shown_as_of_the_next) {
  Fixture fix(std::size_t{1} << 20);
  BOOST_TEST(fix.shows(0, 4096));
  auto& bytes = fix.disk.bytes(file_name);
  std::fill(bytes.begin(), bytes.end(), std::byte{7});
  fix.open();
  for (std::size_t offset = 0; offset < bytes.size(); offset += 4096) {
    BOOST_TEST_REQUIRE((fix.reader.view(offset, 1).bytes[0] == std::byte{7}));
  }
}

BOOST_AUTO_TEST_SUITE_END()

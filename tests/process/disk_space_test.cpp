// The space of files on a real file system: who keeps it, and under which name.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "process/disk_fixture.hpp"

namespace stele::wal::test {
namespace {

constexpr std::size_t page = 4096;

void write_text(std::string const& path, std::string_view text) {
  std::ofstream{path, std::ios::binary} << text;
}

std::string read_text(std::string const& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uintmax_t file_size(std::string const& path) { return std::filesystem::file_size(path); }

}  // namespace

BOOST_AUTO_TEST_SUITE(disk_space_test)

BOOST_AUTO_TEST_CASE(a_reserved_file_keeps_its_space_and_a_created_one_begins_anew) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  BOOST_REQUIRE(directory->lock());
  BOOST_TEST(directory->space("a") == 0U);
  BOOST_REQUIRE(directory->create("a", 4 * page));
  BOOST_TEST(directory->space("a") >= 4 * page);
  write_text(place.path_of("b"), std::string(4 * page, 'b'));
  BOOST_REQUIRE(directory->reserve("b", 2 * page));
  BOOST_TEST(file_size(place.path_of("b")) == 2 * page);
  BOOST_REQUIRE(directory->reserve("b", 3 * page));
  BOOST_TEST(read_text(place.path_of("b")) ==
             std::string(2 * page, 'b') + std::string(page, '\0'));
  BOOST_REQUIRE(directory->create("b", page));
  BOOST_TEST(read_text(place.path_of("b")) == std::string(page, '\0'));
}

BOOST_AUTO_TEST_CASE(a_file_with_another_name_is_refused_and_left_as_it_is) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  BOOST_REQUIRE(directory->lock());
  write_text(place.path_of("kept"), "text");
  BOOST_REQUIRE_EQUAL(::link(place.path_of("kept").c_str(), place.path_of("a").c_str()), 0);
  BOOST_TEST(!directory->reserve("a", page));
  BOOST_TEST(read_text(place.path_of("kept")) == "text");
}

BOOST_AUTO_TEST_CASE(exchanged_files_have_each_others_names_and_one_that_is_alone_is_renamed) {
  TemporaryDirectory const place;
  auto const directory = open_directory(place.path(), {});
  BOOST_REQUIRE(directory->lock());
  write_text(place.path_of("a"), "a");
  BOOST_TEST(directory->exchange("a", "b").has_value());
  BOOST_TEST((directory->list().value() == std::vector<std::string>{"b"}));
  write_text(place.path_of("a"), "new");
  BOOST_TEST(directory->exchange("a", "b").has_value());
  BOOST_TEST(read_text(place.path_of("b")) == "new");
  BOOST_TEST(read_text(place.path_of("a")) == "a");
  BOOST_TEST(directory->exchange("c", "b").error().code.value() == ENOENT);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace stele::wal::test

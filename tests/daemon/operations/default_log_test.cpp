#include "daemon/operations/default_log.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>
#include <string>

using namespace stele::daemon;

namespace {

constexpr std::uint64_t mebibyte_bytes = std::uint64_t{1} << 20;

MachineMemory memory_of(std::uint64_t free_mib) {
  return {.bytes = 2 * free_mib * mebibyte_bytes,
          .limit = "the machine",
          .free_bytes = free_mib * mebibyte_bytes};
}

Config settings(std::string const& text) {
  Config config;
  std::istringstream file(text);
  BOOST_REQUIRE(parse_config_file(file, "test.conf", config).empty());
  return config;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(default_log_test)

BOOST_AUTO_TEST_CASE(entries_get_half_of_what_is_free_or_all_but_what_the_rest_takes) {
  struct Case {
    std::uint64_t free_mib;
    std::uint64_t retain_mib;
    std::uint64_t segment_mib;
  };
  for (auto const& [free_mib, retain_mib, segment_mib] :
       {Case{100, 64, 16}, Case{224, 64, 16}, Case{400, 96, 24}, Case{600, 128, 32},
        Case{1000, 256, 64}, Case{2000, 512, 64}, Case{2700, 1024, 64}, Case{3072, 1024, 64},
        Case{64'000, 1024, 64}}) {
    auto const fitting = with_default_log({}, memory_of(free_mib));
    BOOST_TEST_CONTEXT(free_mib << " MiB are free") {
      BOOST_TEST(fitting.retain_bytes == retain_mib * mebibyte_bytes);
      BOOST_TEST(fitting.segment_bytes == segment_mib * mebibyte_bytes);
      BOOST_TEST(validate(fitting).empty());
      BOOST_TEST(default_log_line(fitting, memory_of(free_mib)).empty() == (retain_mib == 1024));
    }
  }
  MachineMemory const unknown;
  BOOST_TEST((with_default_log({}, unknown) == Config{}));
}

BOOST_AUTO_TEST_CASE(what_somebody_has_set_is_never_changed) {
  for (auto const* const text : {"retain-bytes = 1G", "retain-bytes = 0", "max-store-bytes = 2G",
                                 "retain-bytes = 256M\nsegment-bytes = 64M"}) {
    auto const config = settings(text);
    BOOST_TEST((with_default_log(config, memory_of(400)) == config), text);
    BOOST_TEST(default_log_line(config, memory_of(400)) == "");
    BOOST_TEST(retain_bytes_for({2000 * mebibyte_bytes, true}, config, config.retain_bytes) ==
               config.retain_bytes);
  }
  auto const fitting = with_default_log(settings("segment-bytes = 48M"), memory_of(400));
  BOOST_TEST(fitting.segment_bytes == 48 * mebibyte_bytes);
  BOOST_TEST(fitting.retain_bytes == 192 * mebibyte_bytes);
  BOOST_TEST(validate(fitting).empty());
  auto const large_files = settings("segment-bytes = 256M");
  BOOST_TEST((with_default_log(large_files, memory_of(400)) == large_files));
}

BOOST_AUTO_TEST_CASE(a_log_that_is_larger_than_fits_keeps_what_it_has_and_grows_no_further) {
  auto const fitting = with_default_log({}, memory_of(600));
  BOOST_REQUIRE(fitting.retain_bytes == 128 * mebibyte_bytes);
  auto const most = Config{}.retain_bytes;
  auto const mib_for = [&](std::uint64_t mib, bool is_whole) {
    return retain_bytes_for({mib * mebibyte_bytes, is_whole}, fitting, most) / mebibyte_bytes;
  };
  for (auto const is_whole : {true, false}) {
    BOOST_TEST(mib_for(0, is_whole) == 128U);
    BOOST_TEST(mib_for(128, is_whole) == 128U);
    BOOST_TEST(mib_for(1000, is_whole) == 1024U);
    BOOST_TEST(mib_for(3000, is_whole) == 1024U);
  }
  // Nothing has gone yet: nor does it for the segments that a start makes.
  BOOST_TEST(mib_for(130, true) == 256U);
  BOOST_TEST(mib_for(384, true) == 512U);
  // It has come to a limit: that stays, at each start.
  for (auto const limit : {192U, 256U, 384U, 512U, 768U}) {
    for (auto const below : {0U, 16U, 60U}) BOOST_TEST(mib_for(limit - below, false) == limit);
  }
}

BOOST_AUTO_TEST_SUITE_END()

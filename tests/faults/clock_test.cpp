// The wall clock jumps by a century, either way, under load: nothing changes but the times that
// entries are stamped with.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <random>
#include <string>

#include "faults/rig.hpp"
#include "support/environment.hpp"
#include "support/load.hpp"
#include "support/subject.hpp"

using namespace stele::test;

namespace {

constexpr char const* libraries[] = {"/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                     "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"};

std::string faketime_library() {
  for (auto const* const path : libraries) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

boost::test_tools::assertion_result has_faketime(boost::unit_test::test_unit_id /*unit*/) {
  boost::test_tools::assertion_result result(!is_sanitized() && !faketime_library().empty());
  result.message() << (is_sanitized() ? "needs a daemon without sanitizers" : "needs libfaketime");
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(clock_test, *boost::unit_test::precondition(has_faketime))

BOOST_DATA_TEST_CASE(a_clock_that_jumps_by_a_century_changes_only_what_is_stamped, backends(),
                     backend) {
  auto const seed = number_from_environment("STELE_SEED", std::random_device()());
  std::mt19937_64 random(seed);
  constexpr char const* offsets[] = {"+0", "+100y", "-40y", "-100y", "+0"};
  Steled daemon(backend);
  auto const clock = daemon.home() + "/clock";
  write_file(clock, offsets[0]);
  daemon.start_through({"/usr/bin/env", "LD_PRELOAD=" + faketime_library(),
                        "FAKETIME_TIMESTAMP_FILE=" + clock, "FAKETIME_NO_CACHE=1",
                        "FAKETIME_DONT_FAKE_MONOTONIC=1"});
  daemon.start();
  KillOracle oracle;
  {
    Load load({.socket = daemon.socket(), .name = "t"}, random);
    WirePeer peer(daemon.socket());
    for (auto const* const offset : offsets) {
      write_file(clock, offset);
      BOOST_REQUIRE_MESSAGE(load.wait_for_replies(100, daemon.process()), daemon.log());
      BOOST_TEST(peer.ask(R"({"op":"ping"})").at("ok").as_bool());
    }
    load.finish();
    load.tell(oracle);
  }
  auto const found = look_at(daemon);
  for (auto const& sentence : judge_start(oracle, found)) BOOST_ERROR(sentence);
  daemon.kill_hard();
  write_file(clock, "-100y");
  daemon.start();
  for (auto const& sentence : judge_start(oracle, look_at(daemon))) BOOST_ERROR(sentence);
  BOOST_TEST(daemon.stop() == 0);
  print({.fault = "clock, " + backend,
         .cases = std::size(offsets) + 1,
         .failures = 0,
         .details = std::to_string(found.stored.size()) + " entries",
         .repeat = "STELE_SEED=" + std::to_string(seed)});
}

BOOST_AUTO_TEST_SUITE_END()

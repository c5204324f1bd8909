// A daemon to which the system gives no more memory: it ends, and its log holds what it promised.
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "process/no_sanitizer.hpp"
#include "support/kill_oracle.hpp"
#include "support/load.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::has_no_sanitizer;
using stele::test::KillOracle;
using stele::test::Load;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

std::size_t address_space(pid_t pid) {
  std::istringstream pages(stele::test::read_file("/proc/" + std::to_string(pid) + "/statm"));
  std::size_t count = 0;
  pages >> count;
  return count * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

// A sanitizer needs address space by the terabyte.
BOOST_AUTO_TEST_SUITE(memory_limit_test, *boost::unit_test::precondition(has_no_sanitizer))

BOOST_DATA_TEST_CASE(a_daemon_that_gets_no_more_memory_ends_and_has_lost_nothing,
                     stele::test::backends() * boost::unit_test::data::make({1, 8, 40}), backend,
                     mebibytes_more) {
  Steled daemon(backend, {"--retain-bytes", "0"});
  daemon.start();
  pid_t const pid = daemon.process().pid();
  auto const limit = address_space(pid) + (static_cast<std::size_t>(mebibytes_more) << 20);
  rlimit const bound{limit, limit};
  BOOST_REQUIRE(::prlimit(pid, RLIMIT_AS, &bound, nullptr) == 0);
  std::mt19937_64 random(1);
  Load load({.socket = daemon.socket(), .name = "m"}, random);
  while (load.wait_for_replies(1000, daemon.process())) {
  }
  auto const code = daemon.process().wait();
  load.finish();
  KillOracle oracle;
  load.tell(oracle);
  std::cout << "memory_limit_test: " << backend << ", " << mebibytes_more << " MiB more: exit code "
            << code << ", " << oracle.acknowledged() << " entries acknowledged\n";
  BOOST_TEST(code == 128 + SIGABRT, daemon.log());

  daemon.start();
  WirePeer reader(daemon.socket());
  for (auto const& sentence : oracle.judge(read_entries(reader))) BOOST_ERROR(sentence);
}

BOOST_AUTO_TEST_SUITE_END()

// A daemon to which the system gives no more memory: it ends, and its log holds what it promised.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "process/memory_group.hpp"
#include "process/no_sanitizer.hpp"
#include "support/kill_oracle.hpp"
#include "support/load.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::has_no_sanitizer;
using stele::test::KillOracle;
using stele::test::Load;
using stele::test::MemoryGroup;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

std::size_t address_space(pid_t pid) {
  std::istringstream pages(stele::test::read_file("/proc/" + std::to_string(pid) + "/statm"));
  std::size_t count = 0;
  pages >> count;
  return count * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

constexpr std::size_t a_mebibyte = std::size_t{1} << 20;

/// Another process in the group, with so much memory.
class Neighbour {
 public:
  Neighbour(MemoryGroup const& group, std::size_t bytes) : pid_(::fork()) {
    if (pid_ == 0) {
      std::string const held(group.take(::getpid()) ? bytes : 0, 'x');
      ::raise(held.empty() ? SIGKILL : SIGSTOP);
      ::_exit(held.front());
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid_, &status, WUNTRACED) == pid_);
    BOOST_REQUIRE(WIFSTOPPED(status));
  }
  Neighbour(Neighbour const&) = delete;
  Neighbour& operator=(Neighbour const&) = delete;
  ~Neighbour() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

 private:
  pid_t pid_;
};

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

BOOST_AUTO_TEST_CASE(with_defaults_a_log_at_its_limit_fits_beside_a_neighbour) {
  MemoryGroup const group(1000 * a_mebibyte);
  if (!group.is_there()) return std::cout << "memory_limit_test: no cgroup\n", void();
  Neighbour neighbour(group, 400 * a_mebibyte);
  Steled daemon;
  daemon.start_through(group.launcher());
  daemon.start();
  auto const fits = "retain-bytes is 128M, not 1G";
  BOOST_TEST(daemon.log().find(fits) != std::string::npos, daemon.log());
  WirePeer peer(daemon.socket());
  auto const write =
      R"({"op":"write_log","entry":{"message":")" + std::string(a_mebibyte - 4096, 'x') + "\"}}";
  std::uint64_t seq = 0;
  while (seq < 300) seq = peer.ask(write).at("seq").to_number<std::uint64_t>();
  auto const stats = peer.ask(R"({"op":"stats"})");
  BOOST_TEST(stats.at("limits").at("retain_bytes").to_number<std::uint64_t>() == 128 * a_mebibyte);
  BOOST_TEST(stats.at("store").at("removed_seq").to_number<std::uint64_t>() > 100U);
  BOOST_TEST(stats.at("state").as_string() == "ok");
  BOOST_TEST(neighbour.lives());
  BOOST_TEST(daemon.stop() == 0);

  // What was set stays so, and what is there too.
  daemon.use_flags({"--retain-bytes", "512M"});
  daemon.start();
  WirePeer again(daemon.socket());
  while (seq < 520) seq = again.ask(write).at("seq").to_number<std::uint64_t>();
  auto const oldest = [](WirePeer& reader) {
    return reader.ask(R"({"op":"stats"})").at("store").at("removed_seq").to_number<std::uint64_t>();
  };
  auto const removed_seq = oldest(again);
  BOOST_TEST(daemon.stop() == 0);
  daemon.use_flags({});
  daemon.start();
  BOOST_TEST(daemon.log().find("though 128M fits: the log has") != std::string::npos, daemon.log());
  WirePeer last(daemon.socket());
  BOOST_TEST(oldest(last) == removed_seq);
  BOOST_TEST(neighbour.lives());
}

BOOST_AUTO_TEST_SUITE_END()

// A share of the history for each user: one who floods the log does not remove what others wrote.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

constexpr uid_t flooder = 2001;
constexpr uid_t neighbour = 2002;
constexpr std::uint64_t share_bytes = 2 << 20;

boost::test_tools::assertion_result may_be_others(boost::unit_test::test_unit_id /*unit*/) {
  boost::test_tools::assertion_result result(::getuid() == 0);
  result.message() << "needs root, to be other users";
  return result;
}

/// A daemon that others may connect to, with a log of 8 MiB.
struct SharedLog {
  explicit SharedLog(std::string const& backend, std::string const& share = "25")
      : daemon(backend, {"--segment-bytes", "1M", "--retain-bytes", "8M", "--history-share", share,
                         "--commit-align", "4K", "--socket-mode", "0666"}) {
    ::chmod(daemon.home().c_str(), 0755);
    daemon.start();
  }
  std::unique_ptr<WirePeer> connect(uid_t uid) {
    BOOST_REQUIRE(::seteuid(uid) == 0);
    auto peer = std::make_unique<WirePeer>(daemon.socket());
    BOOST_REQUIRE(::seteuid(0) == 0);
    return peer;
  }
  /// How many of this many writes of 50 kB each are taken before one is refused.
  static int write(WirePeer& peer, int count) {
    auto const request = stele::test::write_of(std::string(50'000, 'x'));
    for (int written = 0; written < count; ++written) {
      auto const reply = peer.ask(request);
      if (reply.at("ok").as_bool()) continue;
      BOOST_TEST(error_code_of(reply) == "no_space");
      BOOST_TEST(reply.at("state").as_string() == "not_written");
      auto const& detail = reply.at("error").at("detail");
      BOOST_TEST(detail.at("history_bytes_max").to_number<std::uint64_t>() == share_bytes);
      return written;
    }
    return count;
  }
  int entries_of(uid_t uid) {
    auto const text = R"({"op":"count_logs","origin":{"uid":)" + std::to_string(uid) + "}}";
    return WirePeer(daemon.socket()).ask(text).at("count").to_number<int>();
  }
  /// Bytes of the history by user, as stats tell.
  std::map<std::uint64_t, std::uint64_t> shares() {
    std::map<std::uint64_t, std::uint64_t> found;
    auto const stats = WirePeer(daemon.socket()).ask(R"({"op":"stats"})");
    for (auto const& user : stats.at("history").at("largest").as_array()) {
      found[user.at("uid").to_number<std::uint64_t>()] =
          user.at("bytes").to_number<std::uint64_t>();
    }
    return found;
  }

  Steled daemon;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(history_share_test)

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_be_others))
BOOST_DATA_TEST_CASE(who_floods_the_log_does_not_remove_what_others_wrote, stele::test::backends(),
                     backend) {
  SharedLog log(backend);
  BOOST_REQUIRE_EQUAL(SharedLog::write(*log.connect(neighbour), 20), 20);
  auto const taken = SharedLog::write(*log.connect(flooder), 1000);
  BOOST_TEST(taken > 40);
  BOOST_TEST(taken < 200);
  BOOST_TEST(log.entries_of(neighbour) == 20);
  BOOST_TEST(log.shares()[flooder] > share_bytes);
  // Others go on, and so does whoever answers for the machine.
  BOOST_TEST(SharedLog::write(*log.connect(neighbour), 1) == 1);
  WirePeer root(log.daemon.socket());
  BOOST_TEST(SharedLog::write(root, 1) == 1);
}

// Whose the entries are is known from the log.
BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_be_others))
BOOST_DATA_TEST_CASE(a_restart_knows_who_has_its_share, boost::unit_test::data::make({false, true}),
                     clean) {
  SharedLog log("posix");
  BOOST_REQUIRE_EQUAL(SharedLog::write(*log.connect(neighbour), 60), 60);
  SharedLog::write(*log.connect(flooder), 1000);
  auto const before = log.shares();
  if (clean) {
    BOOST_TEST(log.daemon.stop() == 0);
  } else {
    log.daemon.kill_hard();
  }
  log.daemon.start();
  // A start makes segments, and may let the oldest go; what a stop has given back can be filled.
  BOOST_TEST(log.shares()[flooder] == before.at(flooder));
  BOOST_TEST(SharedLog::write(*log.connect(flooder), 1000) < 50);
  BOOST_TEST(log.entries_of(neighbour) >= 40);
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_be_others))
BOOST_AUTO_TEST_CASE(who_removes_its_own_entries_only_goes_on) {
  SharedLog log("posix");
  auto const peer = log.connect(flooder);
  BOOST_TEST(SharedLog::write(*peer, 300) == 300);
  BOOST_TEST(SharedLog::write(*log.connect(neighbour), 5) == 5);
  auto const taken = SharedLog::write(*peer, 1000);
  BOOST_TEST(taken > 40);
  BOOST_TEST(taken < 1000);
  BOOST_TEST(log.entries_of(neighbour) == 5);
}

// Each of these takes a block of the disk.
BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_be_others))
BOOST_AUTO_TEST_CASE(small_writes_and_reports_count_with_what_they_take_on_disk) {
  for (std::string const request :
       {R"({"op":"report_dropped","count":1})", R"({"op":"write_log","entry":{"message":"m"}})"}) {
    SharedLog log("posix");
    BOOST_REQUIRE_EQUAL(SharedLog::write(*log.connect(neighbour), 20), 20);
    auto const peer = log.connect(flooder);
    int taken = 0;
    while (taken < 40'000 && peer->ask(request).at("ok").as_bool()) ++taken;
    BOOST_TEST(taken < 40'000, request);
    BOOST_TEST(log.entries_of(neighbour) == 20);
  }
}

BOOST_TEST_DECORATOR(*boost::unit_test::precondition(may_be_others))
BOOST_AUTO_TEST_CASE(without_a_share_the_oldest_entries_go_whoever_wrote_them) {
  SharedLog log("posix", "0");
  BOOST_REQUIRE_EQUAL(SharedLog::write(*log.connect(neighbour), 20), 20);
  BOOST_TEST(SharedLog::write(*log.connect(flooder), 300) == 300);
  BOOST_TEST(log.entries_of(neighbour) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

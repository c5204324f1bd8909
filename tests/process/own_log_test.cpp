// The daemon's own log goes to a reader that has stopped: nobody else notices.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <string>
#include <thread>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::Steled;
using stele::test::WirePeer;

namespace {

/// A FIFO that is full, and that nobody reads until read_all().
class StoppedReader {
 public:
  explicit StoppedReader(std::string const& path) {
    BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    fd_ = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    BOOST_REQUIRE(fd_ >= 0);
    std::array<char, 4096> const filling{};
    while (::write(fd_, filling.data(), filling.size()) > 0) {
    }
  }
  ~StoppedReader() { ::close(fd_); }

  std::string read_all() const {
    std::string text;
    std::array<char, 65536> part{};
    for (;;) {
      auto const got = ::read(fd_, part.data(), part.size());
      if (got <= 0) return text;
      text.append(part.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int fd_ = -1;
};

struct OwnLogFixture {
  OwnLogFixture() {
    daemon.start_through({"/bin/sh", "-c", R"(exec "$@" 2>"$0")", daemon.home() + "/stderr"});
    daemon.start();
  }
  std::uint64_t dropped(WirePeer& peer) {
    auto const stats = peer.ask(R"({"op":"stats"})");
    return stats.at("diagnostics").at("lines_dropped").to_number<std::uint64_t>();
  }

  Steled daemon{"posix", {"--log-level", "debug"}};
  StoppedReader reader{daemon.home() + "/stderr"};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(own_log_test, OwnLogFixture)

BOOST_AUTO_TEST_CASE(a_stderr_that_nobody_reads_stops_nobody_and_not_the_end) {
  WirePeer peer(daemon.socket());
  for (int i = 0; i < 1000; ++i) {
    BOOST_REQUIRE(peer.ask(R"({"op":"report_dropped","count":1})").at("ok").as_bool());
    // Each says a line at the level debug.
    BOOST_REQUIRE(peer.ask(R"({"op":"hello","client":"c"})").at("ok").as_bool());
    BOOST_REQUIRE(WirePeer(daemon.socket()).ask(R"({"op":"ping"})").at("ok").as_bool());
  }
  BOOST_TEST(dropped(peer) > 2000U);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(lines_that_had_no_room_are_counted_and_told_once_there_is_some) {
  WirePeer peer(daemon.socket());
  auto const before = dropped(peer);
  BOOST_TEST(before > 0U);
  reader.read_all();
  daemon.process().signal(SIGHUP);
  std::string text;
  while (text.find("reload: nothing has changed") == std::string::npos) {
    text += reader.read_all();
    std::this_thread::yield();
  }
  BOOST_TEST(text.find(" lines of this log had no room on stderr") != std::string::npos);
  BOOST_TEST(dropped(peer) >= before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(own_log_flood_test)

BOOST_AUTO_TEST_CASE(a_client_that_reports_drops_without_end_gets_few_lines) {
  Steled daemon;
  daemon.start();
  WirePeer peer(daemon.socket());
  std::string requests;
  for (int i = 0; i < 20'000; ++i) {
    requests += stele::test::frame(R"({"op":"report_dropped","count":18446744073709551615})");
  }
  std::thread sender([&] { peer.send_bytes(requests); });
  for (int i = 0; i < 20'000; ++i) {
    if (!peer.receive_json().at("ok").as_bool()) BOOST_ERROR("refused");
  }
  sender.join();
  BOOST_TEST(daemon.log().size() < 20'000U);
  auto const audit = peer.ask(R"({"op":"audit"})");
  BOOST_TEST(audit.at("dropped").to_number<std::uint64_t>() == UINT64_MAX);
  auto const told = stele::test::run_stele(daemon, {"audit"});
  BOOST_TEST(told.exit_code == 1);
  BOOST_TEST(told.out.find("18446744073709551615 dropped") != std::string::npos);
  daemon.kill_hard();
  daemon.start();
  WirePeer again(daemon.socket());
  BOOST_TEST(again.ask(R"({"op":"audit"})").at("dropped").to_number<std::uint64_t>() == UINT64_MAX);
}

BOOST_AUTO_TEST_SUITE_END()

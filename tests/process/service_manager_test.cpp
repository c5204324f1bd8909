// What the daemon tells a service manager, and the socket that it is handed: by a socket of the
// test's own in the place of systemd's.
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/steled.hpp"
#include "support/temp_dir.hpp"
#include "support/wire_peer.hpp"

using namespace stele::test;

namespace {

/// NOTIFY_SOCKET's other end.
class Listener {
 public:
  Listener() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_REQUIRE(::bind(fd_, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    timeval const longest{.tv_sec = patience.count(), .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  }
  Listener(Listener const&) = delete;
  Listener& operator=(Listener const&) = delete;
  ~Listener() { ::close(fd_); }

  std::string path() const { return home_ / "notify"; }

  std::string next() {
    char bytes[4096];
    auto const count = ::recv(fd_, bytes, sizeof bytes, 0);
    BOOST_REQUIRE(count >= 0);
    return {bytes, static_cast<std::size_t>(count)};
  }
  bool has_more() {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) >= 0;
  }
  /// The next message that has this line; what comes before it is kept in `passed`.
  std::string await(std::string const& line) {
    passed.clear();
    while (true) {
      auto const message = next();
      if (("\n" + message).find("\n" + line) != std::string::npos) return message;
      passed += message;
    }
  }

  std::string passed{};

 private:
  TempDir home_{};
  int fd_;
};

std::string value_of(std::string const& message, std::string const& name) {
  auto const at = ("\n" + message).find("\n" + name + "=");
  BOOST_REQUIRE(at != std::string::npos);
  auto const begin = at + name.size() + 1;
  return message.substr(begin, message.find('\n', begin) - begin);
}

/// Makes a socket at the path and becomes the daemon, which finds it as systemd passes it.
std::vector<std::string> handing_over(std::string const& path, std::string const& name,
                                      int count = 1) {
  return {"/usr/bin/env",
          "python3",
          "-c",
          "import os, socket, sys\n"
          "path, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
          "if os.path.exists(path): os.unlink(path)\n"
          "listening = socket.socket(socket.AF_UNIX)\n"
          "listening.bind(path)\n"
          "listening.listen(64)\n"
          "for fd in range(3, 3 + count):\n"
          "    if fd != listening.fileno(): os.dup2(listening.fileno(), fd)\n"
          "    os.set_inheritable(fd, True)\n"
          "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count),\n"
          "                  LISTEN_FDNAMES=':'.join([name] * count))\n"
          "os.execv(sys.argv[4], sys.argv[4:])\n",
          path,
          name,
          std::to_string(count)};
}

void write_entry(Steled const& daemon, std::string const& message) {
  WirePeer peer(daemon.socket());
  auto const reply = peer.ask(R"({"op":"write_log","entry":{"message":")" + message + "\"}}");
  BOOST_TEST(error_code_of(reply) == "");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(service_manager_test)

BOOST_AUTO_TEST_CASE(ready_is_told_after_the_recovery_and_with_the_last_entry_on_disk) {
  Listener manager;
  Steled daemon;
  daemon.start();
  write_entry(daemon, "a");
  daemon.kill_hard();

  daemon.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path()});
  daemon.launch();
  auto const ready = manager.await("READY=1");
  BOOST_TEST(value_of(ready, "STATUS").find("on disk up to entry 1") != std::string::npos);
  BOOST_TEST(manager.passed.find("EXTEND_TIMEOUT_USEC=") != std::string::npos);
  BOOST_TEST(manager.passed.find("STATUS=recovering: ") != std::string::npos);
  // Now, not soon.
  write_entry(daemon, "b");
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_is_never_ready) {
  Listener manager;
  Steled first;
  first.start();
  Steled second;
  second.keep_data_in(first.data_dir());
  second.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path()});
  second.launch();
  BOOST_REQUIRE(second.process().wait() == 75);
  BOOST_TEST(manager.next().starts_with("EXTEND_TIMEOUT_USEC="));
  BOOST_TEST(!manager.has_more());
}

BOOST_AUTO_TEST_CASE(lines_for_the_journal_carry_their_priority_and_no_time) {
  Steled daemon("posix", {"--max-user-connections", "0"});
  daemon.start();
  daemon.stop();
  struct stat log {};
  BOOST_REQUIRE(::stat((daemon.home() + "/steled.log").c_str(), &log) == 0);
  auto const elsewhere = daemon.log();
  BOOST_TEST(elsewhere.find('<') == std::string::npos);
  // systemd names the file behind stderr; if it is another by now, the lines are for people.
  auto const name =
      "JOURNAL_STREAM=" + std::to_string(log.st_dev) + ":" + std::to_string(log.st_ino);
  daemon.start_through({"/usr/bin/env", name});
  daemon.start();
  daemon.kill_hard();
  auto const lines = daemon.log().substr(elsewhere.size());
  BOOST_TEST(lines.starts_with("<6>"), lines);
  BOOST_TEST(lines.find("\n<") != std::string::npos);
  daemon.start_through({"/usr/bin/env", name + "0"});
  daemon.start();
  BOOST_TEST(daemon.log().substr(elsewhere.size() + lines.size()).starts_with("20"));
}

BOOST_AUTO_TEST_CASE(stopping_is_told_at_sigterm) {
  Listener manager;
  Steled daemon;
  daemon.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path()});
  daemon.launch();
  manager.await("READY=1");
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(manager.await("STOPPING=1").find("finishing what is in flight") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_loop_feeds_the_watchdog_from_ready_on) {
  Listener manager;
  Steled daemon;
  daemon.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path(), "WATCHDOG_USEC=100000"});
  daemon.launch();
  manager.await("READY=1");
  BOOST_TEST(manager.passed.find("WATCHDOG=1") == std::string::npos);
  for (int i = 0; i < 3; ++i) manager.await("WATCHDOG=1");
}

BOOST_AUTO_TEST_CASE(nobody_watches_while_files_are_made_and_removed) {
  Listener manager;
  Steled daemon("posix", {"--segment-bytes", "1M"});
  daemon.start_through(
      {"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path(), "WATCHDOG_USEC=60000000"});
  daemon.launch();
  manager.await("READY=1");
  WirePeer peer(daemon.socket());
  std::string const large(700'000, 'x');
  for (int i = 0; i < 2; ++i) {
    auto const reply = peer.ask(R"({"op":"write_log","entry":{"message":")" + large + "\"}}");
    BOOST_TEST(error_code_of(reply) == "");
  }
  BOOST_TEST(manager.await("WATCHDOG_USEC=") == "WATCHDOG_USEC=0\n");
  BOOST_TEST(manager.next() == "WATCHDOG_USEC=60000000\n");
}

BOOST_AUTO_TEST_CASE(sighup_applies_what_can_change_and_names_what_cannot) {
  Listener manager;
  TempDir home;
  auto const file = home / "steled.conf";
  write_file(file, "max-connections = 1\n");
  Steled daemon("posix", {"--config", file});
  daemon.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path()});
  daemon.launch();
  manager.await("READY=1");
  WirePeer first(daemon.socket());
  first.ask(R"({"op":"ping"})");
  BOOST_TEST(error_code_of(WirePeer(daemon.socket()).ask(R"({"op":"ping"})")) ==
             "too_many_connections");

  write_file(file, "max-connections = 8\nretain-bytes = 2G\n");
  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  daemon.process().signal(SIGHUP);
  auto const reloading = manager.await("RELOADING=1");
  BOOST_TEST(std::stoll(value_of(reloading, "MONOTONIC_USEC")) >=
             before.tv_sec * 1'000'000 + before.tv_nsec / 1000);
  manager.await("READY=1");
  BOOST_TEST(error_code_of(WirePeer(daemon.socket()).ask(R"({"op":"ping"})")) == "");
  BOOST_TEST(daemon.log().find("reload: max-connections has changed") != std::string::npos);
  BOOST_TEST(
      daemon.log().find("reload: retain-bytes has changed in the file; it needs a restart") !=
      std::string::npos);
}

BOOST_AUTO_TEST_CASE(sighup_with_a_wrong_file_changes_nothing) {
  Listener manager;
  TempDir home;
  auto const file = home / "steled.conf";
  write_file(file, "max-connections = 4\n");
  Steled daemon("posix", {"--config", file});
  daemon.start_through({"/usr/bin/env", "NOTIFY_SOCKET=" + manager.path()});
  daemon.launch();
  manager.await("READY=1");
  write_file(file, "max-connections = 1\nmay-write = nobody-of-that-name\n");
  daemon.process().signal(SIGHUP);
  manager.await("RELOADING=1");
  manager.await("READY=1");
  WirePeer first(daemon.socket());
  first.ask(R"({"op":"ping"})");
  BOOST_TEST(error_code_of(WirePeer(daemon.socket()).ask(R"({"op":"ping"})")) == "");
  BOOST_TEST(daemon.log().find("reload: " + file + ": may-write") != std::string::npos);
  BOOST_TEST(daemon.log().find("nothing was changed") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_passed_is_served_and_its_file_outlives_the_daemon) {
  Steled daemon;
  daemon.start_through(handing_over(daemon.socket(), "stele"));
  daemon.start();
  write_entry(daemon, "a");
  BOOST_TEST(daemon.log().find("listening on " + daemon.socket()) != std::string::npos);
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(std::filesystem::exists(daemon.socket()));
}

BOOST_AUTO_TEST_CASE(a_client_that_connects_before_the_daemon_serves_waits_and_is_answered) {
  TempDir home;
  Steled daemon;
  auto launcher = handing_over(daemon.socket(), "stele");
  // Half a second in which only the backlog takes connections.
  launcher[3].insert(launcher[3].find("os.execv"), "import time; time.sleep(0.5)\n");
  daemon.start_through(launcher);
  daemon.start();
  WirePeer early(daemon.socket());
  BOOST_TEST(error_code_of(early.ask(R"({"op":"ping"})")) == "");
  BOOST_TEST(daemon.log().find("listening on") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(sockets_of_another_name_or_number_are_refused) {
  Steled misnamed;
  misnamed.start_through(handing_over(misnamed.socket(), "other"));
  misnamed.launch();
  BOOST_TEST(misnamed.process().wait() == 78);
  BOOST_TEST(misnamed.log().find("FileDescriptorName=stele") != std::string::npos);
  Steled doubled;
  doubled.start_through(handing_over(doubled.socket(), "stele", 2));
  doubled.launch();
  BOOST_TEST(doubled.process().wait() == 78);
}

BOOST_AUTO_TEST_SUITE_END()

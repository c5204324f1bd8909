// Who gets at the daemon: the file of its socket, and the lists of those who may write and read.
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;

namespace {

constexpr auto write_one = R"({"op":"write_log","entry":{"message":"m"}})";
constexpr auto read_logs = R"({"op":"read_logs"})";
constexpr uid_t stranger = 54321;
constexpr gid_t club = 54322;

boost::test_tools::assertion_result is_root(boost::unit_test::test_unit_id /*test*/) {
  boost::test_tools::assertion_result result(::geteuid() == 0);
  result.message() << "needs root";
  return result;
}

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups{};
};

/// Runs `act` in a process of this user; true if it says so.
bool as_user(User const& user, std::function<bool()> const& act) {
  pid_t const child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    bool good = false;
    if (::setgroups(user.groups.size(), user.groups.data()) == 0 &&
        ::setresgid(user.gid, user.gid, user.gid) == 0 &&
        ::setresuid(user.uid, user.uid, user.uid) == 0) {
      try {
        good = act();
      } catch (std::exception const& error) {
        std::fprintf(stderr, "as user %u: %s\n", user.uid, error.what());
      }
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string code_for(std::string const& socket, std::string_view request) {
  return error_code_of(WirePeer(socket).ask(request));
}

struct stat status_of(std::string const& path) {
  struct stat status {};
  BOOST_REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// A connection of that user: the kernel tells the effective one of the time of connecting.
std::unique_ptr<WirePeer> connect_as(uid_t uid, std::string const& socket) {
  BOOST_REQUIRE(::seteuid(uid) == 0);
  auto peer = std::make_unique<WirePeer>(socket);
  BOOST_REQUIRE(::seteuid(0) == 0);
  return peer;
}

/// The connections that the start made to see whether the daemon answers may still count.
void wait_until_nobody_else_is_connected(Steled const& daemon) {
  auto const deadline = std::chrono::steady_clock::now() + stele::test::patience;
  while (WirePeer(daemon.socket())
             .ask(R"({"op":"stats"})")
             .at("connections")
             .at("open")
             .to_number<int>() > 1) {
    BOOST_REQUIRE(std::chrono::steady_clock::now() < deadline);
  }
}

/// Lets others come as far as the socket.
void open_home(Steled const& daemon) {
  std::filesystem::permissions(daemon.home(), std::filesystem::perms(0755));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(access_test)

BOOST_AUTO_TEST_CASE(who_is_not_on_the_list_is_told_forbidden) {
  Steled daemon("posix", {"--may-write", "54321,@54322"});
  daemon.start();
  WirePeer peer(daemon.socket());
  auto const refused = peer.ask(write_one);
  BOOST_TEST(error_code_of(refused) == "forbidden");
  BOOST_TEST(refused.at("state").as_string() == "not_written");
  BOOST_TEST(refused.at("error").at("detail").at("uid").to_number<uid_t>() == ::getuid());
  BOOST_TEST(peer.ask(read_logs).at("entries").as_array().empty());
  BOOST_TEST(peer.ask(R"({"op":"stats"})").at("errors").at("forbidden").as_int64() == 1);
}

BOOST_AUTO_TEST_CASE(a_user_and_a_group_on_the_list_are_let_in) {
  for (auto const& list : {std::to_string(::geteuid()), "@" + std::to_string(::getegid())}) {
    BOOST_TEST_CONTEXT(list) {
      Steled daemon("posix", {"--may-write", list, "--may-read", "54321"});
      daemon.start();
      WirePeer peer(daemon.socket());
      BOOST_TEST(peer.ask(write_one).at("seq").as_int64() == 1);
      BOOST_TEST(error_code_of(peer.ask(read_logs)) == "forbidden");
      BOOST_TEST(error_code_of(peer.ask(R"({"op":"audit"})")) == "forbidden");
    }
  }
}

BOOST_AUTO_TEST_CASE(each_user_gets_what_the_lists_give, *boost::unit_test::precondition(is_root)) {
  Steled daemon("posix",
                {"--socket-mode", "0666", "--may-write", "54321,@54322", "--may-read", "0,@54322"});
  daemon.start();
  open_home(daemon);
  auto const socket = daemon.socket();
  auto const gets = [&](User const& user, std::string const& writes, std::string const& reads) {
    return as_user(user, [&] {
      return code_for(socket, write_one) == writes && code_for(socket, read_logs) == reads;
    });
  };
  std::string const forbidden = "forbidden";
  BOOST_TEST(gets({stranger, stranger}, "", forbidden));
  BOOST_TEST(gets({100, club}, "", ""));
  BOOST_TEST(gets({100, 100, {7, club, 8}}, "", ""));
  BOOST_TEST(gets({100, 100}, forbidden, forbidden));
  BOOST_TEST(gets({0, 0}, forbidden, ""));
  // The origin is the kernel's word, not the client's.
  BOOST_TEST(as_user({stranger, 77}, [&] {
    WirePeer peer(socket);
    auto const forged =
        peer.ask(R"({"op":"write_log","entry":{"message":"m","origin":{"uid":0}}})");
    return error_code_of(forged) == "invalid_entry" && error_code_of(peer.ask(write_one)).empty();
  }));
  WirePeer root(socket);
  auto const stored = stele::test::read_entries(root);
  BOOST_REQUIRE(!stored.empty());
  BOOST_TEST(stored.back().origin.find(R"("uid":54321,"gid":77)") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_user_cannot_shut_out_another_and_root_always_gets_in,
                     *boost::unit_test::precondition(is_root)) {
  Steled daemon(
      "posix", {"--socket-mode", "0666", "--max-connections", "16", "--max-user-connections", "6"});
  daemon.start();
  open_home(daemon);
  wait_until_nobody_else_is_connected(daemon);
  std::vector<std::unique_ptr<WirePeer>> crowd;
  // The bound that refuses the one after `count` connections of this user.
  auto const bound_after = [&](std::size_t count, uid_t uid) -> std::string {
    for (std::size_t i = 0; i < count; ++i) {
      crowd.push_back(connect_as(uid, daemon.socket()));
      auto const reply = crowd.back()->ask(R"({"op":"ping"})");
      if (!error_code_of(reply).empty()) return "refused after " + std::to_string(i);
    }
    auto const one_more = connect_as(uid, daemon.socket());
    one_more->send(R"({"op":"ping"})");
    auto const reply = one_more->receive_json();
    if (error_code_of(reply) != "too_many_connections" || one_more->receive()) return "served";
    return reply.at("error").at("detail").as_object().begin()->key();
  };
  BOOST_TEST(bound_after(6, stranger) == "user_connections_max");
  BOOST_TEST(bound_after(6, stranger + 1) == "user_connections_max");
  BOOST_TEST(bound_after(2, stranger + 2) == "connections_max");  // Two are kept back.
  BOOST_TEST(bound_after(2, 0) == "connections_max");
  for (auto const& peer : crowd) BOOST_TEST(peer->ask(R"({"op":"ping"})").at("ok").as_bool());
}

BOOST_AUTO_TEST_CASE(the_file_of_the_socket_has_its_mode_owner_and_group,
                     *boost::unit_test::precondition(is_root)) {
  Steled daemon("posix", {"--socket-owner", "54321", "--socket-group", "54322"});
  daemon.start();
  open_home(daemon);
  auto const socket = status_of(daemon.socket());
  BOOST_TEST((socket.st_mode & 0777) == 0660U);
  BOOST_TEST(socket.st_uid == stranger);
  BOOST_TEST(socket.st_gid == club);
  auto const connects = [&] { return code_for(daemon.socket(), R"({"op":"ping"})").empty(); };
  BOOST_TEST(as_user({stranger, 1}, connects));
  BOOST_TEST(as_user({100, club}, connects));
  BOOST_TEST(!as_user({100, 100}, connects));
  // A dead socket is still ours, whoever it was given to.
  daemon.kill_hard();
  daemon.start();
  BOOST_TEST(status_of(daemon.socket()).st_uid == stranger);
}

BOOST_AUTO_TEST_CASE(a_group_that_the_process_may_not_give_is_a_wrong_setting,
                     *boost::unit_test::precondition(is_root)) {
  Steled daemon("posix", {"--socket-group", "54322"});
  std::filesystem::permissions(daemon.home(), std::filesystem::perms(0755));
  BOOST_REQUIRE(::chown(daemon.home().c_str(), stranger, stranger) == 0);
  daemon.start_through({"/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"});
  std::ofstream(daemon.home() + "/steled.log").close();
  std::filesystem::permissions(daemon.home() + "/steled.log", std::filesystem::perms(0666));
  daemon.launch();
  int const code = daemon.process().wait();
  if (code == 127 || code == 126) return;  // The program lies where that user cannot reach it.
  BOOST_TEST(code == 78);
  BOOST_TEST(daemon.log().find("socket-group") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(daemon.socket()));
}

BOOST_AUTO_TEST_CASE(a_directory_that_everybody_may_write_to_is_no_place_for_a_socket) {
  Steled daemon;
  std::filesystem::create_directory(daemon.home() + "/open");
  auto const place = daemon.home() + "/open";
  std::filesystem::permissions(place, std::filesystem::perms(0777));
  auto const refused = stele::test::run_program(daemon.command(place + "/stele.sock"));
  BOOST_TEST(refused.exit_code == 78);
  BOOST_TEST(refused.err.find(place) != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(place + "/stele.sock"));
}

BOOST_AUTO_TEST_CASE(the_files_of_the_log_are_for_their_owner_alone) {
  ::umask(0);
  Steled daemon;
  daemon.start();
  ::umask(022);
  WirePeer(daemon.socket()).ask(write_one);
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST((status_of(daemon.data_dir()).st_mode & 07777) == 0700U);
  std::size_t files = 0;
  for (auto const& file : std::filesystem::directory_iterator(daemon.data_dir())) {
    BOOST_TEST_CONTEXT(file.path()) {
      BOOST_TEST((status_of(file.path()).st_mode & 07777) == 0600U);
    }
    ++files;
  }
  BOOST_TEST(files >= 3U);
}

BOOST_AUTO_TEST_SUITE_END()

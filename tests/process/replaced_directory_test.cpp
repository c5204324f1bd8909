// The data directory under a daemon at work: shared, removed, replaced, or not fit to start on.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <functional>
#include <string>

#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::backends;
using stele::test::error_code_of;
using stele::test::Steled;
using stele::test::WirePeer;
namespace fs = std::filesystem;

namespace {

constexpr char const* one_write = R"({"op":"write_log","entry":{"message":"m"}})";

struct Replacement {
  char const* what;
  void (*happen)(std::string const& data);
};

/// As a restore does it, and other ways to lose what is acknowledged next.
constexpr Replacement replacements[] = {
    {"the directory is removed", [](std::string const& data) { fs::remove_all(data); }},
    {"the directory is moved away", [](std::string const& data) { fs::rename(data, data + "-"); }},
    {"a copy is put in its place",
     [](std::string const& data) {
       fs::copy(data, data + "-copy");
       fs::rename(data, data + "-old");
       fs::rename(data + "-copy", data);
     }},
    {"its segments are removed",
     [](std::string const& data) {
       for (auto const& file : fs::directory_iterator(data)) {
         if (file.path().extension() == ".seg") fs::remove(file);
       }
     }},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(replaced_directory_test)

BOOST_DATA_TEST_CASE(a_second_daemon_is_refused_also_when_lock_is_gone, backends(), backend) {
  Steled first(backend);
  first.start();
  WirePeer peer(first.socket());
  auto const lock_file = first.data_dir() + "/LOCK";
  for (auto const& change :
       {std::function<void()>([] {}), std::function<void()>([&] { fs::remove(lock_file); }),
        std::function<void()>([&] {
          fs::remove(lock_file);
          stele::test::write_file(lock_file, "");
        })}) {
    change();
    auto const second = stele::test::run_program(first.command(first.home() + "/other.sock"));
    BOOST_TEST(second.exit_code == 75);
    BOOST_TEST(peer.ask(one_write).at("ok").as_bool());
  }
  auto const seen = stele::test::read_entries(peer).size();
  BOOST_TEST(seen == 3U);
  BOOST_TEST(first.stop() == 0);
  first.start();
  WirePeer reader(first.socket());
  BOOST_TEST(stele::test::read_entries(reader).size() == seen);
}

BOOST_DATA_TEST_CASE(a_daemon_whose_directory_is_replaced_fails_and_ends_with_74, backends(),
                     backend) {
  for (auto const& [what, happen] : replacements) {
    BOOST_TEST_CONTEXT(what) {
      Steled daemon(backend);
      daemon.start();
      WirePeer peer(daemon.socket());
      BOOST_TEST(peer.ask(one_write).at("ok").as_bool());
      happen(daemon.data_dir());
      // Also when nobody writes.
      BOOST_TEST(daemon.process().wait() == 74);
      // A segment that is being made may miss its directory first.
      bool const is_told =
          daemon.log().find("removed or replaced while it was in use") != std::string::npos ||
          daemon.log().find("No such file or directory") != std::string::npos;
      BOOST_TEST(is_told, daemon.log());
    }
  }
}

// The file is gone before the first write: not one of them is acknowledged.
BOOST_DATA_TEST_CASE(nothing_is_acknowledged_into_a_file_that_is_gone, backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  WirePeer peer(daemon.socket());
  BOOST_TEST(peer.ask(one_write).at("ok").as_bool());
  fs::remove_all(daemon.data_dir());
  peer.send(one_write);
  if (auto const reply = peer.receive()) {
    // Where the daemon has noticed before it came, it is stopping already.
    bool const has_noticed =
        reply->find("\"state\":\"not_written\",\"error\":{\"code\":\"shutting_down\"") !=
        std::string::npos;
    BOOST_TEST((has_noticed || reply->find("\"log_failed\"") != std::string::npos), *reply);
  }
  BOOST_TEST(daemon.process().wait() == 74);
}

BOOST_AUTO_TEST_CASE(a_place_that_a_start_cannot_use_ends_it_with_78_and_says_why) {
  struct Case {
    char const* what;
    std::function<void(std::string const& data)> prepare;
    char const* said;
  };
  Case const cases[] = {
      {"open to everybody",
       [](auto const& data) {
         fs::create_directory(data);
         ::chmod(data.c_str(), 0777);
       },
       "everyone may write here"},
      {"a file", [](auto const& data) { stele::test::write_file(data, ""); }, "Not a directory"},
      {"a circle of links", [](auto const& data) { fs::create_symlink(data, data); },
       "Too many levels"},
      {"a LOCK that is a directory",
       [](auto const& data) {
         fs::create_directory(data);
         fs::permissions(data, fs::perms::owner_all);
         fs::create_directory(data + "/LOCK");
       },
       "LOCK"},
  };
  for (auto const& [what, prepare, said] : cases) {
    BOOST_TEST_CONTEXT(what) {
      Steled daemon("posix");
      prepare(daemon.data_dir());
      daemon.launch();
      BOOST_TEST(daemon.process().wait() == 78);
      BOOST_TEST(daemon.log().find(said) != std::string::npos, daemon.log());
    }
  }
  Steled daemon("posix");
  for (auto const& path :
       {daemon.home() + "/no/data", daemon.home() + '/' + std::string(300, 'n')}) {
    daemon.keep_data_in(path);
    daemon.launch();
    BOOST_TEST(daemon.process().wait() == 78);
  }
}

BOOST_DATA_TEST_CASE(a_limit_on_the_size_of_files_is_told_and_no_signal, backends(), backend) {
  for (char const* const blocks : {"0", "1", "1024"}) {
    BOOST_TEST_CONTEXT("ulimit -f " << blocks) {
      Steled daemon(backend);
      daemon.start_through(
          {"/bin/sh", "-c", std::string("ulimit -f ") + blocks + R"(; exec "$0" "$@")"});
      daemon.launch();
      BOOST_TEST(daemon.process().wait() == 78);
      // With less, there is no room for its own log, either.
      if (std::string(blocks) != "1024") continue;
      BOOST_TEST(daemon.log().find("RLIMIT_FSIZE") != std::string::npos, daemon.log());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

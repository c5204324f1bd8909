// `stele doctor` on this machine: what it finds by looking, made so and made otherwise.
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "support/steled.hpp"

using stele::test::Finished;
using stele::test::run_stele;
using stele::test::Steled;

namespace {

Finished doctor(Steled const& daemon, std::string const& directory) {
  return run_stele(daemon, {"doctor", "--data-dir", directory});
}

/// The line of a check, without its name.
std::string line_of(Finished const& visit, std::string const& check) {
  auto const at = visit.out.find("  " + check + "  ");
  if (at == std::string::npos) return "";
  auto const begin = visit.out.rfind('\n', at) + 1;
  return visit.out.substr(begin, visit.out.find('\n', at) - begin);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_test)

BOOST_AUTO_TEST_CASE(a_daemon_that_is_gone_is_bad) {
  Steled daemon;
  daemon.start();
  auto const well = doctor(daemon, daemon.data_dir());
  BOOST_TEST(line_of(well, "daemon").starts_with("ok    daemon       steled "), well.out);
  BOOST_TEST(line_of(well, "daemon").ends_with("state ok"), well.out);
  BOOST_TEST(daemon.stop() == 0);
  auto const gone = doctor(daemon, daemon.data_dir());
  BOOST_TEST(gone.exit_code == 1);
  BOOST_TEST(line_of(gone, "daemon").starts_with("bad   daemon       does not answer"), gone.out);
  BOOST_TEST(line_of(gone, "socket").starts_with("bad   socket "), gone.out);
}

BOOST_AUTO_TEST_CASE(memory_is_no_disk_and_a_disk_is_measured) {
  Steled daemon;
  daemon.start();
  auto const disk = doctor(daemon, daemon.data_dir());
  BOOST_TEST(line_of(disk, "syncs").find(" of 200 writes of 4096 bytes, ") != std::string::npos,
             disk.out);
  BOOST_TEST(line_of(disk, "file system").find("memory") == std::string::npos, disk.out);
  auto const memory = doctor(daemon, "/dev/shm/not/there/yet");
  BOOST_TEST(memory.exit_code == 1);
  BOOST_TEST(line_of(memory, "file system").starts_with("bad   file system  tmpfs on "),
             memory.out);
  auto const proc = doctor(daemon, "/proc");
  BOOST_TEST(line_of(proc, "syncs").starts_with("note  syncs        not measured: "), proc.out);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_socket_that_everybody_may_use_is_a_warning) {
  Steled daemon;
  daemon.start();
  BOOST_TEST(line_of(doctor(daemon, daemon.data_dir()), "socket").starts_with("ok "));
  BOOST_TEST(::chmod(daemon.socket().c_str(), 0666) == 0);
  auto const open = doctor(daemon, daemon.data_dir());
  BOOST_TEST(line_of(open, "socket").starts_with("warn  socket       0666 "), open.out);
  BOOST_TEST(open.exit_code != 0);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(entries_of_the_future_are_told) {
  Steled daemon;
  daemon.start();
  BOOST_TEST(line_of(doctor(daemon, daemon.data_dir()), "clock").find("future") ==
             std::string::npos);
  run_stele(daemon, {"write", "--timestamp", "tomorrow", "ahead"});
  auto const ahead = doctor(daemon, daemon.data_dir());
  BOOST_TEST(line_of(ahead, "clock").starts_with("warn  clock "), ahead.out);
  BOOST_TEST(line_of(ahead, "clock").find("in the future") != std::string::npos, ahead.out);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

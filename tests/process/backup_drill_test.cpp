// `stele backup`: taken beside a daemon that writes, turns segments and removes them, and restored
// by starting a daemon on the copy.
#include <atomic>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/log_files.hpp"
#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"
#include "support/wire_peer.hpp"

using stele::test::change_last;
using stele::test::is_sanitized;
using stele::test::last_used_segment;
using stele::test::number_from_environment;
using stele::test::run_stele;
using stele::test::Steled;
using stele::test::WirePeer;
using stele::test::write_of;
using stele::test::write_some;

namespace {

stele::test::Finished backup(Steled const& daemon, std::string const& path,
                             std::vector<std::string> const& more = {}) {
  std::vector<std::string> words{"backup", path, "--data-dir", daemon.data_dir()};
  words.insert(words.end(), more.begin(), more.end());
  return run_stele(daemon, words);
}

/// Writes numbers, a line of some length each, until it is stopped.
class NumberWriter {
 public:
  explicit NumberWriter(std::string const& socket) : thread_([this, socket] { work(socket); }) {}
  NumberWriter(NumberWriter const&) = delete;
  NumberWriter& operator=(NumberWriter const&) = delete;
  ~NumberWriter() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  void work(std::string const& socket) {
    WirePeer peer(socket);
    auto const tail = " " + std::string(20'000, 'x');
    while (!stop_) {
      peer.ask(write_of(std::to_string(acknowledged_ + 1) + tail));
      ++acknowledged_;
    }
  }

  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::thread thread_;
};

/// Starts a daemon on a copy of the backup and reads all of it: numbers without a gap.
std::uint64_t last_number_of(std::string const& path, std::string const& scratch) {
  std::filesystem::remove_all(scratch);
  std::filesystem::copy(path, scratch);
  Steled restored("posix", {"--on-damage", "refuse"});
  restored.keep_data_in(scratch);
  restored.start();
  std::istringstream text(run_stele(restored, {"read", "-o", "cat"}).out);
  std::uint64_t last = 0;
  for (std::string line; std::getline(text, line);) {
    auto const number = std::stoull(line);
    if (last != 0) BOOST_TEST(number == last + 1);
    last = number;
  }
  BOOST_TEST(run_stele(restored, {"write", "the copy goes on"}).exit_code == 0);
  BOOST_TEST(restored.stop() == 0);
  return last;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backup_drill_test)

BOOST_DATA_TEST_CASE(backups_beside_a_daemon_at_work_hold_all_that_was_acknowledged_before,
                     stele::test::backends(), backend) {
  auto const runs = number_from_environment("STELE_BACKUP_RUNS", is_sanitized() ? 3 : 10);
  Steled daemon(backend, {"--segment-bytes", "1M", "--retain-bytes", "8M"});
  daemon.start();
  auto const path = daemon.home() + "/copy";
  {
    NumberWriter const writer(daemon.socket());
    std::uint64_t run = 0;
    // Old files expire meanwhile, however slow the machine is.
    for (; run < runs || writer.acknowledged() <= 500; ++run) {
      auto const acknowledged = writer.acknowledged();
      auto const done = backup(daemon, path, {"--incremental"});
      BOOST_TEST(done.exit_code == 0, done.out << done.err);
      BOOST_TEST(run_stele(daemon, {"verify", path}).exit_code == 0);
      if (run % 5 == 0) {
        BOOST_TEST(last_number_of(path, daemon.home() + "/drill") >= acknowledged);
      }
    }
    BOOST_TEST_MESSAGE(backend << ": " << run << " backups beside " << writer.acknowledged()
                               << " acknowledged writes");
  }
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_restored_log_keeps_its_id_its_seqs_and_its_writers) {
  Steled daemon("posix");
  daemon.start();
  auto const id = "00000000000000000000000000000001";
  auto const hello = std::string(R"({"op":"hello","writer":")") + id + "\"}";
  auto const numbered = R"({"op":"write_log","write_no":1,"entry":{"message":"numbered"}})";
  {
    WirePeer peer(daemon.socket());
    peer.ask(hello);
    peer.ask(numbered);
  }
  write_some(daemon.socket(), {"two"});
  auto const path = daemon.home() + "/copy";
  BOOST_TEST(backup(daemon, path).exit_code == 0);
  auto const entries = run_stele(daemon, {"read", "-o", "json"}).out;
  write_some(daemon.socket(), {"not in the copy"});
  BOOST_TEST(daemon.stop() == 0);

  daemon.keep_data_in(path);
  daemon.start();
  BOOST_TEST(run_stele(daemon, {"read", "-o", "json"}).out == entries);
  BOOST_TEST(run_stele(daemon, {"audit"}).exit_code == 0);
  {
    WirePeer peer(daemon.socket());
    peer.ask(hello);
    peer.ask(numbered);
  }
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "numbered\ntwo\n");
  // What the copy is now, its daemon says; it is no earlier copy any more.
  auto const own_way = run_stele(daemon, {"backup", "--incremental", daemon.home() + "/copy",
                                          "--data-dir", daemon.home() + "/data"});
  BOOST_TEST(own_way.exit_code == 1);
  BOOST_TEST(own_way.err.find("a process has the copy open") != std::string::npos, own_way.err);
  BOOST_TEST(daemon.stop() == 0);
  auto const diverged = run_stele(daemon, {"backup", "--incremental", daemon.home() + "/copy",
                                           "--data-dir", daemon.home() + "/data"});
  BOOST_TEST(diverged.exit_code == 1);
  BOOST_TEST(diverged.err.find("not an earlier copy of this log") != std::string::npos,
             diverged.err);
}

BOOST_AUTO_TEST_CASE(a_backup_replaces_nothing_unless_it_is_asked_to) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one"});
  auto const path = daemon.home() + "/copy";
  BOOST_TEST(backup(daemon, path).exit_code == 0);
  auto const again = backup(daemon, path);
  BOOST_TEST(again.exit_code == 1);
  BOOST_TEST(again.err.find("File exists") != std::string::npos, again.err);
  auto const more = backup(daemon, path, {"--incremental"});
  BOOST_TEST(more.exit_code == 0, more.err);
  BOOST_TEST(more.out.find("\ncopied 1 segment of 1, ") != std::string::npos, more.out);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(damage_is_1_and_in_the_copy_and_no_log_is_7) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"good", "rotten", "good too"});
  BOOST_TEST(daemon.stop() == 0);
  change_last(last_used_segment(daemon.data_dir()), "rotten");
  auto const path = daemon.home() + "/copy";
  auto const done = backup(daemon, path);
  BOOST_TEST(done.exit_code == 1);
  BOOST_TEST(done.out.starts_with("damage: wal-0000000000000001.seg at offset "), done.out);
  BOOST_TEST(run_stele(daemon, {"verify", path}).exit_code == 1);
  BOOST_TEST(run_stele(daemon, {"verify", path}).out ==
             run_stele(daemon, {"verify", daemon.data_dir()}).out);
  std::filesystem::create_directory(daemon.home() + "/empty");
  auto const none =
      run_stele(daemon, {"backup", path + "2", "--data-dir", daemon.home() + "/empty"});
  BOOST_TEST(none.exit_code == 7);
  BOOST_TEST(!std::filesystem::exists(path + "2"));
  BOOST_TEST(!std::filesystem::exists(path + "2.unfinished"));
}

BOOST_AUTO_TEST_CASE(a_copy_for_which_there_is_no_room_is_removed_and_that_is_said) {
  Steled daemon;
  daemon.start();
  std::vector<std::string> const messages(20, std::string(1000, 'x'));
  write_some(daemon.socket(), messages);
  BOOST_TEST(daemon.stop() == 0);
  auto const copy = daemon.home() + "/copy";
  for (std::string const& words : {"backup " + copy + " --data-dir " + daemon.data_dir(),
                                   "salvage " + daemon.data_dir() + ' ' + copy}) {
    // No file may be larger than 4 KiB, and that is an error and no signal.
    auto const full = stele::test::run_program(
        {"/bin/sh", "-c",
         "trap '' XFSZ; ulimit -f 8; exec " + stele::test::stele_path() + ' ' + words});
    BOOST_TEST(full.exit_code == 1, words);
    BOOST_TEST(full.err.find("; what was copied is removed") != std::string::npos, full.err);
    BOOST_TEST(!std::filesystem::exists(copy + ".unfinished"));
    BOOST_TEST(!std::filesystem::exists(copy));
    BOOST_TEST(run_stele(daemon, {"verify", daemon.data_dir()}).exit_code == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

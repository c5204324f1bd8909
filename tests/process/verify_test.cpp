// `stele verify`, `stele dump` and `stele salvage`: beside a daemon that writes, turns segments and
// removes them, and on what a daemon left behind.
#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/environment.hpp"
#include "support/log_files.hpp"
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

stele::test::Finished verify(Steled const& daemon) {
  return run_stele(daemon, {"verify", daemon.data_dir()});
}

/// Each line of a dump is an entry whose seq follows, or says what expired meanwhile.
void check_dump(Steled const& daemon) {
  auto const dump = run_stele(daemon, {"dump", daemon.data_dir()});
  BOOST_TEST(dump.exit_code == 0, dump.err);
  std::istringstream text(dump.out);
  std::uint64_t expected = 1;
  for (std::string line; std::getline(text, line);) {
    auto const object = boost::json::parse(line).as_object();
    if (auto const* gap = object.if_contains("gap")) {
      BOOST_TEST(gap->at("reason") == "expired", line);
      BOOST_TEST(gap->at("first_seq").to_number<std::uint64_t>() == expected);
      expected = gap->at("last_seq").to_number<std::uint64_t>() + 1;
      continue;
    }
    BOOST_TEST(object.at("seq").to_number<std::uint64_t>() == expected++);
  }
}

/// Writes until it is stopped; about a dozen of these entries fill a segment.
class Writer {
 public:
  explicit Writer(std::string const& socket) : thread_([this, socket] { work(socket); }) {}
  Writer(Writer const&) = delete;
  Writer& operator=(Writer const&) = delete;
  ~Writer() {
    stop_ = true;
    thread_.join();
  }
  std::size_t written() const { return written_; }

 private:
  void work(std::string const& socket) {
    WirePeer peer(socket);
    auto const large = write_of(std::string(100'000, 'x'));
    while (!stop_) {
      peer.ask(++written_ % 3 == 0 ? write_of("small") : large);
    }
  }

  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> written_ = 0;
  std::thread thread_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(verify_test)

BOOST_DATA_TEST_CASE(beside_a_daemon_at_work_it_never_reports_what_is_not_so,
                     stele::test::backends(), backend) {
  auto const runs = number_from_environment("STELE_VERIFY_RUNS", is_sanitized() ? 10 : 25);
  Steled daemon(backend, {"--segment-bytes", "1M", "--retain-bytes", "4M"});
  daemon.start();
  write_some(daemon.socket(), {"first"});
  auto const first_segment = daemon.data_dir() + "/wal-0000000000000001.seg";
  std::size_t false_reports = 0;
  {
    Writer const writer(daemon.socket());
    // However busy the machine is: until retention has removed something beside one of them.
    for (std::uint64_t run = 0; run < runs || std::filesystem::exists(first_segment); ++run) {
      auto const checked = verify(daemon);
      bool const clean = checked.exit_code == 0 && checked.out.find("clean: ") != std::string::npos;
      BOOST_TEST(clean, checked.exit_code << '\n' << checked.out << checked.err);
      false_reports += clean ? 0 : 1;
      if (run % 10 == 0) check_dump(daemon);
    }
    BOOST_TEST_MESSAGE(backend << ": " << runs << " verifies beside " << writer.written()
                               << " writes, " << false_reports << " false reports");
  }
  BOOST_TEST(!std::filesystem::exists(first_segment), "nothing was removed meanwhile");
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(verify(daemon).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_whole_is_clean_and_nothing_is_changed) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one", "two"});
  auto const open = verify(daemon);
  BOOST_TEST(open.exit_code == 0);
  BOOST_TEST(open.out.find("a process has the log open") != std::string::npos, open.out);
  BOOST_TEST(daemon.stop() == 0);
  auto const before = stele::test::log_files(daemon.data_dir());
  auto const checked = verify(daemon);
  BOOST_TEST(checked.exit_code == 0);
  BOOST_TEST(checked.out.starts_with("clean: 2 entries in "), checked.out);
  BOOST_TEST(checked.out.find("a process") == std::string::npos, checked.out);
  BOOST_TEST((stele::test::log_files(daemon.data_dir()) == before));
}

BOOST_AUTO_TEST_CASE(damage_is_1_and_is_named_with_file_and_offset_before_and_after_a_start) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"good", "rotten", "good too"});
  BOOST_TEST(daemon.stop() == 0);
  change_last(last_used_segment(daemon.data_dir()), "rotten");
  auto const found = verify(daemon);
  BOOST_TEST(found.exit_code == 1);
  BOOST_TEST(found.out.starts_with("damage: wal-0000000000000001.seg at offset "), found.out);
  BOOST_TEST(found.out.find("missing: seqs 2 to 2\n") != std::string::npos, found.out);
  BOOST_TEST(found.out.find("\ndamaged: 2 entries in ") != std::string::npos, found.out);
  daemon.start();
  BOOST_TEST(daemon.stop() == 0);
  auto const known = verify(daemon);
  BOOST_TEST(known.exit_code == 1);
  BOOST_TEST(known.out.find("missing: seqs 2 to 2; a gap record names them\n") != std::string::npos,
             known.out);
}

BOOST_AUTO_TEST_CASE(an_unfinished_write_at_the_end_is_6_until_a_start_has_named_it) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one"});
  daemon.kill_hard();
  stele::test::begin_commit_at_the_end(last_used_segment(daemon.data_dir()));
  auto const torn = verify(daemon);
  BOOST_TEST(torn.exit_code == 6);
  BOOST_TEST(torn.out.starts_with("torn: wal-0000000000000001.seg at offset "), torn.out);
  daemon.start();
  BOOST_TEST(verify(daemon).exit_code == 0);
  daemon.kill_hard();
  auto const named = verify(daemon);
  BOOST_TEST(named.exit_code == 0);
  BOOST_TEST(named.out.find("missing: seqs 2 to ") != std::string::npos, named.out);
}

BOOST_AUTO_TEST_CASE(a_dump_is_what_a_read_prints_and_beside_a_daemon_too) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one", "t\\u001bwo", "three"});
  auto const read = run_stele(daemon, {"read", "-o", "json"});
  auto const live = run_stele(daemon, {"dump", daemon.data_dir()});
  BOOST_TEST(live.exit_code == 0, live.err);
  BOOST_TEST(live.out == read.out);
  BOOST_TEST(daemon.stop() == 0);
  BOOST_TEST(run_stele(daemon, {"dump", daemon.data_dir()}).out == read.out);
}

BOOST_AUTO_TEST_CASE(a_dump_has_a_line_for_what_is_missing_where_it_is_missing) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one", "rotten", "three"});
  {
    WirePeer peer(daemon.socket());
    peer.ask(R"({"op":"report_dropped","count":7})");
  }
  BOOST_TEST(daemon.stop() == 0);
  change_last(last_used_segment(daemon.data_dir()), "rotten");
  auto const dump = run_stele(daemon, {"dump", daemon.data_dir()});
  BOOST_TEST(dump.exit_code == 1);
  BOOST_TEST(dump.err.starts_with("damage: wal-0000000000000001.seg at offset "), dump.err);
  std::vector<std::string> lines;
  std::istringstream text(dump.out);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  BOOST_TEST_REQUIRE(lines.size() == 4u, dump.out);
  BOOST_TEST(lines[0].starts_with(R"({"seq":1,)"));
  BOOST_TEST(lines[1].starts_with(
      R"({"gap":{"reason":"damaged","first_seq":2,"last_seq":2,"segment_no":1,"offset":)"));
  BOOST_TEST(lines[2].starts_with(R"({"seq":3,)"));
  BOOST_TEST(lines[3] == R"({"gap":{"reason":"dropped_by_client","before_seq":4,"count":7}})");
}

BOOST_AUTO_TEST_CASE(
    a_salvaged_log_opens_where_the_damaged_one_is_refused_and_audit_tells_the_loss) {
  Steled daemon("posix", {"--on-damage", "refuse"});
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    peer.ask(write_of("one"));
    peer.ask(R"({"op":"write_many_logs","entries":[{"message":"two"},{"message":"rotten"}]})");
    peer.ask(write_of("four"));
  }
  auto const copy = daemon.home() + "/copy";
  auto const in_use = run_stele(daemon, {"salvage", daemon.data_dir(), copy});
  BOOST_TEST(in_use.exit_code == 1);
  BOOST_TEST(in_use.err.find("a process has the log open") != std::string::npos, in_use.err);
  BOOST_TEST(daemon.stop() == 0);
  change_last(last_used_segment(daemon.data_dir()), "rotten");
  auto const before = stele::test::log_files(daemon.data_dir());

  daemon.launch();
  BOOST_TEST(daemon.process().wait() == 65);
  auto const log = daemon.log();
  BOOST_TEST(log.find("`stele verify " + daemon.data_dir() + "`") != std::string::npos, log);
  BOOST_TEST(log.find("`stele salvage " + daemon.data_dir() + " NEWDIR`") != std::string::npos,
             log);

  auto const salvaged = run_stele(daemon, {"salvage", daemon.data_dir(), copy});
  BOOST_TEST(salvaged.exit_code == 0, salvaged.err);
  BOOST_TEST(salvaged.out ==
             "missing: seqs 3 to 3, damaged\ncopied 3 entries, 1 of them out of damaged commits\n");
  BOOST_TEST((stele::test::log_files(daemon.data_dir()) == before));
  BOOST_TEST(!std::filesystem::exists(copy + ".unfinished"));
  BOOST_TEST(run_stele(daemon, {"verify", copy}).exit_code == 0);

  daemon.keep_data_in(copy);
  daemon.start();
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 1);
  BOOST_TEST(
      audit.out.starts_with("seqs 1…4 not complete, 0 expired, 1 damaged, 0 torn, 0 dropped\n"
                            "  seq 3 damaged: wal-0000000000000001.seg at offset "),
      audit.out);
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\ntwo\nfour\n");
  write_some(daemon.socket(), {"five"});
  BOOST_TEST(daemon.stop() == 0);
  daemon.start();
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\ntwo\nfour\nfive\n");
}

BOOST_AUTO_TEST_CASE(a_salvage_replaces_nothing) {
  Steled daemon;
  daemon.start();
  write_some(daemon.socket(), {"one"});
  BOOST_TEST(daemon.stop() == 0);
  auto const copy = daemon.home() + "/copy";
  std::filesystem::create_directory(copy);
  auto const there = run_stele(daemon, {"salvage", daemon.data_dir(), copy});
  BOOST_TEST(there.exit_code == 1);
  BOOST_TEST(there.err.find("File exists") != std::string::npos, there.err);
  std::filesystem::rename(copy, copy + ".unfinished");
  auto const unfinished = run_stele(daemon, {"salvage", daemon.data_dir(), copy});
  BOOST_TEST(unfinished.exit_code == 1);
  BOOST_TEST(unfinished.err.find("an earlier command did not finish") != std::string::npos);
  BOOST_TEST(!std::filesystem::exists(copy));
  BOOST_TEST(run_stele(daemon, {"salvage", copy + ".unfinished", copy + "2"}).exit_code == 7);
  BOOST_TEST(!std::filesystem::exists(copy + "2"));
  BOOST_TEST(!std::filesystem::exists(copy + "2.unfinished"));
}

BOOST_AUTO_TEST_CASE(what_is_no_log_is_7) {
  stele::test::TempDir const empty;
  Steled daemon;
  auto const none = run_stele(daemon, {"verify", empty.path()});
  BOOST_TEST(none.exit_code == 7);
  BOOST_TEST(none.err.find("cannot read a log: nothing was ever written") != std::string::npos);
  BOOST_TEST(run_stele(daemon, {"verify", empty / "missing"}).exit_code == 7);
  BOOST_TEST(run_stele(daemon, {"verify"}).exit_code == 2);
}

BOOST_AUTO_TEST_SUITE_END()

// `stele audit` names each kind of loss: made one at a time, with the real daemon and the real
// command.
#include <boost/json/parse.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/log_files.hpp"
#include "support/steled.hpp"
#include "support/wire_peer.hpp"

using stele::test::change_last;
using stele::test::last_used_segment;
using stele::test::run_stele;
using stele::test::Steled;
using stele::test::WirePeer;

BOOST_AUTO_TEST_SUITE(audit_test)

namespace {

std::string const write_one = R"({"op":"write_log","entry":{"message":"m"}})";

}  // namespace

BOOST_DATA_TEST_CASE(a_log_that_lost_nothing_is_complete, stele::test::backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  WirePeer peer(daemon.socket());
  for (int i = 0; i < 10; ++i) peer.ask(write_one);
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 0, audit.err);
  BOOST_TEST(audit.out == "seqs 1…10 complete, 0 expired, 0 damaged, 0 torn, 0 dropped\n");
}

BOOST_DATA_TEST_CASE(what_clients_dropped_is_on_disk_and_audited, stele::test::backends(),
                     backend) {
  Steled daemon(backend);
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    peer.ask(write_one);
    auto const reply = peer.ask(R"({"op":"report_dropped","count":7})");
    BOOST_TEST(reply.at("before_seq").to_number<int>() == 2);
  }
  daemon.kill_hard();
  daemon.start();
  WirePeer peer(daemon.socket());
  BOOST_TEST(peer.ask(write_one).at("seq").to_number<int>() == 2);
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 1);
  BOOST_TEST(audit.out ==
             "seqs 1…2 complete, 0 expired, 0 damaged, 0 torn, 7 dropped\n"
             "  before seq 2: 7 dropped by a client\n");
}

BOOST_AUTO_TEST_CASE(what_retention_removed_has_expired) {
  Steled daemon("posix", {"--retain-bytes", "16M"});
  daemon.start();
  WirePeer peer(daemon.socket());
  auto const large =
      R"({"op":"write_log","entry":{"message":")" + std::string(100'000, 'x') + "\"}}";
  for (int i = 0; i < 300; ++i) peer.ask(large);
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 0, audit.out);
  BOOST_TEST(audit.out.find("…300 complete, ") != std::string::npos, audit.out);
  BOOST_TEST(audit.out.find(" 0 expired") == std::string::npos, audit.out);
}

BOOST_AUTO_TEST_CASE(what_rotted_is_damaged_and_named) {
  Steled daemon;
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    for (int i = 0; i < 5; ++i) peer.ask(write_one);
    peer.ask(R"({"op":"write_log","entry":{"message":"rotten"}})");
    peer.ask(write_one);
  }
  BOOST_TEST(daemon.stop() == 0);
  change_last(last_used_segment(daemon.data_dir()), "rotten");
  daemon.start();
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 1);
  BOOST_TEST(
      audit.out.starts_with("seqs 1…7 not complete, 0 expired, 1 damaged, 0 torn, 0 dropped\n"
                            "  seq 6 damaged: wal-0000000000000001.seg at offset "),
      audit.out);
  auto const warned = daemon.log();
  BOOST_TEST(warned.find("warning: entries 6 to 6 are missing: damaged\n") != std::string::npos);

  // Somebody knows of it: nobody is warned any more.
  BOOST_TEST(run_stele(daemon, {"audit", "--acknowledge", "6"}).exit_code == 0);
  BOOST_TEST(daemon.stop() == 0);
  auto const stopped = daemon.log();
  daemon.start();
  auto const told = daemon.log().substr(stopped.size());
  BOOST_TEST(
      told.find("info: entries 6 to 6 are missing: damaged, acknowledged\n") != std::string::npos,
      told);
  BOOST_TEST(told.find("warning: entries") == std::string::npos, told);
  BOOST_TEST(run_stele(daemon, {"ping"}).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(a_write_that_a_crash_cut_off_was_torn) {
  Steled daemon;
  daemon.start();
  {
    WirePeer peer(daemon.socket());
    peer.ask(write_one);
    BOOST_TEST(run_stele(daemon, {"audit"}).exit_code == 0);
  }
  daemon.kill_hard();
  stele::test::begin_commit_at_the_end(last_used_segment(daemon.data_dir()));
  daemon.start();
  auto const audit = run_stele(daemon, {"audit"});
  BOOST_TEST(audit.exit_code == 0);
  BOOST_TEST(audit.out.find(" complete, 0 expired, 0 damaged, ") != std::string::npos, audit.out);
  BOOST_TEST(audit.out.find(" 0 torn") == std::string::npos, audit.out);
  BOOST_TEST(audit.out.find(" torn: ") != std::string::npos, audit.out);
}

BOOST_AUTO_TEST_CASE(an_audit_since_a_time_begins_there_and_json_is_the_reply) {
  Steled daemon;
  daemon.start();
  run_stele(daemon, {"write", "--timestamp", "2020-01-01T00:00:00Z", "old"});
  run_stele(daemon, {"write", "new"});
  auto const audit = run_stele(daemon, {"audit", "--since", "1h ago"});
  BOOST_TEST(audit.out == "seq 2 complete, 0 expired, 0 damaged, 0 torn, 0 dropped\n");
  auto const json = run_stele(daemon, {"audit", "--json"});
  auto const reply = boost::json::parse(json.out).as_object();
  BOOST_TEST(reply.at("first_seq").to_number<int>() == 1);
  BOOST_TEST(reply.at("present").to_number<int>() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

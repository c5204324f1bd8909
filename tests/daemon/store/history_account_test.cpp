// Whose entries take how much of the log, and who is refused for it.
#include "daemon/store/history_account.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/recovery/store_loader.hpp"
#include "protocol/entry/canonical_entry.hpp"

namespace {

namespace json = boost::json;
using stele::Origin;
using stele::daemon::HistoryAccount;
using stele::daemon::Peer;
using stele::daemon::ReadyReply;
using stele::daemon::Seq;
using stele::daemon::Store;
using stele::daemon::StoreLoader;

constexpr HistoryAccount::Uid ann = 1001;
constexpr HistoryAccount::Uid bob = 1002;

constexpr std::uint64_t percent_bytes = std::uint64_t{1} << 20;  ///< Of the log below.

/// A log of 100 MiB, of which each user has a tenth.
struct ShareFixture : stele::test::HandlerFixture {
  ShareFixture() {
    facts.config.retain_bytes = 100 * percent_bytes;
    facts.config.history_share = 10;
  }
  /// So much of the log is of that user, in one segment.
  void hold(HistoryAccount::Uid uid, std::uint64_t bytes) {
    auto& history = store.history();
    history.begin_segment();
    history.stage(++held_seq, uid, 1);
    history.commit(held_seq, bytes);
  }
  json::object ask(HistoryAccount::Uid uid, std::string_view request) {
    Peer peer{Origin{1, uid, 1}};
    auto const reply = handler.handle(request, stele::protocol::FrameForm::binary, peer);
    if (auto const* const ready = std::get_if<ReadyReply>(&reply)) {
      return json::parse(ready->text).as_object();
    }
    return {{"ok", true}};
  }
  bool may_write(HistoryAccount::Uid uid) {
    return ask(uid, R"({"op":"write_log","entry":{"message":"m"}})").at("ok").as_bool();
  }

  Seq held_seq = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(history_account_test)

BOOST_AUTO_TEST_CASE(a_commit_is_shared_out_by_what_each_wrote_of_it) {
  HistoryAccount history;
  history.stage(1, ann, 300);
  history.stage(2, bob, 100);
  history.stage(3, ann, 600);
  BOOST_TEST(history.bytes_of(ann) == 900U);
  history.commit(2, 4096);
  BOOST_TEST(history.bytes_of(ann) == 3072U + 600U);
  BOOST_TEST(history.bytes_of(bob) == 1024U);
  BOOST_TEST(history.bytes() == 4096U);
  history.commit(3, 4096);
  BOOST_TEST(history.bytes_of(ann) == 3072U + 4096U);
  BOOST_TEST(history.bytes() == 8192U);
}

// Small writes one by one: each takes a block of the disk.
BOOST_AUTO_TEST_CASE(a_write_counts_with_what_it_takes_on_disk) {
  HistoryAccount history;
  for (Seq seq = 1; seq <= 100; ++seq) {
    history.stage(seq, ann, 10);
    history.commit(seq, 4096);
  }
  BOOST_TEST(history.bytes_of(ann) == 409'600U);
}

BOOST_AUTO_TEST_CASE(what_is_refused_counts_no_more_and_its_seqs_are_staged_again) {
  HistoryAccount history;
  history.stage(1, ann, 10);
  history.stage(2, bob, 10);
  history.stage(3, bob, 10);
  history.unstage_from(2);
  BOOST_TEST(history.bytes_of(bob) == 0U);
  BOOST_TEST(history.users() == 1U);
  history.stage(2, ann, 30);
  history.commit(2, 1000);
  BOOST_TEST(history.bytes_of(ann) == 1000U);
}

BOOST_AUTO_TEST_CASE(segments_go_as_a_whole_and_take_with_them_who_has_nothing_else) {
  HistoryAccount history;
  for (Seq seq = 1; seq <= 6; ++seq) {
    if (seq % 2 == 1) history.begin_segment();
    history.stage(seq, seq == 2 ? bob : ann, 10);
    history.commit(seq, 1000);
  }
  history.remove_up_to(1);
  BOOST_TEST(history.bytes() == 6000U);
  history.remove_up_to(3);
  BOOST_TEST(history.bytes() == 4000U);
  BOOST_TEST(history.bytes_of(bob) == 0U);
  BOOST_TEST(history.users() == 1U);
  history.remove_up_to(6);
  BOOST_TEST(history.bytes() == 0U);
  BOOST_TEST(history.memory_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(others_are_looked_for_in_the_segments_that_go_and_in_no_other) {
  HistoryAccount history;
  for (Seq seq = 1; seq <= 3; ++seq) {
    history.begin_segment();
    history.stage(seq, seq == 2 ? bob : ann, 10);
    history.commit(seq, 1000);
  }
  BOOST_TEST(!history.has_others_before(0, ann));
  BOOST_TEST(!history.has_others_before(2, ann));
  BOOST_TEST(history.has_others_before(3, ann));
  BOOST_TEST(history.has_others_before(2, bob));
}

BOOST_AUTO_TEST_CASE(the_largest_come_first) {
  HistoryAccount history;
  for (HistoryAccount::Uid uid = 1; uid <= 40; ++uid) {
    history.stage(uid, uid, 10);
    history.commit(uid, 1000 * (uid % 20 + 1));
  }
  auto const largest = history.largest(3);
  BOOST_TEST_REQUIRE(largest.size() == 3U);
  BOOST_TEST(largest[0].uid == 19U);
  BOOST_TEST(largest[1].uid == 39U);
  BOOST_TEST(largest[2].uid == 18U);
  BOOST_TEST(largest[2].bytes == 19'000U);
}

BOOST_FIXTURE_TEST_CASE(who_has_more_than_its_share_does_not_displace_others, ShareFixture) {
  hold(bob, percent_bytes);
  hold(ann, 20 * percent_bytes);
  BOOST_TEST(may_write(ann));
  log.first_kept = 2;
  auto const refused = ask(ann, R"({"op":"write_log","entry":{"message":"m"}})");
  BOOST_TEST(refused.at("error").at("code").as_string() == "no_space");
  BOOST_TEST(refused.at("state").as_string() == "not_written");
  auto const& detail = refused.at("error").at("detail");
  BOOST_TEST(detail.at("uid").to_number<unsigned>() == ann);
  BOOST_TEST(detail.at("history_bytes").to_number<std::uint64_t>() >= 20 * percent_bytes);
  BOOST_TEST(detail.at("history_bytes_max").to_number<std::uint64_t>() == 10 * percent_bytes);
  BOOST_TEST(may_write(bob));
  BOOST_TEST(metrics.shares_exceeded == 1U);
}

BOOST_FIXTURE_TEST_CASE(who_displaces_its_own_entries_only_goes_on, ShareFixture) {
  hold(ann, 40 * percent_bytes);
  hold(bob, 40 * percent_bytes);
  log.first_kept = 2;
  BOOST_TEST(may_write(ann));
  BOOST_TEST(!may_write(bob));
}

BOOST_FIXTURE_TEST_CASE(a_share_is_not_asked_for_of_root_of_the_daemon_or_where_it_is_not_set,
                        ShareFixture) {
  hold(bob, percent_bytes);
  for (auto const uid : {ann, 0U, 77U}) hold(uid, 30 * percent_bytes);
  log.first_kept = 2;
  facts.own_uid = 77;
  BOOST_TEST(may_write(0));
  BOOST_TEST(may_write(77));
  BOOST_TEST(!may_write(ann));
  facts.config.history_share = 0;
  BOOST_TEST(may_write(ann));
}

BOOST_FIXTURE_TEST_CASE(what_is_under_way_counts_and_so_do_reports_of_drops, ShareFixture) {
  hold(bob, percent_bytes);
  hold(ann, 10 * percent_bytes - 100);
  log.first_kept = 2;
  auto const report = R"({"op":"report_dropped","count":1})";
  BOOST_TEST(ask(ann, report).at("ok").as_bool());
  BOOST_TEST(!ask(ann, report).at("ok").as_bool());
  BOOST_TEST(!may_write(ann));
}

// What a start makes of it is what the life before had counted.
BOOST_FIXTURE_TEST_CASE(a_start_counts_whose_the_entries_are, stele::test::HandlerFixture) {
  Store again;
  StoreLoader loader(again, clock);
  for (Seq seq = 1; seq <= 4; ++seq) {
    std::string text;
    stele::protocol::EntryDraft const draft{.message = "\"m\"", .metadata = "{}"};
    stele::protocol::append_canonical_entry(text, draft,
                                            {seq, 1, Origin{1, seq == 1 ? bob : ann, 1}});
    loader.on_group({}, seq, seq);
    loader.on_payload(seq, text);
    if (seq % 2 == 0) loader.on_commit(seq, 4096);
  }
  BOOST_TEST(again.history().bytes() == 8192U);
  BOOST_TEST(again.history().bytes_of(bob) == 2048U);
  BOOST_TEST(again.history().bytes_of(ann) == 2048U + 4096U);
  again.remove_up_to(2);
  BOOST_TEST(again.history().bytes_of(bob) == 0U);
  BOOST_TEST(again.history().bytes_of(ann) == 4096U);
}

BOOST_AUTO_TEST_SUITE_END()

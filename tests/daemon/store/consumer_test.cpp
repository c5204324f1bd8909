// Whom retention waits for: what they say, and what is said of them.
#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/store/consumer_table.hpp"

namespace {

namespace json = boost::json;
using stele::daemon::ConsumerTable;

std::vector<std::string> const names{"archive", "search"};

struct ConsumerFixture : stele::test::HandlerFixture {
  ConsumerFixture() : HandlerFixture(names) {
    for (int i = 0; i < 100; ++i) ask(R"({"op":"write_log","entry":{"message":"m"}})");
    make_durable();
  }
  stele::daemon::PendingReply ask(std::string_view request) {
    return handler.handle(request, stele::protocol::FrameForm::binary, peer);
  }
  json::object confirm(std::string const& consumer, int seq) {
    auto const reply = ask(R"({"op":"confirm","consumer":")" + consumer + R"(","seq":)" +
                           std::to_string(seq) + '}');
    return json::parse(std::get<stele::daemon::ReadyReply>(reply).text).as_object();
  }
  json::object stats() {
    std::string text;
    handler.append_stats_reply(text, {});
    return json::parse(text).as_object();
  }
  stele::daemon::Peer peer{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(consumer_test, ConsumerFixture)

BOOST_AUTO_TEST_CASE(the_log_is_held_from_behind_the_one_that_is_least_far) {
  BOOST_TEST(confirm("archive", 70).at("ok").as_bool());
  BOOST_TEST(log.held_from == 0U);  // The other one has not said where it is.
  BOOST_TEST(confirm("search", 40).at("ok").as_bool());
  BOOST_TEST(log.held_from == 41U);
  BOOST_TEST(confirm("search", 100).at("ok").as_bool());
  BOOST_TEST(log.held_from == 71U);
  // What it had may have been lost again.
  BOOST_TEST(confirm("archive", 0).at("ok").as_bool());
  BOOST_TEST(log.held_from == 1U);
}

BOOST_AUTO_TEST_CASE(a_consumer_that_is_not_set_and_a_seq_that_is_not_there_are_refused) {
  auto const unknown = confirm("archiv", 1);
  BOOST_TEST(unknown.at("error").at("code").as_string() == "bad_request");
  BOOST_TEST(unknown.at("error").at("detail").at("path").as_string() == "consumer");
  auto const beyond = confirm("archive", 101);
  BOOST_TEST(beyond.at("error").at("code").as_string() == "bad_request");
  BOOST_TEST(beyond.at("error").at("detail").at("durable_seq").as_int64() == 100);
  BOOST_TEST(log.held_from == 0U);
}

BOOST_AUTO_TEST_CASE(stats_tell_how_far_each_is_and_what_it_lost) {
  BOOST_TEST(stats().at("consumers") ==
             json::parse(R"({"archive":{"confirmed_seq":null,"unconfirmed":100,"lost":0},)"
                         R"("search":{"confirmed_seq":null,"unconfirmed":100,"lost":0}})"));
  confirm("archive", 30);
  store.remove_up_to(50);
  store.remove_up_to(60);
  confirm("search", 90);
  BOOST_TEST(stats().at("consumers") ==
             json::parse(R"({"archive":{"confirmed_seq":30,"unconfirmed":40,"lost":30},)"
                         R"("search":{"confirmed_seq":90,"unconfirmed":10,"lost":0}})"));
}

BOOST_AUTO_TEST_CASE(without_consumers_nothing_is_held) {
  BOOST_TEST(ConsumerTable().held_from() == UINT64_MAX);
  BOOST_TEST(ConsumerTable().all().empty());
}

BOOST_AUTO_TEST_SUITE_END()

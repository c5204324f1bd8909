#include "daemon/security/access.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/handler_fixture.hpp"

namespace {

using namespace stele::daemon;
using stele::protocol::FrameForm;

struct AccessFixture : stele::test::HandlerFixture {
  /// The error code of the reply, or "" if there is none yet.
  std::string code(std::string_view request, Access access) {
    Peer peer{.origin = {11, 22, 33}, .access = access};
    auto const reply = handler.handle(request, FrameForm::binary, peer);
    auto const* const ready = std::get_if<ReadyReply>(&reply);
    if (ready == nullptr) return {};
    last = boost::json::parse(ready->text).as_object();
    auto const* const error = last.if_contains("error");
    return error == nullptr ? "" : std::string(error->at("code").as_string());
  }
  boost::json::object last{};
};

constexpr std::string_view write_one = R"({"op":"write_log","id":1,"entry":{"message":"m"}})";
constexpr std::string_view write_many = R"({"op":"write_many_logs","entries":[{"message":"m"}]})";
constexpr std::string_view drop = R"({"op":"report_dropped","count":1})";
constexpr std::string_view read_logs_request = R"({"op":"read_logs"})";
constexpr std::string_view follow_request = R"({"op":"read_logs","follow":true})";
constexpr std::string_view count = R"({"op":"count_logs"})";
constexpr std::string_view audit = R"({"op":"audit"})";
constexpr std::string_view confirm = R"({"op":"confirm","consumer":"archive","seq":0})";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(access_test, AccessFixture)

BOOST_AUTO_TEST_CASE(who_may_not_write_is_told_forbidden_and_nothing_is_written) {
  for (auto const request : {write_one, write_many, drop}) {
    BOOST_TEST_CONTEXT(request) {
      BOOST_TEST(code(request, {.write = false}) == "forbidden");
      BOOST_TEST(last.at("state").as_string() == "not_written");
      BOOST_TEST(last.at("error").at("retryable").as_bool() == false);
      BOOST_TEST(last.at("error").at("detail").at("uid").as_int64() == 22);
    }
  }
  BOOST_TEST(log.groups == 0U);
  BOOST_TEST(log.drops.empty());
  BOOST_TEST(store.text_bytes() == 0U);
  for (auto const request : {read_logs_request, follow_request, count, audit}) {
    BOOST_TEST(code(request, {.write = false}).empty());
  }
}

BOOST_AUTO_TEST_CASE(who_may_not_read_is_told_forbidden_and_may_write) {
  for (auto const request : {read_logs_request, follow_request, count, audit, confirm}) {
    BOOST_TEST_CONTEXT(request) {
      BOOST_TEST(code(request, {.read = false}) == "forbidden");
      BOOST_TEST(!last.contains("state"));
    }
  }
  for (auto const request : {write_one, write_many, drop}) {
    BOOST_TEST(code(request, {.read = false}).empty());
  }
}

BOOST_AUTO_TEST_CASE(everyone_may_ask_how_the_daemon_is) {
  for (auto const* request : {R"({"op":"ping"})", R"({"op":"hello"})", R"({"op":"stats"})",
                              R"({"op":"help"})", R"({"op":"cancel","target":1})"}) {
    BOOST_TEST(code(request, {.write = false, .read = false}).empty());
  }
}

BOOST_AUTO_TEST_CASE(a_list_admits_its_users_and_the_members_of_its_groups_and_nobody_else) {
  AccessList const list{.all = false, .uids = {1, 2}, .gids = {10, 20}};
  std::vector<std::uint32_t> const none{};
  std::vector<std::uint32_t> const member{5, 20};
  BOOST_TEST(list.admits(2, none));
  BOOST_TEST(list.admits(3, member));
  BOOST_TEST(!list.admits(3, none));
  BOOST_TEST(!list.admits(10, none));
  BOOST_TEST(!list.admits(3, std::vector<std::uint32_t>{2}));
  BOOST_TEST(AccessList{}.admits(3, none));
  BOOST_TEST(!AccessList{.all = false}.admits(0, none));
}

BOOST_AUTO_TEST_CASE(users_and_groups_are_read_by_name_or_number) {
  BOOST_TEST((parse_access_list("all") == AccessList{}));
  BOOST_TEST(
      (parse_access_list("root,1001, @adm ,@7") ==
       AccessList{.all = false, .uids = {0, 1001}, .gids = {parse_group("adm").value(), 7}}));
  for (auto const* text : {"", ",", "root,", "no such user", "@no-such-group", "@", "-1", "1.5",
                           "4294967295", "4294967296", "all,root"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_access_list(text).has_value()); }
  }
}

// With PrivateUsers=yes, and in containers, every user that has no number looks like this one.
BOOST_AUTO_TEST_CASE(the_user_that_stands_for_all_strangers_cannot_be_let_in) {
  for (auto const* text : {"65534", "nobody", "@65534", "@nogroup"}) {
    BOOST_TEST_CONTEXT(text) { BOOST_TEST(!parse_access_list(text).has_value()); }
  }
}

BOOST_AUTO_TEST_CASE(a_socket_without_credentials_belongs_to_nobody) {
  BOOST_TEST(!peer_credentials(-1).has_value());
}

BOOST_AUTO_TEST_CASE(a_clock_before_1970_says_0) {
  using std::chrono::system_clock;
  using namespace std::chrono_literals;
  system_clock::time_point const epoch{};
  BOOST_TEST(microseconds_since_epoch(epoch - 1us) == 0U);
  BOOST_TEST(microseconds_since_epoch(epoch - 24h * 365 * 100) == 0U);
  BOOST_TEST(microseconds_since_epoch(epoch) == 0U);
  BOOST_TEST(microseconds_since_epoch(epoch + 1us) == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

#include "client-lib/cli/read/audit_text.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using stele::cli::audit_text;

namespace {

std::string reply(std::string const& members, std::string const& gaps = "") {
  return "{" + members + R"(,"gaps":[)" + gaps + R"(],"gaps_omitted":0})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(audit_text_test)

BOOST_AUTO_TEST_CASE(a_complete_log_is_one_sentence) {
  auto const audit = audit_text(reply(
      R"("first_seq":1,"last_seq":1200,"complete":true,"present":1100,"expired":100,"damaged":0,)"
      R"("torn":0,"dropped":0,"unexplained":0)",
      R"({"reason":"expired","first_seq":1,"last_seq":100,"segment_no":2})"));
  BOOST_TEST(audit.text == "seqs 101…1200 complete, 100 expired, 0 damaged, 0 torn, 0 dropped\n");
  BOOST_TEST(audit.lossless);
}

BOOST_AUTO_TEST_CASE(each_gap_has_a_line_that_says_where) {
  auto const audit = audit_text(
      reply(R"("first_seq":1,"last_seq":20,"complete":false,"present":15,"expired":0,"damaged":3,)"
            R"("torn":1,"dropped":9,"unexplained":1)",
            R"({"reason":"damaged","first_seq":4,"last_seq":6,"segment_no":26,"offset":8704},)"
            R"({"reason":"torn","first_seq":8,"last_seq":8,"segment_no":3,"offset":9216},)"
            R"({"reason":"dropped_by_client","before_seq":9,"count":2},)"
            R"({"reason":"dropped_by_client","before_seq":12,"count":7,)"
            R"("writer":"a0000000"})"));
  BOOST_TEST(audit.text ==
             "seqs 1…20 not complete, 0 expired, 3 damaged, 1 torn, 9 dropped, 1 unexplained\n"
             "  seqs 4…6 damaged: wal-000000000000001a.seg at offset 8704\n"
             "  seq 8 torn: wal-0000000000000003.seg at offset 9216\n"
             "  before seq 9: 2 dropped by a client\n"
             "  before seq 12: 7 dropped by writer a0000000\n");
  BOOST_TEST(!audit.lossless);
}

BOOST_AUTO_TEST_CASE(drops_leave_a_log_complete_and_are_a_loss) {
  auto const audit = audit_text(reply(R"("first_seq":1,"last_seq":1,"complete":true,"dropped":1)"));
  BOOST_TEST(audit.text == "seq 1 complete, 0 expired, 0 damaged, 0 torn, 1 dropped\n");
  BOOST_TEST(!audit.lossless);
}

BOOST_AUTO_TEST_CASE(a_range_without_seqs_says_so) {
  auto const audit = audit_text(reply(R"("first_seq":1,"last_seq":0,"complete":true)"));
  BOOST_TEST(audit.text == "no seqs: complete, 0 expired, 0 damaged, 0 torn, 0 dropped\n");
}

BOOST_AUTO_TEST_CASE(gaps_that_are_not_listed_are_counted) {
  auto const audit =
      audit_text(R"({"first_seq":1,"last_seq":9,"complete":false,"gaps":[],"gaps_omitted":7})");
  BOOST_TEST(audit.text.ends_with("dropped\n  and 7 more\n"));
}

BOOST_AUTO_TEST_CASE(text_that_is_no_audit_comes_back) {
  for (std::string const text : {"", "7", "{}", "{\"complete\":1}", "{\"complete\""}) {
    BOOST_TEST(audit_text(text).text == text + '\n');
    BOOST_TEST(!audit_text(text).lossless);
  }
}

BOOST_AUTO_TEST_CASE(damage_that_is_acknowledged_is_told_and_is_no_loss_any_more) {
  auto const part = audit_text(
      R"({"first_seq":1,"last_seq":9,"complete":false,"present":6,"expired":0,"damaged":3,)"
      R"("acknowledged":2,"torn":0,"dropped":0,"unexplained":0,"gaps":[)"
      R"({"reason":"damaged","first_seq":2,"last_seq":3,"segment_no":1,"offset":512,)"
      R"("acknowledged":true}],"gaps_omitted":0})");
  BOOST_TEST(!part.lossless);
  BOOST_TEST(part.text ==
             "seqs 1…9 not complete, 0 expired, 3 damaged (2 acknowledged), 0 torn, 0 dropped\n"
             "  seqs 2…3 damaged: wal-0000000000000001.seg at offset 512, acknowledged\n");
  auto const all = audit_text(
      R"({"first_seq":1,"last_seq":9,"complete":false,"present":6,"expired":0,"damaged":3,)"
      R"("acknowledged":3,"torn":0,"dropped":0,"unexplained":0,"gaps":[],"gaps_omitted":0})");
  BOOST_TEST(all.lossless);
}

BOOST_AUTO_TEST_SUITE_END()

// The closed list of error codes, and for each the test that provokes it from the real daemon.
#include <boost/test/tree/traverse.hpp>
#include <boost/test/tree/visitor.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>
#include <string>

#include "stele/error.hpp"
#include "support/program.hpp"

using stele::Error;

namespace {

struct Provoked {
  std::string suite{};
  std::string test{};
};

std::map<Error, Provoked> const& provoked() {
  static std::string const request = "a_bad_request_gets_its_code_and_the_connection_lives";
  static std::string const numbered =
      "a_number_that_was_used_is_told_what_is_known_before_and_after_a_restart";
  static std::map<Error, Provoked> const all{
      {Error::bad_frame, {"bad_input_test", "broken_framing_is_answered_then_closed"}},
      {Error::frame_too_large, {"bad_input_test", "broken_framing_is_answered_then_closed"}},
      {Error::bad_json, {"bad_input_test", request}},
      {Error::bad_request, {"bad_input_test", request}},
      {Error::unknown_op, {"bad_input_test", request}},
      {Error::invalid_entry, {"bad_input_test", request}},
      {Error::entry_too_large, {"bad_input_test", request}},
      {Error::unsupported_version, {"bad_input_test", request}},
      {Error::no_space,
       {"disk_failure_test", "a_full_disk_refuses_writes_serves_reads_and_heals_by_itself"}},
      {Error::log_failed,
       {"disk_failure_test", "a_failed_write_is_told_as_log_failed_and_ends_the_daemon_with_74"}},
      {Error::shutting_down,
       {"stop_test", "sigterm_under_load_answers_what_was_sent_and_keeps_what_was_acknowledged"}},
      {Error::too_many_connections,
       {"limits_test", "one_connection_too_many_is_told_so_and_closed"}},
      {Error::overloaded,
       {"follow_test", "one_follow_more_than_a_connection_may_have_is_told_overloaded"}},
      {Error::unknown_retry,
       {"exactly_once_test", "a_writer_that_was_forgotten_is_told_so_on_every_connection"}},
      {Error::id_conflict, {"exactly_once_test", numbered}},
      {Error::cursor_expired,
       {"retention_test", "the_oldest_entries_go_and_a_cursor_on_them_has_expired"}},
      {Error::forbidden, {"access_test", "who_is_not_on_the_list_is_told_forbidden"}},
  };
  return all;
}

std::map<Error, std::string> const& not_provoked() {
  static std::map<Error, std::string> const all{
      {Error::internal, "only a defect of the daemon causes it"},
  };
  return all;
}

class Names : public boost::unit_test::test_tree_visitor {
 public:
  std::set<std::string> found{};

 private:
  bool visit(boost::unit_test::test_unit const& unit) override {
    found.insert(unit.full_name());
    return true;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(error_list_test)

BOOST_AUTO_TEST_CASE(each_code_is_provoked_by_a_test_that_exists_or_has_a_reason) {
  Names names;
  boost::unit_test::traverse_test_tree(boost::unit_test::framework::master_test_suite(), names,
                                       true);
  for (int i = static_cast<int>(stele::error_first); i <= static_cast<int>(stele::error_last);
       ++i) {
    auto const error = static_cast<Error>(i);
    auto const code = std::string(to_string(error));
    BOOST_TEST_CONTEXT(code) {
      auto const test = provoked().find(error);
      BOOST_TEST((test != provoked().end()) != not_provoked().contains(error));
      if (test == provoked().end()) continue;
      auto const& [suite, name] = test->second;
      BOOST_TEST(names.found.contains(suite + "/" + name));
      auto const source = stele::test::read_file(STELE_PROCESS_TESTS "/" + suite + ".cpp");
      BOOST_TEST(source.find("\"" + code) != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

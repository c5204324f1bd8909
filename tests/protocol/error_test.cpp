#include "stele/error.hpp"

#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

namespace {

using stele::Error;

template <class Visit>
void for_each_error(Visit visit) {
  for (int i = static_cast<int>(stele::error_first); i <= static_cast<int>(stele::error_last);
       ++i) {
    visit(static_cast<Error>(i));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(error_test)

BOOST_AUTO_TEST_CASE(every_code_has_its_own_name_and_comes_back_from_it) {
  std::set<std::string> names;
  for_each_error([&](Error error) {
    auto const name = stele::to_string(error);
    BOOST_TEST(!name.empty());
    BOOST_TEST(names.emplace(name).second, name);
    BOOST_TEST((stele::parse_error(name) == error), name);
  });
  BOOST_TEST(names.size() == 18);
}

BOOST_AUTO_TEST_CASE(names_are_the_ones_that_travel) {
  BOOST_TEST(stele::to_string(Error::bad_frame) == "bad_frame");
  BOOST_TEST(stele::to_string(Error::no_space) == "no_space");
  BOOST_TEST(stele::to_string(Error::forbidden) == "forbidden");
  BOOST_TEST(stele::to_string(Error::internal) == "internal");
}

BOOST_AUTO_TEST_CASE(other_names_are_no_codes) {
  for (auto const name : {"", "Bad_frame", "bad_frame ", "bad", "bad_frames"}) {
    BOOST_TEST(!stele::parse_error(name), name);
  }
}

BOOST_AUTO_TEST_CASE(a_code_is_retryable_only_if_time_can_mend_it) {
  std::set<std::string> retryable;
  for_each_error([&](Error error) {
    if (stele::is_retryable(error)) retryable.emplace(stele::to_string(error));
  });
  std::set<std::string> const expected{"log_failed", "no_space", "overloaded", "shutting_down",
                                       "too_many_connections"};
  BOOST_TEST(retryable == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(codes_compare_with_error_code) {
  boost::system::error_code const code = Error::no_space;
  BOOST_TEST((code == Error::no_space));
  BOOST_TEST((code != Error::overloaded));
  BOOST_TEST(code.category().name() == std::string("stele"));
  BOOST_TEST(code.message() == "the disk is full");
}

BOOST_AUTO_TEST_CASE(value_of_a_failed_result_throws_its_code_and_message) {
  stele::Result<int> const result = stele::Failure(Error::overloaded, "too much");
  BOOST_CHECK_EXCEPTION(result.value(), boost::system::system_error,
                        [](boost::system::system_error const& error) {
                          return error.code() == Error::overloaded &&
                                 std::string(error.what()).find("too much") != std::string::npos;
                        });
}

BOOST_AUTO_TEST_SUITE_END()

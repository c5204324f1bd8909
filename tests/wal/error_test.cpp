#include "wal/error.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

using namespace stele::wal;

BOOST_AUTO_TEST_SUITE(error_test)

BOOST_AUTO_TEST_CASE(each_code_has_a_sentence_of_its_own_and_none_is_success) {
  std::set<std::string> sentences;
  auto const unknown = boost::system::error_code(1000, error_category()).message();
  for (auto const code :
       {Errc::locked, Errc::not_local, Errc::unsupported_version, Errc::not_a_log, Errc::damaged,
        Errc::no_space, Errc::failed, Errc::too_large, Errc::short_write, Errc::sink_full,
        Errc::diverged, Errc::not_empty, Errc::replaced}) {
    boost::system::error_code const error = code;
    BOOST_TEST(error.failed());
    BOOST_TEST(error.message() != unknown);
    BOOST_TEST(sentences.insert(error.message()).second, error.message());
  }
  BOOST_TEST(std::string(error_category().name()) == "stele.wal");
}

BOOST_AUTO_TEST_CASE(the_value_of_a_failed_result_throws_its_code_and_sentence) {
  Result<int> const failed = Failure{Errc::damaged, "wal-1.seg: at 4096"};
  BOOST_CHECK_EXCEPTION(failed.value(), boost::system::system_error, [](auto const& error) {
    return error.code() == Errc::damaged &&
           std::string(error.what()).find("wal-1.seg: at 4096") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()

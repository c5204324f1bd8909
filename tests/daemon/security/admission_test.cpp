#include "daemon/security/admission.hpp"

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace {

using stele::daemon::Admission;

constexpr std::uint32_t root = 0;
constexpr std::uint32_t own = 998;
constexpr std::uint32_t web = 33;
constexpr std::uint32_t mail = 8;

std::size_t fill(Admission& admission, std::uint32_t uid) {
  std::size_t count = 0;
  for (; admission.check(uid) == Admission::Decision::admitted; ++count) admission.opened(uid);
  return count;
}

}  // namespace

BOOST_TEST_DONT_PRINT_LOG_VALUE(stele::daemon::Admission::Decision)

BOOST_AUTO_TEST_SUITE(admission_test)

BOOST_AUTO_TEST_CASE(one_user_cannot_take_the_places_of_another) {
  Admission admission({.connections_max = 1024, .user_connections_max = 64}, own);
  BOOST_TEST(fill(admission, web) == 64U);
  BOOST_TEST(admission.check(web) == Admission::Decision::user_has_enough);
  BOOST_TEST(fill(admission, mail) == 64U);
  admission.closed(web);
  BOOST_TEST(admission.check(web) == Admission::Decision::admitted);
  BOOST_TEST(admission.check(mail) == Admission::Decision::user_has_enough);
  BOOST_TEST(admission.open() == 127U);
}

BOOST_AUTO_TEST_CASE(the_last_places_are_for_root_and_for_the_daemons_own_user) {
  Admission admission({.connections_max = 1024, .user_connections_max = 0}, own);
  BOOST_TEST(fill(admission, web) == 1016U);
  BOOST_TEST(admission.check(mail) == Admission::Decision::all_taken);
  admission.opened(own);
  BOOST_TEST(fill(admission, root) == 7U);
  BOOST_TEST(admission.check(own) == Admission::Decision::all_taken);
  BOOST_TEST(admission.open() == 1024U);
}

BOOST_AUTO_TEST_CASE(root_and_the_daemons_own_user_have_no_bound_of_their_own) {
  Admission admission({.connections_max = 200, .user_connections_max = 1}, own);
  BOOST_TEST(fill(admission, own) == 200U);
  BOOST_TEST(fill(admission, root) == 0U);
}

BOOST_AUTO_TEST_CASE(of_few_places_few_are_kept_back) {
  for (auto const& [places, for_others] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {7, 7}, {8, 7}, {32, 28}, {64, 56}, {65, 57}}) {
    Admission admission({.connections_max = places, .user_connections_max = 0}, own);
    BOOST_TEST(fill(admission, web) == for_others);
  }
}

BOOST_AUTO_TEST_CASE(lower_limits_keep_what_is_open_and_refuse_what_comes) {
  Admission admission({.connections_max = 100, .user_connections_max = 10}, own);
  fill(admission, web);
  admission.set_limits({.connections_max = 100, .user_connections_max = 4});
  BOOST_TEST(admission.open() == 10U);
  for (int i = 0; i < 6; ++i) {
    BOOST_TEST(admission.check(web) == Admission::Decision::user_has_enough);
    admission.closed(web);
  }
  BOOST_TEST(admission.check(web) == Admission::Decision::user_has_enough);
  admission.closed(web);
  BOOST_TEST(admission.check(web) == Admission::Decision::admitted);
  admission.set_limits({.connections_max = 3, .user_connections_max = 4});
  BOOST_TEST(admission.check(root) == Admission::Decision::all_taken);
}

BOOST_AUTO_TEST_SUITE_END()

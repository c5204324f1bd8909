// For cases that a sanitizer makes impossible.
#pragma once

#include <boost/test/tree/decorator.hpp>

#include "support/subject.hpp"

namespace stele::test {

inline boost::test_tools::assertion_result has_no_sanitizer(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(!is_sanitized());
  result.message() << "needs a daemon without sanitizers";
  return result;
}

}  // namespace stele::test

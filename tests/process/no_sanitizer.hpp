// For cases that a sanitizer makes impossible.
#pragma once

#include <boost/test/tree/decorator.hpp>

#include "support/sanitized.hpp"
#include "support/subject.hpp"

namespace stele::test {

inline boost::test_tools::assertion_result has_no_sanitizer(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(!is_sanitized());
  result.message() << "needs a daemon without sanitizers";
  return result;
}

/// Of a child of a process that had threads. ThreadSanitizer ends it: "starting new threads after
/// multi-threaded fork is not supported", and with die_after_fork=0 "dup thread with used id".
inline boost::test_tools::assertion_result may_start_threads_in_a_child(
    boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(!is_thread_sanitized_test);
  result.message() << "ThreadSanitizer knows no threads that a child starts";
  return result;
}

}  // namespace stele::test

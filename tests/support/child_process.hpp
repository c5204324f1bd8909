// Work in a child of the test's own process.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <functional>

namespace stele::test {

/// What a child returns, as an exit code; a child that hangs is ended by a signal, as 255.
inline int in_a_child(std::function<int()> const& work) {
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(work());
  }
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace stele::test

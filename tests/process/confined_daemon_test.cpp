// The daemon as the kernel sees it once it serves.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/steled.hpp"

using stele::test::Steled;

namespace {

std::string field_of(std::filesystem::path const& status, std::string const& name) {
  std::ifstream file(status);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(confined_daemon_test)

BOOST_DATA_TEST_CASE(each_thread_has_a_filter_once_it_serves, stele::test::backends(), backend) {
  Steled daemon(backend);
  daemon.start();
  BOOST_TEST(stele::test::run_stele(daemon, {"write", "confined"}).exit_code == 0);
  auto const tasks = "/proc/" + std::to_string(daemon.process().pid()) + "/task";
  std::size_t threads = 0;
  for (auto const& task : std::filesystem::directory_iterator(tasks)) {
    BOOST_TEST(field_of(task.path() / "status", "Seccomp") == "2", task.path());
    BOOST_TEST(field_of(task.path() / "status", "NoNewPrivs") == "1", task.path());
    ++threads;
  }
  BOOST_TEST(threads >= 1u);
  BOOST_TEST(daemon.log().find("seccomp") == std::string::npos, daemon.log());
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

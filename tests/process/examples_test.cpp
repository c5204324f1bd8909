// Each example of the client library does what it says.
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "stele/client.hpp"
#include "support/steled.hpp"

using stele::test::Finished;
using stele::test::run_program;
using stele::test::Steled;

namespace {

struct ExamplesFixture {
  Steled daemon{};
  ExamplesFixture() {
    daemon.start();
    ::setenv("STELE_SOCKET", daemon.socket().c_str(), 1);
  }
  ~ExamplesFixture() { ::unsetenv("STELE_SOCKET"); }

  Finished run(std::string const& name, std::string_view input = {}) {
    auto finished = run_program({std::string(STELE_EXAMPLES) + "/stele-" + name}, input);
    BOOST_TEST(finished.exit_code == 0, finished.err);
    BOOST_TEST(finished.err == "");
    return finished;
  }

  std::vector<stele::StoredEntry> read_all() {
    return stele::Client::connect()->read_logs(0, UINT64_MAX).value();
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(examples_test, ExamplesFixture)

BOOST_AUTO_TEST_CASE(hello_prints_what_it_wrote) {
  BOOST_TEST(run("hello").out == "1 info hello, log\n2 warn nearly full\n3 error full\n");
}

BOOST_AUTO_TEST_CASE(batch_stores_lines_a_thousand_at_a_time) {
  std::string lines;
  for (int i = 0; i < 1500; ++i) lines += "line " + std::to_string(i) + "\n";
  BOOST_TEST(run("batch", lines).out == "stored 1 to 1000\nstored 1001 to 1500\n");
  BOOST_TEST(read_all().size() == 1500U);
}

BOOST_AUTO_TEST_CASE(async_writes_from_coroutines_and_reads_pages) {
  BOOST_TEST(run("async").out == "read 9 entries\n");
}

BOOST_AUTO_TEST_CASE(buffered_stores_the_steps_of_its_threads) {
  BOOST_TEST(run("buffered").out == "stored 400, refused 0\n");
  BOOST_TEST(read_all().size() == 400U);
}

BOOST_AUTO_TEST_CASE(follow_stores_its_input_in_a_loop_of_its_own) {
  run("follow", "a line\n");
  BOOST_REQUIRE(read_all().size() == 1U);
  BOOST_TEST(read_all()[0].message == "a line");
}

BOOST_AUTO_TEST_CASE(c_writes_and_logs_through_the_c_interface) {
  BOOST_TEST(run("c").out == "1 hello from C\n2 in the background\n1 of them warnings or worse\n");
}

BOOST_AUTO_TEST_CASE(python_writes_and_logs_through_its_package) {
  ::setenv("STELE_LIBRARY", STELE_LIBRARY, 1);
  ::setenv("PYTHONPATH", STELE_PYTHON, 1);
  auto const finished = run_program({"/usr/bin/python3", "-B", STELE_PYTHON_EXAMPLE});
  BOOST_TEST(finished.exit_code == 0, finished.err);
  BOOST_TEST(finished.out == "1 warn hello from Python None\n2 info in the background 2\n"
                             "refused: entry_too_large\n");
}

BOOST_AUTO_TEST_CASE(spdlog_stores_its_lines_with_their_source) {
  run("spdlog");
  auto const entries = read_all();
  BOOST_REQUIRE(entries.size() == 3U);
  BOOST_TEST(entries[0].message == "started with 4 workers");
  BOOST_TEST(entries[1].message == "disk sda is 81 % full");
  BOOST_TEST(entries[1].metadata.find("spdlog.cpp") != std::string::npos);
  BOOST_TEST((entries[2].level == stele::Level::error));
}

BOOST_AUTO_TEST_SUITE_END()

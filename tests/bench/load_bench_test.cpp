// stele-bench against a real steled: the counts must be right. Times are not looked at.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include "support/steled.hpp"

namespace {

using stele::test::Steled;

/// Runs stele-bench with these words and returns its line of JSON.
boost::json::value run_bench(Steled const& daemon, std::vector<std::string> const& words) {
  std::vector<std::string> command{STELE_BENCH, "--socket", daemon.socket(), "--json"};
  command.insert(command.end(), words.begin(), words.end());
  auto const finished = stele::test::run_program(command);
  BOOST_TEST_REQUIRE(finished.exit_code == 0, finished.err);
  return boost::json::parse(finished.out);
}

std::uint64_t stored_entries(Steled const& daemon) {
  auto const stats = stele::test::run_stele(daemon, {"stats", "--json"});
  return boost::json::parse(stats.out).at("store").at("entries").to_number<std::uint64_t>();
}

std::uint64_t number(boost::json::value const& result, std::string_view name) {
  return result.at(name).to_number<std::uint64_t>();
}

BOOST_AUTO_TEST_SUITE(load_bench_test)

BOOST_AUTO_TEST_CASE(what_it_counts_is_what_the_daemon_stored) {
  Steled daemon;
  daemon.start();
  auto const result = run_bench(
      daemon, {"--clients", "4", "--in-flight", "3", "--entries", "300", "--warm-up", "50"});
  BOOST_TEST(number(result, "entries") == 300u);
  BOOST_TEST(number(result, "operations") == 300u);
  BOOST_TEST(stored_entries(daemon) == 350u);
  BOOST_TEST(result.at("durability").as_string() == "acknowledged after sync");
  BOOST_TEST(result.at("backend").as_string().starts_with("posix"));
}

BOOST_AUTO_TEST_CASE(a_batch_counts_its_entries) {
  Steled daemon;
  daemon.start();
  auto const result = run_bench(daemon, {"--batch", "100", "--entries", "500"});
  BOOST_TEST(number(result, "operations") == 5u);
  BOOST_TEST(number(result, "entries") == 500u);
  BOOST_TEST(stored_entries(daemon) == 500u);
}

BOOST_AUTO_TEST_CASE(out_of_order_entries_are_all_stored) {
  Steled daemon;
  daemon.start();
  run_bench(daemon, {"--entries", "300", "--out-of-order", "0.5", "--batch", "10"});
  BOOST_TEST(stored_entries(daemon) == 300u);
}

BOOST_AUTO_TEST_CASE(every_range_read_is_whole) {
  Steled daemon;
  daemon.start();
  run_bench(daemon, {"--batch", "100", "--entries", "400"});
  for (bool const parse : {false, true}) {
    std::vector<std::string> words{"--mode", "range", "--range-entries", "150"};
    words.insert(words.end(), {"--entries", "1500"});
    if (parse) words.push_back("--parse");
    auto const result = run_bench(daemon, words);
    BOOST_TEST(number(result, "operations") == 10u);
    BOOST_TEST(number(result, "entries") == 1500u);
  }
}

BOOST_AUTO_TEST_CASE(a_log_that_is_too_short_for_the_range_is_refused) {
  Steled daemon;
  daemon.start();
  run_bench(daemon, {"--entries", "20"});
  auto const finished = stele::test::run_program(
      {STELE_BENCH, "--socket", daemon.socket(), "--mode", "range", "--range-entries", "21"});
  BOOST_TEST(finished.exit_code == 1);
  BOOST_TEST(finished.err.find("fewer entries") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

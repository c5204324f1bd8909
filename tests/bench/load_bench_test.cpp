// stele-bench against a real steled: the counts must be right, and what is printed must be whole.
// Times are not looked at.
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <sstream>

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

/// The members that a reader of a figure needs to judge it.
BOOST_AUTO_TEST_CASE(a_run_for_a_time_states_all_that_its_figure_depends_on) {
  Steled daemon;
  daemon.start();
  auto const result = run_bench(daemon, {"--clients", "8", "--in-flight", "2", "--seconds", "0.2",
                                         "--warm-up", "20", "--label", "short", "--seed", "7"});
  BOOST_TEST(result.at("label").as_string() == "short");
  BOOST_TEST(result.at("peer").as_string() == "stele");
  BOOST_TEST(result.at("operation").as_string() == "write");
  BOOST_TEST(number(result, "entry_bytes") == 250u);
  BOOST_TEST(number(result, "clients") == 8u);
  BOOST_TEST(number(result, "in_flight") == 2u);
  BOOST_TEST(number(result, "batch") == 1u);
  BOOST_TEST(number(result, "warm_up") == 20u);
  BOOST_TEST(number(result, "operations") > 0u);
  BOOST_TEST(result.at("entries_per_s").as_double() > 0);
  BOOST_TEST(result.at("generator_cpu").as_double() >= 0);
  auto const& latency = result.at("latency_us").as_object();
  double before = 0;
  for (auto const* name : {"p50", "p90", "p99", "p99.9", "max"}) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST_REQUIRE(latency.contains(name));
      BOOST_TEST(latency.at(name).as_double() >= before);
      before = latency.at(name).as_double();
    }
  }
}

BOOST_AUTO_TEST_CASE(the_table_states_the_same) {
  Steled daemon;
  daemon.start();
  auto const finished = stele::test::run_program(
      {STELE_BENCH, "--socket", daemon.socket(), "--entries", "200", "--warm-up", "10"});
  BOOST_TEST_REQUIRE(finished.exit_code == 0, finished.err);
  for (auto const* part : {"stele (posix", "acknowledged after sync", "250 bytes an entry",
                           "1 clients, 1 in flight each", "after 10 to warm up", "200 entries in",
                           "p50 ", "p90 ", "p99 ", "p99.9 ", "max "}) {
    BOOST_TEST(finished.out.find(part) != std::string::npos, part << " in " << finished.out);
  }
}

BOOST_AUTO_TEST_CASE(a_trace_holds_each_measured_operation_with_the_seq_it_wrote) {
  Steled daemon;
  daemon.start();
  auto const file = daemon.home() + "/trace";
  run_bench(daemon, {"--batch", "3", "--entries", "60", "--warm-up", "30", "--trace", file});
  std::istringstream lines(stele::test::read_file(file));
  std::int64_t begun = 0;
  std::int64_t answered = 0;
  std::uint64_t seq = 0;
  std::uint64_t expected_seq = 30;
  while (lines >> begun >> answered >> seq) {
    BOOST_TEST(begun <= answered);
    BOOST_TEST(seq == (expected_seq += 3));
  }
  BOOST_TEST(expected_seq == 90u);
}

BOOST_AUTO_TEST_CASE(an_entry_has_the_size_that_was_asked_for) {
  Steled daemon;
  daemon.start();
  for (auto const* bytes : {"50", "64", "250", "65536"}) {
    run_bench(daemon, {"--entries", "4", "--entry-bytes", bytes});
  }
  BOOST_TEST(stored_entries(daemon) == 16u);
  auto const finished = stele::test::run_program(
      {STELE_BENCH, "--socket", daemon.socket(), "--entries", "1", "--entry-bytes", "30"});
  BOOST_TEST(finished.exit_code == 1);
  BOOST_TEST(finished.err.find("at least") != std::string::npos);
}

/// In place of its file it writes nothing: the exchange is what is tested here.
BOOST_AUTO_TEST_CASE(the_floor_answers_as_steled_does) {
  stele::test::TempDir folder;
  auto const socket = folder / "floor.sock";
  stele::test::Program floor({STELE_BENCH_FLOOR, socket}, {.out = folder / "out"});
  while (stele::test::read_file(folder / "out") != "ready\n") {
    BOOST_TEST_REQUIRE(!floor.wait_for(std::chrono::milliseconds(5)));
  }
  auto const finished = stele::test::run_program(
      {STELE_BENCH, "--socket", socket, "--peer", "floor", "--entries", "100", "--json"});
  BOOST_TEST_REQUIRE(finished.exit_code == 0, finished.err);
  BOOST_TEST(number(boost::json::parse(finished.out), "entries") == 100u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

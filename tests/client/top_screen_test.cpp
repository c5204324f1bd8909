#include "client-lib/cli/monitor/top_screen.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "client-lib/cli/monitor/prometheus_text.hpp"

using stele::cli::parse_top_sample;
using stele::cli::prometheus_text;
using stele::cli::top_screen;
using stele::cli::TopSample;

BOOST_AUTO_TEST_SUITE(top_screen_test)

namespace {

constexpr auto stats_before =
    R"({"version":"0.1.0","state":"ok","uptime_us":60000000,"wal":{"durable_seq":1000,)"
    R"("commits":100,"commit_entries":1000,"commit_bytes":1048576,"commit_us":[[128,90],[256,10]],)"
    R"("commit_us_sum":20250,"segments":2,"log_bytes":134217728,"segment_wait_us":1500000},"store":{"entries":1000},)"
    R"("connections":{"open":3,"accepted":9},"requests":{"ping":1,"write_log":500},)"
    R"("errors":{"no_space":2},"entry_counts":{"written":1000,"read":5}})";
constexpr auto stats_after =
    R"({"version":"0.1.0","state":"ok","uptime_us":62000000,"wal":{"durable_seq":5000,)"
    R"("commits":140,"commit_entries":5000,"commit_bytes":3145728,"commit_us":[[128,120],)"
    R"([256,18],[2048,2]],"segments":2,"log_bytes":134217728},"store":{"entries":5000,)"
    R"("bytes":2097152},"connections":{"open":4,"accepted":9},"requests":{"ping":1,)"
    R"("write_log":4500},"entry_counts":{"written":5000,"read":5}})";

TopSample const before = *parse_top_sample(stats_before);
TopSample const after = *parse_top_sample(stats_after);

bool has(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_CASE(rates_and_latencies_are_of_the_time_between_two_looks) {
  auto const screen = top_screen(before, after, 2.0, {});
  for (auto const* part : {"steled 0.1.0   state ok   up 1m2s\n", "written 2.0 k/s   read 0/s",
                           "seq 5000\n", "commits   20/s   100.0 entries each   1.0 MiB/s\n",
                           "p50 <= 0.256   p99 <= 4.096   max <= 4.096\n", "clients   4 open",
                           "write_log 2.0 k/s", "log 128 MiB in 2 segments"}) {
    BOOST_TEST(has(screen, part), part << " in\n" << screen);
  }
  BOOST_TEST(!has(screen, "ping"));
}

BOOST_AUTO_TEST_CASE(a_restart_between_two_looks_counts_from_the_start) {
  auto const screen = top_screen(after, before, 2.0, {});
  BOOST_TEST(has(screen, "written 17/s"), screen);
}

BOOST_AUTO_TEST_CASE(nothing_is_wider_or_longer_than_the_terminal) {
  auto const screen = top_screen(before, after, 2.0, {.columns = 20, .rows = 4});
  BOOST_TEST(std::count(screen.begin(), screen.end(), '\n') == 4);
  BOOST_TEST(has(screen, "\nentries   written 2.\n"));
}

BOOST_AUTO_TEST_CASE(two_looks_at_an_idle_daemon_have_no_latencies) {
  auto const screen = top_screen(after, after, 1.0, {});
  BOOST_TEST(has(screen, "commit ms none\n"), screen);
  BOOST_TEST(has(screen, "requests  none\n"));
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_no_sample) {
  BOOST_TEST(!parse_top_sample("[]").has_value());
  BOOST_TEST(prometheus_text("[]") == "");
}

BOOST_AUTO_TEST_CASE(a_metric_has_its_type_its_unit_and_its_value) {
  auto const text = prometheus_text(stats_before);
  for (auto const* part :
       {"# TYPE stele_entries_written_total counter\nstele_entries_written_total 1000\n",
        "\nstele_uptime_seconds 60\n", "\nstele_segment_wait_seconds_total 1.5\n",
        "\nstele_requests_total{op=\"write_log\"} 500\n",
        "\nstele_errors_total{code=\"no_space\"} 2\n", "stele_state{state=\"ok\"} 1\n",
        "stele_state{state=\"damaged\"} 0\n"}) {
    BOOST_TEST(has(text, part), part << " in\n" << text);
  }
  BOOST_TEST(text.ends_with("\n# EOF\n"));
}

BOOST_AUTO_TEST_CASE(commit_times_are_a_histogram_that_adds_up) {
  auto const text = prometheus_text(stats_before);
  BOOST_TEST(has(text,
                 "stele_commit_seconds_bucket{le=\"0.000256\"} 90\n"
                 "stele_commit_seconds_bucket{le=\"0.000512\"} 100\n"
                 "stele_commit_seconds_bucket{le=\"0.001024\"} 100\n"),
             text);
  BOOST_TEST(has(text, "stele_commit_seconds_bucket{le=\"2e-06\"} 0\n"), text);
  BOOST_TEST(has(text,
                 "stele_commit_seconds_bucket{le=\"8.388608\"} 100\n"
                 "stele_commit_seconds_bucket{le=\"+Inf\"} 100\n"
                 "stele_commit_seconds_count 100\n"
                 "stele_commit_seconds_sum 0.02025\n"),
             text);
}

BOOST_AUTO_TEST_CASE(what_the_daemon_does_not_tell_has_no_metric) {
  BOOST_TEST(!has(prometheus_text(R"({"ok":true})"), "stele_entries"));
}

BOOST_AUTO_TEST_CASE(metrics_of_two_logs_stand_beside_one_another) {
  BOOST_TEST(stele::cli::log_label("/run/stele/stele.sock") == "stele");
  BOOST_TEST(stele::cli::log_label("/run/stele-web/stele.sock") == "stele-web");
  BOOST_TEST(stele::cli::log_label("/run/stele-a/b/stele.sock") == "/run/stele-a/b/stele.sock");
  BOOST_TEST(stele::cli::log_label("/tmp/my.sock") == "/tmp/my.sock");
  BOOST_TEST(
      stele::cli::with_label("# HELP a b c\na 1\na_b{le=\"+Inf\"} 2\n# EOF\n", "log", "x\"y\\") ==
      "# HELP a b c\na{log=\"x\\\"y\\\\\"} 1\n"
      "a_b{log=\"x\\\"y\\\\\",le=\"+Inf\"} 2\n# EOF\n");
}

BOOST_AUTO_TEST_SUITE_END()

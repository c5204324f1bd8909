#include "client-lib/ship/ship_metrics.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace stele::ship;

namespace {

bool has_line(std::string const& text, std::string const& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ship_metrics_test)

BOOST_AUTO_TEST_CASE(the_lag_is_what_the_stream_does_not_have) {
  ShipMetrics figures{.acknowledged_seq = 90,
                      .durable_seq = 100,
                      .messages = 95,
                      .gap_entries = 3,
                      .refused_entries = 4,
                      .retries = 2,
                      .newest_sent_us = 7'500'000};
  auto const text = metrics_text(figures, "web", "stele", 10'000'000);
  BOOST_TEST(has_line(text, R"(stele_ship_acknowledged_seq{log="stele",stream="web"} 90)"));
  BOOST_TEST(has_line(text, R"(stele_ship_lag_entries{log="stele",stream="web"} 10)"));
  BOOST_TEST(has_line(text, R"(stele_ship_lag_seconds{log="stele",stream="web"} 2.500)"));
  BOOST_TEST(has_line(text, R"(stele_ship_messages_total{log="stele",stream="web"} 95)"));
  BOOST_TEST(has_line(text, R"(stele_ship_gap_entries_total{log="stele",stream="web"} 3)"));
  BOOST_TEST(has_line(text, R"(stele_ship_refused_entries_total{log="stele",stream="web"} 4)"));
  BOOST_TEST(has_line(text, R"(stele_ship_retries_total{log="stele",stream="web"} 2)"));
}

BOOST_AUTO_TEST_CASE(an_age_that_nobody_knows_is_not_told) {
  auto const text =
      metrics_text({.acknowledged_seq = 90, .durable_seq = 100}, "web", "stele", 10'000'000);
  BOOST_TEST(has_line(text, R"(stele_ship_lag_entries{log="stele",stream="web"} 10)"));
  BOOST_TEST(text.find("stele_ship_lag_seconds{") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(there_is_no_lag_when_all_is_there) {
  // The log was asked before the last acknowledgements came.
  auto const text =
      metrics_text({.acknowledged_seq = 101, .durable_seq = 100}, "web", "stele", 10'000'000);
  BOOST_TEST(has_line(text, R"(stele_ship_lag_entries{log="stele",stream="web"} 0)"));
  BOOST_TEST(has_line(text, R"(stele_ship_lag_seconds{log="stele",stream="web"} 0)"));
}

BOOST_AUTO_TEST_SUITE_END()

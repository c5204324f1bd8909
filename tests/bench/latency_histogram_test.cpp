#include "bench/latency_histogram.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using stele::bench::LatencyHistogram;

BOOST_AUTO_TEST_SUITE(latency_histogram_test)

BOOST_AUTO_TEST_CASE(buckets_follow_each_other_without_gap_or_overlap) {
  for (std::size_t bucket = 0; bucket < 40 * LatencyHistogram::sub_buckets; ++bucket) {
    auto const end = LatencyHistogram::bucket_end(bucket);
    BOOST_TEST(LatencyHistogram::bucket_of(end) == bucket);
    BOOST_TEST(LatencyHistogram::bucket_of(end + 1) == bucket + 1);
  }
}

BOOST_AUTO_TEST_CASE(a_bucket_is_at_most_a_64th_of_its_values_wide) {
  for (std::size_t bucket = 1; bucket < 40 * LatencyHistogram::sub_buckets; ++bucket) {
    auto const first = LatencyHistogram::bucket_end(bucket - 1) + 1;
    BOOST_TEST((LatencyHistogram::bucket_end(bucket) - first) * 64 <= first);
  }
}

BOOST_AUTO_TEST_CASE(the_largest_value_has_a_bucket) {
  LatencyHistogram histogram;
  histogram.record(UINT64_MAX);
  BOOST_TEST(histogram.at_share(1) == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(a_share_is_the_value_that_so_many_do_not_exceed) {
  LatencyHistogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
  BOOST_TEST(histogram.count() == 100u);
  BOOST_TEST(histogram.at_share(0) == 1u);
  BOOST_TEST(histogram.at_share(0.5) == 50u);
  BOOST_TEST(histogram.at_share(0.99) == 99u);
  BOOST_TEST(histogram.at_share(1) == 100u);
}

BOOST_AUTO_TEST_CASE(the_maximum_is_exact) {
  LatencyHistogram histogram;
  histogram.record(1'000'001);
  BOOST_TEST(histogram.max() == 1'000'001u);
  BOOST_TEST(histogram.at_share(0.5) == 1'000'001u);
}

BOOST_AUTO_TEST_CASE(an_empty_histogram_answers_zero) {
  BOOST_TEST(LatencyHistogram().at_share(0.99) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace

#include "client-lib/cli/read/selection.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

using stele::Level;
using stele::cli::GivenOptions;
using stele::cli::selection_of;
using stele::cli::UsageError;
using stele::cli::where_json;

namespace {

GivenOptions given(std::vector<std::pair<std::string, std::string>> const& options) {
  GivenOptions result;
  for (auto const& [key, value] : options) result.add(key, value);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(selection_test)

BOOST_AUTO_TEST_CASE(without_options_every_entry_is_selected) {
  auto const all = selection_of({});
  BOOST_TEST(all.start_ts == 0);
  BOOST_TEST(all.end_ts == UINT64_MAX);
  BOOST_TEST((all.filter.min_level == Level::trace && all.max_level == Level::fatal));
  BOOST_TEST(all.filter.where.empty());
}

BOOST_AUTO_TEST_CASE(one_level_means_it_and_worse_and_two_are_a_range_in_either_order) {
  auto const one = selection_of(given({{"--level", "warning"}}));
  BOOST_TEST((one.filter.min_level == Level::warn && one.max_level == Level::fatal));
  auto const range = selection_of(given({{"--level", "err..debug"}}));
  BOOST_TEST((range.filter.min_level == Level::debug && range.max_level == Level::error));
  BOOST_CHECK_THROW(selection_of(given({{"--level", "loud"}})), UsageError);
  BOOST_CHECK_THROW(selection_of(given({{"--level", "warn.."}})), UsageError);
}

BOOST_AUTO_TEST_CASE(where_takes_text_json_values_and_objects) {
  BOOST_TEST(where_json({"disk=sda"}) == R"({"disk":"sda"})");
  BOOST_TEST(where_json({"used=0.910", "ok=true"}) == R"({"used":0.910,"ok":true})");
  BOOST_TEST(where_json({"id=\"42\""}) == R"({"id":"42"})");
  BOOST_TEST(where_json({"q=a=b \"c\""}) == R"({"q":"a=b \"c\""})");
  BOOST_TEST(where_json({R"({"a":1,"b":[2]})", "c=3"}) == R"({"a":1,"b":[2],"c":3})");
  BOOST_TEST(where_json({"empty="}) == R"({"empty":""})");
  BOOST_CHECK_THROW(where_json({"disk"}), UsageError);
  BOOST_CHECK_THROW(where_json({"=sda"}), UsageError);
  BOOST_CHECK_THROW(where_json({"{\"a\":"}), UsageError);
}

BOOST_AUTO_TEST_CASE(an_origin_is_a_process_a_user_by_number_or_a_user_by_name) {
  auto const both = selection_of(given({{"--origin", "pid=4711"}, {"--origin", "uid=1000"}}));
  BOOST_TEST(*both.filter.pid == 4711);
  BOOST_TEST(*both.filter.uid == 1000U);
  BOOST_TEST(*selection_of(given({{"--origin", "uid=root"}})).filter.uid == 0U);
  for (std::string const wrong : {"pid=me", "gid=1", "4711", "uid=", "uid=nobody-has-this-name"}) {
    BOOST_CHECK_THROW(selection_of(given({{"--origin", wrong}})), UsageError);
  }
}

BOOST_AUTO_TEST_CASE(a_seq_is_a_number_and_nothing_else) {
  BOOST_TEST(*selection_of(given({{"--after-seq", "976"}})).filter.after_seq == 976U);
  BOOST_CHECK_THROW(selection_of(given({{"--after-seq", "-1"}})), UsageError);
  BOOST_CHECK_THROW(selection_of(given({{"--after-seq", "18446744073709551616"}})), UsageError);
}

BOOST_AUTO_TEST_SUITE_END()

#include "client-lib/cli/output/journal_export.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

using stele::Level;

namespace {

std::string exported(std::string const& message, std::string const& metadata = "{}") {
  std::string out;
  stele::cli::append_journal_export(out, {.seq = 7,
                                          .timestamp = 1700000000000000,
                                          .level = Level::error,
                                          .message = message,
                                          .metadata = metadata,
                                          .origin = {.pid = 42, .uid = 1000, .gid = 100}});
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journal_export_test)

BOOST_AUTO_TEST_CASE(an_entry_is_fields_and_an_empty_line) {
  BOOST_TEST(exported("hello") ==
             "__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE=hello\nPRIORITY=3\n_PID=42\n"
             "_UID=1000\n_GID=100\nSTELE_SEQ=7\nSTELE_LEVEL=error\n\n");
}

BOOST_AUTO_TEST_CASE(a_value_with_a_line_break_is_written_with_its_length) {
  using namespace std::string_view_literals;
  BOOST_TEST(exported("a\nb").find("MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"sv) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(members_become_fields_in_capitals) {
  auto const text = exported("m", R"({"unit":"web","used":0.5,"tags":["a"],"http.code":200})");
  for (auto const* field : {"\nUNIT=web\n", "\nTAGS=[\"a\"]\n", "\nHTTP_CODE=200\n"}) {
    BOOST_TEST(text.find(field) != std::string::npos, field);
  }
  BOOST_TEST(text.find("STELE_METADATA") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(members_that_cannot_be_fields_keep_the_whole_object) {
  for (auto const* metadata : {R"({"_pid":1})", R"({"message":"x"})", R"({"9":1})", R"({"":1})"}) {
    BOOST_TEST(exported("m", metadata).find("\nSTELE_METADATA=" + std::string{metadata} + "\n") !=
               std::string::npos);
  }
}

BOOST_AUTO_TEST_SUITE_END()

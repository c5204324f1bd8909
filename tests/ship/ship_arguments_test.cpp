#include "client-lib/ship/ship_arguments.hpp"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

using stele::cli::GivenOptions;
using stele::cli::UsageError;
using namespace stele::ship;

namespace {

GivenOptions with_headers(std::vector<std::string> const& headers) {
  GivenOptions given;
  given.add("--to", "http://a/v1/logs");
  for (auto const& header : headers) given.add("--header", header);
  return given;
}

std::vector<std::string> servers_of(std::string const& list) {
  GivenOptions given;
  given.add("--stream", "S");
  return nats_options_of(given, list).servers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ship_arguments_test)

BOOST_AUTO_TEST_CASE(a_scheme_says_what_is_meant_in_any_case) {
  for (auto const* const to : {"http://a/v1/logs", "https://a", "HTTP://a", "Https://a/"}) {
    BOOST_TEST(is_receiver(to), to);
  }
  for (auto const* const to : {"nats://a", "tls://a", "a:4222", "httpd:4222", "https:4222", ""}) {
    BOOST_TEST(!is_receiver(to), to);
  }
  std::vector<std::string> const expected = {"nats://a:1", "nats://b", "tls://c", "nats://D"};
  BOOST_TEST(servers_of("a:1,nats://b,,TLS://c,Nats://D") == expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_scheme_that_is_none_of_these_is_refused_by_name) {
  for (auto const* const url : {"ftp://x/", "grpc://x:4317", "nats://a,http://b", "://x"}) {
    BOOST_CHECK_EXCEPTION(servers_of(url), UsageError, [](UsageError const& error) {
      return std::string(error.what()).find("names no server") != std::string::npos;
    });
  }
}

BOOST_AUTO_TEST_CASE(a_header_that_says_what_the_body_is_is_refused) {
  for (auto const* const header : {"Content-Length: 3", "content-type: text/plain",
                                   "CONTENT-ENCODING:", "Transfer-Encoding: chunked"}) {
    BOOST_CHECK_THROW(otlp_options_of(with_headers({"A: b", header})), UsageError);
  }
  std::vector<std::string> const headers = {"Authorization: Bearer x", "X-Content-Type: y"};
  BOOST_TEST(otlp_options_of(with_headers(headers)).headers == headers,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

// Replays the sessions of PROTOCOL.md and README.md through the real socat: `> ` is typed, `< ` is
// expected. <seq> <timestamp> <pid> <uid> <gid> stand for a number; `...` at the end, for the rest
// of a line.
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/steled.hpp"

using stele::test::Steled;

namespace {

struct Session {
  std::string typed{};
  std::vector<std::string> expected{};
};

std::vector<Session> sessions_of(std::string const& markdown) {
  std::vector<Session> sessions;
  std::istringstream lines(markdown);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = line.starts_with("```socat");
      if (inside) sessions.emplace_back();
    } else if (inside && line.starts_with("> ")) {
      sessions.back().typed += line.substr(2) + "\n";
    } else if (inside && line.starts_with("< ")) {
      sessions.back().expected.push_back(line.substr(2));
    }
  }
  return sessions;
}

std::regex pattern_of(std::string text) {
  bool const prefix = text.ends_with("...");
  if (prefix) text.resize(text.size() - 3);
  text = std::regex_replace(text, std::regex(R"([.*+?^${}()|[\]\\])"), R"(\$&)");
  text = std::regex_replace(text, std::regex("<(?:seq|timestamp|pid|uid|gid)>"), "[0-9]+");
  return std::regex(text + (prefix ? ".*" : ""));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(transcript_test)

BOOST_DATA_TEST_CASE(the_session_in_the_document_is_what_happens,
                     (std::vector<std::string>{STELE_PROTOCOL_MD, STELE_README_MD}), document) {
  auto const sessions = sessions_of(stele::test::read_file(document));
  BOOST_REQUIRE(!sessions.empty());
  for (auto const& session : sessions) {
    BOOST_REQUIRE(!session.expected.empty());
    Steled daemon;
    daemon.start();
    auto const socat = stele::test::run_program(
        {"/usr/bin/socat", "-t30", "-", "UNIX-CONNECT:" + daemon.socket()}, session.typed);
    BOOST_TEST(socat.exit_code == 0);
    std::istringstream answers(socat.out);
    std::string answer;
    for (auto const& expected : session.expected) {
      BOOST_REQUIRE_MESSAGE(std::getline(answers, answer), "no answer where " << expected);
      BOOST_TEST(std::regex_match(answer, pattern_of(expected)),
                 "expected " << expected << "\n     got " << answer);
    }
    BOOST_TEST(!std::getline(answers, answer), "unexpected answer: " << answer);
  }
}

BOOST_AUTO_TEST_SUITE_END()

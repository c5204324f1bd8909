// Logs with their own times and levels through the real command, judged by what grep, awk and sort
// find in the source files; and from one daemon into another.
// STELE_LOG_DIR may name a directory with Apache.log, HDFS.log, Linux.log and OpenSSH.log of
// loghub; without it the test makes logs of the same forms.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/steled.hpp"
#include "support/subject.hpp"

using stele::test::exists_program;
using stele::test::read_file;
using stele::test::run_program;
using stele::test::run_stele;
using stele::test::stele_path;
using stele::test::Steled;
using stele::test::write_file;

namespace {

struct LogCase {
  std::string name;
  std::string time;    ///< --time
  std::string made;    ///< A printf format of a line that is made: minute, level, number.
  std::string word;    ///< For --contains.
  std::string errors;  ///< The grep pattern of lines of at least `level`.
  std::string level;
  std::string since;  ///< A stretch of time,
  std::string until;
  std::string inside;  ///< and the grep pattern of its lines.
  std::string order;   ///< sort's keys for the time.
};

std::vector<LogCase> const log_cases{
    {"Apache.log", "apache", "[Sun Dec 04 04:%02d:44 2005] [%s] mod_jk child %d", "mod_jk",
     R"(^\[[^]]*\] \[error\])", "error", "2005-12-04T04:00:00Z", "2005-12-04T04:59:59.999999Z",
     R"(^\[Sun Dec 04 04:)", "-k2,2M -k3,3n -k4,4"},
    {"HDFS.log", "hdfs", "081109 20%02d15 148 %s dfs.DataNode: block blk_%d", "blk_3",
     "^[0-9 ]* WARN ", "warn", "2008-11-09T20:00:00Z", "2008-11-09T20:59:59.999999Z", "^081109 20",
     "-k1,1n -k2,2n"},
    {"Linux.log", "syslog", "Jun 14 15:%02d:01 combo sshd(pam_unix)[19939]: %s %d",
     "authentication", "^$", "warn", "2005-06-14T15:00:00Z", "2005-06-14T15:59:59.999999Z",
     "^Jun 14 15:", "-k1,1M -k2,2n -k3,3"},
    {"OpenSSH.log", "syslog", "Dec 10 06:%02d:46 LabSZ sshd[24200]: %s user %d", "Invalid user",
     "^$", "warn", "2005-12-10T06:00:00Z", "2005-12-10T06:59:59.999999Z",
     "^Dec 10 06:", "-k1,1M -k2,2n -k3,3"},
};

std::string made_log(LogCase const& log) {
  std::string text;
  for (int i = 0; i < 180; ++i) {
    char line[200];
    auto const* const level =
        log.time == "apache" ? (i % 3 == 0 ? "error" : "notice") : (i % 4 == 0 ? "WARN" : "INFO");
    std::snprintf(line, sizeof line, log.made.c_str(), i / 3, level, i);
    text += line;
    text += '\n';
  }
  return text;
}

std::string shell(std::string const& command) {
  auto const done = run_program({"/bin/sh", "-c", "export LC_ALL=C; " + command});
  return done.out;
}

constexpr auto journal_remote = "/lib/systemd/systemd-journal-remote";
boost::test_tools::assertion_result has_journal_remote(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(std::filesystem::exists(journal_remote) &&
                                             exists_program("journalctl"));
  result.message() << "needs systemd-journal-remote and journalctl";
  return result;
}
boost::test_tools::assertion_result has_jq(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(exists_program("jq"));
  result.message() << "needs jq";
  return result;
}
boost::test_tools::assertion_result has_lnav(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(exists_program("lnav"));
  result.message() << "needs lnav";
  return result;
}

/// Entries without what the daemon gives them, in the order of the log.
std::string entries_alone(Steled const& daemon) {
  auto const exported = run_stele(daemon, {"export"});
  BOOST_TEST(exported.exit_code == 0, exported.err);
  static std::regex const given(R"re(\{"seq":\d+,|,"origin":\{[^}]*\},"time":"[^"]*"\}\n)re");
  return std::regex_replace(exported.out, given, "|");
}

void write_odd_entries(Steled const& daemon) {
  auto const odd = std::vector<std::vector<std::string>>{
      {"-p", "fatal", "--timestamp", "18446744073709551615", "last moment"},
      {"--timestamp", "0", "--metadata", R"({"seq":1,"origin":{"pid":1},"n":1.0,"e":1e2})", "zero"},
      {"--metadata", R"({"big":123456789012345678901234567890,"t":{"a":["\u0000"]}})", "a\nb\x1b["},
      {"-p", "trace",
       "gr\xc3\xbc\xc3\x9f"
       "e \xf0\x9f\xaa\xb5"},
      {"", "--metadata", R"({"unit":"web"})"}};
  for (auto words : odd) {
    words.insert(words.begin(), "write");
    auto const written = run_stele(daemon, words);
    BOOST_TEST(written.exit_code == 0, written.err);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(log_formats_test)

BOOST_AUTO_TEST_CASE(what_is_found_in_an_imported_log_is_what_grep_and_awk_find_in_the_file) {
  auto const* const folder = std::getenv("STELE_LOG_DIR");
  for (auto const& log : log_cases) {
    BOOST_TEST_CONTEXT(log.name) {
      Steled daemon;
      daemon.start();
      auto path = folder == nullptr ? "" : std::string{folder} + "/" + log.name;
      if (path.empty() || !std::filesystem::exists(path)) {
        path = daemon.home() + "/" + log.name;
        write_file(path, made_log(log));
      }
      std::vector<std::string> words{"import", "--time", log.time, "--timezone", "UTC", path};
      if (log.time == "syslog") words.insert(words.end(), {"--year", "2005"});
      auto const imported = run_stele(daemon, words);
      BOOST_TEST(imported.exit_code == 0, imported.err);
      auto const count = [&](std::vector<std::string> options) {
        options.insert(options.begin(), "count");
        return run_stele(daemon, options).out;
      };
      auto const lines_of = [&](std::vector<std::string> options) {
        options.insert(options.begin(), {"read", "-o", "cat"});
        return run_stele(daemon, options).out;
      };
      auto const in_order = " | sort -s " + log.order;  // A log may not be in order of time.
      BOOST_TEST(count({}) == shell("grep -c '' " + path));
      BOOST_TEST(count({"--contains", log.word}) == shell("grep -cF '" + log.word + "' " + path));
      BOOST_TEST(count({"-p", log.level}) == shell("grep -c '" + log.errors + "' " + path));
      BOOST_TEST(
          (lines_of({"-p", log.level}) == shell("grep '" + log.errors + "' " + path + in_order)));
      BOOST_TEST((lines_of({"--since", log.since, "--until", log.until}) ==
                  shell("grep '" + log.inside + "' " + path + in_order)));
      BOOST_TEST((
          lines_of({"--contains", log.word, "--since", log.since, "--until", log.until}) ==
          shell("grep '" + log.inside + "' " + path + " | grep -F '" + log.word + "'" + in_order)));
      // By the hour: what stands before the minutes, counted.
      auto const hours = run_stele(daemon, {"count", "--bucket", "1h", "--json"}).out;
      std::string counts;
      static std::regex const bucket(R"(\[\d+,(\d+)\])");
      for (std::sregex_iterator at(hours.begin(), hours.end(), bucket), end; at != end; ++at) {
        counts += (*at)[1].str() + "\n";
      }
      auto const hour = log.time == "apache" ? "substr($0, 1, 14)"
                        : log.time == "hdfs" ? "substr($0, 1, 9)"
                                             : "substr($0, 1, 9)";
      BOOST_TEST(counts == shell(std::string{"awk '{h="} + hour +
                                 "; if (!(h in n)) order[++k]=h; n[h]++} END "
                                 "{for (i=1;i<=k;i++) print n[order[i]]}' " +
                                 path));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_found_in_imported_json_lines_is_what_jq_finds_in_the_file,
                     *boost::unit_test::precondition(has_jq)) {
  Steled daemon;
  daemon.start();
  auto const path = daemon.home() + "/app.jsonl";
  std::array<std::string, 4> const levels{"debug", "info", "warn", "error"};
  std::array<std::string, 3> const units{"web", "mail", "d\\u0062"};
  std::string lines;
  for (std::size_t i = 0; i < 3000; ++i) {
    lines += R"({"time":")" + std::to_string(1'700'000'000 + i * 7) + R"(","level":")" +
             levels[i * 31 % 4] + R"(","unit":")" + units[i % 3] + R"(","n":)" +
             std::to_string(i % 17) + R"(,"message":"request )" + std::to_string(i) +
             (i % 5 == 0 ? " timed out" : " done") + "\"}\n";
  }
  write_file(path, lines);
  auto const imported = run_stele(
      daemon, {"import", "--format", "json", "--map", "timestamp=time", "--time", "epoch", path});
  BOOST_TEST(imported.exit_code == 0, imported.err);
  auto const jq = [&](std::string const& options, std::string const& filter) {
    auto found = shell("jq " + options + " '" + filter + "' " + path);
    BOOST_TEST(!found.empty(), filter);
    return found;
  };
  auto const stele = [&](std::string const& words, std::string const& behind) {
    return shell(stele_path() + " " + words + " --socket " + daemon.socket() + behind);
  };
  std::string const bad = R"(select(.level == "warn" or .level == "error"))";
  BOOST_TEST(stele("count -p warn", "") == jq("-s", "map(" + bad + ") | length"));
  BOOST_TEST((stele("read -o cat -p warn unit=web", "") ==
              jq("-r", bad + R"( | select(.unit == "web") | .message)")));
  BOOST_TEST((stele("read -o cat --contains 'timed out' unit=db n=10", "") ==
              jq("-r", R"(select(.unit == "db" and .n == 10) | .message | )"
                       R"(select(contains("timed out")))")));
  BOOST_TEST((stele("read -o json -r", R"( | jq -c '[.timestamp, .level, .message, .metadata]')") ==
              jq("-sc", R"(reverse | .[] | [(.time | tonumber) * 1000000, .level, .message, )"
                        R"(({unit, n})])")));
}

BOOST_AUTO_TEST_CASE(an_export_imported_elsewhere_is_the_same_but_for_seq_and_origin) {
  Steled source;
  source.start();
  write_odd_entries(source);
  run_stele(source, {"import", "-"}, "one\ntwo\n\n\r\n\xff\n");
  Steled target;
  target.start();
  run_stele(target, {"write", "other"});
  auto const exported = run_stele(source, {"export"});
  auto const imported = run_stele(target, {"import", "--format", "stele"}, exported.out);
  BOOST_TEST(imported.exit_code == 0, imported.err);
  auto const before = entries_alone(source);
  auto const after = entries_alone(target);
  BOOST_TEST(before.size() > 500U);
  BOOST_TEST(after.substr(after.find("||") + 1) == before);
}

BOOST_AUTO_TEST_CASE(lines_that_are_no_json_are_text_and_what_is_not_understood_is_kept_and_told) {
  Steled daemon;
  daemon.start();
  auto const imported = run_stele(daemon, {"import", "--format", "json", "--map", "message=event"},
                                  "\xef\xbb\xbf{\"event\":\"one\",\"n\":1,\"time\":1700000000}\n"
                                  "not JSON\n\n{\"event\":\"two\",\"a\":1,\"a\":2}\n"
                                  "{\"event\":\"three\",\"level\":\"panic\"}\n");
  BOOST_TEST(imported.exit_code == 0, imported.err);
  for (auto const* sentence :
       {"imported 4 lines", "1 line without a JSON object", "1 line with two members of one name",
        "1 line with a level of another name", "3 lines without a time"}) {
    BOOST_TEST(imported.err.find(sentence) != std::string::npos, imported.err);
  }
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat"}).out == "one\nnot JSON\ntwo\nthree\n");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "--where", "a#2=2"}).out == "two\n");
  BOOST_TEST(run_stele(daemon, {"read", "-o", "cat", "-p", "fatal", "level=panic"}).out ==
             "three\n");
}

BOOST_AUTO_TEST_CASE(an_import_that_did_less_than_it_was_asked_for_is_1) {
  Steled daemon;
  daemon.start();
  auto const left_out = run_stele(daemon, {"import", "--format", "journal"},
                                  R"({"__REALTIME_TIMESTAMP":"1700000000000000","MESSAGE":null})"
                                  "\n");
  BOOST_TEST(left_out.exit_code == 1);
  BOOST_TEST(left_out.err.find("--all") != std::string::npos, left_out.err);
  BOOST_TEST(run_stele(daemon, {"import", "--format", "json"}, "text\n").exit_code == 1);
  BOOST_TEST(run_stele(daemon, {"import", "--format", "json"}, "{\"time\":\"soon\"}\n").exit_code ==
             1);
  auto const refused = run_stele(daemon, {"import", "--format", "stele"}, "text\n");
  BOOST_TEST(refused.exit_code == 1);
  BOOST_TEST(refused.err.find("line 1 of standard input is not a JSON object") != std::string::npos,
             refused.err);
}

BOOST_AUTO_TEST_CASE(an_export_into_its_own_log_ends_at_what_was_there_when_it_began) {
  Steled daemon;
  daemon.start();
  run_stele(daemon, {"import", "-"}, "one\ntwo\n");
  auto const command = stele_path() + " export --socket " + daemon.socket() + " | " + stele_path() +
                       " import --format stele --socket " + daemon.socket();
  for (int i = 0; i < 10; ++i) shell(command);
  BOOST_TEST(run_stele(daemon, {"count"}).out == "2048\n");
}

BOOST_AUTO_TEST_CASE(wrong_options_of_an_import_are_2) {
  Steled daemon;
  daemon.start();
  for (auto const& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"--format", "xml"},
                                                        {"--time", "whenever"},
                                                        {"--timezone", "Mars/Olympus"},
                                                        {"--timezone", "../passwd"},
                                                        {"--map", "message=x"},
                                                        {"--level-pattern", "("},
                                                        {"--level-pattern", "ERROR"},
                                                        {"--time", "%Q"},
                                                        {"--year", "20005"},
                                                        {"--batch", "0"}}) {
    BOOST_TEST(run_stele(daemon, {"import", option, value, "-"}).exit_code == 2, option);
  }
  for (auto const& words : std::vector<std::vector<std::string>>{
           {"--format", "json", "--level-pattern", "(x)"},
           {"--format", "stele", "--time", "iso"},
           {"--format", "journal", "--timezone", "UTC"},
           {"--format", "json", "--time", "none", "--year", "2024"},
           {"--format", "json", "--time", "none", "--map", "timestamp=t"},
           {"--timezone", "UTC"},
           {"--year", "2024"},
           {"--time", "iso", "--year", "2024"},
           {"--time", "%d.%m.%y", "--year", "2024"},
           {"--time", "epoch", "--timezone", "UTC"},
           {"--time", "iis", "--timezone", "UTC"},
           {"--time", "auto", "--timezone", "zone.tab"},
           {"--time", "none", "--year", "2024"}}) {
    auto all = words;
    all.insert(all.begin(), "import");
    all.emplace_back("-");
    BOOST_TEST(run_stele(daemon, all).exit_code == 2, words[0] + ' ' + words[1]);
  }
}

BOOST_AUTO_TEST_CASE(journalctl_reads_back_what_was_exported,
                     *boost::unit_test::precondition(has_journal_remote)) {
  Steled daemon;
  daemon.start();
  run_stele(daemon, {"write", "-p", "error", "--metadata", R"({"unit":"web"})", "two\nlines"});
  run_stele(daemon, {"write", "plain"});
  auto const journal = daemon.home() + "/x.journal";
  auto const exported = run_stele(daemon, {"export", "-o", "export"});
  auto const taken = run_program({journal_remote, "-o", journal, "-"}, exported.out);
  BOOST_TEST(taken.exit_code == 0, taken.err);
  auto const by = [&](std::string const& terms) {
    return shell("journalctl --no-pager -o cat --file " + journal + " " + terms);
  };
  BOOST_TEST(by("") == "two\nlines\nplain\n");
  BOOST_TEST(by("-p err") == "two\nlines\n");
  BOOST_TEST(by("UNIT=web STELE_SEQ=1") == "two\nlines\n");
}

BOOST_AUTO_TEST_CASE(lnav_opens_an_export_with_columns_and_levels,
                     *boost::unit_test::precondition(has_lnav)) {
  Steled daemon;
  daemon.start();
  run_stele(daemon, {"write", "-p", "warn", "--metadata", R"({"unit":"web"})", "disk full"});
  run_stele(daemon, {"write", "-p", "fatal", "second"});
  auto const file = daemon.home() + "/log.jsonl";
  write_file(file, run_stele(daemon, {"export"}).out);
  auto const lnav = "HOME=" + daemon.home() + " TERM=xterm lnav ";
  shell(lnav + "-i " STELE_LNAV_FORMAT);
  BOOST_TEST(shell(lnav +
                   "-n -c ';SELECT seq, log_level, log_body, jget(metadata, \"/unit\") AS unit "
                   "FROM stele_log' -c ':write-csv-to -' " +
                   file) ==
             "seq,log_level,log_body,unit\n1,warning,disk full,web\n2,fatal,second,<NULL>\n");
}

BOOST_AUTO_TEST_SUITE_END()

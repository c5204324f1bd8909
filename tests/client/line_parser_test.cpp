#include "client-lib/cli/import/line_parser.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/time_zone.hpp"

using stele::Level;
using stele::cli::JsonMapping;
using stele::cli::LineForm;
using stele::cli::LineParser;
using stele::cli::Note;
using stele::cli::TimeOption;

BOOST_AUTO_TEST_SUITE(line_parser_test)

namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t now_us = 1'700'000'000 * second;  // 2023-11-14 22:13:20 UTC

stele::LogEntry entry_of(LineForm form, std::string_view line) {
  TimeZone const zone("UTC");
  auto made = LineParser(std::move(form), now_us).parse(line);
  return made ? made->entry : stele::LogEntry{.message = "failed: " + made.error().message};
}

stele::LogEntry entry_of_json(JsonMapping mapping, std::string_view line) {
  return entry_of({.json = std::move(mapping)}, line);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_line_without_a_time_has_that_of_the_line_before) {
  TimeZone const zone("UTC");
  LineForm form;
  form.time = {.kind = TimeOption::Kind::given, .format = "iso"};
  LineParser parser(std::move(form), now_us);
  BOOST_TEST(!parser.begin_file("before any\n", true, now_us));
  BOOST_TEST(!parser.parse("before any")->entry.timestamp.has_value());
  BOOST_TEST(*parser.parse("2023-11-14 22:13:20 error")->entry.timestamp == now_us);
  auto const continued = parser.parse("  at main.cpp:7");
  BOOST_TEST(*continued->entry.timestamp == now_us);
  BOOST_TEST(continued->notes.test(static_cast<std::size_t>(Note::time_of_other_line)));
  BOOST_TEST(continued->entry.message == "  at main.cpp:7");
}

BOOST_AUTO_TEST_CASE(a_line_before_the_first_time_of_a_file_has_that_time) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  BOOST_TEST(parser.begin_file("# head\n2023-11-14 22:13:20 one\n", true, now_us));
  BOOST_TEST(*parser.parse("# head")->entry.timestamp == now_us);
  BOOST_TEST(parser.begin_file("Nov 13 22:13:20 one\n", true, now_us));
  BOOST_TEST(*parser.parse("Nov 13 22:13:20 one")->entry.timestamp == now_us - 86'400 * second);
  std::string rare = "\nLog started: 2023-11-14  22:13:20\n";
  for (int i = 0; i < 150; ++i) rare += "word\n";
  parser.begin_file(rare, true, now_us);
  BOOST_TEST(*parser.parse("")->entry.timestamp == now_us);
  BOOST_TEST(!parser.begin_file("none\n", true, now_us));
  BOOST_TEST(!parser.parse("none")->entry.timestamp.has_value());
  BOOST_TEST(*parser.parse("2023-11-14 22:13:20 late")->entry.timestamp == now_us);
}

BOOST_AUTO_TEST_CASE(a_form_that_no_line_has_any_more_gives_way_to_another) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  parser.begin_file("Nov 13 22:13:20 h one\n", true, now_us);
  for (int i = 0; i < 50; ++i) (void)parser.parse("2023-11-14T22:13:19Z x");
  BOOST_TEST(*parser.parse("2023-11-14T22:13:20Z x")->entry.timestamp == now_us);
  BOOST_TEST(*parser.parse("2023-11-14T22:13:21Z x")->entry.timestamp == now_us + second);
  BOOST_TEST(parser.time_forms() == "syslog, then iso");
}

BOOST_AUTO_TEST_CASE(lines_of_several_programs_in_one_file_have_their_own_times) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  std::string const access = "::1 - - [14/Nov/2023:22:13:18 +0000] \"GET /\" 200 1";
  std::string const error = "2023/11/14 22:13:19 [error] 12#0: failed";
  std::string const far = "14/Nov/2001:22:13:19 +0000] is a date in a text that goes on";
  parser.begin_file(error + '\n' + access + '\n' + error + '\n' + access + '\n' + error + '\n',
                    true, now_us);
  BOOST_TEST(*parser.parse(error)->entry.timestamp == now_us - second);
  BOOST_TEST(*parser.parse(access)->entry.timestamp == now_us - 2 * second);
  BOOST_TEST(*parser.parse("[" + far)->entry.timestamp == now_us - 2 * second);
  BOOST_TEST((parser.parse(error)->entry.level == Level::error));
  BOOST_TEST(parser.time_forms() == "slash and clf");
}

BOOST_AUTO_TEST_CASE(a_second_form_without_a_year_has_that_of_the_lines_beside_it) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  std::string lines;
  for (int i = 0; i < 3; ++i) lines += "2021-12-31T23:59:58Z a\nDec 31 23:59:59 h b\n";
  parser.begin_file(lines, true, now_us);
  std::uint64_t const new_year_us = 1'640'995'200 * second;
  BOOST_TEST(*parser.parse("2021-12-31T23:59:58Z a")->entry.timestamp == new_year_us - 2 * second);
  BOOST_TEST(*parser.parse("Dec 31 23:59:59 h b")->entry.timestamp == new_year_us - second);
  BOOST_TEST(*parser.parse("Jan  1 00:00:00 h b")->entry.timestamp == new_year_us);
}

BOOST_AUTO_TEST_CASE(a_time_within_lines_is_theirs_if_most_lines_have_one) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  std::string const line = "web-1  | 2023-11-14T22:13:20Z up";
  BOOST_TEST(parser.begin_file(line + "\nweb-1  |\n" + line + '\n', true, now_us));
  BOOST_TEST(*parser.parse(line)->entry.timestamp == now_us);
  BOOST_TEST(parser.time_forms() == "iso within the line");
  BOOST_TEST(!parser.begin_file("it was 2023-11-14T22:13:20Z\nwhen\nit began\n", true, now_us));
  BOOST_TEST(!parser.begin_file("{\"a\":\"2023-11-14T22:13:20Z\"}\n", true, now_us));
}

BOOST_AUTO_TEST_CASE(times_of_w3c_files_are_utc_if_their_header_says_that_they_are_such) {
  TimeZone const zone("America/New_York");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  std::string const line = "2023-11-14 22:13:20 10.0.0.9 51234 HTTP/1.1 GET / 400";
  parser.begin_file(line + '\n', true, now_us + 86'400 * second);
  BOOST_TEST(*parser.parse(line)->entry.timestamp == now_us + 5 * 3600 * second);
  parser.begin_file("#Version: 1.0\n#Fields: date time c-ip\n" + line + '\n', true, now_us);
  BOOST_TEST(*parser.parse(line)->entry.timestamp == now_us);
}

BOOST_AUTO_TEST_CASE(standard_input_has_its_times_read_where_that_is_asked_for) {
  TimeZone const zone("UTC");
  auto const line = "2023-11-14 22:13:20 WARN one";
  for (bool const asked : {false, true}) {
    LineParser parser({.time = {.kind = TimeOption::Kind::automatic, .of_files_alone = !asked}},
                      now_us);
    parser.begin_file(line, false, now_us);
    BOOST_TEST(parser.parse(line)->entry.timestamp.has_value() == asked);
    BOOST_TEST((parser.parse(line)->entry.level == (asked ? Level::warn : Level::info)));
  }
}

BOOST_AUTO_TEST_CASE(a_level_is_what_the_first_group_says_else_the_given_one) {
  auto const level_in = [](std::string_view line) {
    LineForm form{.level = Level::debug};
    form.level_pattern.emplace(R"(\[(\w+)\])", "--level-pattern");
    return entry_of(std::move(form), line).level;
  };
  BOOST_TEST((level_in("[WARN] x") == Level::warn));
  BOOST_TEST((level_in("[notice] x") == Level::info));
  BOOST_TEST((level_in("[main] x") == Level::debug));
  BOOST_TEST((level_in("x") == Level::debug));
}

BOOST_AUTO_TEST_CASE(a_group_of_a_level_pattern_may_be_the_priority_of_syslog_or_at_a_line_end) {
  auto const level_in = [](std::string const& pattern, std::string_view line) {
    LineForm form{.level = Level::debug};
    form.level_pattern.emplace(pattern, "--level-pattern");
    return entry_of(std::move(form), line).level;
  };
  BOOST_TEST((level_in(R"(^<(\d+)>)", "<34>x") == Level::fatal));
  BOOST_TEST((level_in(R"(^(<\d+>))", "<36>x") == Level::warn));
  BOOST_TEST((level_in(R"(^(\d+) )", "34 x") == Level::info));
  BOOST_TEST((level_in(R"(x (?<other>\w) (?<level>\w+)$)", "x W error\r") == Level::error));
}

BOOST_AUTO_TEST_CASE(json_members_are_mapped_and_the_rest_is_metadata_as_it_was_written) {
  auto const entry = entry_of_json(
      stele::cli::usual_mapping(),
      R"( {"ts": 1700000000.5 ,"severity":"WARN","msg":"a\n\u00fc","n": 1.0,"e":{"b" :[1e2]}} )");
  BOOST_TEST(*entry.timestamp == now_us + 500'000);
  BOOST_TEST((entry.level == Level::warn));
  BOOST_TEST(entry.message == "a\n\xc3\xbc");
  BOOST_TEST(entry.metadata == R"({"n":1.0,"e":{"b" :[1e2]}})");
}

BOOST_AUTO_TEST_CASE(times_in_json_are_numbers_of_any_unit_or_text) {
  for (auto const* time :
       {"1700000000", "1700000000000", "1700000000000000", "1700000000000000000", "\"1700000000\"",
        "\"2023-11-14T22:13:20Z\"", "\"2023-11-14 23:13:20+01:00\""}) {
    auto const line = std::string{R"({"time":)"} + time + "}";
    BOOST_TEST(*entry_of_json(stele::cli::usual_mapping(), line).timestamp == now_us, time);
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_is_no_object_is_text_among_json_and_refused_among_exports) {
  auto const usual = [](std::string_view line) {
    return entry_of_json(stele::cli::usual_mapping(), line);
  };
  for (auto const* line : {"[1]", "{\"a\":", "text", "{\"a\":NaN}"}) {
    BOOST_TEST(usual(line).message == line);
    BOOST_TEST(usual(line).metadata == "{}");
    for (auto const& strict : {stele::cli::stele_mapping(), stele::cli::journal_mapping()}) {
      BOOST_TEST(entry_of_json(strict, line).message == "failed: is not a JSON object");
    }
  }
  BOOST_TEST(usual("\xef\xbb\xbf{\"msg\":\"x\"}").message == "x");
  auto const invalid = usual("{\"msg\":\"x\xff\",\"a\":1}");
  BOOST_TEST(invalid.message == "x\xef\xbf\xbd");
  BOOST_TEST(invalid.metadata == R"({"a":1,"import":{"invalid_bytes":1}})");
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_of_an_object_is_kept_and_noted) {
  auto const noted = [](std::string_view line) {
    TimeZone const zone("UTC");
    auto made = LineParser({.json = stele::cli::usual_mapping()}, now_us).parse(line);
    std::string found = made->entry.metadata;
    for (std::size_t i = 0; i < made->notes.size(); ++i) {
      bool const is_told = made->notes[i] && i != static_cast<std::size_t>(Note::no_message);
      if (is_told) found += ' ' + std::to_string(i);
    }
    return std::string{to_string(made->entry.level)} + ' ' + found;
  };
  auto const number = [](Note note) { return ' ' + std::to_string(static_cast<int>(note)); };
  auto const undated = number(Note::time_of_arrival);
  BOOST_TEST(noted(R"({"level":"panic","time":1})") ==
             R"(fatal {"level":"panic"})" + number(Note::other_level));
  BOOST_TEST(noted(R"({"level":"loud","time":1})") ==
             R"(info {"level":"loud"})" + number(Note::unknown_level));
  BOOST_TEST(noted(R"({"time":"soon"})") ==
             R"(info {"time":"soon"})" + undated + number(Note::unknown_time));
  BOOST_TEST(noted(R"({"time":"soon","ts":1})") == R"(info {"time":"soon"})");
  BOOST_TEST(noted(R"({"time":null,"level":null,"msg":null})") ==
             R"(info {"time":null,"level":null,"msg":null})" + undated);
  BOOST_TEST(noted(R"({"ts":1,"a":1,"a":2,"b":[{"c":1,"c":2}],"a#2":3})") ==
             R"(info {"a":1,"a#2":2,"b":[{"c":1,"c#2":2}],"a#2#2":3})" + number(Note::double_name));
  BOOST_TEST(noted(R"({"ts":1,"msg":"x","msg":"y"})") ==
             R"(info {"msg":"y"})" + number(Note::double_name));
  BOOST_TEST(noted(R"({"ts":1,"fields":{"message":"x","message":"y"}})") ==
             R"(info {"fields":{"message":"y"}})" + number(Note::double_name));
  BOOST_TEST(noted(R"({"ts":1,"a":"\ud83d","b":"\ud83d\ude00","c":"\\ud83d"})") ==
             R"(info {"a":"\ufffd","b":"\ud83d\ude00","c":"\\ud83d"})" + number(Note::half_pair));
}

BOOST_AUTO_TEST_CASE(a_number_that_counts_something_else_gives_way_to_a_time) {
  auto const entry = [](std::string_view line) {
    return entry_of_json(stele::cli::usual_mapping(), line);
  };
  auto const both = entry(R"({"ts":1,"@timestamp":"2023-11-14T22:13:20Z","msg":"x"})");
  BOOST_TEST(*both.timestamp == now_us);
  BOOST_TEST(both.metadata == R"({"ts":1})");
  BOOST_TEST(*entry(R"({"ts":1,"time":"soon","msg":"x"})").timestamp == second);
  BOOST_TEST(*entry(R"({"time":1700000000,"ts":1,"msg":"x"})").timestamp == now_us);
}

BOOST_AUTO_TEST_CASE(an_export_without_its_digits_has_the_time_that_its_text_says) {
  auto const entry = [](std::string_view line) {
    return entry_of_json(stele::cli::stele_mapping(), line);
  };
  auto const text = entry(R"({"message":"x","time":"2023-11-14T22:13:20.000001Z"})");
  BOOST_TEST(*text.timestamp == now_us + 1);
  BOOST_TEST(text.metadata == "{}");
  auto const both = entry(R"({"timestamp":7,"message":"x","time":"2023-11-14T22:13:20Z"})");
  BOOST_TEST(*both.timestamp == 7U);
  BOOST_TEST(both.metadata == "{}");
  BOOST_TEST(entry(R"({"message":"x","time":"soon"})").metadata == R"({"time":"soon"})");
}

BOOST_AUTO_TEST_CASE(an_object_has_no_time_where_none_is_asked_for) {
  auto mapping = stele::cli::usual_mapping();
  mapping.timestamp.clear();
  LineParser parser({.json = std::move(mapping), .time = {.of_members = false}}, now_us);
  auto const made = parser.parse(R"({"time":1700000000,"msg":"x"})");
  BOOST_TEST(!made->entry.timestamp.has_value());
  BOOST_TEST(made->entry.metadata == R"({"time":1700000000})");
  BOOST_TEST(made->notes.none());
}

BOOST_AUTO_TEST_CASE(a_year_that_was_given_holds_also_where_a_date_does_not_fit) {
  TimeZone const zone("UTC");
  for (auto const kind : {TimeOption::Kind::automatic, TimeOption::Kind::given}) {
    LineParser parser({.time = {.kind = kind, .format = "syslog", .first_year = 2023}}, now_us);
    parser.begin_file("Feb 28 00:00:00 h x\n", true, now_us);
    BOOST_TEST(*parser.parse("Feb 28 00:00:00 h x")->entry.timestamp == 1'677'542'400 * second);
    auto const made = parser.parse("Feb 29 00:00:00 h x");
    BOOST_TEST(*made->entry.timestamp == 1'677'542'400 * second);
    BOOST_TEST(made->notes.test(static_cast<std::size_t>(Note::impossible_date)));
    BOOST_TEST(*parser.parse("Mar  1 00:00:00 h x")->entry.timestamp == 1'677'628'800 * second);
    BOOST_TEST(parser.time_forms() == "syslog, without a year: 2023");
  }
  LineParser json({.json = stele::cli::usual_mapping(), .time = {.first_year = 2020}}, now_us);
  BOOST_TEST(*json.parse(R"({"time":"Feb 29 00:00:00","msg":"x"})")->entry.timestamp ==
             1'582'934'400 * second);
  BOOST_TEST(*json.assumed().first_year == 2020);
}

BOOST_AUTO_TEST_CASE(the_years_and_zones_that_a_log_does_not_say_are_known_at_its_end) {
  TimeZone const zone("UTC");
  LineParser parser({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  parser.begin_file("Dec 31 22:13:20 h x\n", true, now_us);
  parser.set_first_year(2021, "Dec 31 22:13:20 h x\n");
  (void)parser.parse("Dec 31 22:13:20 h x");
  (void)parser.parse("Jan  1 22:13:20 h x");
  BOOST_TEST(parser.time_forms() == "syslog, without a year: 2021 to 2022");
  BOOST_TEST(parser.assumed().zone);
  LineParser other({.time = {.kind = TimeOption::Kind::automatic}}, now_us);
  other.begin_file("2023-11-14T22:13:20Z x\n", true, now_us);
  (void)other.parse("2023-11-14T22:13:20Z x");
  BOOST_TEST(other.time_forms() == "iso");
  BOOST_TEST(!other.assumed().zone);
  BOOST_TEST(!other.assumed().first_year.has_value());
}

BOOST_AUTO_TEST_CASE(syslog_that_is_asked_for_has_its_year_where_most_lines_say_it) {
  TimeZone const zone("UTC");
  auto const time_of = [](std::string_view lines, std::string_view line) {
    LineParser parser({.time = {.kind = TimeOption::Kind::given, .format = "syslog"}}, now_us);
    parser.begin_file(lines, true, now_us);
    return *parser.parse(line)->entry.timestamp;
  };
  auto const line = "Jan  2 00:00:00 2021 files h";
  BOOST_TEST(time_of("Jan  2 00:00:00 2021 h x\n", line) == 1'609'545'600 * second);
  BOOST_TEST(time_of("Jan  2 00:00:00 h x\nJan  2 00:00:00 2021 files\n", line) ==
             1'672'617'600 * second);
}

BOOST_AUTO_TEST_CASE(an_object_that_is_too_deep_is_told_apart_from_a_line_that_is_none) {
  auto const deep = "{\"a\":" + std::string(40, '[') + std::string(40, ']') + "}";
  LineParser usual({.json = stele::cli::usual_mapping()}, now_us);
  BOOST_TEST(usual.parse(deep)->notes.test(static_cast<std::size_t>(Note::object_as_text)));
  BOOST_TEST(usual.parse("x")->notes.test(static_cast<std::size_t>(Note::text)));
  LineParser strict({.json = stele::cli::stele_mapping()}, now_us);
  BOOST_TEST(strict.parse(deep).error().message == "is too deep, or has a number out of range");
}

BOOST_AUTO_TEST_CASE(a_pattern_of_levels_counts_what_it_finds_and_notes_what_is_no_level) {
  LineForm form;
  form.level_pattern.emplace(R"(\[(\w+)\])", "--level-pattern");
  LineParser parser(std::move(form), now_us);
  BOOST_TEST(parser.parse("none")->notes.none());
  BOOST_TEST(parser.parse("[loud] x")->notes.test(static_cast<std::size_t>(Note::unknown_group)));
  BOOST_TEST(parser.levels_found() == 0U);
  BOOST_TEST(parser.parse("[warn] x")->notes.none());
  BOOST_TEST(parser.levels_found() == 1U);
}

BOOST_AUTO_TEST_CASE(a_message_may_be_deep_inside_and_is_text_rather_than_another_value) {
  auto const message = [](std::string_view line) {
    auto const entry = entry_of_json(stele::cli::usual_mapping(), line);
    return entry.message + ' ' + entry.metadata;
  };
  BOOST_TEST(message(R"({"fields":{"message":"x","n":1}})") == R"(x {"fields":{"n":1}})");
  BOOST_TEST(message(R"({"log":"x\n"})") == "x {}");
  BOOST_TEST(message(R"({"message":[1,2]})") == "[1,2] {}");
  BOOST_TEST(message(R"({"message":42,"text":"x"})") == R"(x {"message":42})");
  auto mapping = stele::cli::usual_mapping();
  mapping.message = {"a.b.c"};
  BOOST_TEST(entry_of_json(mapping, R"({"a.b":{"c":"x"},"message":"y"})").message == "x");
  BOOST_TEST(entry_of_json(mapping, R"({"a":{"b":{"c":"x"}}})").metadata == "{}");
}

BOOST_AUTO_TEST_CASE(a_field_of_the_journal_may_have_several_values_or_be_left_out) {
  auto const parse = [](std::string_view fields) {
    auto const line = R"({"__REALTIME_TIMESTAMP":"1700000000000000",)" + std::string{fields} + "}";
    return *LineParser({.json = stele::cli::journal_mapping()}, now_us).parse(line);
  };
  BOOST_TEST(parse(R"("MESSAGE":["one","two"])").entry.message == "one\ntwo");
  BOOST_TEST(parse(R"("MESSAGE":[[104,105],"two"])").entry.message == "hi\ntwo");
  auto const left_out = parse(R"("MESSAGE":null)");
  BOOST_TEST(left_out.notes.test(static_cast<std::size_t>(Note::left_out)));
  BOOST_TEST(!parse(R"("MESSAGE":"x")").notes.test(static_cast<std::size_t>(Note::left_out)));
  BOOST_TEST(parse(R"("PRIORITY":"5","MESSAGE":"x")").entry.metadata == R"({"PRIORITY":"5"})");
}

BOOST_AUTO_TEST_CASE(journal_entries_have_their_fields_as_metadata_and_bytes_as_text) {
  auto const entry =
      entry_of_json(stele::cli::journal_mapping(),
                    R"({"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"4",)"
                    R"("MESSAGE":[104,105,255],"_PID":"1","__MONOTONIC_TIMESTAMP":"2"})");
  BOOST_TEST(*entry.timestamp == now_us);
  BOOST_TEST((entry.level == Level::warn));
  BOOST_TEST(entry.message == "hi\xef\xbf\xbd");
  BOOST_TEST(entry.metadata == R"({"_PID":"1","import":{"invalid_bytes":1}})");
}

BOOST_AUTO_TEST_CASE(an_exported_entry_is_the_entry_without_what_the_daemon_gave) {
  auto const entry = entry_of_json(
      stele::cli::stele_mapping(),
      R"({"seq":7,"timestamp":18446744073709551615,"level":"fatal","message":"\u0000",)"
      R"("metadata":{"a":1.0,"b":{"seq":1}},"version":1,"origin":{"pid":1,"uid":0,"gid":0},)"
      R"("time":"+586524-01-19T08:01:49.551615Z"})");
  BOOST_TEST((entry == stele::LogEntry{.timestamp = UINT64_MAX,
                                       .level = Level::fatal,
                                       .message = std::string(1, '\0'),
                                       .metadata = R"({"a":1.0,"b":{"seq":1}})"}));
}

BOOST_AUTO_TEST_SUITE_END()

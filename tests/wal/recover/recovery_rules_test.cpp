// Every case that the walk can meet, against the table of rules; and the table against FORMAT.md.
#include "wal/recover/recovery_rules.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "support/hex_dump.hpp"

using namespace stele::wal;

namespace {

constexpr TailState::Kind rests[] = {TailState::Kind::zero, TailState::Kind::nonzero,
                                     TailState::Kind::unreadable};
constexpr Beyond beyonds[] = {Beyond::nothing, Beyond::trace, Beyond::same_commit,
                              Beyond::later_commit};

std::vector<MissingCommit> all_cases() {
  std::vector<MissingCommit> cases;
  for (bool const proven : {false, true}) {
    for (auto const rest : rests) {
      for (auto const beyond : beyonds) {
        cases.push_back({.proven = proven, .rest = rest, .beyond = beyond});
      }
    }
  }
  return cases;
}

std::string word(bool proven) { return proven ? "yes" : "no"; }

std::string word(TailState::Kind rest) {
  switch (rest) {
    case TailState::Kind::zero:
      return "zero";
    case TailState::Kind::nonzero:
      return "trace";
    case TailState::Kind::unreadable:
      return "unreadable";
  }
  return {};
}

std::string word(Beyond beyond) {
  switch (beyond) {
    case Beyond::nothing:
      return "nothing";
    case Beyond::trace:
      return "trace";
    case Beyond::same_commit:
      return "same commit";
    case Beyond::later_commit:
      return "later commit";
  }
  return {};
}

std::string word(Verdict verdict) {
  switch (verdict) {
    case Verdict::clean_end:
      return "clean end";
    case Verdict::torn_tail:
      return "torn tail";
    case Verdict::turned:
      return "turned";
    case Verdict::damage:
      return "damage";
  }
  return {};
}

template <class T>
std::string word(std::optional<T> const& value) {
  return value ? word(*value) : "any";
}

/// The rules as FORMAT.md prints them.
std::string as_table() {
  std::string table =
      "| commit b is proven | rest of the segment | beyond | verdict |\n"
      "| --- | --- | --- | --- |\n";
  for (auto const& rule : recovery_rules()) {
    table += "| " + word(rule.proven) + " | " + word(rule.rest) + " | " + word(rule.beyond) +
             " | " + word(rule.verdict) + " |\n";
  }
  return table;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(recovery_rules_test)

BOOST_AUTO_TEST_CASE(exactly_one_rule_matches_each_of_the_24_cases) {
  BOOST_TEST(all_cases().size() == 24u);
  for (auto const& missing : all_cases()) {
    auto const count = std::ranges::count_if(
        recovery_rules(), [&](RecoveryRule const& rule) { return matches(rule, missing); });
    BOOST_TEST(count == 1, word(missing.proven)
                               << ' ' << word(missing.rest) << ' ' << word(missing.beyond));
  }
}

BOOST_AUTO_TEST_CASE(every_rule_is_needed) {
  for (auto const& rule : recovery_rules()) {
    BOOST_TEST(std::ranges::any_of(
        all_cases(), [&](MissingCommit const& missing) { return matches(rule, missing); }));
  }
}

BOOST_AUTO_TEST_CASE(what_was_on_disk_and_is_not_there_is_damage) {
  for (auto const& missing : all_cases()) {
    bool const elsewhere = missing.beyond == Beyond::same_commit;
    if (missing.proven && !elsewhere) BOOST_TEST((judge(missing) == Verdict::damage));
    if (missing.beyond == Beyond::later_commit) BOOST_TEST((judge(missing) == Verdict::damage));
  }
}

BOOST_AUTO_TEST_CASE(an_unfinished_last_write_is_a_torn_tail_and_nothing_else_is) {
  for (auto const& missing : all_cases()) {
    bool const unfinished = !missing.proven && missing.rest == TailState::Kind::nonzero &&
                            missing.beyond == Beyond::nothing;
    BOOST_TEST((judge(missing) == Verdict::torn_tail) == unfinished);
  }
}

BOOST_AUTO_TEST_CASE(only_zeros_with_nothing_behind_them_are_a_clean_end) {
  for (auto const& missing : all_cases()) {
    bool const untouched = !missing.proven && missing.rest == TailState::Kind::zero &&
                           missing.beyond == Beyond::nothing;
    BOOST_TEST((judge(missing) == Verdict::clean_end) == untouched);
  }
}

BOOST_AUTO_TEST_CASE(bytes_that_the_device_does_not_give_are_never_taken_for_an_end) {
  for (auto const& missing : all_cases()) {
    if (missing.rest != TailState::Kind::unreadable || missing.beyond == Beyond::same_commit)
      continue;
    BOOST_TEST((judge(missing) == Verdict::damage));
  }
}

BOOST_AUTO_TEST_CASE(format_md_prints_this_table) {
  auto const table = as_table();
  BOOST_TEST(stele::test::read_project_file("wal/FORMAT.md").find(table) != std::string::npos,
             "FORMAT.md does not hold this table:\n"
                 << table);
}

BOOST_AUTO_TEST_SUITE_END()

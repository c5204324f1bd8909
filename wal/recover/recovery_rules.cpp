#include "wal/recover/recovery_rules.hpp"

#include <algorithm>
#include <array>
#include <boost/assert.hpp>

namespace stele::wal {
namespace {

using enum Beyond;
using enum Verdict;
constexpr auto zero = TailState::Kind::zero;
constexpr auto written = TailState::Kind::nonzero;
constexpr auto unreadable = TailState::Kind::unreadable;
constexpr std::nullopt_t any = std::nullopt;

// One commit is in flight at a time, so any trace of commit b+1 proves that b was on disk.
constexpr std::array<RecoveryRule, 10> rules{{
    // proven  rest        beyond        verdict
    {any, any, same_commit, turned},
    {any, any, later_commit, damage},
    {true, any, nothing, damage},
    {true, any, trace, damage},
    {false, zero, nothing, clean_end},
    {false, written, nothing, torn_tail},
    {false, unreadable, nothing, damage},  // An unreadable block may have been acknowledged.
    {false, zero, trace, turned},          // Judged again where the trace is.
    {false, written, trace, damage},
    {false, unreadable, trace, damage},
}};

}  // namespace

std::span<RecoveryRule const> recovery_rules() noexcept { return rules; }

bool matches(RecoveryRule const& rule, MissingCommit const& missing) noexcept {
  return rule.proven.value_or(missing.proven) == missing.proven &&
         rule.rest.value_or(missing.rest) == missing.rest &&
         rule.beyond.value_or(missing.beyond) == missing.beyond;
}

Verdict judge(MissingCommit const& missing) noexcept {
  auto const rule = std::ranges::find_if(
      rules, [&](RecoveryRule const& candidate) { return matches(candidate, missing); });
  BOOST_ASSERT(rule != rules.end());
  return rule->verdict;
}

}  // namespace stele::wal

#include "protocol/entry/entry_filter.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/json/canonical_value.hpp"
#include "protocol/text/find_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::protocol {
namespace {

/// Whether `at` lies behind the start of an escape (`\n`, `\u001f`) of a canonical string.
bool splits_escape(std::string_view text, std::size_t at) noexcept {
  constexpr std::size_t escape_bytes_max = 6;
  for (std::size_t back = 1; back < escape_bytes_max && back <= at; ++back) {
    auto const start = at - back;
    if (text[start] != '\\') continue;
    auto const before = text.find_last_not_of('\\', start);
    bool const is_escaped = (start - before) % 2 == 0;
    if (is_escaped) continue;
    if (back < (text[start + 1] == 'u' ? escape_bytes_max : 2)) return true;
  }
  return false;
}

/// Whether equal values have equal texts.
bool has_one_spelling(std::string_view value) noexcept {
  return value.find_first_of("-0123456789[{") != 0;
}

}  // namespace

std::shared_ptr<EntryMatcher const> EntryMatcher::make(EntryFilter const& filter) {
  auto matcher = std::make_shared<EntryMatcher const>(filter);
  if (matcher->takes_all()) return nullptr;
  return matcher;
}

EntryMatcher::EntryMatcher(EntryFilter const& filter)
    : min_level_(filter.min_level), pid_(filter.pid), uid_(filter.uid), contains_(filter.contains) {
  append_json_escaped(contains_escaped_, contains_);
  MemberReader members(filter.where);
  while (auto const member = members.next()) {
    Wanted wanted{std::string(member->name), std::string(member->value), {}};
    wanted.trace = wanted.name + ':';
    if (has_one_spelling(wanted.value)) wanted.trace += wanted.value;
    where_.push_back(std::move(wanted));
  }
}

bool EntryMatcher::takes_all() const noexcept {
  return min_level_ == Level::trace && !pid_ && !uid_ && contains_.empty() && where_.empty();
}

bool EntryMatcher::matches(std::string_view entry) const {
  auto const key = read_entry_key(entry);
  if (!key || key->level < min_level_) return false;
  if (pid_ || uid_) {
    auto const origin = read_entry_origin(entry);
    if (!origin || (pid_ && origin->pid != *pid_) || (uid_ && origin->uid != *uid_)) return false;
  }
  if (contains_.empty() && where_.empty()) return true;
  // Cheap searches first: they end most judgements.
  if (find_text(entry, contains_escaped_) == entry.npos) return false;
  for (auto const& wanted : where_) {
    if (find_text(entry, wanted.trace) == entry.npos) return false;
  }
  auto const body = read_entry_body(entry);
  return body && message_matches(entry, body->message) && metadata_matches(body->metadata);
}

std::string_view EntryMatcher::trace() const noexcept {
  std::string_view longest = contains_escaped_;
  for (auto const& wanted : where_) {
    if (wanted.trace.size() > longest.size()) longest = wanted.trace;
  }
  return longest;
}

bool EntryMatcher::message_matches(std::string_view entry, std::string_view message) const {
  if (contains_.empty()) return true;
  auto const at = find_text(message, contains_escaped_);
  if (at == message.npos) return false;
  if (!splits_escape(message, at)) return true;
  // The n of a \n looks like the letter. Rare, so it may cost: the message is searched unescaped.
  StoredEntry stored;
  return read_canonical_entry(entry, stored) && find_text(stored.message, contains_) != entry.npos;
}

bool EntryMatcher::metadata_matches(std::string_view metadata) const {
  if (where_.empty()) return true;
  std::size_t matched = 0;
  MemberReader members(metadata);
  while (auto const member = members.next()) {
    auto const wanted = std::ranges::find(where_, member->name, &Wanted::name);
    if (wanted == where_.end()) continue;
    if (!is_same_value(member->value, wanted->value)) return false;
    if (++matched == where_.size()) return true;
  }
  return false;
}

}  // namespace stele::protocol

#include "simulation/ledger.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <utility>

namespace stele::test {
namespace {

bool names(std::vector<wal::Gap> const& gaps, Seq seq) {
  return std::ranges::any_of(
      gaps, [&](wal::Gap const& gap) { return gap.first_seq <= seq && seq <= gap.last_seq; });
}

void check_density(ShownEntries const& entries, std::vector<wal::Gap> const& gaps, Seq removed) {
  Seq next = removed + 1;
  for (auto const& [seq, entry] : entries) {
    for (; next < seq; ++next) BOOST_TEST(names(gaps, next), "(h) seq " << next << " is unnamed");
    BOOST_TEST(!names(gaps, seq), "(h) seq " << seq << " is there and named as missing");
    next = seq + 1;
  }
}

}  // namespace

Ledger::GroupNo Ledger::sent(std::size_t connection, std::vector<SentEntry> entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    places_[entries[i].message] = {groups_.size(), i};
  }
  groups_.push_back({.connection = connection,
                     .entries = std::move(entries),
                     .acknowledged_before = newest_acknowledged_,
                     .sent_at = time_});
  return groups_.size() - 1;
}

void Ledger::acknowledged(GroupNo number, Seq first, Seq last) {
  auto& group = groups_[number];
  BOOST_TEST(last - first + 1 == group.entries.size());
  BOOST_TEST(first > group.acknowledged_before, "(f) seq " << first << " was given out late");
  group.first_seq = first;
  group.acknowledged = true;
  acknowledged_entries_ += group.entries.size();
  newest_acknowledged_ = std::max(newest_acknowledged_, last);
}

void Ledger::refused(GroupNo number) { groups_[number].refused = true; }

void Ledger::check_ages(Seq removed, std::chrono::milliseconds age_min) {
  for (auto const& group : groups_) {
    if (group.first_seq <= ages_checked_ || group.first_seq > removed) continue;
    BOOST_TEST((time_ - group.sent_at >= age_min),
               "(i) seq " << group.first_seq << " went " << (time_ - group.sent_at).count()
                          << " ms after it was sent");
  }
  ages_checked_ = std::max(ages_checked_, removed);
}

void Ledger::check_entry(Seq seq, ShownEntry const& entry) {
  auto const place = places_.find(entry.message);
  BOOST_TEST_REQUIRE((place != places_.end()), "(b) seq " << seq << " was never sent");
  auto const& group = groups_[place->second.group];
  auto const& sent = group.entries[place->second.index];
  BOOST_TEST(!group.refused, "(b) seq " << seq << " was refused");
  if (sent.timestamp) BOOST_TEST(*sent.timestamp == entry.timestamp);
  if (group.first_seq != 0) {
    BOOST_TEST(seq == group.first_seq + place->second.index, "(a) (c) seq " << seq);
  }
}

void Ledger::shown(ShownEntries const& entries, bool complete, Seq acknowledged, Seq removed) {
  for (auto const& [seq, entry] : entries) check_entry(seq, entry);
  shown_.insert(entries.begin(), entries.end());
  if (!complete) return;
  for (auto const& group : groups_) {
    if (!group.acknowledged || group.first_seq <= removed) continue;
    if (group.first_seq + group.entries.size() - 1 > acknowledged) continue;
    BOOST_TEST(entries.contains(group.first_seq),
               "seq " << group.first_seq << " was acknowledged before the read, which lacks it");
  }
}

void Ledger::check_recovered(ShownEntries const& entries, std::vector<wal::Gap> const& gaps,
                             Seq removed) {
  std::map<std::string, Seq> messages;
  for (auto const& [seq, entry] : entries) {
    BOOST_TEST(messages.emplace(entry.message, seq).second, "(c) " << entry.message.substr(0, 20));
    check_entry(seq, entry);
  }
  for (auto const& [seq, entry] : shown_) {
    if (seq <= removed) continue;
    auto const found = entries.find(seq);
    BOOST_TEST((found != entries.end() && found->second == entry),
               "(g) seq " << seq << " was shown and is gone");
  }
  for (auto const& group : groups_) {
    std::size_t count = 0;
    for (auto const& entry : group.entries) count += messages.contains(entry.message) ? 1 : 0;
    BOOST_TEST((count == 0 || count == group.entries.size()), "(d) a group is there in part");
    bool const must = group.acknowledged && group.first_seq > removed;
    BOOST_TEST((!must || count > 0), "(a) seq " << group.first_seq << " is lost");
    if (count == 0) continue;
    auto const first = messages.at(group.entries.front().message);
    for (std::size_t i = 0; i < count; ++i) {
      BOOST_TEST(messages.at(group.entries[i].message) == first + i, "(d) not consecutive");
    }
  }
  check_order(entries, removed);
  check_density(entries, gaps, removed);
  learn_places(entries, removed);
  shown_ = entries;
}

void Ledger::check_order(ShownEntries const& entries, Seq removed) const {
  std::map<std::string, Seq> firsts;
  for (auto const& [seq, entry] : entries) firsts.emplace(entry.message, seq);
  struct Progress {
    Seq last = 0;
    bool ended = false;
  };
  std::map<std::size_t, Progress> progress;
  for (auto const& group : groups_) {
    if (group.refused) continue;
    auto& connection = progress[group.connection];
    auto const found = firsts.find(group.entries.front().message);
    if (found != firsts.end()) {
      BOOST_TEST(!connection.ended, "(e) seq " << found->second << " follows a group that is gone");
      BOOST_TEST(found->second > connection.last,
                 "(e) seq " << found->second << " is out of order");
      connection.last = found->second;
    } else if (removed == 0 && !disk_was_full_) {
      connection.ended = true;
    }
  }
}

/// A group whose fate was unknown keeps the place in which a log has once shown it, or never
/// appears.
void Ledger::learn_places(ShownEntries const& entries, Seq removed) {
  std::map<std::string, Seq> firsts;
  for (auto const& [seq, entry] : entries) firsts.emplace(entry.message, seq);
  for (auto& group : groups_) {
    auto const found = firsts.find(group.entries.front().message);
    if (found != firsts.end()) {
      group.first_seq = found->second;
      group.acknowledged = true;
    } else if (!group.acknowledged && removed == 0) {
      group.refused = true;
    }
  }
  if (!entries.empty()) {
    newest_acknowledged_ = std::max(newest_acknowledged_, entries.rbegin()->first);
  }
}

}  // namespace stele::test

#include "daemon/store/history_account.hpp"

#include <algorithm>
#include <utility>

namespace stele::daemon {
namespace {

/// A node of a tree, with what the heap adds.
constexpr std::size_t user_bytes = 64;

}  // namespace

void HistoryAccount::stage(Seq last_seq, Uid uid, std::uint64_t payload_bytes) {
  users_[uid].staged += payload_bytes;
  if (!staged_.empty() && staged_.back().uid == uid && staged_.back().last_seq == last_seq) {
    staged_.back().payload_bytes += payload_bytes;
    return;
  }
  staged_.push_back({last_seq, uid, payload_bytes});
}

void HistoryAccount::commit(Seq seq, std::uint64_t disk_bytes) {
  auto const end = std::find_if(staged_.begin(), staged_.end(),
                                [seq](Staged const& staged) { return staged.last_seq > seq; });
  std::uint64_t payload_bytes = 0;
  for (auto it = staged_.begin(); it != end; ++it) payload_bytes += it->payload_bytes;
  if (payload_bytes == 0) return;
  if (std::exchange(segment_begins_, false)) segments_.emplace_back();
  auto& segment = segments_.back();
  segment.last_seq = seq;
  for (; !staged_.empty() && staged_.front().last_seq <= seq; staged_.pop_front()) {
    auto const& staged = staged_.front();
    // Of what is left, so that all of it is shared out.
    auto const part = disk_bytes * staged.payload_bytes / payload_bytes;
    auto const before = segment.bytes.size();
    segment.bytes[staged.uid] += part;
    parts_ += segment.bytes.size() - before;
    bytes_ += part;
    users_[staged.uid].on_disk += part;
    disk_bytes -= part;
    payload_bytes -= staged.payload_bytes;
    take_back(staged.uid, &Held::staged, staged.payload_bytes);
  }
}

void HistoryAccount::restore_segment(Seq last_seq, std::span<User const> users) {
  segments_.push_back({.last_seq = last_seq});
  auto& segment = segments_.back();
  for (auto const& [uid, bytes] : users) {
    segment.bytes[uid] += bytes;
    users_[uid].on_disk += bytes;
    bytes_ += bytes;
  }
  parts_ += segment.bytes.size();
  segment_begins_ = true;
}

void HistoryAccount::unstage_from(Seq first) {
  for (; !staged_.empty() && staged_.back().last_seq >= first; staged_.pop_back()) {
    take_back(staged_.back().uid, &Held::staged, staged_.back().payload_bytes);
  }
}

void HistoryAccount::remove_up_to(Seq seq) {
  for (; !segments_.empty() && segments_.front().last_seq <= seq; segments_.pop_front()) {
    for (auto const& [uid, bytes] : segments_.front().bytes) {
      bytes_ -= bytes;
      take_back(uid, &Held::on_disk, bytes);
    }
    parts_ -= segments_.front().bytes.size();
  }
  if (segments_.empty()) segment_begins_ = true;
}

void HistoryAccount::take_back(Uid uid, std::uint64_t Held::*part, std::uint64_t bytes) {
  auto const user = users_.find(uid);
  user->second.*part -= bytes;
  if (user->second.on_disk == 0 && user->second.staged == 0) users_.erase(user);
}

std::uint64_t HistoryAccount::bytes_of(Uid uid) const noexcept {
  auto const user = users_.find(uid);
  return user == users_.end() ? 0 : user->second.on_disk + user->second.staged;
}

bool HistoryAccount::has_others_before(Seq first_kept, Uid uid) const noexcept {
  for (auto const& segment : segments_) {
    if (segment.last_seq >= first_kept) return false;
    if (segment.bytes.size() != segment.bytes.count(uid)) return true;
  }
  return false;
}

std::vector<HistoryAccount::User> HistoryAccount::largest(std::size_t count_max) const {
  std::vector<User> found;
  found.reserve(users_.size());
  for (auto const& [uid, held] : users_) found.push_back({uid, held.on_disk});
  auto const count = std::min(count_max, found.size());
  auto const middle = found.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(found.begin(), middle, found.end(), [](User const& a, User const& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.uid < b.uid;
  });
  found.resize(count);
  return found;
}

std::size_t HistoryAccount::memory_bytes() const noexcept {
  return users_.size() * user_bytes + segments_.size() * sizeof(Segment) +
         parts_ * sizeof(std::pair<Uid, std::uint64_t>) + staged_.size() * sizeof(Staged);
}

}  // namespace stele::daemon

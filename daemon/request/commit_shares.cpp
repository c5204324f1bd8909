#include "daemon/request/commit_shares.hpp"

namespace stele::daemon {

void CommitShares::add(std::uint64_t commit_no, Uid uid, std::size_t bytes, std::uint64_t now_us) {
  if (commit_no != commit_no_) bytes_.clear();
  commit_no_ = commit_no;
  bytes_[uid] += bytes;
  if (uid != last_.uid) other_ = last_;
  last_ = {uid, now_us};
}

bool CommitShares::is_over_commit_quota(wal::Gathering const& gathering, Uid uid) const noexcept {
  if (gathering.bytes < user_bytes_full || gathering.commit_no != commit_no_) return false;
  auto const& other = uid == last_.uid ? other_ : last_;
  auto const since_us = last_.wrote_at_us - other.wrote_at_us;
  if (other.wrote_at_us == 0 || since_us > writing_us) return false;
  auto const found = bytes_.find(uid);
  return found != bytes_.end() && found->second >= user_bytes_full;
}

}  // namespace stele::daemon

#include "daemon/request/commit_shares.hpp"

namespace stele::daemon {

void CommitShares::add(std::uint64_t commit_no, Uid uid, std::size_t bytes, std::uint64_t now_us) {
  if (commit_no != commit_no_) bytes_.clear();
  commit_no_ = commit_no;
  bytes_[uid] += bytes;
  if (uid != last_.uid) other_ = last_;
  last_ = {uid, now_us};
}

bool CommitShares::others_write(Uid uid, std::uint64_t now_us) const noexcept {
  auto const& other = last_other(uid);
  return other.wrote_at_us != 0 && now_us - other.wrote_at_us <= writing_us;
}

bool CommitShares::is_over_commit_quota(wal::Gathering const& gathering, Uid uid) const noexcept {
  if (gathering.bytes < user_bytes_full || gathering.commit_no != commit_no_) return false;
  if (!others_write(uid, last_.wrote_at_us)) return false;
  auto const found = bytes_.find(uid);
  return found != bytes_.end() && found->second >= user_bytes_full;
}

}  // namespace stele::daemon

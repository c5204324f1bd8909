#include "daemon/operations/memory_account.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <vector>

#include "daemon/config/config.hpp"

namespace {

using stele::daemon::Config;
using stele::daemon::memory_bounds;
using stele::daemon::MemoryQuota;
using stele::daemon::MemoryWaiter;
using stele::daemon::MemoryWaiters;
using Share = MemoryQuota::Share;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

struct AccountWaiter final : MemoryWaiter {
  void on_memory_freed() override { ++told; }
  int told = 0;
};

struct QuotaFixture {
  QuotaFixture() { quota.set_limits({.all_max = 16 * mebibyte, .user_max = 4 * mebibyte}); }
  MemoryWaiters waiters{};
  MemoryQuota quota{waiters};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(memory_account_test, QuotaFixture)

BOOST_AUTO_TEST_CASE(the_connections_of_a_user_have_one_bound_together) {
  Share first(quota, 1);
  Share second(quota, 1);
  Share others(quota, 2);
  first.set(3 * mebibyte);
  BOOST_TEST(second.has_room(mebibyte));
  BOOST_TEST(!second.has_room(mebibyte + 1));
  BOOST_TEST(others.has_room(4 * mebibyte));
  second.set(mebibyte);
  BOOST_TEST(!first.has_room(1));
  BOOST_TEST(!second.has_room(0));
  first.set(0);
  BOOST_TEST(second.has_room(3 * mebibyte));
}

BOOST_AUTO_TEST_CASE(all_users_have_a_bound_together_and_an_eighth_of_it_is_for_root) {
  std::vector<std::optional<Share>> shares(4);
  for (std::uint32_t uid = 1; uid <= 4; ++uid) {
    shares[uid - 1].emplace(quota, uid);
    shares[uid - 1]->set(uid == 4 ? 2 * mebibyte : 4 * mebibyte);
  }
  BOOST_TEST(quota.bytes() == 14 * mebibyte);
  BOOST_TEST(!shares[3]->has_room(1));
  Share root(quota, 0);
  BOOST_TEST(root.has_room(2 * mebibyte));
  BOOST_TEST(!root.has_room(2 * mebibyte + 1));
  shares.clear();
  BOOST_TEST(quota.bytes() == 0U);
  BOOST_TEST(root.has_room(4 * mebibyte));
}

BOOST_AUTO_TEST_CASE(what_is_small_takes_no_more_than_half) {
  Share small(quota, 1);
  BOOST_TEST(small.has_room(2 * mebibyte, MemoryQuota::Part::half));
  BOOST_TEST(!small.has_room(2 * mebibyte + 1, MemoryQuota::Part::half));
  small.set(2 * mebibyte);
  Share large(quota, 1);
  BOOST_TEST(large.has_room(2 * mebibyte));
}

BOOST_AUTO_TEST_CASE(who_waits_is_told_once_when_much_was_given_back) {
  Share share(quota, 1);
  share.set(4 * mebibyte);
  AccountWaiter waiter;
  waiters.await(waiter);
  waiters.await(waiter);
  share.set(4 * mebibyte - 1);
  BOOST_TEST(waiter.told == 0);
  share.set(3 * mebibyte);
  BOOST_TEST(waiter.told == 1);
  share.set(0);
  BOOST_TEST(waiter.told == 1);
  {
    AccountWaiter gone;
    waiters.await(gone);
  }
  BOOST_TEST(waiters.empty());
}

BOOST_AUTO_TEST_CASE(a_share_that_moves_is_counted_once) {
  Share share(quota, 1);
  share.set(mebibyte);
  {
    Share const moved(std::move(share));
    BOOST_TEST(quota.bytes() == mebibyte);
  }
  BOOST_TEST(quota.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(the_bound_of_the_daemon_is_the_sum_of_all_its_bounds_and_does_not_overflow) {
  Config config;
  auto const bounds = memory_bounds(config, 1000 * mebibyte);
  BOOST_TEST(bounds.store == 1000 * mebibyte);
  BOOST_TEST(bounds.sum() == bounds.program + bounds.store + bounds.in_flight + bounds.writers +
                                 bounds.connections + bounds.unread + bounds.unsent);
  auto more = config;
  more.max_all_unsent_bytes += mebibyte;
  more.max_all_unread_bytes = all_unread_bytes_max(config) + mebibyte;
  BOOST_TEST(memory_bounds(more, 1000 * mebibyte).sum() == bounds.sum() + 2 * mebibyte);
  more.max_in_flight_bytes = more.max_writers = UINT64_MAX;
  BOOST_TEST(memory_bounds(more, UINT64_MAX).sum() == UINT64_MAX);
}

BOOST_AUTO_TEST_SUITE_END()

// Who writes much does not hold up who writes little: turns and commits are shared.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/committer_fixture.hpp"
#include "daemon/session/session_state.hpp"

namespace {

using stele::daemon::gathered_bytes_full;
using stele::daemon::Seq;
using stele::daemon::user_bytes_full;

std::string write_line(std::string_view message) {
  return R"({"op":"write_log","entry":{"message":")" + std::string(message) + "\"}}\n";
}

/// A batch in one request of this many KiB.
std::string batch_line(std::size_t kib) {
  std::string line = R"({"op":"write_many_logs","entries":[)";
  for (std::size_t i = 0; i < kib / 100; ++i) {
    line += (i > 0 ? ",{\"message\":\"" : "{\"message\":\"") + std::string(100 << 10, 'x') + "\"}";
  }
  return line + "]}\n";
}

/// A client that has sent all that it will send, and reads what it is answered.
class Client final : public stele::daemon::LogWaiter {
 public:
  Client(stele::daemon::RequestHandler& handler, stele::daemon::Committer& committer,
         std::uint32_t uid)
      : state(handler, stele::Origin{1, uid, 0}, stele::daemon::session_limits({})),
        committer_(committer) {}

  void send(std::string_view bytes) { unsent_ += bytes; }
  /// The socket is readable, or its turn has come.
  void take_turn() {
    if (state.may_read() && !unsent_.empty()) {
      auto const room = state.read_buffer();
      auto const count = std::min(room.size(), unsent_.size());
      std::memcpy(room.data(), unsent_.data(), count);
      unsent_.erase(0, count);
      state.on_received(count);
    }
    advance();
  }
  void on_log_progress() override { advance(); }
  void on_refused(Seq) override {}
  void on_log_failed() override {}

  stele::daemon::SessionState state;
  std::size_t answered = 0;

 private:
  void advance() {
    state.advance();
    while (state.has_output()) {
      auto& batch = state.begin_write();
      stele::daemon::ReplyBatch::Parts parts;
      for (auto const part : batch.unsent(parts)) {
        answered += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
      }
      batch.on_sent(batch.unsent_bytes());
      state.end_write();
    }
    if (state.awaits_log()) committer_.await(*this);
  }

  stele::daemon::Committer& committer_;
  std::string unsent_{};
};

struct FairnessFixture : stele::test::CommitterFixture {
  FairnessFixture() : CommitterFixture(large_options()) { facts.commit_bytes_max = 1 << 20; }

  static stele::wal::Options large_options() {
    stele::wal::Options options;
    options.segment_bytes = 16 << 20;
    return options;
  }
  Client& connect(std::uint32_t uid = 0) {
    clients.push_back(std::make_unique<Client>(handler, *committer, uid));
    return *clients.back();
  }
  Client& connect_flooder(std::uint32_t uid = 0) {
    auto& client = connect(uid);
    for (int i = 0; i < 5000; ++i) client.send(write_line(std::string(1000, 'x')));
    return client;
  }
  /// Everybody once, then the commit, unless one is in flight.
  void turn() {
    for (auto const& client : clients) client->take_turn();
    end_turn();
  }
  /// Turns until nobody may hand in more.
  void turns_until_full() {
    for (int i = 0; i < 100; ++i) turn();
  }

  stele::daemon::ServiceFacts facts{};
  stele::daemon::Metrics metrics{};
  stele::daemon::RequestHandler handler{facts, store, *committer, clock, metrics};
  std::vector<std::unique_ptr<Client>> clients{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fairness_test, FairnessFixture)

BOOST_AUTO_TEST_CASE(one_turn_takes_a_bounded_part_of_a_flood) {
  auto& flooder = connect_flooder();
  // The reads of a connection grow: later ones bring more than one turn takes.
  std::size_t most = 0;
  bool left_some = false;
  for (int i = 0; i < 6; ++i) {
    auto const before = committer->pending_bytes();
    flooder.take_turn();
    most = std::max(most, committer->pending_bytes() - before);
    left_some = left_some || (flooder.state.awaits_turn() && !flooder.state.may_read());
  }
  BOOST_TEST(most > 20U << 10);
  BOOST_TEST(most < 40U << 10);
  BOOST_TEST(left_some);
}

BOOST_AUTO_TEST_CASE(a_flood_of_messages_that_write_nothing_is_bounded_too) {
  auto& client = connect();
  std::string pings;
  for (int i = 0; i < 10'000; ++i) pings += "{\"op\":\"ping\"}\n";
  client.send(pings);
  client.take_turn();
  BOOST_TEST(client.answered > 0U);
  BOOST_TEST(client.answered < 5000U);
}

BOOST_AUTO_TEST_CASE(a_commit_that_is_full_takes_no_more_of_a_flood) {
  auto& flooder = connect_flooder();
  turns_until_full();
  BOOST_TEST(committer->gathering().bytes >= gathered_bytes_full);
  BOOST_TEST(committer->gathering().bytes < gathered_bytes_full + (64U << 10));
  BOOST_TEST(flooder.state.awaits_log_capacity());
  BOOST_TEST(!flooder.state.awaits_turn());
}

BOOST_AUTO_TEST_CASE(a_single_write_gets_into_the_next_commit_also_when_that_is_full) {
  connect_flooder();
  connect_flooder();
  turns_until_full();
  auto& quiet = connect();
  quiet.send(write_line("quiet"));
  turn();
  auto const next = committer->gathering().commit_no;
  BOOST_TEST(quiet.answered == 0U);
  while (committer->gathering().commit_no == next) on_disk_event();
  while (quiet.answered == 0U && committer->gathering().commit_no == next + 1) on_disk_event();
  BOOST_TEST(quiet.answered == 1U);
}

BOOST_AUTO_TEST_CASE(a_commit_that_begins_lets_those_go_on_who_were_held_back) {
  auto& flooder = connect_flooder();
  auto const begin = [&] { return committer->gathering().commit_no; };
  auto const first = begin();
  for (int i = 0; i < 200 && begin() < first + 20; ++i) {
    turn();
    on_disk_event();
  }
  BOOST_TEST(begin() >= first + 20U);
  for (int i = 0; i < 10'000 && flooder.answered < 5000U; ++i) {
    turn();
    on_disk_event();
  }
  BOOST_TEST(flooder.answered == 5000U);
}

BOOST_AUTO_TEST_CASE(floods_get_equal_shares) {
  for (int i = 0; i < 5; ++i) connect_flooder();
  for (int i = 0; i < 40; ++i) {
    turns_until_full();
    on_disk_event();
  }
  auto const by_answers = [](auto const& a, auto const& b) { return a->answered < b->answered; };
  auto const [least, most] = std::minmax_element(clients.begin(), clients.end(), by_answers);
  BOOST_TEST((*least)->answered > 1000U);
  BOOST_TEST((*most)->answered < 2 * (*least)->answered);
}

BOOST_AUTO_TEST_CASE(of_huge_batches_one_is_on_its_way_whoever_sends_them) {
  constexpr std::size_t huge_kib = 3000;
  for (int i = 0; i < 4; ++i) connect().send(batch_line(huge_kib));
  turns_until_full();
  BOOST_TEST(committer->pending_bytes() > huge_kib << 10);
  BOOST_TEST(committer->pending_bytes() < (huge_kib << 10) + stele::daemon::large_pending_bytes);
  // What is small waits for that one, and for no other.
  auto& quiet = connect();
  quiet.send(write_line("quiet"));
  turns_until_full();
  auto const answered = [&] {
    return std::accumulate(clients.begin(), clients.end(), std::size_t{0},
                           [](auto sum, auto const& client) { return sum + client->answered; });
  };
  while (quiet.answered == 0U) on_disk_event();
  BOOST_TEST(answered() <= 2U);
  for (int i = 0; i < 10'000 && answered() < 5U; ++i) {
    turn();
    on_disk_event();
  }
  BOOST_TEST(answered() == 5U);
}

BOOST_AUTO_TEST_CASE(while_others_write_there_is_a_pause_behind_a_huge_batch_that_ends_by_itself) {
  constexpr std::size_t huge_kib = 3000;
  constexpr std::chrono::milliseconds took{5};
  connect(2).send(write_line("quiet"));
  turn();
  settle();
  auto& bulk = connect(1);
  for (int i = 0; i < 2; ++i) bulk.send(batch_line(huge_kib));
  turns_until_full();
  clock.instant += took;
  while (committer->pending_bytes() > 0) on_disk_event();
  BOOST_TEST(bulk.answered == 1U);
  auto const pause_end = clock.instant + stele::daemon::huge_pause_factor * took;
  clock.instant += std::chrono::milliseconds(100);  // The log does what it does when it is idle.
  committer->on_timer();
  settle();
  turns_until_full();
  BOOST_TEST(committer->pending_bytes() == 0U);
  BOOST_TEST((committer->next_deadline() == pause_end));
  clock.instant = pause_end;
  committer->on_timer();
  turns_until_full();
  BOOST_TEST(committer->pending_bytes() > huge_kib << 10);
}

BOOST_AUTO_TEST_CASE(large_batches_gather_up_to_a_bound_whoever_sends_them) {
  constexpr std::size_t large_kib = 500;
  for (int i = 0; i < 20; ++i) connect().send(batch_line(large_kib));
  turns_until_full();
  BOOST_TEST(committer->gathering().bytes >= stele::daemon::large_pending_bytes);
  BOOST_TEST(committer->gathering().bytes <
             stele::daemon::large_pending_bytes + ((large_kib + 100) << 10));
  for (int i = 0; i < 10'000 && clients.back()->answered < 1U; ++i) {
    turn();
    on_disk_event();
  }
  for (auto const& client : clients) BOOST_TEST(client->answered == 1U);
}

BOOST_AUTO_TEST_CASE(while_others_write_a_user_has_one_share_of_a_commit_by_all_its_connections) {
  constexpr std::size_t large_kib = 100;
  constexpr std::uint32_t flooder = 1;
  constexpr std::uint32_t other = 2;
  connect(other).send(write_line("quiet"));
  turn();
  for (int i = 0; i < 20; ++i) connect(flooder).send(batch_line(large_kib));
  for (int i = 0; i < 20; ++i) connect_flooder(flooder);
  turns_until_full();
  BOOST_TEST(committer->gathering().bytes >= user_bytes_full);
  BOOST_TEST(committer->gathering().bytes < user_bytes_full + (large_kib << 10) + (64U << 10));
  // It has a share of each commit.
  auto const answered = [&] {
    return std::accumulate(clients.begin(), clients.end(), std::size_t{0},
                           [](auto sum, auto const& client) { return sum + client->answered; });
  };
  for (int i = 0; i < 100'000 && answered() < 1 + 20 + 20 * 5000U; ++i) {
    turn();
    on_disk_event();
  }
  BOOST_TEST(answered() == 1 + 20 + 20 * 5000U);
}

BOOST_AUTO_TEST_CASE(a_user_that_writes_alone_may_fill_a_commit) {
  connect(2).send(write_line("quiet"));
  turn();
  clock.wall += stele::daemon::CommitShares::writing_us + 1;
  for (int i = 0; i < 20; ++i) connect(1).send(batch_line(100));
  turns_until_full();
  BOOST_TEST(committer->gathering().bytes >= stele::daemon::large_pending_bytes);
}

BOOST_AUTO_TEST_CASE(each_user_has_a_share_of_a_commit) {
  for (std::uint32_t uid = 1; uid <= 4; ++uid) {
    for (int i = 0; i < 10; ++i) connect(uid).send(batch_line(100));
  }
  std::size_t most = 0;
  for (int i = 0; i < 1000 && clients.back()->answered == 0U; ++i) {
    for (int turns = 0; turns < 5; ++turns) turn();
    most = std::max(most, committer->gathering().bytes);
    on_disk_event();
  }
  BOOST_TEST(most > user_bytes_full);
  BOOST_TEST(most < 4 * (user_bytes_full + (100U << 10)));
  for (auto const& client : clients) BOOST_TEST(client->answered == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

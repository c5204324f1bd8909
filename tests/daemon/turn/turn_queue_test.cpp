// Whose turn it is, beside floods: work is counted, nothing is measured.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "daemon/turn/turn_queue.hpp"

namespace {

using stele::daemon::TurnQueue;

struct Visitor final : TurnQueue::Member {
  using Member::Member;
  std::uint64_t visits = 0;
};

constexpr std::uint32_t flooders = 3000;
constexpr std::uint32_t others = 3001;
constexpr std::size_t turn = 20'000;

struct TurnFixture {
  Visitor& connect(std::uint32_t uid) {
    clients.push_back(std::make_unique<Visitor>(queue, uid));
    return *clients.back();
  }
  void connect_flooders(std::uint32_t uid, int count) {
    for (int i = 0; i < count; ++i) queue.push(connect(uid));
  }
  /// The next one works for a whole turn, and wants another.
  Visitor& serve_next(std::size_t visits = turn) {
    auto& client = static_cast<Visitor&>(queue.pop());
    queue.pay(client, visits);
    client.visits += visits;
    return client;
  }
  void serve_flood(int turns) {
    for (int i = 0; i < turns; ++i) queue.push(serve_next());
  }
  /// How many turns others have before this one has.
  int turns_until(Visitor const& wanted) {
    for (int turns = 0;; ++turns) {
      auto& client = static_cast<Visitor&>(queue.pop());
      if (&client == &wanted) {
        queue.pay(client, 500);
        return turns;
      }
      queue.pay(client, turn);
      queue.push(client);
    }
  }

  TurnQueue queue{};
  std::vector<std::unique_ptr<Visitor>> clients{};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(turn_queue_test, TurnFixture)

BOOST_AUTO_TEST_CASE(who_asks_for_little_comes_before_a_flood_of_another_user) {
  auto& witness = connect(others);
  connect_flooders(flooders, 60);
  for (int i = 0; i < 200; ++i) {
    serve_flood(3);
    queue.push(witness);
    BOOST_TEST(turns_until(witness) <= 1);
  }
}

BOOST_AUTO_TEST_CASE(who_asks_for_little_comes_before_a_flood_of_the_same_user) {
  auto& witness = connect(flooders);
  connect_flooders(flooders, 60);
  int slow = 0;
  for (int i = 0; i < 200; ++i) {
    serve_flood(3);
    queue.push(witness);
    slow += turns_until(witness) > 1 ? 1 : 0;
  }
  BOOST_TEST(slow <= 1);
}

BOOST_AUTO_TEST_CASE(users_have_equal_shares_however_many_connections_they_have) {
  connect_flooders(flooders, 60);
  connect_flooders(others, 1);
  serve_flood(2000);
  auto const& other = *clients.back();
  BOOST_TEST(other.visits > 950 * turn);
  BOOST_TEST(other.visits < 1050 * turn);
}

BOOST_AUTO_TEST_CASE(connections_of_a_user_have_equal_shares) {
  connect_flooders(flooders, 10);
  serve_flood(1000);
  for (auto const& client : clients) BOOST_TEST(client->visits == 100 * turn);
}

BOOST_AUTO_TEST_CASE(who_was_away_has_no_claim_to_what_was_done_meanwhile) {
  connect_flooders(flooders, 1);
  auto& away = connect(others);
  serve_flood(5000);
  queue.push(away);
  serve_flood(200);
  auto const credit_turns = TurnQueue::credit / turn;
  BOOST_TEST(away.visits <= (100 + credit_turns) * turn);
}

BOOST_AUTO_TEST_CASE(who_connects_anew_gains_nothing) {
  connect_flooders(others, 1);
  serve_flood(100);
  auto const before = clients.front()->visits;
  int turns_of_new = 0;
  for (int i = 0; i < 300; ++i) {
    Visitor fresh(queue, flooders);
    queue.push(fresh);
    auto& served = serve_next();
    if (&served == &fresh) {
      ++turns_of_new;
    } else {
      queue.push(served);
    }
  }
  BOOST_TEST(turns_of_new < 200);
  BOOST_TEST(clients.front()->visits > before + 100 * turn);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_new_each_time_does_not_starve_the_others_of_its_user) {
  connect_flooders(flooders, 1);
  for (int i = 0; i < 500; ++i) {
    Visitor fresh(queue, flooders);
    queue.push(fresh);
    auto& served = serve_next();
    if (&served != &fresh) queue.push(served);
  }
  BOOST_TEST(clients.front()->visits > 50 * turn);
}

BOOST_AUTO_TEST_CASE(who_is_gone_has_no_turn) {
  connect_flooders(flooders, 2);
  clients.erase(clients.begin());
  BOOST_TEST(&serve_next() == clients.front().get());
  BOOST_TEST(queue.empty());
  queue.push(*clients.front());
  clients.clear();
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_SUITE_END()

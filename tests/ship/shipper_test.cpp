// The shipper against a destination in memory that loses messages, acknowledgements and its
// patience, and takes messages late: what it holds in the end is each seq once and in order.
#include "client-lib/ship/shipper.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "support/environment.hpp"
#include "support/steled.hpp"

using namespace stele::ship;
using stele::test::number_from_environment;
using stele::test::run_stele;
using stele::test::Steled;

namespace {

/// As a stream of JetStream behaves that checks which message must be the last.
class UnreliableDestination final : public Destination {
 public:
  explicit UnreliableDestination(std::uint64_t seed) : random_(seed) {}

  Outcome<std::uint64_t> read_cursor(std::string_view) override {
    if (below(10) == 0) return ShipError{"an election is on"};
    auto const cursor = stored.empty() ? 0 : stored.back().last_seq;
    acknowledged_ = cursor;
    expected_ = stored.size();
    failure_.reset();
    // What was given up comes late, behind the back of who has just read.
    if (below(2) == 0) take_late();
    return cursor;
  }

  Outcome<void> publish(Message const& message) override {
    if (failure_) return ShipError{*failure_};
    ++published;
    switch (below(60)) {
      case 0:  // Lost on the way.
        failure_ = "timeout";
        break;
      case 1:  // Taken, and nobody hears of it.
        take({message, expected_});
        failure_ = "timeout";
        break;
      case 2:  // Still on the way when its sender gives up.
        late_.push_back({message, expected_});
        failure_ = "timeout";
        break;
      case 3:
        return ShipError{"the connection is gone"};
      default:
        if (take({message, expected_})) {
          acknowledged_ = message.last_seq;
        } else {
          failure_ = "wrong last sequence";
        }
    }
    ++expected_;
    return {};
  }

  std::uint64_t acknowledged_seq() const override { return acknowledged_; }
  Outcome<void> flush() override {
    if (failure_) return ShipError{*failure_};
    return {};
  }
  void settle() override {
    if (below(2) == 0) take_late();
  }
  std::size_t body_bytes_max() const override { return 1 << 20; }

  std::vector<Message> stored{};
  std::uint64_t published = 0;

 private:
  struct Sent {
    Message message{};
    std::size_t expected = 0;  ///< How many must be stored before it.
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool take(Sent const& sent) {
    if (sent.expected != stored.size()) return false;
    stored.push_back(sent.message);
    return true;
  }
  void take_late() {
    for (auto const& sent : late_) take(sent);
    late_.clear();
  }

  std::mt19937_64 random_;
  std::optional<std::string> failure_{};
  std::deque<Sent> late_{};
  std::size_t expected_ = 0;
  std::uint64_t acknowledged_ = 0;
};

ShipOptions options_for(Steled const& daemon, Layout layout) {
  auto const store = stele::Client::connect({.socket_path = daemon.socket()}).value();
  auto const* const pattern = layout == Layout::entries ? "a.{level}" : "a";
  return {.client = {.socket_path = daemon.socket()},
          .messages = {.layout = layout,
                       .format = std::make_shared<JsonFormat>(layout, "host"),
                       .pattern = SubjectPattern::parse(pattern, layout).value(),
                       .host = "host",
                       .store = store.hello().store_id,
                       .batch_bytes = 2000},
          .until_caught_up = true};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shipper_test)

BOOST_AUTO_TEST_CASE(whatever_a_destination_loses_it_has_each_seq_once_and_in_order) {
  auto const seed = number_from_environment("STELE_SEED", 1);
  auto const runs = number_from_environment("STELE_SHIP_RUNS", 4);
  constexpr std::uint64_t entries = 1500;
  Steled daemon;
  daemon.start();
  std::string lines;
  for (std::uint64_t i = 1; i <= entries; ++i) lines += "entry " + std::to_string(i) + '\n';
  BOOST_TEST_REQUIRE(run_stele(daemon, {"import", "-"}, lines).exit_code == 0);
  for (std::uint64_t run = 0; run < runs; ++run) {
    BOOST_TEST_CONTEXT("STELE_SEED=" << seed << " run " << run) {
      auto const layout = run % 2 == 0 ? Layout::entries : Layout::batches;
      UnreliableDestination destination(seed + run);
      ShipMetrics told;
      auto options = options_for(daemon, layout);
      options.report = [&](ShipMetrics const& figures) { told = figures; };
      auto const done = ship(std::move(options), destination);
      BOOST_TEST_REQUIRE(done.has_value(), done.error().message);
      std::uint64_t next = 1;
      for (auto const& message : destination.stored) {
        BOOST_TEST(message.first_seq == next);
        next = message.last_seq + 1;
        BOOST_TEST(!message.is_gap);
      }
      BOOST_TEST(next == entries + 1);
      BOOST_TEST(told.acknowledged_seq == entries);
      BOOST_TEST(told.retries > 0u);
      BOOST_TEST(told.gap_entries == 0u);
    }
  }
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(a_log_that_has_lost_its_end_is_not_shipped) {
  class Ahead final : public Destination {
   public:
    Outcome<std::uint64_t> read_cursor(std::string_view) override { return std::uint64_t{17}; }
    Outcome<void> publish(Message const&) override { return {}; }
    std::uint64_t acknowledged_seq() const override { return 17; }
    Outcome<void> flush() override { return {}; }
    void settle() override {}
    std::size_t body_bytes_max() const override { return 1000; }
  } destination;
  Steled daemon;
  daemon.start();
  auto const done = ship(options_for(daemon, Layout::entries), destination);
  BOOST_TEST_REQUIRE(!done.has_value());
  BOOST_TEST(done.error().is_final);
  BOOST_TEST(done.error().message.find("it has lost its end") != std::string::npos);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_CASE(another_store_is_not_shipped_in_its_place) {
  UnreliableDestination destination(1);
  Steled daemon;
  daemon.start();
  auto options = options_for(daemon, Layout::entries);
  options.messages.store = "another";
  auto const done = ship(std::move(options), destination);
  BOOST_TEST_REQUIRE(!done.has_value());
  BOOST_TEST(done.error().message.find("another store") != std::string::npos);
  BOOST_TEST(destination.published == 0u);
  BOOST_TEST(daemon.stop() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

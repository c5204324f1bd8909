#include "client-lib/ship/shipper.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <random>
#include <thread>
#include <utility>

#include "client-lib/cli/terminal/interruption.hpp"
#include "client-lib/cli/terminal/report.hpp"
#include "client-lib/json_number.hpp"
#include "client-lib/process/backoff.hpp"

namespace stele::ship {
namespace {

using std::chrono::steady_clock;

/// A follow is given up and begun again so often: between, what became of the last messages and how
/// far the log is can be looked at.
constexpr std::chrono::seconds follow_period{5};
constexpr std::chrono::seconds report_period{1};

Result<std::uint64_t> durable_seq_of(Client& client) {
  auto const stats = client.stats_json();
  if (!stats) return stats.error();
  boost::system::error_code error;
  auto const value = boost::json::parse(*stats, error);
  if (error.failed() || !value.is_object()) return std::uint64_t{0};
  auto const* wal = value.get_object().if_contains("wal");
  if (wal == nullptr || !wal->is_object()) return std::uint64_t{0};
  return client::number_of(wal->get_object().if_contains("durable_seq")).value_or(0);
}

class Shipper {
 public:
  Shipper(ShipOptions options, Destination& destination)
      : options_(std::move(options)), destination_(destination) {}

  Outcome<void> run();

 private:
  /// Until something fails, or all that is wanted has been taken: true.
  Outcome<bool> ship_from_cursor(Client& client);
  Outcome<std::uint64_t> read_cursor(Client& client);
  Outcome<void> confirm(Client& client, std::uint64_t seq);
  Outcome<void> note_part(MessageMaker& maker, FollowPart const& part);
  Outcome<Client> connect();
  void report(bool now = false);

  ShipOptions options_;
  Destination& destination_;
  std::optional<std::uint64_t> goal_seq_{};
  ShipMetrics metrics_{};
  steady_clock::time_point reported_at_{};
};

Outcome<Client> Shipper::connect() {
  auto client = cli::connect_or_wait(options_.client);
  if (!client) return ShipError{client.error().message, true};
  if (client->hello().store_id != options_.messages.store) {
    return ShipError{"this is another store than the one that is shipped (" +
                         options_.messages.store + "): ship it by a process of its own",
                     true};
  }
  return *std::move(client);
}

Outcome<std::uint64_t> Shipper::read_cursor(Client& client) {
  auto const cursor = destination_.read_cursor(options_.messages.store);
  if (!cursor) return cursor;
  auto const durable = durable_seq_of(client);
  if (!durable) return ShipError{durable.error().message};
  metrics_.durable_seq = *durable;
  if (!goal_seq_) goal_seq_ = *durable;
  if (*cursor > *durable) {
    return ShipError{"the destination has entries up to seq " + std::to_string(*cursor) +
                         ", the log only up to " + std::to_string(*durable) +
                         ": it has lost its end, and its seqs would be given out twice",
                     true};
  }
  return cursor;
}

/// What the destination has acknowledged, retention may take.
Outcome<void> Shipper::confirm(Client& client, std::uint64_t seq) {
  if (options_.consumer.empty()) return {};
  auto const confirmed = client.confirm(options_.consumer, seq);
  if (confirmed) return {};
  auto const& failure = confirmed.error();
  return ShipError{failure.message, failure.code == Error::bad_request};
}

void Shipper::report(bool now) {
  auto const at = steady_clock::now();
  if (!now && at - reported_at_ < report_period) return;
  reported_at_ = at;
  metrics_.acknowledged_seq = destination_.acknowledged_seq();
  metrics_.refused_entries = destination_.refused_entries();
  if (options_.report) options_.report(metrics_);
}

Outcome<void> Shipper::note_part(MessageMaker& maker, FollowPart const& part) {
  Outcome<void> published;
  auto const publish = [&](Message const& message) {
    if (message.is_gap) {
      auto const entries = message.last_seq - message.first_seq + 1;
      metrics_.gap_entries += entries;
      cli::print_error(std::to_string(entries) +
                       " entries will not be shipped: " + std::to_string(message.first_seq) +
                       " to " + std::to_string(message.last_seq));
    }
    published = destination_.publish(message);
    if (!published) return false;
    ++metrics_.messages;
    report();
    return true;
  };
  if (!maker.make(part, publish)) return published;
  if (!part.entries.empty()) metrics_.newest_sent_us = part.entries.back().timestamp;
  return {};
}

Outcome<bool> Shipper::ship_from_cursor(Client& client) {
  // A daemon that was started again holds everything until it is confirmed, also while the
  // destination is away.
  auto const known = destination_.acknowledged_seq();
  if (known != 0 && known <= metrics_.durable_seq) {
    if (auto const confirmed = confirm(client, known); !confirmed) return confirmed.error();
  }
  auto const cursor = read_cursor(client);
  if (!cursor) return cursor.error();
  if (auto const confirmed = confirm(client, *cursor); !confirmed) return confirmed.error();
  auto messages = options_.messages;
  messages.body_bytes_max = destination_.body_bytes_max();
  MessageMaker maker(std::move(messages), *cursor);
  for (;;) {
    Outcome<void> noted;
    auto const visit = [&](FollowPart const& part) {
      noted = note_part(maker, part);
      bool const done = options_.until_caught_up && maker.last_seq() >= *goal_seq_;
      return noted.has_value() && !done;
    };
    FollowOptions follow{.filter = {.after_seq = maker.last_seq()}};
    auto const end = client.follow_logs(follow, visit, Deadline(follow_period));
    if (!noted) return noted.error();
    if (!end && end.error().code != ClientError::timed_out) return ShipError{end.error().message};
    if (auto const flushed = destination_.flush(); !flushed) return flushed.error();
    auto const confirmed = confirm(client, destination_.acknowledged_seq());
    if (!confirmed) return confirmed.error();
    report(true);
    if (options_.until_caught_up && maker.last_seq() >= *goal_seq_) return true;
    auto const durable = durable_seq_of(client);
    if (!durable) return ShipError{durable.error().message};
    metrics_.durable_seq = *durable;
  }
}

Outcome<void> Shipper::run() {
  client::Backoff backoff;
  std::random_device random;
  for (std::string reported;;) {
    auto client = connect();
    if (!client) return client.error();
    // Also while the destination is away: what it does not have then is what an operator asks for.
    if (auto const durable = durable_seq_of(*client)) metrics_.durable_seq = *durable;
    report();
    auto const before = destination_.acknowledged_seq();
    auto const done = ship_from_cursor(*client);
    if (done) return {};
    if (done.error().is_final) return done.error();
    if (destination_.acknowledged_seq() > before) {
      backoff.reset();
      reported.clear();
    }
    // A cluster that is away fails in the same words again and again.
    if (std::exchange(reported, done.error().message) != done.error().message) {
      cli::print_error(done.error().message, "going on from what the destination has");
    }
    ++metrics_.retries;
    destination_.settle();
    report();
    std::this_thread::sleep_for(backoff.next(random()));
  }
}

}  // namespace

Outcome<void> ship(ShipOptions options, Destination& destination) {
  return Shipper(std::move(options), destination).run();
}

}  // namespace stele::ship

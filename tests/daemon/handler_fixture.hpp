// A request handler on a store, a log that only keeps what it is given, and a clock that stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/clock.hpp"
#include "daemon/log/log_port.hpp"
#include "daemon/operations/metrics.hpp"
#include "daemon/request/request_handler.hpp"
#include "daemon/store/store.hpp"

namespace stele::test {

class FakeLog final : public daemon::LogPort {
 public:
  wal::Seq next_seq() const noexcept override { return payloads.size() + 1; }
  std::size_t pending_bytes() const noexcept override { return pending; }
  wal::Gathering gathering() const noexcept override { return gathered; }
  boost::system::error_code admit(std::size_t, std::size_t) const noexcept override {
    return refusal;
  }
  bool is_full() const noexcept override { return refused || refusal == wal::Errc::no_space; }
  void note_refused() noexcept override { refused = true; }
  bool has_segment_for(std::size_t bytes) noexcept override {
    return has_segment && bytes <= segment_room;
  }
  bool huge_pause_is_over() noexcept override { return pause_is_over; }
  wal::Seq append(wal::WriterMark const& writer, std::span<std::string_view const> group) override {
    auto const first = next_seq();
    marks.push_back(writer);
    for (auto const payload : group) payloads.emplace_back(payload);
    ++groups;
    return first;
  }
  /// The commit of the nth drop is n.
  std::uint64_t append_dropped(wal::WriterId const& writer, std::uint64_t count) override {
    drops.push_back({.first_seq = next_seq(),
                     .last_seq = next_seq() - 1,
                     .reason = wal::GapReason::dropped_by_client,
                     .dropped = count,
                     .writer = writer});
    return drops.size();
  }
  std::uint64_t append_acknowledged(wal::Seq first, wal::Seq last) override {
    ledger.acknowledge(first, last);
    return 0;
  }
  void hold_from(wal::Seq first) noexcept override { held_from = first; }
  wal::Seq first_seq_kept() const noexcept override { return first_kept; }
  std::uint64_t durable_commit() const noexcept override { return durable_drops; }
  wal::GapLedger const& gaps() const noexcept override { return ledger; }
  daemon::LogStatus status() const override { return {}; }

  std::vector<std::string> payloads{};
  std::vector<wal::WriterMark> marks{};  ///< Of the groups.
  std::vector<wal::Gap> drops{};
  wal::Seq held_from = 0;
  wal::Seq first_kept = 0;
  std::size_t durable_drops = 0;
  wal::GapLedger ledger{};
  std::size_t groups = 0;
  std::size_t pending = 0;
  bool has_segment = true;
  bool pause_is_over = true;
  std::size_t segment_room = SIZE_MAX;
  bool refused = false;  ///< For lack of space.
  wal::Gathering gathered{};
  boost::system::error_code refusal{};
};

struct StandingClock final : daemon::Clock {
  std::uint64_t wall_us() const noexcept override { return wall; }
  daemon::Instant now() const noexcept override { return instant; }

  std::uint64_t wall = 1'700'000'000'000'000;
  daemon::Instant instant{};
};

struct HandlerFixture {
  explicit HandlerFixture(std::span<std::string const> consumers = {})
      : store(daemon::Store::writers_max_default, nullptr, consumers) {}
  /// Everything that the log has taken gets on disk.
  void make_durable() {
    store.publish(log.payloads.size());
    for (; log.durable_drops < log.drops.size(); ++log.durable_drops) {
      log.ledger.add(log.drops[log.durable_drops]);
    }
  }
  /// The disk turns out to be full: entries from `first` on are not written.
  void refuse_from(daemon::Seq first) {
    store.unstage_from(first);
    log.payloads.resize(first - 1);
  }

  StandingClock clock{};
  daemon::ServiceFacts facts = make_facts();
  daemon::Metrics metrics{};
  daemon::Store store;
  FakeLog log{};
  daemon::RequestHandler handler{facts, store, log, clock, metrics};

 private:
  static daemon::ServiceFacts make_facts() {
    daemon::ServiceFacts facts;
    facts.store_id = "00000000-0000-4000-8000-000000000000";
    facts.backend = "none";
    facts.commit_bytes_max = 1000;
    return facts;
  }
};

}  // namespace stele::test

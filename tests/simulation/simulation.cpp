#include "simulation/simulation.hpp"

#include <boost/test/unit_test.hpp>
#include <utility>

namespace stele::test {
namespace {

constexpr std::size_t clients_max = 4;
constexpr std::uint64_t century_us = 100ULL * 365 * 86'400 * 1'000'000;

}  // namespace

Simulation::Simulation(std::uint64_t seed, SimulationCounts& counts)
    : counts_(counts), dice_(seed), disk_({.seed = seed}) {
  ++counts_.runs;
  log_options_.segment_bytes = 64 << 10;
  log_options_.gather_bytes = 4 << 10;
  log_options_.entropy = [this] { return disk_.random(UINT64_MAX); };
  // Narrow limits make sessions pause.
  if (dice_.one_in(2)) config_.max_unsent_bytes = 4 << 10;
  if (dice_.one_in(2)) config_.max_unanswered = 2;
  if (dice_.one_in(2)) config_.max_in_flight_bytes = 8 << 10;
  if (dice_.one_in(3)) log_options_.retain_bytes = 4 * log_options_.segment_bytes;
  may_fill_ = dice_.one_in(2);
  auto const clients = 1 + dice_.below(clients_max);
  for (std::size_t i = 0; i < clients; ++i) clients_.emplace_back(i, dice_, ledger_);
}

void Simulation::run() {
  auto const lives = 2 + dice_.below(3);
  for (std::uint64_t life = 0; life < lives; ++life) {
    // Low numbers stop the disk in recovery and in the making of the first segment.
    disk_.stop_after(disk_.random(dice_.one_in(4) ? 20 : 200));
    if (begin_life()) {
      work(100 + dice_.below(1000));
      if (!is_over() && dice_.one_in(3)) stop_cleanly();
    }
    end_life(dice_.one_in(2) ? Crash::kill : Crash::power_cut);
  }
  BOOST_TEST_REQUIRE(begin_life());
  settle();
  for (auto& client : clients_) BOOST_TEST(client.is_quiet(), "a request was never answered");
  end_life(Crash::kill);
  counts_.acknowledged += ledger_.acknowledged_entries();
}

bool Simulation::run_cut_after(std::uint64_t operations, Crash kind) {
  disk_.stop_after(operations);
  bool cut = true;
  if (begin_life()) {
    work(1500);
    cut = disk_.stopped();
  }
  end_life(kind);
  BOOST_TEST_REQUIRE(begin_life());
  end_life(Crash::kill);
  return cut;
}

bool Simulation::begin_life() {
  ++counts_.lives;
  service_.emplace(disk_, clock_, config_, log_options_);
  if (auto const opened = service_->open(); !opened) {
    BOOST_TEST(disk_.stopped(), opened.error().message);
    ++counts_.crashes_in_recovery;
    return false;
  }
  check();
  connect_all();
  return true;
}

void Simulation::connect_all() {
  for (auto& client : clients_) client.connect(*service_);
}

void Simulation::check() {
  auto const& recovery = service_->recovery();
  for (auto const& gap : recovery.gaps) BOOST_TEST((gap.reason != wal::GapReason::damaged));
  SimulatedClient reader(clients_max, dice_, ledger_);
  reader.connect(*service_);
  auto const entries = reader.read_all();
  ledger_.check_recovered(entries, recovery.gaps, service_->removed_seq());
  if (sealed_) {
    // Without room for it a log ends without its seal.
    if (recovery.clean_stop) ++counts_.clean_stops;
    std::erase_if(*sealed_, [&](auto const& at) { return at.first <= service_->removed_seq(); });
    BOOST_TEST((entries == *sealed_), "a clean stop keeps everything as it is");
  }
  sealed_.reset();
}

void Simulation::work(std::uint64_t steps) {
  if (dice_.one_in(6)) {
    disk_.fail_after(disk_.random(100), make_error_code(boost::system::errc::io_error));
  }
  for (std::uint64_t i = 0; i < steps && !is_over(); ++i) step();
  counts_.segments_made += service_->log_metrics().segments_made;
  if (disk_.stopped()) ++counts_.crashes_at_work;
  if (!disk_.stopped() && service_->failed()) ++counts_.disk_errors;
}

void Simulation::step() {
  auto const choice = dice_.below(20);
  if (choice < 5) return any_client().ask();
  if (choice < 8) return any_client().push();
  if (choice < 10) return any_client().pull();
  if (choice < 11) return any_client().take_turn();
  if (choice < 14) return service_->end_turn();
  if (choice < 18) return service_->disk_event();
  if (choice < 19) return let_time_pass();
  if (dice_.one_in(4)) disturb();
}

/// The wall clock may jump: nothing but the stamps of entries may follow it.
void Simulation::let_time_pass() {
  clock_.monotonic += std::chrono::milliseconds(dice_.below(60));
  clock_.wall += dice_.one_in(8) ? century_us * dice_.below(3) : 1000;
  if (dice_.one_in(8)) clock_.wall -= century_us / 4;
  service_->timer();
}

void Simulation::disturb() {
  auto& client = any_client();
  switch (dice_.below(4)) {
    case 0:
      client.disconnect();
      return client.connect(*service_);
    case 1:
      return client.finish();
    case 2:
      if (!may_fill_) return;
      ++counts_.full_disks;
      ledger_.disk_was_full();
      return disk_.set_capacity(disk_.used_bytes() + disk_.random(1 << 16));
    default:
      return disk_.set_capacity(UINT64_MAX);
  }
}

/// The disk has space again, and everybody is given time: all that was asked is answered.
void Simulation::settle() {
  disk_.set_capacity(UINT64_MAX);
  for (int round = 0; round < 3; ++round) {
    clock_.monotonic += std::chrono::seconds(2);
    service_->timer();
    for (int quiet = 0; quiet < 3 && !is_over();) {
      auto const operations = disk_.operations();
      bool moved = false;
      for (auto& client : clients_) moved = client.move_all() || moved;
      service_->end_turn();
      service_->disk_event();
      quiet = moved || disk_.operations() != operations ? 0 : quiet + 1;
    }
  }
}

void Simulation::stop_cleanly() {
  settle();
  if (is_over()) return;
  for (auto& client : clients_) BOOST_TEST(client.is_quiet(), "a request was never answered");
  service_->start_draining();
  for (auto& client : clients_) client.drain();
  settle();
  if (is_over()) return;
  SimulatedClient reader(clients_max, dice_, ledger_);
  reader.connect(*service_);
  auto const entries = reader.read_all();
  reader.disconnect();
  BOOST_TEST(service_->idle());
  auto const closed = service_->close();
  if (!disk_.stopped() && closed) sealed_ = entries;
}

void Simulation::end_life(Crash kind) {
  for (auto& client : clients_) {
    if (client.is_connected()) client.disconnect();
  }
  if (service_ && !disk_.stopped()) disk_.set_capacity(UINT64_MAX);
  disk_.crash(kind);
  service_.reset();
}

}  // namespace stele::test

#include "simulation/simulation.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <initializer_list>
#include <utility>

namespace stele::test {
namespace {

constexpr std::size_t clients_max = 4;
constexpr std::uint64_t small_segment = 64 << 10;
constexpr std::uint64_t century_us = 100ULL * 365 * 86'400 * 1'000'000;

}  // namespace

Simulation::Simulation(std::uint64_t seed, SimulationCounts& counts)
    : counts_(counts), dice_(seed), disk_({.seed = seed}) {
  ++counts_.runs;
  log_options_.entropy = [this] { return disk_.random(UINT64_MAX); };
  // Narrow limits make sessions pause.
  if (dice_.one_in(2)) config_.max_unsent_bytes = 4 << 10;
  if (dice_.one_in(2)) config_.max_unanswered = 2;
  if (dice_.one_in(2)) config_.max_in_flight_bytes = 8 << 10;
  may_fill_ = dice_.one_in(2);
  auto const clients = 1 + dice_.below(clients_max);
  for (std::size_t i = 0; i < clients; ++i) clients_.emplace_back(i, dice_, ledger_);
}

void Simulation::choose_settings() {
  using namespace std::chrono_literals;
  auto const pick = [this]<class T>(std::initializer_list<T> values) {
    return values.begin()[dice_.below(values.size())];
  };
  auto& log = log_options_;
  log.segment_bytes = pick({small_segment, small_segment, 2 * small_segment});
  log.first_segment_bytes = pick({small_segment, log.segment_bytes});
  log.gather_bytes = pick({std::size_t{4} << 10, std::size_t{16} << 10});
  log.commit_align = pick({std::size_t{0}, std::size_t{0}, std::size_t{4096}});
  log.retain_bytes = pick({std::uint64_t{0}, std::uint64_t{0}, 4 * log.segment_bytes});
  log.retain_age = pick({0s, 0s, 1s, 2s, 10s, 1'000'000s});
  bool const has_consumers = dice_.one_in(4);
  config_.consumers.assign(has_consumers ? 1 : 0, "archive");
  log.hold_bytes = has_consumers ? pick({3 * log.segment_bytes, std::uint64_t{UINT64_MAX}}) : 0;
  log.on_damage = pick({wal::OnDamage::serve, wal::OnDamage::refuse});
  log.packing = {.worker = dice_.one_in(2) ? &pack_worker_ : nullptr,
                 .separator = ',',
                 .notes = dice_.one_in(4) ? nullptr : &entry_notes_};

  age_min_ = 0ms;
  if (log.retain_bytes == 0) age_min_ = log.retain_age.count() == 0 ? 1'000'000h : log.retain_age;
  unchecked_age_min_ = std::min(unchecked_age_min_, age_min_);
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
  choose_settings();
  // Nothing of what clocks say of the time between two lives is true.
  clock_.monotonic = daemon::Instant(std::chrono::seconds(dice_.below(1'000'000'000)));
  clock_.wall = century_us + dice_.below(2) * century_us;
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
  if (entries.empty() && service_->removed_seq() > 0) ++counts_.starts_on_nothing;
  ledger_.check_ages(service_->removed_seq(), std::exchange(unchecked_age_min_, age_min_));
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
  check_ages();
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

void Simulation::check_ages() {
  auto const removed = service_->removed_seq();
  auto const& metrics = service_->log_metrics();
  if (age_min_.count() > 0 && metrics.segments_removed > 0) ++counts_.aged_lives;
  ledger_.check_ages(removed, age_min_);
}

void Simulation::pass(std::chrono::milliseconds time) {
  clock_.monotonic += time;
  open_ += time;
  ledger_.set_time(open_);
}

/// The wall clock may jump: nothing but the stamps of entries may follow it.
void Simulation::let_time_pass() {
  pass(std::chrono::milliseconds(dice_.below(dice_.one_in(8) ? 2000 : 60)));
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
      if (dice_.one_in(3)) return disk_.take_free_space();
      return disk_.set_capacity(disk_.used_bytes() + disk_.random(1 << 16));
    default:
      return disk_.set_capacity(UINT64_MAX);
  }
}

/// The disk has space again, and everybody is given time: all that was asked is answered.
void Simulation::settle() {
  disk_.set_capacity(UINT64_MAX);
  for (int round = 0; round < 3; ++round) {
    pass(std::chrono::seconds(2));
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

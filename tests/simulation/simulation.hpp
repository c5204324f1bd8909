// Runs the daemon's logic with simulated clients, disk and clock, all in one thread and all from
// one seed: several lives, each ended by a crash, an error of the disk, or a clean stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/recovery/entry_notes.hpp"
#include "simulation/ledger.hpp"
#include "simulation/simulated_client.hpp"
#include "simulation/simulated_service.hpp"
#include "support/simulated_disk.hpp"

namespace stele::test {

/// What a run met, to show that runs meet everything.
struct SimulationCounts {
  std::uint64_t runs = 0;
  std::uint64_t lives = 0;
  std::uint64_t crashes_in_recovery = 0;
  std::uint64_t crashes_at_work = 0;
  std::uint64_t disk_errors = 0;
  std::uint64_t clean_stops = 0;
  std::uint64_t full_disks = 0;
  std::uint64_t starts_on_nothing = 0;  ///< All that the log had ever held had expired.
  std::uint64_t aged_lives = 0;         ///< Something went by its age alone.
  std::uint64_t segments_made = 0;
  std::uint64_t acknowledged = 0;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, SimulationCounts& counts);

  /// A random run.
  void run();

  /// A run in which nothing is random but what the disk makes of unsynced writes: the same
  /// workload, cut after this many storage operations. Returns whether the cut came before the
  /// end of the workload.
  bool run_cut_after(std::uint64_t operations, Crash kind);

 private:
  /// Every life has settings of its own: all that change what is on disk.
  void choose_settings();
  void pass(std::chrono::milliseconds time);
  void check_ages();
  /// Opens the log; checks it; nothing if the disk stopped meanwhile.
  bool begin_life();
  void work(std::uint64_t steps);
  void step();
  void settle();
  /// Everything is answered, the log is sealed, and the next start is told so.
  void stop_cleanly();
  void end_life(Crash kind);
  void check();
  bool is_over() const { return disk_.stopped() || service_->failed(); }
  void connect_all();
  SimulatedClient& any_client() { return clients_[dice_.below(clients_.size())]; }
  void let_time_pass();
  void disturb();

  SimulationCounts& counts_;
  Dice dice_;
  SimulatedDisk disk_;
  SimulatedClock clock_{};
  daemon::Config config_{};
  wal::InlinePackWorker pack_worker_{};
  daemon::EntryNotes entry_notes_{};
  wal::Options log_options_{};
  Ledger ledger_{};
  bool may_fill_ = false;  ///< The disk may run out of space in this run.
  /// So long has the daemon been open.
  std::chrono::milliseconds open_{};
  /// What goes must be so old, by this life's settings; 0: it may go for its size,
  std::chrono::milliseconds age_min_{};
  /// and by those of all lives since it was last looked at.
  std::chrono::milliseconds unchecked_age_min_{};
  std::optional<SimulatedService> service_{};
  std::vector<SimulatedClient> clients_{};
  std::optional<ShownEntries> sealed_{};  ///< What the log held when it was sealed.
};

}  // namespace stele::test

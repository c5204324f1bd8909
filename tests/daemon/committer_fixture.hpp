// A committer on a simulated disk, and waiters that note what they are told.
#pragma once

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/handler_fixture.hpp"
#include "daemon/log/committer.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "support/log_fixture.hpp"
#include "support/simulated_disk.hpp"

namespace stele::test {

struct CountingTurns final : daemon::TurnScheduler {
  void request_turn_end() override { ++requested; }

  int requested = 0;
};

struct CommitterFixture {
  static inline std::uint64_t const segment_bytes = LogFixture::small_options().segment_bytes;

  explicit CommitterFixture(wal::Options const& options = LogFixture::small_options()) {
    auto opened = daemon::Committer::open(*directory, options, sink, store, clock, turns);
    BOOST_REQUIRE(opened.has_value());
    committer = *std::move(opened);
    settle();
  }

  daemon::Seq append(std::string_view message = "m") {
    std::string const quoted = '"' + std::string(message) + '"';
    protocol::EntryDraft draft;
    draft.message = quoted;
    draft.metadata = "{}";
    auto const seq = committer->next_seq();
    std::string_view const text = store.stage(draft, {seq, clock.wall, Origin{1, 2, 3}});
    return committer->append({}, {&text, 1});
  }
  /// The turn ends, if anybody asked for it.
  void end_turn() {
    if (std::exchange(turns.requested, 0) > 0) committer->on_turn_end();
  }
  void on_disk_event() { committer->on_disk_event(); }
  /// Until nothing is on its way.
  void settle() {
    end_turn();
    for (auto before = disk.operations() + 1; before != disk.operations();) {
      before = disk.operations();
      on_disk_event();
      end_turn();
    }
  }
  std::uint64_t commits() const { return committer->log().metrics().commits; }

  SimulatedDisk disk{{}};
  std::unique_ptr<wal::Directory> directory = disk.mount();
  CollectingSink sink{};
  StandingClock clock{};
  CountingTurns turns{};
  daemon::Store store{};
  std::unique_ptr<daemon::Committer> committer{};
};

/// Appends what it is told to a record that it may share with others.
struct NotingWaiter : daemon::LogWaiter {
  NotingWaiter(std::string own_name, std::vector<std::string>& shared_notes)
      : name(std::move(own_name)), notes(shared_notes) {}

  void on_log_progress() override { notes.push_back(name + " goes on"); }
  void on_refused(daemon::Seq first) override {
    notes.push_back(name + " refused from " + std::to_string(first));
  }
  void on_log_failed() override { notes.push_back(name + " failed"); }

  std::string name;
  std::vector<std::string>& notes;
};

}  // namespace stele::test

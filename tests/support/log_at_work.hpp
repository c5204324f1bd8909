// A log that goes on while somebody reads its directory: a real one beside a daemon, made
// deterministic.
#pragma once

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <string>

#include "support/log_fixture.hpp"
#include "support/moving_directory.hpp"

namespace stele::test {

/// Goes on a little whenever its directory is looked at.
class LogAtWork {
 public:
  LogAtWork(SimulatedDisk& disk, std::uint64_t seed, std::uint64_t retain_bytes)
      : disk_(disk), random_(seed), life_(disk, options(retain_bytes)) {
    BOOST_TEST_REQUIRE(life_.open(), life_.failure.message);
    written = life_.sink.payloads;
    written[life_.write("first")] = "first";
  }

  /// Sometimes nearly at rest, sometimes several commits a sector.
  MovingDirectory directory() {
    auto const pace = below(12);
    return {disk_,
            [this, pace] {
              if (pace == 0 || below(pace) == 0) step();
            },
            [this](std::uint64_t bound) { return below(bound); }};
  }
  void step() {
    auto const dice = below(40);
    if (dice < 2 && life_.log->pending_bytes() < 20'000) {
      std::string const payload(1 + below(dice == 0 ? 12'000 : 300), 'x');
      written[life_.append(payload)] = payload;
    }
    if (dice < 4) life_.start_commit();
    if (dice < 20) life_.poll();
    if (dice == 39) life_.advance_ms(50);
  }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  wal::LogMetrics const& metrics() const { return life_.metrics(); }
  wal::Seq durable() const { return life_.listener.durable; }
  wal::Seq expired() const { return life_.listener.expired; }

  std::map<wal::Seq, std::string> written{};

 private:
  static wal::Options options(std::uint64_t retain_bytes) {
    auto options = LogFixture::small_options();
    options.retain_bytes = retain_bytes;
    return options;
  }
  SimulatedDisk& disk_;
  std::mt19937_64 random_;
  LogFixture life_;
};

}  // namespace stele::test

#include "daemon/supervision/status_line.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include "daemon/supervision/heartbeat.hpp"

using namespace stele::daemon;
using namespace std::chrono_literals;

namespace {

class HandClock final : public Clock {
 public:
  std::uint64_t wall_us() const noexcept override { return 0; }
  Instant now() const noexcept override { return now_; }
  void advance(std::chrono::seconds by) { now_ += by; }

 private:
  Instant now_{1h};
};

/// A heartbeat whose loop never runs: each line is asked for.
struct Beats {
  Heartbeat::Reading reading{};
  HandClock clock{};
  boost::asio::io_context io{};
  Supervisor manager{};
  Heartbeat heartbeat{io, manager, clock, [this] { return reading; }};

  std::string after(std::chrono::seconds time, std::uint64_t durable_seq, std::size_t pending) {
    clock.advance(time);
    reading.durable_seq = durable_seq;
    reading.pending_bytes = pending;
    return heartbeat.line();
  }
};

bool says_silent(std::string const& line) {
  return line.find("the disk has not answered") != line.npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(status_line_test)

BOOST_AUTO_TEST_CASE(a_recovery_shows_share_rate_and_time_left) {
  BOOST_TEST(recovery_line({512 << 20, std::uint64_t{2048} << 20, 2s}) ==
             "recovering: 512 of 2048 MiB (25 %), 256 MiB/s, 6 s left");
}

BOOST_AUTO_TEST_CASE(a_recovery_of_nothing_and_one_that_has_just_begun_are_no_division_by_zero) {
  BOOST_TEST(recovery_line({}) == "recovering: 0 of 0 MiB");
  BOOST_TEST(recovery_line({0, 1 << 20, 0ms}) == "recovering: 0 of 1 MiB (0 %)");
  BOOST_TEST(recovery_line({1, 1 << 20, 1h}) ==
             "recovering: 0 of 1 MiB (0 %), 0 MiB/s, 1048575 s left");
}

BOOST_AUTO_TEST_CASE(serving_shows_clients_rate_and_the_last_entry_on_disk) {
  BOOST_TEST(
      serving_line({.connections = 16, .durable_seq = 123'456, .entries_per_second = 1200}) ==
      "16 connections, 1200 entries/s, on disk up to entry 123456");
}

BOOST_AUTO_TEST_CASE(what_is_wrong_stands_first) {
  BOOST_TEST(serving_line({.state = "no_space"}).starts_with("no space: writes are refused; "));
  BOOST_TEST(serving_line({.state = "damaged"}).starts_with("damaged: "));
  BOOST_TEST(serving_line({.disk_silent_for = 12s})
                 .starts_with("the disk has not answered for 12 s: writes wait; "));
}

BOOST_AUTO_TEST_CASE(the_rate_is_of_the_time_since_the_line_before) {
  Beats beats;
  beats.after(0s, 100, 0);
  BOOST_TEST(beats.after(10s, 1100, 0) == "0 connections, 100 entries/s, on disk up to entry 1100");
}

BOOST_AUTO_TEST_CASE(a_disk_is_silent_if_what_waited_for_it_at_a_beat_waits_at_the_next) {
  Beats beats;
  beats.after(0s, 100, 0);
  BOOST_TEST(!says_silent(beats.after(10s, 100, 64)), "a write after an idle time");
  BOOST_TEST(beats.after(10s, 100, 64).find("not answered for 10 s") != std::string::npos);
  BOOST_TEST(beats.after(10s, 100, 64).find("not answered for 20 s") != std::string::npos);
  BOOST_TEST(!says_silent(beats.after(10s, 101, 64)), "a commit has come to it");
}

BOOST_AUTO_TEST_CASE(settings_that_were_refused_by_a_reload_stay_in_the_status) {
  BOOST_TEST(serving_line({.settings_refused = true})
                 .starts_with("the settings in the file are not valid: not reloaded; "));
}

BOOST_AUTO_TEST_SUITE_END()

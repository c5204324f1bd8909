// The moments of the lines of one log, in their order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/cli/times/civil_time.hpp"
#include "client-lib/cli/times/time_pattern.hpp"
#include "client-lib/cli/times/year_chooser.hpp"

namespace stele::cli {

/// Where a time has no zone, the C library's ($TZ) holds. Where it has no year, see YearSteps.
class LineClock {
 public:
  /// `name`: of the form, for people. `latest_us`: no line of the log is expected to be later.
  LineClock(TimePattern pattern, std::string name, std::uint64_t latest_us);

  struct Moment {
    std::uint64_t time_us = 0;
    std::string_view level{};  ///< Valid until the next call; empty: the line names none.
  };
  std::optional<Moment> find(std::string_view line);

  /// What the line says, without a meaning.
  std::optional<WrittenTime> read(std::string_view line) { return pattern_.read(line); }
  /// `is_sure`: somebody has said it; a date that the years do not have is none then.
  void set_first_year(int year, bool is_sure) noexcept {
    first_year_ = year;
    first_year_is_sure_ = is_sure;
  }
  std::string const& name() const noexcept { return name_; }
  TimePattern const& pattern() const noexcept { return pattern_; }

  /// What the lines so far did not say.
  struct Assumed {
    bool zone = false;
    std::optional<int> first_year{};
    std::optional<int> last_year{};
    bool date_is_impossible = false;  ///< Of the last line.

    void add(Assumed const& other) noexcept;
  };
  Assumed const& assumed() const noexcept { return assumed_; }

 private:
  std::optional<std::uint64_t> time_of(WrittenTime written);
  std::optional<std::uint64_t> time_in(std::string_view zone, CivilTime const& civil);
  void choose_year(CivilTime& time);

  TimePattern pattern_;
  std::string name_;
  std::uint64_t latest_us_;
  std::optional<int> first_year_{};
  bool first_year_is_sure_ = false;
  YearSteps years_{};
  LocalZone zone_{};
  std::map<std::string, std::optional<LocalZone>, std::less<>> regions_{};
  Assumed assumed_{};
  std::optional<std::uint64_t> previous_us_{};
};

/// The clock for `--time FORMAT`: the name of a form, or a format as for strptime. Throws
/// UsageError.
LineClock line_clock_of(std::string_view format, std::uint64_t latest_us);

/// All forms at once, for logs of which nobody has said how they write their times.
class ClockFinder {
 public:
  explicit ClockFinder(std::uint64_t now_us) : now_us_(now_us) {}

  /// The forms with which lines of `text` begin, that of most lines first; none if hardly any line
  /// has one.
  std::vector<LineClock> find_clocks(std::string_view text, std::uint64_t latest_us);
  /// The first of these.
  std::optional<LineClock> find_clock(std::string_view text, std::uint64_t latest_us);
  /// The time of the first of this many lines that begins with one, in any form.
  std::optional<std::uint64_t> find_first_time(std::string_view text, std::uint64_t latest_us,
                                               std::size_t lines_max);
  /// The form that more than half of the lines have somewhere near their start.
  std::optional<LineClock> find_clock_within(std::string_view text, std::uint64_t latest_us);
  /// `1/13/2024`, `13/1/2024` or `24/1/13`, if the lines show which it is.
  std::optional<LineClock> find_vague_clock(std::string_view text, std::uint64_t latest_us);
  /// Whether most lines have a date that may be any of these.
  bool is_vague(std::string_view text);
  /// Whether most lines have a time of day: of a form that is not known, or without a date.
  static bool has_times_of_day(std::string_view text);

  /// The moment of a text that is a time and nothing else.
  std::optional<std::uint64_t> time_of(std::string_view text);
  /// Of what time_of() finds.
  void set_first_year(int year) noexcept { first_year_ = year; }
  LineClock::Assumed assumed() const noexcept;

  /// The form itself, or one that says more and that most lines of this form have.
  std::string_view refined(std::string_view form, std::string_view text);

 private:
  std::uint64_t now_us_;
  std::vector<TimePattern> at_start_{};  ///< As time_forms().
  std::vector<LineClock> whole_{};
  std::size_t last_whole_ = 0;
  std::optional<int> first_year_{};
};

/// The first of the lines that has a time.
std::optional<LineClock::Moment> first_moment(LineClock& clock, std::string_view text);
/// Whether one of the first lines has a time without a year.
bool lacks_years(LineClock& clock, std::string_view text);

}  // namespace stele::cli

// Points in time inside lines of logs.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stele::cli {

/// How a log writes its times. A format is strptime's (%Y-%m-%d %H:%M:%S, %b, %z, %s …) with %f for
/// the digits of a fraction, and stands at the start of the line; one that begins with `*` is
/// looked for in the whole line. Names stand for common formats (named_time_formats).
///
/// Where the format has no zone, the C library's ($TZ) holds. Where it has no year, lines are
/// expected in rising order: the first is of `first_year`, or else the latest year in which it is
/// not after `now_us`; a line whose month is more than six before that of the line before it starts
/// the next year.
class TimePattern {
 public:
  /// `first_year` 0: none was given.
  TimePattern(std::string_view name_or_format, int first_year, std::uint64_t now_us);

  /// Microseconds since the epoch. Not const: it remembers the year.
  std::optional<std::uint64_t> find(std::string_view line);

 private:
  struct Format {
    std::vector<std::string> parts{};  ///< Cut at each %f.
    bool anywhere = false;
    bool has_year = false;
    bool has_zone = false;
  };
  static Format format_of(std::string_view text);
  std::optional<std::uint64_t> match(Format const& format, char const* text);
  void choose_year(std::tm& time);

  std::vector<Format> formats_{};  ///< The first that matches holds.
  int year_ = 0;
  int last_month_ = -1;
  std::uint64_t now_us_ = 0;
  std::string line_{};  ///< strptime wants a zero at the end.
};

struct NamedTimeFormat {
  std::string_view name;
  std::string_view format;         ///< Or several, one a line.
  std::string_view level_pattern;  ///< PCRE; its first group is the level's name. May be empty.
};

/// syslog, iso, apache, clf, hdfs, epoch; nothing for another name.
std::optional<NamedTimeFormat> named_time_format(std::string_view name) noexcept;
inline constexpr std::string_view named_time_formats = "syslog, iso, apache, clf, hdfs, epoch";

}  // namespace stele::cli

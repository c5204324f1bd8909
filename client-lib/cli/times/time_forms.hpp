// The forms of time that common logs have, by name.
#pragma once

#include <span>
#include <string_view>

namespace stele::cli {

/// That of syslog with a year behind the time.
inline constexpr std::string_view syslog_with_year = "syslog-year";

/// Of W3C extended log files; their times are in UTC.
inline constexpr std::string_view w3c_form = "w3c";

struct TimeForm {
  std::string_view name;
  std::string_view pattern;  ///< As TimePattern::of_form() takes it.
  bool always_utc = false;
  bool only_by_name = false;  ///< Too vague to be taken for what a log has.
};

/// The more exact ones come first.
std::span<TimeForm const> time_forms() noexcept;
/// Null for another name.
TimeForm const* find_time_form(std::string_view name) noexcept;

/// For help and error texts.
inline constexpr std::string_view time_form_names =
    "iso, syslog, rfc5424, apache, clf, epoch, hdfs, klog, and others";

}  // namespace stele::cli

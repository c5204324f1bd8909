// The daemon's statistics as metrics.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

/// The reply to `stats` in Prometheus' text format, for node_exporter's textfile collector: HELP
/// and TYPE of each metric, then its values; the last line is OpenMetrics' `# EOF`. Times are
/// seconds. A member that the daemon does not report has no metric. Empty if the text is no JSON
/// object.
std::string prometheus_text(std::string_view stats_json);

/// What distinguishes the log behind this socket from others of the machine: the name of the
/// directory that its unit makes, `stele` or `stele-NAME`; else the path.
std::string log_label(std::string const& socket_path);
/// The same metrics, each with one label more.
std::string with_label(std::string_view text, std::string_view name, std::string_view value);

/// The lines that say what a metric is.
void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help);

}  // namespace stele::cli

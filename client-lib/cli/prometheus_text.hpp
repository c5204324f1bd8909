// The daemon's statistics as metrics.
#pragma once

#include <string>
#include <string_view>

namespace stele::cli {

/// The reply to `stats` in Prometheus' text format, for node_exporter's textfile collector: HELP
/// and TYPE of each metric, then its values; the last line is OpenMetrics' `# EOF`. Times are
/// seconds. A member that the daemon does not tell has no metric. Empty if the text is no JSON
/// object.
std::string prometheus_text(std::string_view stats_json);

/// The lines that say what a metric is.
void append_metric_head(std::string& out, std::string_view name, std::string_view type,
                        std::string_view help);

}  // namespace stele::cli

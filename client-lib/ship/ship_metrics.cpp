#include "client-lib/ship/ship_metrics.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <string_view>

#include "client-lib/cli/monitor/prometheus_text.hpp"
#include "client-lib/process/unique_fd.hpp"

namespace stele::ship {
namespace {

void append(std::string& out, std::string_view name, std::string_view type, std::string_view help,
            std::string const& value) {
  cli::append_metric_head(out, name, type, help);
  ((out += name) += ' ') += value;
  out += '\n';
}

std::string seconds_text(std::uint64_t us) {
  char text[32];
  auto const length = std::snprintf(text, sizeof text, "%.3f", static_cast<double>(us) / 1e6);
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace

std::string metrics_text(ShipMetrics const& metrics, std::string const& stream,
                         std::string const& log, std::uint64_t now_us) {
  std::string out;
  auto const behind = metrics.durable_seq - std::min(metrics.durable_seq, metrics.acknowledged_seq);
  auto const age = now_us - std::min(now_us, metrics.newest_sent_us);
  append(out, "stele_ship_acknowledged_seq", "gauge", "The last seq that the stream has.",
         std::to_string(metrics.acknowledged_seq));
  append(out, "stele_ship_lag_entries", "gauge", "Entries that the stream does not have yet.",
         std::to_string(behind));
  // Of what an earlier process sent nobody knows the age.
  if (behind == 0 || metrics.newest_sent_us != 0) {
    append(out, "stele_ship_lag_seconds", "gauge",
           "Age of the newest entry that was sent, while there are others.",
           behind == 0 ? "0" : seconds_text(age));
  }
  append(out, "stele_ship_messages_total", "counter", "Messages published.",
         std::to_string(metrics.messages));
  append(out, "stele_ship_gap_entries_total", "counter",
         "Entries that the stream names as missing.", std::to_string(metrics.gap_entries));
  append(out, "stele_ship_refused_entries_total", "counter",
         "Entries that the destination was given and refused for ever.",
         std::to_string(metrics.refused_entries));
  append(out, "stele_ship_retries_total", "counter",
         "Times that something failed and the cursor was read again.",
         std::to_string(metrics.retries));
  return cli::with_label(cli::with_label(out, "stream", stream), "log", log);
}

namespace {

bool write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    auto const count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// A new name lasts when its directory is on disk.
bool sync_directory_of(std::string const& path) {
  auto const slash = path.rfind('/');
  auto const directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  client::UniqueFd const opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened && ::fsync(opened.get()) == 0;
}

}  // namespace

bool replace_file(std::string const& path, std::string const& text, FileUse use) {
  auto const beside = path + ".tmp";
  client::UniqueFd const file(
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!file || !write_all(file.get(), text)) return false;
  // The umask of a service lets nobody else read.
  if (use == FileUse::metrics && ::fchmod(file.get(), 0644) != 0) return false;
  // Else a power cut may leave the new name with an empty file.
  if (use == FileUse::state && ::fsync(file.get()) != 0) return false;
  if (std::rename(beside.c_str(), path.c_str()) != 0) return false;
  return use == FileUse::metrics || sync_directory_of(path);
}

}  // namespace stele::ship

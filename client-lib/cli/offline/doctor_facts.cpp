#include "client-lib/cli/offline/doctor_facts.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include "client-lib/cli/times/time_text.hpp"
#include "client-lib/json_number.hpp"
#include "wal/file/disk_probe.hpp"
#include "wal/format/aligned_buffer.hpp"

namespace stele::cli {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

constexpr std::size_t sync_bytes = 4096;
constexpr int syncs_max = 200;
constexpr std::chrono::seconds syncs_last_at_most{2};

std::string error_text(int error) { return std::system_category().message(error); }

std::string text_of_file(std::string const& path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::optional<std::uint64_t> number_in(json::object const& object, char const* group,
                                       char const* member) {
  auto const* found = object.if_contains(group);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  return client::number_of(found->get_object().if_contains(member));
}

std::string text_in(json::object const& object, char const* member) {
  auto const* found = object.if_contains(member);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

std::string user_name(uid_t id) {
  auto const* found = ::getpwuid(id);
  return found == nullptr ? std::to_string(id) : found->pw_name;
}

std::string group_name(gid_t id) {
  auto const* found = ::getgrgid(id);
  return found == nullptr ? std::to_string(id) : found->gr_name;
}

/// Returns errno, or 0.
int write_synced(int fd, std::byte const* bytes, off_t offset, bool dsync) {
  iovec const piece{const_cast<std::byte*>(bytes), sync_bytes};
  if (::pwritev2(fd, &piece, 1, offset, dsync ? RWF_DSYNC : 0) != sync_bytes) {
    return errno == 0 ? EIO : errno;
  }
  return dsync || ::fdatasync(fd) == 0 ? 0 : errno;
}

/// Its bytes are on the disk, so that what is measured is a write and nothing else.
wal::UniqueFd make_file(std::string const& directory, std::byte const* zeros, bool direct) {
  int const flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0);
  wal::UniqueFd file{::open(directory.c_str(), flags, 0600)};
  for (int i = 0; file && i < syncs_max; ++i) {
    if (::pwrite(file.get(), zeros, sync_bytes, i * off_t{sync_bytes}) != sync_bytes) return {};
  }
  if (file && ::fsync(file.get()) != 0) return {};
  return file;
}

}  // namespace

std::string nearest_directory(std::string const& path) {
  std::error_code error;
  auto place = std::filesystem::absolute(path, error);
  while (!std::filesystem::is_directory(place, error) && place.has_relative_path()) {
    place = place.parent_path();
  }
  return place;
}

DaemonReport ask_daemon(ClientOptions const& options) {
  DaemonReport report;
  auto client = Client::connect(options);
  auto const stats = client ? client->stats_json() : Result<std::string>(client.error());
  if (!stats) {
    report.daemon.failure = stats.error().message;
    return report;
  }
  boost::system::error_code error;
  auto const value = json::parse(*stats, error);
  if (error.failed() || !value.is_object()) {
    report.daemon.failure = "its metrics cannot be understood";
    return report;
  }
  auto const& object = value.get_object();
  report.daemon.version = text_in(object, "version");
  report.daemon.state = text_in(object, "state");
  if (auto const* wal = object.if_contains("wal"); wal != nullptr && wal->is_object()) {
    report.daemon.backend = text_in(wal->get_object(), "backend");
  }
  report.log_bytes = number_in(object, "wal", "log_bytes").value_or(0);
  report.retain_bytes = number_in(object, "limits", "retain_bytes");
  if (report.retain_bytes.value_or(0) != 0) {
    *report.retain_bytes += number_in(object, "limits", "hold_bytes").value_or(0);
  }
  report.memory.bytes_max = number_in(object, "limits", "memory_bytes_max").value_or(0);
  report.memory.machine_bytes = number_in(object, "memory", "machine_bytes").value_or(0);
  report.newest_us = number_in(object, "store", "newest_ts");
  return report;
}

FileSystemFacts look_at_file_system(std::string const& directory) {
  FileSystemFacts facts;
  struct statfs found {};
  if (::statfs(directory.c_str(), &found) == 0) {
    facts.magic = static_cast<std::uint32_t>(found.f_type);
  }
  struct statx more {};
  if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_MNT_ID, &more) != 0) return facts;
  auto const device = find_mount(text_of_file("/proc/self/mountinfo"), more.stx_mnt_id, facts);
  if (!device) return facts;
  auto const block = "/sys/dev/block/" + *device;
  // A partition has the queue of its disk.
  for (auto const* const queue : {"/queue/write_cache", "/../queue/write_cache"}) {
    facts.write_cache = text_of_file(block + queue);
    if (!facts.write_cache.empty()) break;
  }
  return facts;
}

SyncFacts measure_syncs(std::string const& directory) {
  SyncFacts facts;
  struct stat found {};
  wal::UniqueFd fd{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fstat(fd.get(), &found) != 0) {
    facts.failure = directory + ": " + error_text(errno);
    return facts;
  }
  auto const traits = wal::probe_disk({std::move(fd), directory, found.st_uid}, false);
  if (!traits) {
    facts.failure = traits.error().message;
    return facts;
  }
  facts.way = traits->direct ? "O_DIRECT, " : "through the page cache, ";
  facts.way += traits->dsync ? "RWF_DSYNC" : "fdatasync";
  wal::AlignedBuffer bytes(sync_bytes);
  std::memset(bytes.data(), 0, sync_bytes);
  auto const file = make_file(directory, bytes.data(), traits->direct);
  if (!file) {
    facts.failure = directory + ": cannot write there: " + error_text(errno);
    return facts;
  }
  std::memset(bytes.data(), 0xa5, sync_bytes);
  auto const begun_at = steady_clock::now();
  for (int i = 0; i < syncs_max; ++i) {
    auto const before = steady_clock::now();
    if (before - begun_at > syncs_last_at_most) break;
    errno = 0;
    if (int const error =
            write_synced(file.get(), bytes.data(), i * off_t{sync_bytes}, traits->dsync);
        error != 0) {
      facts.times.clear();
      facts.failure = directory + ": " + error_text(error);
      return facts;
    }
    facts.times.push_back(steady_clock::now() - before);
  }
  return facts;
}

RingFacts try_ring() {
  RingFacts facts;
  io_uring_params parameters{};
  wal::UniqueFd const ring(static_cast<int>(::syscall(SYS_io_uring_setup, 8, &parameters)));
  facts.error = ring ? 0 : errno;
  auto const text = text_of_file("/proc/sys/kernel/io_uring_disabled");
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '2') facts.disabled = text[0] - '0';
  return facts;
}

SpaceFacts look_at_space(std::string const& directory) {
  SpaceFacts facts;
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0) {
    facts.failure = directory + ": " + error_text(errno);
    return facts;
  }
  // What is left for others than root.
  facts.free_bytes = std::uint64_t{found.f_bavail} * found.f_frsize;
  return facts;
}

ClockFacts look_at_clock() {
  timex state{};
  bool const known = ::adjtimex(&state) >= 0;
  return {.synchronized = known && (state.status & STA_UNSYNC) == 0, .now_us = now_us()};
}

SocketFacts look_at_socket(std::string const& path) {
  SocketFacts facts;
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) {
    facts.failure = path + ": " + error_text(errno);
    return facts;
  }
  if (!S_ISSOCK(found.st_mode)) {
    facts.failure = path + ": not a socket";
    return facts;
  }
  facts.mode = found.st_mode & 07777U;
  facts.owner = user_name(found.st_uid);
  facts.group = group_name(found.st_gid);
  auto const parent = std::filesystem::path(path).parent_path();
  struct stat directory {};
  if (::stat(parent.empty() ? "." : parent.c_str(), &directory) == 0) {
    facts.directory_mode = directory.st_mode & 07777U;
  }
  return facts;
}

UnitFacts ask_for_exposure(std::string unit) {
  for (auto const* const place : {"/etc/systemd/system", "/usr/local/lib/systemd/system",
                                  "/usr/lib/systemd/system", "/lib/systemd/system"}) {
    std::error_code error;
    auto const path = std::string(place) + "/steled.service";
    if (unit.empty() && std::filesystem::is_regular_file(path, error)) unit = path;
  }
  if (unit.empty()) return {.failure = "steled.service is not installed"};
  if (unit.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-@") != unit.npos) {
    return {.failure = unit + ": not a unit's path"};
  }
  auto const command =
      "systemd-analyze --no-pager security --offline=true '" + unit + "' 2>/dev/null";
  struct Close {
    void operator()(std::FILE* pipe) const noexcept { ::pclose(pipe); }
  };
  std::unique_ptr<std::FILE, Close> const pipe(::popen(command.c_str(), "re"));
  std::string output;
  char piece[4096];
  while (pipe && std::fgets(piece, sizeof piece, pipe.get()) != nullptr) output += piece;
  auto const exposure = exposure_in(output);
  if (!exposure) return {.failure = "systemd-analyze says nothing of " + unit};
  return {.exposure = *exposure};
}

}  // namespace stele::cli

// stele-bench-floor: the least that a durable answer can cost on this machine, whole and in parts.
//
//   stele-bench-floor SOCKET FILE      serves one client at a time: for each frame, one write of
//   its
//                                      bytes with O_DIRECT and RWF_DSYNC into a prewritten file,
//                                      then the reply that steled would give
//   stele-bench-floor SOCKET           the same without the write: what the socket costs
//   stele-bench-floor --writes FILE    the write alone: what the disk costs; --no-sync: not synced
//   stele-bench-floor --bandwidth FILE the disk's sequential rate of such writes of 1 MiB
#include <fcntl.h>
#include <sys/uio.h>

#include <CLI/CLI.hpp>
#include <boost/align/aligned_allocator.hpp>
#include <chrono>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/measurement.hpp"
#include "bench/unix_socket.hpp"
#include "protocol/frame/frame.hpp"
#include "protocol/frame/frame_reader.hpp"
#include "protocol/reply/reply.hpp"

namespace {

namespace bench = stele::bench;
namespace protocol = stele::protocol;
using Clock = std::chrono::steady_clock;

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t large_write_bytes = std::size_t{1} << 20;
constexpr std::size_t file_bytes = std::size_t{256} << 20;

using DiskBuffer = std::vector<char, boost::alignment::aligned_allocator<char, 4096>>;

std::size_t whole_sectors(std::size_t bytes) {
  return (bytes + sector_bytes - 1) / sector_bytes * sector_bytes;
}

/// A file whose blocks exist and hold data, so that a write changes no metadata. Writes go front to
/// back, and begin again at the end.
class PrewrittenFile {
 public:
  PrewrittenFile(std::string const& path, bool is_synced)
      : file_(::open(path.c_str(), O_CREAT | O_RDWR | O_DIRECT | O_CLOEXEC, 0600)) {
    if (file_.get() < 0) bench::stop_with_errno(path);
    DiskBuffer const zeros(large_write_bytes);
    for (std::size_t written = 0; written < file_bytes; written += zeros.size()) write(zeros);
    if (::fsync(file_.get()) != 0) bench::stop_with_errno("fsync");
    flags_ = is_synced ? RWF_DSYNC : 0;
  }

  void write(DiskBuffer const& bytes) {
    if (offset_ + bytes.size() > file_bytes) offset_ = 0;
    iovec const slice{const_cast<char*>(bytes.data()), bytes.size()};
    auto const written = ::pwritev2(file_.get(), &slice, 1, static_cast<off_t>(offset_), flags_);
    if (written != static_cast<ssize_t>(bytes.size())) bench::stop_with_errno("write");
    offset_ += bytes.size();
  }

 private:
  bench::FileDescriptor file_;
  std::size_t offset_ = 0;
  int flags_ = 0;
};

/// Ends when the client closes the connection.
void serve_client(int socket, PrewrittenFile* file) {
  protocol::FrameReader frames(protocol::frame_bytes_ceiling);
  DiskBuffer record;
  std::string reply;
  std::uint64_t seq = 0;
  for (;;) {
    frames.commit(bench::receive_some(socket, frames.prepare(4096)));
    for (auto next = frames.next(); next.status == protocol::FrameReader::Status::message;
         next = frames.next()) {
      if (file != nullptr) {
        record.assign(whole_sectors(next.message.size()), '\0');
        std::memcpy(record.data(), next.message.data(), next.message.size());
        file->write(record);
      }
      reply.clear();
      protocol::FrameBuilder frame(reply, protocol::FrameForm::binary);
      protocol::append_write_log_reply(reply, "1", {++seq});
      frame.finish();
      bench::send_all(socket, reply);
    }
  }
}

/// Without a path to a file nothing is written.
void serve(std::string const& socket_path, std::string const& file_path) {
  std::unique_ptr<PrewrittenFile> file;
  if (!file_path.empty()) file = std::make_unique<PrewrittenFile>(file_path, true);
  auto const listener = bench::listen_unix(socket_path);
  std::cout << "ready" << std::endl;
  for (;;) {
    auto const client = bench::accept_unix(listener.get());
    try {
      serve_client(client.get(), file.get());
    } catch (bench::Stop const&) {
      // The client has what it wanted.
    }
  }
}

/// Writes one after the other, each waited for.
bench::Measurement measure_writes(std::string const& file_path, std::size_t bytes, double seconds,
                                  bool is_synced) {
  bench::Measurement measurement;
  measurement.peer = "disk";
  measurement.backend = is_synced ? "O_DIRECT, RWF_DSYNC" : "O_DIRECT";
  measurement.durability = is_synced ? "on disk" : "NOT synced";
  measurement.operation = "write";
  measurement.entry_bytes = bytes;
  PrewrittenFile file(file_path, is_synced);
  DiskBuffer const record(bytes, 'x');
  auto const begun = Clock::now();
  for (auto now = begun; now - begun < std::chrono::duration<double>(seconds);) {
    auto const write_begun = now;
    file.write(record);
    now = Clock::now();
    ++measurement.operations;
    measurement.latency.record(static_cast<std::uint64_t>((now - write_begun).count()));
    measurement.seconds = std::chrono::duration<double>(now - begun).count();
  }
  measurement.entries = measurement.operations;
  return measurement;
}

struct Options {
  std::string socket{};
  std::string file{};
  std::string writes_file{};
  std::string bandwidth_file{};
  std::size_t bytes = 0;
  double seconds = 1;
  bool no_sync = false;
  std::string label{};
};

void add_options(CLI::App& app, Options& options) {
  app.add_option("socket", options.socket, "where to serve");
  app.add_option("file", options.file, "where to write; without it nothing is written");
  app.add_option("--writes", options.writes_file, "measure writes to this file");
  app.add_option("--bandwidth", options.bandwidth_file, "the same, 1 MiB a write");
  app.add_option("--bytes", options.bytes, "of a write (default: 512, or 1 MiB)");
  app.add_option("--seconds", options.seconds, "how long to measure writes")->capture_default_str();
  app.add_flag("--no-sync", options.no_sync, "writes without RWF_DSYNC");
  app.add_option("--label", options.label, "copied into the JSON output");
}

void run(Options const& options) {
  auto const is_bandwidth = !options.bandwidth_file.empty();
  auto const& measured = is_bandwidth ? options.bandwidth_file : options.writes_file;
  if (!measured.empty()) {
    auto const otherwise = is_bandwidth ? large_write_bytes : sector_bytes;
    auto const bytes = options.bytes > 0 ? whole_sectors(options.bytes) : otherwise;
    auto measurement = measure_writes(measured, bytes, options.seconds, !options.no_sync);
    measurement.label = options.label.empty() && is_bandwidth ? "bandwidth" : options.label;
    print(measurement, true);
  } else if (!options.socket.empty()) {
    serve(options.socket, options.file);
  } else {
    throw bench::Stop("give a socket, or --writes or --bandwidth");
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The least that a durable answer can cost.", "stele-bench-floor");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-floor: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

// stele-bench-floor: the least that a durable answer can cost on this machine.
//
//   stele-bench-floor SOCKET FILE        serves one client at a time: for each frame, one write of
//                                        its bytes with O_DIRECT and RWF_DSYNC into a prewritten
//                                        file, then the reply that steled would give
//   stele-bench-floor --bandwidth FILE   prints the disk's sequential rate of such writes of 1 MiB
#include <fcntl.h>
#include <sys/uio.h>

#include <array>
#include <boost/align/aligned_allocator.hpp>
#include <chrono>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "bench/latency_histogram.hpp"
#include "bench/unix_socket.hpp"
#include "protocol/frame.hpp"
#include "protocol/frame_reader.hpp"
#include "protocol/reply.hpp"

namespace {

namespace bench = stele::bench;
namespace protocol = stele::protocol;

constexpr std::size_t sector_bytes = 512;
constexpr std::size_t large_write_bytes = std::size_t{1} << 20;
constexpr std::size_t file_bytes = std::size_t{512} << 20;

using DiskBuffer = std::vector<char, boost::alignment::aligned_allocator<char, 4096>>;

/// A file whose blocks exist and hold data, so that a write changes no metadata. Writes go front to
/// back, and begin again at the end.
class PrewrittenFile {
 public:
  explicit PrewrittenFile(std::string const& path)
      : file_(::open(path.c_str(), O_CREAT | O_RDWR | O_DIRECT | O_CLOEXEC, 0600)) {
    if (file_.get() < 0) bench::stop_with_errno(path);
    DiskBuffer const zeros(large_write_bytes);
    for (std::size_t written = 0; written < file_bytes; written += zeros.size()) write(zeros, 0);
    if (::fsync(file_.get()) != 0) bench::stop_with_errno("fsync");
  }

  void write_durably(DiskBuffer const& bytes) { write(bytes, RWF_DSYNC); }

 private:
  void write(DiskBuffer const& bytes, int flags) {
    if (offset_ + bytes.size() > file_bytes) offset_ = 0;
    iovec const slice{const_cast<char*>(bytes.data()), bytes.size()};
    auto const written = ::pwritev2(file_.get(), &slice, 1, static_cast<off_t>(offset_), flags);
    if (written != static_cast<ssize_t>(bytes.size())) bench::stop_with_errno("write");
    offset_ += bytes.size();
  }

  bench::FileDescriptor file_;
  std::size_t offset_ = 0;
};

/// Ends when the client closes the connection.
void serve_client(int socket, PrewrittenFile& file) {
  protocol::FrameReader frames(protocol::frame_bytes_ceiling);
  DiskBuffer record;
  std::string reply;
  std::uint64_t seq = 0;
  for (;;) {
    frames.commit(bench::receive_some(socket, frames.prepare(4096)));
    for (auto next = frames.next(); next.status == protocol::FrameReader::Status::message;
         next = frames.next()) {
      auto const message = next.message;
      record.assign((message.size() + sector_bytes - 1) / sector_bytes * sector_bytes, '\0');
      std::memcpy(record.data(), message.data(), message.size());
      file.write_durably(record);
      reply.clear();
      protocol::FrameBuilder frame(reply, protocol::FrameForm::binary);
      protocol::append_write_log_reply(reply, "1", ++seq);
      frame.finish();
      bench::send_all(socket, reply);
    }
  }
}

void serve(std::string const& socket_path, std::string const& file_path) {
  PrewrittenFile file(file_path);
  auto const listener = bench::listen_unix(socket_path);
  std::cout << "ready" << std::endl;
  for (;;) {
    auto const client = bench::accept_unix(listener.get());
    try {
      serve_client(client.get(), file);
    } catch (bench::Stop const&) {
      // The client has what it wanted.
    }
  }
}

void print_bandwidth(std::string const& file_path) {
  using Clock = std::chrono::steady_clock;
  PrewrittenFile file(file_path);
  DiskBuffer const record(large_write_bytes, 'x');
  constexpr std::size_t count = 2 * file_bytes / large_write_bytes;
  auto const begun = Clock::now();
  for (std::size_t i = 0; i < count; ++i) file.write_durably(record);
  auto const seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::cout << R"({"label":"bandwidth","peer":"disk","mb_per_s":)"
            << static_cast<double>(count * large_write_bytes) / 1e6 / seconds << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: stele-bench-floor SOCKET FILE | --bandwidth FILE\n";
    return 2;
  }
  try {
    if (std::string_view(argv[1]) == "--bandwidth") {
      print_bandwidth(argv[2]);
    } else {
      serve(argv[1], argv[2]);
    }
  } catch (std::exception const& error) {
    std::cerr << "stele-bench-floor: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

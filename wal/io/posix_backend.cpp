#include "wal/io/io_backend.hpp"

#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "wal/error.hpp"
#include "wal/quiet_thread.hpp"

namespace stele::wal {
namespace {

boost::system::error_code sync(IoRequest const& request) noexcept {
  int const outcome = request.op == IoOp::sync_all ? ::fsync(request.fd) : ::fdatasync(request.fd);
  // Never repeated: after a failed sync, a second one reports success for pages that are lost.
  return outcome == 0 ? boost::system::error_code{} : disk_error(errno);
}

boost::system::error_code read(IoRequest const& request) noexcept {
  std::size_t done = 0;
  while (done < request.bytes.size()) {
    auto const rest = request.bytes.subspan(done);
    auto const count = ::pread(request.fd, const_cast<std::byte*>(rest.data()), rest.size(),
                               static_cast<off_t>(request.offset + done));
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count == 0 || errno != EINTR) {
      return disk_error(count == 0 ? EIO : errno);
    }
  }
  return {};
}

// A short count is followed by a write of the rest, which either was only interrupted or gives the
// reason. No other request comes between: the thread is in this one.
boost::system::error_code write(IoRequest const& request, int flags) noexcept {
  std::size_t done = 0;
  while (done < request.bytes.size()) {
    auto const rest = request.bytes.subspan(done);
    iovec const piece{const_cast<std::byte*>(rest.data()), rest.size()};
    auto const count =
        ::pwritev2(request.fd, &piece, 1, static_cast<off_t>(request.offset + done), flags);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count == 0 || (errno == EINVAL && done > 0)) {
      return Errc::short_write;  // EINVAL: O_DIRECT, and the rest does not begin at a block.
    } else if (errno != EINTR) {
      return disk_error(errno);
    }
  }
  return {};
}

class PosixBackend final : public IoBackend {
 public:
  PosixBackend(bool dsync, int event_fd)
      : dsync_(dsync), event_fd_(event_fd), thread_(start_quiet_thread([this] { run(); })) {}

  ~PosixBackend() override {
    {
      std::scoped_lock const guard{mutex_};
      stopping_ = true;
    }
    arrived_.notify_one();
    thread_.join();
  }

  void submit(IoRequest& request) noexcept override {
    {
      std::scoped_lock const guard{mutex_};
      (request.op == IoOp::write_durable ? commits_ : others_).push(request);
    }
    arrived_.notify_one();
  }

  IoQueue take_finished() noexcept override {
    std::scoped_lock const guard{mutex_};
    return std::exchange(finished_, {});
  }

 private:
  void run() noexcept {
    std::unique_lock guard{mutex_};
    while (true) {
      arrived_.wait(guard, [this] { return stopping_ || !commits_.empty() || !others_.empty(); });
      IoRequest* const request = commits_.empty() ? others_.pop() : commits_.pop();
      if (request == nullptr) return;
      guard.unlock();
      request->error = perform(*request);
      guard.lock();
      finished_.push(*request);
      // Under the lock: the eventfd is not closed before take_finished() has returned this.
      ::eventfd_write(event_fd_, 1);
    }
  }

  boost::system::error_code perform(IoRequest const& request) const noexcept {
    switch (request.op) {
      case IoOp::read:
        return read(request);
      case IoOp::write:
        return write(request, 0);
      case IoOp::write_durable: {
        if (dsync_) return write(request, RWF_DSYNC);
        auto const error = write(request, 0);
        return error ? error : sync(request);
      }
      case IoOp::sync_data:
      case IoOp::sync_all:
        break;
    }
    return sync(request);
  }

  bool const dsync_;
  int const event_fd_;
  std::mutex mutex_;  ///< Guards all below but the thread.
  std::condition_variable arrived_;
  IoQueue commits_;
  IoQueue others_;
  IoQueue finished_;
  bool stopping_ = false;
  std::thread thread_;  ///< Last: it uses everything above.
};

}  // namespace

Result<std::unique_ptr<IoBackend>> open_posix_backend(bool dsync, int event_fd) {
  try {
    return std::unique_ptr<IoBackend>{std::make_unique<PosixBackend>(dsync, event_fd)};
  } catch (std::system_error const& error) {
    return Failure{{error.code().value(), boost::system::system_category()},
                   std::string{"cannot start the thread that writes: "} + error.what()};
  }
}

}  // namespace stele::wal

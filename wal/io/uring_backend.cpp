#include "wal/io/io_backend.hpp"

#include <liburing.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include "wal/error.hpp"

namespace stele::wal {
namespace {

/// Until the kernel is asked again that takes nothing and has nothing to finish.
constexpr std::chrono::milliseconds refusal_pause{1};

struct Ring {
  io_uring handle{};

  explicit Ring(io_uring const& opened) noexcept : handle(opened) {}
  Ring(Ring const&) = delete;
  Ring& operator=(Ring const&) = delete;
  ~Ring() { io_uring_queue_exit(&handle); }
};

Failure unavailable(std::string_view step, int error) {
  return disk_failure("io_uring", step, error);
}

// liburing 2.3 has these two, but Debian's library does not export them.
int register_raw(io_uring const& ring, unsigned opcode, void const* argument, unsigned count) {
  auto const outcome = ::syscall(SYS_io_uring_register, ring.ring_fd, opcode, argument, count);
  return outcome < 0 ? errno : 0;
}

// System-call filters do not see what a ring does. This one refuses everything but three
// operations, whoever gets hold of it; also to register anything further.
int restrict_ring(io_uring const& ring) {
  constexpr std::array operations{IORING_OP_READ, IORING_OP_WRITE, IORING_OP_FSYNC};
  std::array<io_uring_restriction, operations.size()> allowed{};
  for (std::size_t i = 0; i < operations.size(); ++i) {
    allowed[i].opcode = IORING_RESTRICTION_SQE_OP;
    allowed[i].sqe_op = static_cast<__u8>(operations[i]);
  }
  return register_raw(ring, IORING_REGISTER_RESTRICTIONS, allowed.data(), allowed.size());
}

Result<std::unique_ptr<Ring>> open_ring(int event_fd) {
  io_uring opened{};
  // The completion queue is twice as long as the submission queue: it cannot overflow.
  // SINGLE_ISSUER (Linux 6.0) saves the kernel some locking; older kernels say EINVAL.
  int outcome = io_uring_queue_init(io_requests_max, &opened,
                                    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER);
  if (outcome == -EINVAL) {
    outcome = io_uring_queue_init(io_requests_max, &opened, IORING_SETUP_R_DISABLED);
  }
  if (outcome < 0) return unavailable("cannot make a ring", -outcome);
  auto ring = std::make_unique<Ring>(opened);

  outcome = io_uring_register_eventfd(&ring->handle, event_fd);
  if (outcome < 0) return unavailable("cannot register the eventfd", -outcome);
  if (int const error = restrict_ring(ring->handle); error != 0) {
    return unavailable("cannot restrict the ring", error);
  }
  if (int const error = register_raw(ring->handle, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
      error != 0) {
    return unavailable("cannot enable the ring", error);
  }
  return ring;
}

class UringBackend final : public IoBackend {
 public:
  UringBackend(std::unique_ptr<Ring> ring, bool dsync, int event_fd) noexcept
      : ring_(std::move(ring)), dsync_(dsync), event_fd_(event_fd) {}

  void submit(IoRequest& request) noexcept override {
    if (broken_) return refuse(request);
    // Never null: each request in flight has one entry, and the queue holds io_requests_max.
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_->handle);
    if (request.op == IoOp::read) {
      io_uring_prep_read(entry, request.fd, const_cast<std::byte*>(request.bytes.data()),
                         static_cast<unsigned>(request.bytes.size()), request.offset);
    } else if (is_writing(request)) {
      io_uring_prep_write(entry, request.fd, request.bytes.data(),
                          static_cast<unsigned>(request.bytes.size()), request.offset);
      if (request.op == IoOp::write_durable && dsync_) entry->rw_flags = RWF_DSYNC;
    } else {
      io_uring_prep_fsync(entry, request.fd,
                          request.op == IoOp::sync_all ? 0U : IORING_FSYNC_DATASYNC);
    }
    io_uring_sqe_set_data(entry, &request);
    waiting_.push(request);
    hand_over();
  }

  IoQueue take_finished() noexcept override {
    if (!waiting_.empty()) hand_over();
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* entry = nullptr;
    io_uring_for_each_cqe(&ring_->handle, head, entry) {
      on_entry(*entry);
      ++count;
    }
    io_uring_cq_advance(&ring_->handle, count);
    // No further completion comes and brings the loop round.
    if (!waiting_.empty() && taken_ == 0) ::eventfd_write(event_fd_, 1);
    return std::exchange(finished_, {});
  }

 private:
  static bool is_writing(IoRequest const& request) noexcept {
    bool const writes = request.op == IoOp::write || request.op == IoOp::write_durable;
    return writes && !request.written;
  }

  // Entries that the kernel does not take for now, for want of memory or because it has completions
  // that nobody has fetched, stay in the queue and are offered again when the loop comes round:
  // with the next completion, or after a pause if none is to come, so that the loop does not spin.
  void hand_over() noexcept {
    int outcome = 0;
    do {
      outcome = io_uring_submit(&ring_->handle);
    } while (outcome == -EINTR);
    for (int taken = 0; taken < outcome; ++taken) waiting_.pop();
    if (outcome > 0) taken_ += static_cast<unsigned>(outcome);
    if (waiting_.empty()) return;
    if (outcome >= 0 || outcome == -EAGAIN || outcome == -EBUSY) {
      if (taken_ > 0) return;
      std::this_thread::sleep_for(refusal_pause);
      ::eventfd_write(event_fd_, 1);
      return;
    }
    // What stays in the queue would be taken with the next entry, when its bytes may be gone:
    // nothing is ever submitted again.
    broken_ = disk_error(-outcome);
    while (auto* const request = waiting_.pop()) refuse(*request);
  }

  // The kernel signals only what it has finished itself.
  void refuse(IoRequest& request) noexcept {
    finish(request, broken_);
    ::eventfd_write(event_fd_, 1);
  }

  void on_entry(io_uring_cqe const& entry) noexcept {
    --taken_;
    auto& request = *static_cast<IoRequest*>(io_uring_cqe_get_data(&entry));
    if (request.op == IoOp::read) return finish(request, outcome_of_read(entry, request));
    if (!is_writing(request)) return finish(request, outcome_of(entry));
    if (entry.res == -EINTR) return submit(request);  // Interrupted before the first byte.
    auto error = outcome_of(entry);
    if (!error && static_cast<std::size_t>(entry.res) != request.bytes.size()) {
      error = Errc::short_write;
    }
    if (error || request.op == IoOp::write || dsync_) return finish(request, error);
    // Only now, and not as a linked pair: a short write breaks the link.
    request.written = true;
    submit(request);
  }

  static boost::system::error_code outcome_of(io_uring_cqe const& entry) noexcept {
    return entry.res < 0 ? disk_error(-entry.res) : boost::system::error_code{};
  }

  // A short count is an error: who asked reads again what it needs.
  static boost::system::error_code outcome_of_read(io_uring_cqe const& entry,
                                                   IoRequest const& request) noexcept {
    bool const whole =
        entry.res >= 0 && static_cast<std::size_t>(entry.res) == request.bytes.size();
    return whole || entry.res < 0 ? outcome_of(entry) : disk_error(EIO);
  }

  void finish(IoRequest& request, boost::system::error_code error) noexcept {
    request.error = error;
    finished_.push(request);
  }

  std::unique_ptr<Ring> const ring_;
  bool const dsync_;
  int const event_fd_;
  IoQueue waiting_;     ///< In the submission queue; the kernel has not taken them.
  unsigned taken_ = 0;  ///< Which it has taken, and whose completions were not fetched.
  IoQueue finished_;
  boost::system::error_code broken_;  ///< Why the kernel takes no requests any more.
};

}  // namespace

Result<std::unique_ptr<IoBackend>> open_uring_backend(bool dsync, int event_fd) {
  auto ring = open_ring(event_fd);
  if (!ring) return ring.error();
  return std::unique_ptr<IoBackend>{
      std::make_unique<UringBackend>(*std::move(ring), dsync, event_fd)};
}

}  // namespace stele::wal

// How requests of the real directory reach the kernel. Two backends implement it: one helper
// thread, and io_uring.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "wal/error.hpp"
#include "wal/storage.hpp"

namespace stele::wal {

/// Requests in flight at once over all files of a directory. The log needs a handful.
inline constexpr unsigned io_requests_max = 64;
/// Bytes of one request: below what the kernel takes in one call (2 GiB - 4 KiB).
inline constexpr std::size_t io_bytes_max = std::size_t{1} << 30;

enum class IoOp : std::uint8_t {
  read,           ///< Ends when all bytes are there; into memory that was handed in to be written.
  write,          ///< Ends when the file system has taken the bytes.
  write_durable,  ///< Ends when they are on the device. A commit: it may overtake the others.
  sync_data,      ///< fdatasync(2)
  sync_all,       ///< fsync(2)
};

struct IoRequest {
  IoOp op = IoOp::write;
  int fd = -1;
  std::uint64_t offset = 0;
  std::span<std::byte const> bytes{};
  Completion* completion = nullptr;   ///< For the owner; a backend does not run it.
  boost::system::error_code error{};  ///< The outcome, once the request is finished.
  bool written = false;               ///< For a backend that syncs in a second step.
  IoRequest* next = nullptr;          ///< In the one IoQueue that holds it.
};

/// First in, first out; links the requests themselves.
class IoQueue {
 public:
  bool empty() const noexcept { return head_ == nullptr; }

  void push(IoRequest& request) noexcept {
    request.next = nullptr;
    (empty() ? head_ : tail_->next) = &request;
    tail_ = &request;
  }

  IoRequest* pop() noexcept {
    IoRequest* const first = head_;
    if (first != nullptr) head_ = first->next;
    return first;
  }

 private:
  IoRequest* head_ = nullptr;
  IoRequest* tail_ = nullptr;  ///< Meaningful only while head_ is not null.
};

/// Called from one thread, the one that opened it. Made with an eventfd that outlives it, which it
/// makes readable when a request is finished.
class IoBackend {
 public:
  IoBackend() = default;
  IoBackend(IoBackend const&) = delete;
  IoBackend& operator=(IoBackend const&) = delete;
  /// Precondition: every request was handed back.
  virtual ~IoBackend() = default;

  /// Begins the request, which stays alive and is left alone until take_finished() returns it.
  virtual void submit(IoRequest& request) noexcept = 0;
  /// Does not block.
  virtual IoQueue take_finished() noexcept = 0;
};

/// `dsync`: pwritev2 takes RWF_DSYNC here; otherwise a durable write is a write and an fdatasync.
/// The thread blocks all signals. It takes durable writes first, so that a commit waits for at most
/// one other request.
Result<std::unique_ptr<IoBackend>> open_posix_backend(bool dsync, int event_fd);

/// Fails where the kernel has no io_uring with restrictions (Linux 5.10) or forbids it; the message
/// says which step. `dsync`: writes take RWF_DSYNC here; otherwise a durable write is a write and,
/// when all of it was taken, an fdatasync.
Result<std::unique_ptr<IoBackend>> open_uring_backend(bool dsync, int event_fd);

}  // namespace stele::wal

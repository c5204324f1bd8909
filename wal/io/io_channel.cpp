#include "wal/io/io_channel.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <boost/assert.hpp>
#include <utility>

namespace stele::wal {

IoChannel::IoChannel(UniqueFd event_fd, std::unique_ptr<IoBackend> backend) noexcept
    : event_fd_(std::move(event_fd)), backend_(std::move(backend)) {
  for (auto& slot : slots_) free_.push(slot);
}

IoChannel::~IoChannel() {
  while (in_flight_ > 0) {
    await_event();
    IoQueue finished = take_finished();
    while (finished.pop() != nullptr) --in_flight_;
  }
}

void IoChannel::submit(IoRequest const& request) noexcept {
  BOOST_ASSERT(request.completion != nullptr);
  BOOST_ASSERT(request.bytes.size() <= io_bytes_max);
  IoRequest* const slot = free_.pop();
  BOOST_ASSERT(slot != nullptr);
  *slot = request;
  ++in_flight_;
  backend_->submit(*slot);
}

std::size_t IoChannel::poll() noexcept {
  std::size_t count = 0;
  IoQueue finished = take_finished();
  while (IoRequest* const request = finished.pop()) {
    auto& completion = *request->completion;
    auto const error = request->error;
    free_.push(*request);
    --in_flight_;
    ++count;
    completion.on_complete(error);
  }
  return count;
}

void IoChannel::wait() noexcept {
  while (in_flight_ > 0 && poll() == 0) await_event();
}

// The event is taken before the requests: what finishes in between makes a new one.
IoQueue IoChannel::take_finished() noexcept {
  eventfd_t ignored = 0;
  ::eventfd_read(event_fd_.get(), &ignored);
  return backend_->take_finished();
}

// May return without an event, after a signal.
void IoChannel::await_event() const noexcept {
  pollfd event{event_fd_.get(), POLLIN, 0};
  ::poll(&event, 1, -1);
}

}  // namespace stele::wal

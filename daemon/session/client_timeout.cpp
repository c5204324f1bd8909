#include "daemon/session/client_timeout.hpp"

#include <utility>

namespace stele::daemon {

void ClientTimeout::note(Wait wait, bool came) noexcept {
  if (wait_ == wait && !came) return;
  auto const before = std::exchange(wait_, wait);
  bool const counts = !came && time_max(before).count() > 0;
  // The clock is read for a wait that can end only: not once a request.
  auto const now = counts || time_max(wait).count() > 0 ? clock_.now() : since_;
  if (counts) waited_ += now - since_;
  bool const is_another = wait != Wait::nothing && std::exchange(counted_, wait) != wait;
  if (came || is_another) waited_ = {};
  since_ = now;
}

bool ClientTimeout::is_over(Instant now) const noexcept {
  return time_max().count() > 0 && waited_ + (now - since_) >= time_max();
}

std::chrono::seconds ClientTimeout::time_max(Wait wait) const noexcept {
  switch (wait) {
    case Wait::nothing:
      break;
    case Wait::first:
    case Wait::rest:
      return limits_.request_max;
    case Wait::next:
      return limits_.idle_max;
  }
  return {};
}

bool ReaderPatience::is_over(std::size_t unsent_bytes, std::uint64_t sent_bytes,
                             Instant now) noexcept {
  bool const took_some = std::exchange(sent_bytes_, sent_bytes) != sent_bytes;
  if (unsent_bytes == 0 || took_some) since_.reset();
  if (unsent_bytes == 0 || time_max_.count() == 0) return false;
  if (!since_) since_ = now;
  return now - *since_ >= time_max_;
}

}  // namespace stele::daemon

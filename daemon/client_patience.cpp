#include "daemon/client_patience.hpp"

#include <utility>

namespace stele::daemon {

void ClientPatience::note(Wait wait, bool came) noexcept {
  auto const before = std::exchange(wait_, wait);
  if (wait_ == before && !came) return;
  // The clock is read for a wait that can end only: not once a request.
  if (time_max().count() > 0) since_ = clock_.now();
}

bool ClientPatience::is_over(Instant now) const noexcept {
  return time_max().count() > 0 && now - since_ >= time_max();
}

std::chrono::seconds ClientPatience::time_max() const noexcept {
  switch (wait_) {
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

}  // namespace stele::daemon

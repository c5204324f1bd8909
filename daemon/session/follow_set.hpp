// The follows of one connection, which take turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "daemon/query/follow_read.hpp"
#include "daemon/store/store.hpp"
#include "stele/error.hpp"

namespace stele::daemon {

/// A follow that has begun, and the id that its frames carry; empty: its request had none.
struct Follow {
  std::string id{};
  FollowRead read;
};

class FollowSet {
 public:
  /// `open` counts the follows of all connections.
  FollowSet(std::size_t follows_max, std::uint64_t& open) noexcept
      : follows_max_(follows_max), open_(&open) {}
  FollowSet(FollowSet&& other) noexcept;
  FollowSet& operator=(FollowSet&&) = delete;
  ~FollowSet() { *open_ -= follows_.size(); }

  /// Begins a follow. Fails with overloaded above the limit, and with bad_request if the read
  /// cannot begin. Precondition: no other one has its id.
  Result<void> add(Follow follow, Store const& store);
  Follow* find(std::string_view id) noexcept;
  void remove(Follow const& follow);
  /// All end with what is visible now.
  void finish(Store const& store) noexcept;

  bool empty() const noexcept { return follows_.empty(); }
  std::size_t held_bytes() const noexcept { return held_bytes_; }
  /// The next one in turn that has something to send; none: all wait for entries.
  Follow* next(Store const& store);

 private:
  std::list<Follow> follows_{};
  std::size_t held_bytes_ = 0;
  std::size_t follows_max_;
  std::uint64_t* open_;
};

}  // namespace stele::daemon

// Who gets one more connection: a bound over all, one for each user, and a few places kept back for
// those who run the machine. Knows no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace stele::daemon {

/// Counts the open connections of each user. Operators (access.hpp) have no bound of their own, and
/// the last places are theirs: however many connections the others open, an operator gets in.
class Admission {
 public:
  struct Limits {
    std::size_t connections_max = 1024;
    std::size_t user_connections_max = 64;  ///< 0: as many as there are places.
  };
  enum class Decision : std::uint8_t { admitted, all_taken, user_has_enough };

  /// `own_uid` is the user that the daemon runs as.
  Admission(Limits limits, std::uint32_t own_uid) noexcept : limits_(limits), own_uid_(own_uid) {}

  /// Whether `uid` may have one more; changes nothing.
  Decision check(std::uint32_t uid) const noexcept;
  void opened(std::uint32_t uid);
  /// Of a user that was given to opened() before.
  void closed(std::uint32_t uid);

  /// For connections from now on; those that are open stay.
  void set_limits(Limits limits) noexcept { limits_ = limits; }
  Limits const& limits() const noexcept { return limits_; }
  std::size_t open() const noexcept { return open_; }

 private:
  std::size_t places_kept_back() const noexcept;

  Limits limits_;
  std::uint32_t own_uid_;
  std::size_t open_ = 0;
  std::unordered_map<std::uint32_t, std::size_t> of_user_{};  ///< Only users that have any.
};

}  // namespace stele::daemon

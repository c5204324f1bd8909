// Who may write and who may read: lists of users and groups, held against what the kernel says of
// the other end of a socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/request/operations.hpp"
#include "stele/log_entry.hpp"

namespace stele::daemon {

/// Whom an operator lets in. Empty lists in one that is not for all let nobody in.
struct AccessList {
  bool all = true;
  std::vector<std::uint32_t> uids{};
  std::vector<std::uint32_t> gids{};

  /// `groups` are all that the client is a member of.
  bool admits(std::uint32_t uid, std::span<std::uint32_t const> groups) const noexcept;
  bool operator==(AccessList const&) const = default;
};

/// What one client may do.
struct Access {
  bool write = true;
  bool read = true;
};

enum class Right : std::uint8_t { none, write, read };
/// What an operation needs. Everyone who can connect may ask how the daemon is.
Right right_for(protocol::Op op) noexcept;
constexpr bool has(Access const& access, Right right) noexcept {
  return (right != Right::write || access.write) && (right != Right::read || access.read);
}

/// Root, and the user that the daemon runs as: no bound of their own holds them back, and what only
/// an operator may do, they may.
constexpr bool is_operator(std::uint32_t uid, std::uint32_t own_uid) noexcept {
  return uid == 0 || uid == own_uid;
}

/// The client at the other end of a socket.
struct Credentials {
  Origin origin{};
  std::vector<std::uint32_t> groups{};  ///< Its own and the supplementary ones.
};
/// As they were when the client connected; a process that was given the socket later acts as the
/// one that opened it. Nothing if the kernel does not say.
std::optional<Credentials> peer_credentials(int socket);

/// A name or a number. Nothing if there is no such user or group, or if it is the one that the
/// kernel shows for all those that have no number here (65534): it would stand for strangers.
std::optional<std::uint32_t> parse_user(std::string_view text);
std::optional<std::uint32_t> parse_group(std::string_view text);
/// `all`, or users and @groups with commas between them.
std::optional<AccessList> parse_access_list(std::string_view text);

}  // namespace stele::daemon

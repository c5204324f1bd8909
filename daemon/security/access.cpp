#include "daemon/security/access.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <utility>

namespace stele::daemon {
namespace {

/// What users and groups without a number in our user namespace look like.
constexpr std::uint32_t overflow_id = 65534;

std::optional<std::uint32_t> parse_id(std::string_view text) noexcept {
  std::uint32_t id = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  // The last one is -1, which system calls take for "no change".
  if (id == overflow_id || id == UINT32_MAX) return std::nullopt;
  return id;
}

/// Its own group comes first; the kernel lists the others without it.
bool read_groups(int socket, std::vector<std::uint32_t>& groups) {
  std::vector<gid_t> supplementary(64);
  for (;;) {
    auto bytes = static_cast<socklen_t>(supplementary.size() * sizeof(gid_t));
    int const result =
        ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, supplementary.data(), &bytes);
    int const error = result == 0 ? 0 : errno;
    if (error != 0 && error != ERANGE) return false;
    supplementary.resize(bytes / sizeof(gid_t));
    if (error == 0) break;
  }
  groups.insert(groups.end(), supplementary.begin(), supplementary.end());
  return true;
}

}  // namespace

bool AccessList::admits(std::uint32_t uid, std::span<std::uint32_t const> groups) const noexcept {
  if (all || std::ranges::find(uids, uid) != uids.end()) return true;
  return std::ranges::any_of(
      groups, [this](std::uint32_t gid) { return std::ranges::find(gids, gid) != gids.end(); });
}

Right right_for(protocol::Op op) noexcept {
  using protocol::Op;
  switch (op) {
    case Op::hello:
    case Op::ping:
    case Op::stats:
    case Op::help:
    case Op::cancel:
    case Op::acknowledge:  // The handler asks for more.
      return Right::none;
    case Op::write_log:
    case Op::write_many_logs:
    case Op::report_dropped:
      return Right::write;
    case Op::read_logs:
    case Op::count_logs:
    case Op::audit:
    case Op::confirm:
      return Right::read;
  }
  return Right::read;
}

std::optional<Credentials> peer_credentials(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  Credentials credentials{{peer.pid, peer.uid, peer.gid}, {peer.gid}};
  if (!read_groups(socket, credentials.groups)) return std::nullopt;
  return credentials;
}

std::optional<std::uint32_t> parse_user(std::string_view text) {
  if (auto const id = parse_id(text)) return id;
  passwd const* const found = ::getpwnam(std::string(text).c_str());
  if (found == nullptr || found->pw_uid == overflow_id) return std::nullopt;
  return found->pw_uid;
}

std::optional<std::uint32_t> parse_group(std::string_view text) {
  if (auto const id = parse_id(text)) return id;
  group const* const found = ::getgrnam(std::string(text).c_str());
  if (found == nullptr || found->gr_gid == overflow_id) return std::nullopt;
  return found->gr_gid;
}

std::optional<AccessList> parse_access_list(std::string_view text) {
  if (text == "all") return AccessList{};
  AccessList list{.all = false};
  for (bool last = false; !last;) {
    auto const comma = text.find(',');
    last = comma == text.npos;
    auto name = text.substr(0, comma);
    if (!last) text.remove_prefix(comma + 1);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    bool const is_group = name.starts_with('@');
    auto const id = is_group ? parse_group(name.substr(1)) : parse_user(name);
    if (!id) return std::nullopt;
    (is_group ? list.gids : list.uids).push_back(*id);
  }
  return list;
}

}  // namespace stele::daemon

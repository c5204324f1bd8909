#include "daemon/exit_code.hpp"

#include <algorithm>
#include <array>

#include "daemon/net/listen_socket.hpp"

namespace stele::daemon {
namespace {

namespace errc = boost::system::errc;

/// What the system says of a path, a permission or a limit that somebody has set: the same start
/// will fail again until somebody changes that. All else may pass, or asks for a look at the disk.
constexpr std::array settings_errors{
    errc::permission_denied,
    errc::operation_not_permitted,
    errc::no_such_file_or_directory,
    errc::not_a_directory,
    errc::is_a_directory,
    errc::too_many_symbolic_link_levels,
    errc::filename_too_long,
    errc::file_too_large,
    errc::invalid_argument,
    errc::function_not_supported,
    errc::operation_not_supported,
};

bool is_setting(boost::system::error_code const& error) noexcept {
  return std::ranges::any_of(settings_errors,
                             [&](errc::errc_t setting) { return error == setting; });
}

}  // namespace

int exit_code_of(wal::Failure const& failure) noexcept {
  using wal::Errc;
  auto const& code = failure.code;
  if (code == Errc::locked) return exit_locked;
  if (code == Errc::not_local || code == Errc::sink_full || code == Errc::not_empty ||
      is_setting(code)) {
    return exit_config;
  }
  bool const is_data =
      code == Errc::damaged || code == Errc::not_a_log || code == Errc::unsupported_version;
  return is_data ? exit_damaged : exit_io_error;
}

int exit_code_of(Failure const& failure) noexcept {
  using Refusal = ListenSocket::Refusal;
  auto const& code = failure.code;
  if (code == Refusal::in_use) return exit_locked;
  bool const refused = code == Refusal::not_ours || code == Refusal::owner ||
                       code == Refusal::open_place || code == Refusal::passed;
  return refused || is_setting(code) ? exit_config : exit_io_error;
}

}  // namespace stele::daemon

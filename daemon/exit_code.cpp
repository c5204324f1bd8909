#include "daemon/exit_code.hpp"

#include "daemon/listen_socket.hpp"

namespace stele::daemon {

int exit_code_of(wal::Failure const& failure) noexcept {
  if (failure.code == wal::Errc::locked) return exit_locked;
  bool const is_setting =
      failure.code == wal::Errc::not_local || failure.code == wal::Errc::sink_full ||
      failure.code == wal::Errc::not_empty || failure.code == boost::system::errc::invalid_argument;
  if (is_setting) return exit_config;
  bool const is_data = failure.code == wal::Errc::damaged || failure.code == wal::Errc::not_a_log ||
                       failure.code == wal::Errc::unsupported_version;
  return is_data ? exit_damaged : exit_io_error;
}

int exit_code_of(Failure const& failure) noexcept {
  if (failure.code == ListenSocket::Refusal::in_use) return exit_locked;
  using Refusal = ListenSocket::Refusal;
  bool const is_setting = failure.code == Refusal::not_ours || failure.code == Refusal::owner ||
                          failure.code == Refusal::open_place || failure.code == Refusal::passed;
  return is_setting ? exit_config : exit_io_error;
}

}  // namespace stele::daemon

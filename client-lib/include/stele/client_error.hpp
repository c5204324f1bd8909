// What can go wrong between a client and the daemon, beside what the daemon itself answers
// (stele/error.hpp).
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <boost/system/error_code.hpp>
#include <cstdint>

#include "stele/error.hpp"

namespace stele {

enum class ClientError : std::uint8_t {
  /// Nobody answers at the socket path: no file, no listener, or no permission. The failure's
  /// detail has the system's `errno`. Nothing was sent.
  cannot_connect = 1,
  /// The connection ended, or had ended before the call. The request was not carried out, as far
  /// as it would have changed anything. A client does not reconnect: make a new one.
  connection_lost,
  /// A write was sent and its acknowledgement did not arrive: it may be stored or not. Read the
  /// log before writing the same entries again.
  outcome_unknown,
  /// No answer within the time limit, to a call that changes nothing. The connection is closed.
  timed_out,
  /// The other side does not speak this protocol, or its replies are out of step. The connection
  /// is closed; the outcome of a write that was waiting for its reply is unknown.
  protocol_violation,
  /// The caller took the call back before it was answered. It was no write.
  cancelled,
  /// The client or logger was made by a parent of this process: a child after fork() cannot use it.
  /// Nothing was sent. Make a new one.
  made_before_fork,
};

/// The first and last member, for loops over the whole list.
inline constexpr ClientError client_error_first = ClientError::cannot_connect;
inline constexpr ClientError client_error_last = ClientError::made_before_fork;

boost::system::error_category const& client_error_category() noexcept;
boost::system::error_code make_error_code(ClientError error) noexcept;

/// After a write failed: whether it may be stored all the same. False means that it is not.
bool may_be_stored(Failure const& failure) noexcept;

}  // namespace stele

template <>
struct boost::system::is_error_code_enum<stele::ClientError> : std::true_type {};

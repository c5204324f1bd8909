// The closed list of errors that travel, and the value that carries one to a caller.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele {

/// Every code that a reply can carry. PROTOCOL.md says what a client should do about each.
enum class Error : std::uint8_t {
  bad_frame = 1,         ///< Length 0, or the connection ended inside a frame. Closes it.
  frame_too_large,       ///< Announced length above `frame_bytes_max`. Closes the connection.
  bad_json,              ///< Not one well-formed UTF-8 JSON text within the depth limit.
  bad_request,           ///< Well-formed JSON, but not a request: a member is missing or wrong.
  unknown_op,            ///< No such operation.
  invalid_entry,         ///< An entry breaks the data model.
  entry_too_large,       ///< An entry or a batch is above its size limit.
  unsupported_version,   ///< The entry's version is not 1.
  no_space,              ///< The disk is full. Nothing was written.
  log_failed,            ///< A write or sync failed; the daemon stops. Outcome unknown.
  shutting_down,         ///< The daemon is stopping. Nothing was written.
  too_many_connections,  ///< Connection limit reached. Closes the connection.
  overloaded,            ///< A limit on work in progress was reached. Nothing was written.
  unknown_retry,         ///< A write_no older than what the daemon remembers of this writer.
  id_conflict,           ///< The same write_no with other bytes.
  cursor_expired,        ///< The cursor points at entries that are no longer kept.
  forbidden,             ///< The daemon does not let this user do it.
  internal,              ///< A defect of the daemon.
};

/// The first and last member, for loops over the whole list.
inline constexpr Error error_first = Error::bad_frame;
inline constexpr Error error_last = Error::internal;

/// The code that travels, such as `no_space`.
std::string_view to_string(Error error) noexcept;
std::optional<Error> parse_error(std::string_view code) noexcept;

/// Whether the same request may succeed later without being changed.
bool is_retryable(Error error) noexcept;

boost::system::error_category const& error_category() noexcept;
boost::system::error_code make_error_code(Error error) noexcept;

/// What is known about the fate of a write that failed.
enum class WriteState : std::uint8_t { not_written, unknown };

/// A failed call: a stable code for programs, a sentence for people.
struct [[STELE_ABI]] Failure {
  boost::system::error_code code{};
  std::string message{};
  /// The text of a JSON object with what the code needs, such as the limit that was broken.
  std::string detail = "{}";
  /// Of a write: what became of it, as far as anybody knows; absent if nobody said.
  std::optional<WriteState> state{};
  /// What the daemon said of trying the same request again; absent if it did not answer.
  std::optional<bool> retryable{};

  Failure() = default;
  Failure(boost::system::error_code c, std::string m, std::string d = "{}")
      : code(c), message(std::move(m)), detail(std::move(d)) {}
};

template <class T>
using Result = boost::system::result<T, Failure>;

/// What Result<T>::value() throws: boost::system::system_error with the failure's code and text.
[[noreturn]] void throw_exception_from_error(Failure const& failure,
                                             boost::source_location const& where);

}  // namespace stele

template <>
struct boost::system::is_error_code_enum<stele::Error> : std::true_type {};

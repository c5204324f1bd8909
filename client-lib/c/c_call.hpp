// What every function of the C interface does: nothing is thrown past it, and the thread's last
// failure is remembered.
#pragma once

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "stele/deadline.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"
#include "stele/stele.h"

namespace stele::c {

/// Remembers why a call failed; returns the code.
int fail(int code, char const* message) noexcept;
int fail(Failure const& failure);
/// `what` names the argument and says what it must be.
int invalid_argument(char const* what) noexcept;

/// The C code of a failure.
int code_of(Failure const& failure) noexcept;

/// Runs a call that returns a code, and turns a lack of memory into one.
template <class Call>
int guarded(Call const& call) noexcept {
  try {
    return call();
  } catch (std::bad_alloc const&) {
    return fail(STELE_OUT_OF_MEMORY, "out of memory");
  } catch (boost::system::system_error const& error) {
    return fail(Failure{error.code(), error.what()});
  } catch (std::exception const& error) {
    return fail(STELE_INTERNAL, error.what());
  }
}

/// STELE_OK, or the failure.
template <class T>
int code_of_result(Result<T> const& result) {
  return result ? int{STELE_OK} : fail(result.error());
}

inline Deadline deadline_of(std::int64_t timeout_ms) noexcept {
  if (timeout_ms < 0) return {};
  return std::chrono::milliseconds{timeout_ms};
}

inline std::string text_or_empty(char const* text) { return text == nullptr ? "" : text; }

/// What is wrong with an entry; null: nothing.
char const* problem_of(stele_entry const* entry) noexcept;
LogEntry to_entry(stele_entry const& entry);

}  // namespace stele::c

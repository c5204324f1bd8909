// A receiver of OTLP over HTTP as a destination: a collector, or a database that takes it.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "client-lib/ship/destination.hpp"

namespace stele::ship {

struct OtlpOptions {
  std::string url{};  ///< `http://host[:port]/path`
  std::string host{};
  std::string store{};
  /// Where the cursor is kept, since no receiver keeps one.
  std::string state_file{};
  std::chrono::milliseconds request_timeout{30'000};
};

/// At least once: a receiver that took a request, whose answer was lost, gets it again. Exactly
/// 429, 502, 503 and 504 are tried again, after Retry-After if it is there; a 400 says that the
/// entries cannot be understood, so they are counted as refused and left out; any other answer is
/// final. Fails if the URL or the file is not one.
Outcome<std::unique_ptr<Destination>> connect_otlp(OtlpOptions options);

}  // namespace stele::ship

// A receiver of OTLP over HTTP as a destination: a collector, or a database that takes it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "client-lib/ship/destination.hpp"

namespace stele::ship {

struct OtlpOptions {
  std::string url{};  ///< `http[s]://host[:port]/path`
  /// `Name: value`, such as a credential.
  std::vector<std::string> headers{};
  std::string ca_file{};
  std::string certificate_file{};
  std::string key_file{};
  std::string host{};
  std::string store{};
  /// Another one, whose cursor is taken for this one's: its log was salvaged into this one.
  std::string continued_store{};
  /// Where the cursor is kept, since no receiver keeps one.
  std::string state_file{};
  std::chrono::milliseconds request_timeout{30'000};
};

/// At least once: a receiver that took a request, whose answer was lost, gets it again. Exactly
/// 429, 502, 503 and 504 are tried again, after Retry-After if it is there; a 400 says that the
/// entries cannot be understood, so they are counted as refused and left out; any other answer is
/// final, as is a certificate that is not trusted. Fails if the URL is none, or the file cannot be
/// written: before anything is sent.
Outcome<std::unique_ptr<Destination>> connect_otlp(OtlpOptions options);

}  // namespace stele::ship

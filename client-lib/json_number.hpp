// Numbers in the documents that the daemon sends.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>

namespace stele::client {

/// Nothing if the member is missing (null), or is no number from 0 to 2^64-1.
inline std::optional<std::uint64_t> number_of(boost::json::value const* value) {
  if (value == nullptr) return std::nullopt;
  boost::system::error_code ec;
  auto const number = value->to_number<std::uint64_t>(ec);
  if (ec.failed()) return std::nullopt;
  return number;
}

}  // namespace stele::client

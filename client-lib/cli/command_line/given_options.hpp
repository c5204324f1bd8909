// The options of one command line, and what their values mean.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client-lib/cli/usage_error.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

/// By key (verb.hpp).
class GivenOptions {
 public:
  void add(std::string_view key, std::string value) {
    values_[std::string{key}].push_back(std::move(value));
  }

  bool has(std::string_view key) const { return values_.contains(key); }
  /// The last one, or `otherwise`.
  std::string text(std::string_view key, std::string_view otherwise = {}) const;
  std::vector<std::string> all(std::string_view key) const;

  // These throw UsageError.

  Level level(std::string_view key, Level otherwise) const;
  /// A point in time as people type it (time_spec.hpp); microseconds since the epoch.
  std::optional<std::uint64_t> time(std::string_view key) const;
  std::optional<std::uint64_t> number(std::string_view key) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_{};
};

/// Throws UsageError where $TZ names no time zone: the C library would take UTC for it.
void refuse_unknown_local_zone();

}  // namespace stele::cli

// Entries as OpenTelemetry's log records, in protobuf (opentelemetry-proto, logs/v1 and
// collector/logs/v1); README.md has the mapping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client-lib/ship/message.hpp"

namespace stele::ship {

/// Bodies are runs of log records, as they stand in a ScopeLogs.
class OtlpFormat final : public BodyFormat {
 public:
  explicit OtlpFormat(std::string store) : store_(std::move(store)) {}

  void append_entry(std::string& out, StoredEntry const& entry) const override;
  void append_gap(std::string& out, MissingEntries const& missing) const override;

 private:
  std::string store_;
};

/// An ExportLogsServiceRequest with these records.
std::string otlp_request(std::string_view records, std::string_view host, std::string_view store);

/// What a receiver did not take of a request that it answered with success.
struct PartialSuccess {
  std::uint64_t rejected = 0;
  std::string message{};
};
PartialSuccess partial_success_in(std::string_view response);

}  // namespace stele::ship

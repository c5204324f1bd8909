// Makes entries, as JSON text, of what programs have logged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client-lib/logger/record_queue.hpp"

namespace stele::client {

/// Lines from the same place and thread have the same metadata, which is made once for them.
class RecordEncoder {
 public:
  /// Valid until the next call.
  std::string_view encode(Record const& record);

 private:
  /// What the metadata of a line depends on, and the metadata.
  struct Place {
    std::int64_t time_before_epoch = 0;
    std::uint64_t thread = 0;
    std::uint32_t line = 0;
    std::string logger{};
    std::string file{};
    std::string function{};
    std::string context{};
    std::string metadata{};  ///< Empty: there was no line yet.

    bool is_of(Record const& record) const noexcept;
  };

  std::string_view metadata_of(Record const& record);

  std::string text_{};
  std::string valid_message_{};
  std::array<Place, 64> places_{};  ///< By a hash of line and thread.
  std::string large_metadata_{};    ///< Of a place that is not kept.
};

}  // namespace stele::client

// Makes entries, as JSON text, of what programs have logged.
#pragma once

#include <string>
#include <string_view>

#include "client-lib/record_queue.hpp"
#include "stele/log_entry.hpp"

namespace stele::client {

/// Lines that come one after the other from the same place have the same metadata, which is made
/// once for them.
class RecordEncoder {
 public:
  /// Valid until the next call.
  std::string_view encode(Record const& record);

 private:
  void make_metadata(Record const& record);

  LogEntry entry_{};
  std::string text_{};
  std::string place_{};     ///< What the metadata of the last line was made of.
  std::string metadata_{};  ///< Of the last line.
  std::string new_place_{};
};

}  // namespace stele::client

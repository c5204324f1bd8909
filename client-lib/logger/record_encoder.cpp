#include "client-lib/logger/record_encoder.hpp"

#include "protocol/entry/canonical_entry.hpp"
#include "protocol/text/json_text.hpp"
#include "stele/metadata.hpp"
#include "stele/utf8.hpp"

namespace stele::client {
namespace {

// Names longer than that are not kept: all places together are small beside a buffer.
constexpr std::size_t place_bytes_max = 1024;

std::string make_metadata(Record const& record) {
  Metadata metadata;
  if (!record.logger.empty()) metadata.add("logger", record.logger);
  metadata.add("thread", record.thread);
  if (!record.file.empty()) {
    Metadata source;
    source.add("file", record.file).add("line", record.line);
    if (!record.function.empty()) source.add("function", record.function);
    metadata.add("source", source);
  }
  if (record.time_before_epoch != 0) metadata.add("time_us", record.time_before_epoch);
  auto text = metadata.text();
  if (!record.context.empty()) {
    text.pop_back();
    (text += R"(,"context":)") += record.context;
    text += '}';
  }
  return text;
}

}  // namespace

std::string_view RecordEncoder::encode(Record const& record) {
  text_.clear();
  protocol::EntryText entry{.timestamp = record.timestamp,
                            .level = record.level,
                            .message = record.message,
                            .metadata = record.metadata};
  if (record.metadata.empty()) {
    entry.metadata = metadata_of(record);
    if (!protocol::is_utf8(record.message)) {
      valid_message_.clear();
      append_as_utf8(valid_message_, record.message);
      entry.message = valid_message_;
    }
  }
  protocol::append_entry(text_, entry);
  return text_;
}

bool RecordEncoder::Place::is_of(Record const& record) const noexcept {
  return !metadata.empty() && thread == record.thread && line == record.line &&
         time_before_epoch == record.time_before_epoch && logger == record.logger &&
         file == record.file && function == record.function && context == record.context;
}

std::string_view RecordEncoder::metadata_of(Record const& record) {
  if (record.logger.size() + record.file.size() + record.function.size() + record.context.size() >
      place_bytes_max) {
    large_metadata_ = make_metadata(record);
    return large_metadata_;
  }
  auto const hash = (record.thread * 31 + record.line) * 0x9E3779B97F4A7C15U;
  auto& place = places_[hash >> 58];
  if (!place.is_of(record)) {
    place.time_before_epoch = record.time_before_epoch;
    place.thread = record.thread;
    place.line = record.line;
    place.logger = record.logger;
    place.file = record.file;
    place.function = record.function;
    place.context = record.context;
    place.metadata = make_metadata(record);
  }
  return place.metadata;
}

}  // namespace stele::client

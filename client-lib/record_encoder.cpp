#include "client-lib/record_encoder.hpp"

#include <utility>

#include "protocol/request.hpp"
#include "stele/metadata.hpp"
#include "stele/utf8.hpp"

namespace stele::client {
namespace {

template <class Number>
void append_bytes(std::string& out, Number number) {
  out.append(reinterpret_cast<char const*>(&number), sizeof number);
}

/// All that the metadata of a line depends on; the texts may hold any bytes.
void append_place(std::string& out, Record const& record) {
  append_bytes(out, record.time_before_epoch);
  append_bytes(out, record.thread);
  append_bytes(out, record.line);
  append_bytes(out, record.logger.size());
  append_bytes(out, record.file.size());
  out += record.logger;
  out += record.file;
  out += record.function;
}

std::string metadata_of(Record const& record) {
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
  return metadata.text();
}

}  // namespace

std::string_view RecordEncoder::encode(Record const& record) {
  text_.clear();
  entry_.timestamp = record.timestamp;
  entry_.level = record.level;
  entry_.message.clear();
  if (record.metadata.empty()) {
    append_as_utf8(entry_.message, record.message);
    make_metadata(record);
  } else {
    entry_.message = record.message;
    entry_.metadata = record.metadata;
  }
  protocol::append_entry(text_, entry_);
  return text_;
}

void RecordEncoder::make_metadata(Record const& record) {
  new_place_.clear();
  append_place(new_place_, record);
  if (new_place_ != place_) {
    place_.swap(new_place_);
    metadata_ = metadata_of(record);
  }
  entry_.metadata = metadata_;
}

}  // namespace stele::client

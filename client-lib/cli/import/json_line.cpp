#include "client-lib/cli/import/json_line.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "client-lib/cli/import/json_members.hpp"
#include "client-lib/cli/text/level_names.hpp"
#include "client-lib/cli/times/time_pattern.hpp"
#include "stele/utf8.hpp"

namespace stele::cli {
namespace {

std::string scalar_text(std::string_view json) {
  return json.starts_with('"') ? text_of(json) : std::string{json};
}

// journald writes bytes that are not UTF-8 as an array of numbers.
bool append_bytes(std::string& bytes, boost::json::array const& numbers) {
  for (auto const& number : numbers) {
    boost::system::error_code ec;
    auto const byte = number.to_number<std::uint8_t>(ec);
    if (ec.failed()) return false;
    bytes += static_cast<char>(byte);
  }
  return true;
}

// A field of the journal may have several values: a line for each.
std::string journal_text(std::string_view json) {
  auto const value = boost::json::parse({json.data(), json.size()});
  if (!value.is_array()) return scalar_text(json);
  std::string bytes;
  if (append_bytes(bytes, value.get_array())) return bytes;
  bytes.clear();
  for (auto const& element : value.get_array()) {
    if (!bytes.empty()) bytes += '\n';
    if (element.is_string()) {
      bytes.append(element.get_string().data(), element.get_string().size());
    } else if (!element.is_array() || !append_bytes(bytes, element.get_array())) {
      return std::string{json};
    }
  }
  return bytes;
}

// The members that an entry is made of.
class EntryMaker {
 public:
  EntryMaker(std::string_view object, JsonMapping const& mapping)
      : members_(members_of(object)), mapping_(mapping) {}

  // A number that would be of the first years after 1970 counts something else, unless there is no
  // other time.
  void take_time(LogEntry& entry, TimeReader const& read_time) {
    auto const values = values_of(mapping_.timestamp);
    found_.timestamp = !values.empty();
    std::string_view taken;
    for (auto const& [name, value] : values) {
      auto const time = read_time(scalar_text(value));
      bool const is_likely = time && (mapping_.times_are_us || *time >= first_log_us);
      if (!time || (entry.timestamp && !is_likely)) continue;
      entry.timestamp = time;
      taken = value;
      if (is_likely) break;
    }
    if (entry.timestamp) {
      take(taken);
      if (mapping_.is_export) take(value_at(members_, "time").value_or(taken));
    } else if (!values.empty()) {
      note(Note::unknown_time);
    }
  }

  void take_level(LogEntry& entry) {
    bool is_unknown = false;
    auto const values = values_of(mapping_.level);
    found_.level = !values.empty();
    for (auto const& [name, value] : values) {
      if (auto const level = read_level(scalar_text(value))) {
        entry.level = level->level;
        if (level->is_exact) return take(value);
        return note(Note::other_level);
      }
      is_unknown = is_unknown || name != mongo_severity;
    }
    if (is_unknown) note(Note::unknown_level);
  }

  // A text comes before other values.
  void take_message(LogEntry& entry) {
    auto const values = values_of(mapping_.message);
    found_.message = !values.empty();
    if (values.empty()) return note(Note::no_message);
    auto const text = std::ranges::find_if(
        values, [](auto const& found) { return found.value.starts_with('"'); });
    auto const& [name, value] = text == values.end() ? values.front() : *text;
    auto message = mapping_.is_journal ? journal_text(value) : scalar_text(value);
    if (name == container_message && message.ends_with('\n')) message.pop_back();
    invalid_bytes_ += append_as_utf8(entry.message, message);
    take(value);
  }

  void take_rest(LogEntry& entry) {
    found_.metadata = !mapping_.metadata.empty() && value_at(members_, mapping_.metadata);
    bool const has_doubles = has_double_names(members_);
    entry.metadata = object_without(members_, taken_, mapping_.metadata, mapping_.dropped);
    // What is opened may have names that stand beside it, too.
    bool const may_have = has_doubles || found_.metadata;
    bool const is_renamed = may_have && rename_double_names(entry.metadata);
    if (has_doubles || is_renamed) note(Note::double_name);
    bool const has_null =
        mapping_.is_journal && std::ranges::any_of(members_, [](JsonMember const& member) {
          return member.value == "null";
        });
    if (has_null) note(Note::left_out);
  }

  Notes notes() const noexcept { return notes_; }
  FoundMembers found() const noexcept { return found_; }
  std::size_t invalid_bytes() const noexcept { return invalid_bytes_; }

 private:
  // Docker's, which holds the line end, too.
  static constexpr std::string_view container_message = "log";
  // Too short a name to say that all of its values are levels.
  static constexpr std::string_view mongo_severity = "s";

  struct Found {
    std::string_view name;
    std::string_view value;
  };
  std::vector<Found> values_of(std::vector<std::string> const& names) const {
    std::vector<Found> values;
    for (auto const& name : names) {
      auto const value = value_at(members_, name);
      if (value && *value != "null") values.push_back({name, *value});
    }
    return values;
  }
  void take(std::string_view value) { taken_.push_back(value); }
  void note(Note note) { notes_.set(static_cast<std::size_t>(note)); }

  std::vector<JsonMember> members_;
  JsonMapping const& mapping_;
  std::vector<std::string_view> taken_{};
  Notes notes_{};
  FoundMembers found_{};
  std::size_t invalid_bytes_ = 0;
};

}  // namespace

JsonMapping usual_mapping() {
  return {.timestamp = {"timestamp",
                        "time",
                        "ts",
                        "@timestamp",
                        "@t",
                        "Timestamp",
                        "datetime",
                        "date",
                        "asctime",
                        "eventTime",
                        "timeMillis",
                        "instant.epochSecond",
                        "t.$date",
                        "timeUnixNano",
                        "TimeCreated",
                        "stageTimestamp",
                        "__REALTIME_TIMESTAMP",
                        "time_iso8601",
                        "time_local",
                        "msec",
                        "EventTime",
                        "timestamp.seconds",
                        "timestampSeconds",
                        "record.time.timestamp"},
          .level = {"level",
                    "severity",
                    "lvl",
                    "levelname",
                    "log.level",
                    "@l",
                    "Level",
                    "LogLevel",
                    "loglevel",
                    "log_level",
                    "severityText",
                    "severity_text",
                    "@level",
                    "error_severity",
                    "Severity",
                    "level.name",
                    "record.level.name",
                    "context.logLevel",
                    "PRIORITY",
                    "s"},
          .message = {"message", "msg", "record.message", "text", "short_message", "log", "@m",
                      "@message", "@mt", "Message", "RenderedMessage", "MessageTemplate",
                      "fields.message", "body.stringValue", "body", "textPayload",
                      "jsonPayload.message", "event", "MESSAGE"}};
}

JsonMapping journal_mapping() {
  return {.timestamp = {"__REALTIME_TIMESTAMP"},
          .level = {"PRIORITY"},
          .message = {"MESSAGE"},
          .dropped = {"__*"},
          .times_are_us = true,
          .is_journal = true,
          .only_objects = true};
}

JsonMapping stele_mapping() {
  return {.timestamp = {"timestamp", "time"},
          .level = {"level"},
          .message = {"message"},
          .dropped = {"seq", "origin", "version"},
          .metadata = "metadata",
          .times_are_us = true,
          .is_export = true,
          .only_objects = true};
}

JsonEntry entry_of_json(std::string_view object, JsonMapping const& mapping, Level otherwise,
                        TimeReader const& read_time) {
  JsonEntry made{.entry = {.level = otherwise}};
  EntryMaker maker{object, mapping};
  maker.take_time(made.entry, read_time);
  maker.take_level(made.entry);
  maker.take_message(made.entry);
  maker.take_rest(made.entry);
  made.notes = maker.notes();
  made.found = maker.found();
  made.invalid_bytes = maker.invalid_bytes();
  return made;
}

}  // namespace stele::cli

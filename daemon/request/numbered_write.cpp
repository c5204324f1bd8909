#include "daemon/request/numbered_write.hpp"

#include "protocol/text/error_text.hpp"
#include "protocol/text/json_text.hpp"

namespace stele::daemon {

using protocol::Detail;
using protocol::JsonWriter;

namespace {

constexpr auto writes_max = WriterTable::writes_max;

/// As `[[first,last],…]`, neighbours in one.
void append_numbers(JsonWriter& writer, std::vector<NumberedWrite> const& writes) {
  writer.begin_array();
  for (std::size_t i = 0; i < writes.size();) {
    auto const first = writes[i].write_no;
    auto last = first;
    while (++i < writes.size() && writes[i].write_no == last + 1) ++last;
    writer.begin_array().value(first).value(last).end_array();
  }
  writer.end_array();
}

}  // namespace

bool has_entries(Store const& store, NumberedWrite const& write,
                 std::span<protocol::EntryDraft const> drafts) {
  if (drafts.size() != write.last_seq - write.first_seq + 1) return false;
  Store::Finder finder(store);
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    if (!protocol::is_made_from(finder.find(write.first_seq + i).text, drafts[i])) return false;
  }
  return true;
}

Failure no_writer_failure() {
  return {Error::bad_request,
          R"("write_no" needs a writer: send {"op":"hello","writer":"…"} on this connection first)",
          Detail().string("path", "write_no").text()};
}

Failure id_conflict_failure(NumberedWrite const& original) {
  return {Error::id_conflict,
          "this writer's write " + std::to_string(original.write_no) + " had other entries",
          Detail()
              .number("first_seq", original.first_seq)
              .number("last_seq", original.last_seq)
              .text()};
}

Failure unknown_retry_failure(WriterTable::Decision decision) {
  if (decision == WriterTable::Decision::passed_by) {
    return {Error::unknown_retry, "the number was not used, and one that is " +
                                      std::to_string(writes_max) +
                                      " above it was; send the entries under a new number"};
  }
  return {Error::unknown_retry,
          "it is not remembered whether this was written; choose a new writer, and begin with "
          "write_no 1"};
}

Failure crowded_failure() {
  return {Error::overloaded,
          "this writer has " + std::to_string(writes_max) +
              " writes that are not yet on disk; wait for their replies",
          Detail().number("writer_writes_max", writes_max).text()};
}

void append_knowledge(std::string& out, WriterTable::Knowledge const& knowledge) {
  JsonWriter writer(out);
  writer.member("known_above", knowledge.known_above);
  append_numbers(writer.name("written"), knowledge.written);
  append_numbers(writer.name("under_way"), knowledge.under_way);
  if (knowledge.written.empty()) return;
  writer.member("last_write_no", knowledge.written.back().write_no)
      .member("last_seq", knowledge.written.back().last_seq);
}

}  // namespace stele::daemon

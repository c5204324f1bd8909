#include "daemon/numbered_write.hpp"

#include "protocol/error_text.hpp"

namespace stele::daemon {

using protocol::Detail;

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

Failure unknown_retry_failure(WriterTable::Verdict verdict) {
  if (verdict == WriterTable::Verdict::skipped) {
    return {Error::unknown_retry,
            "the number was not used, and a later one was; send the entries under a new number"};
  }
  return {Error::unknown_retry,
          "it is not remembered whether this was written; a writer that is not remembered begins "
          "with write_no 1"};
}

}  // namespace stele::daemon

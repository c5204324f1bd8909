// What is said to a write whose number has been used.
#pragma once

#include <span>
#include <string>

#include "daemon/store/store.hpp"
#include "daemon/store/writer_table.hpp"
#include "protocol/entry/canonical_entry.hpp"
#include "stele/error.hpp"

namespace stele::daemon {

/// Whether the entries of this write, on disk or on their way, are these: level, message and
/// metadata, and the timestamps that are given. Compared byte for byte with what the store holds.
bool has_entries(Store const& store, NumberedWrite const& write,
                 std::span<protocol::EntryDraft const> drafts);

/// The members of the reply to hello that say which numbers of its writer are used.
void append_knowledge(std::string& out, WriterTable::Knowledge const& knowledge);

Failure no_writer_failure();
Failure id_conflict_failure(NumberedWrite const& original);
/// For a write that was passed by or forgotten.
Failure unknown_retry_failure(WriterTable::Decision decision);
Failure crowded_failure();

}  // namespace stele::daemon

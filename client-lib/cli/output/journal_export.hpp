// Entries in the Journal Export Format of systemd, which systemd-journal-remote takes.
#pragma once

#include <string>

#include "stele/log_entry.hpp"

namespace stele::cli {

/// Appends one entry: MESSAGE, PRIORITY, _PID, _UID, _GID, STELE_SEQ, STELE_LEVEL, and a field for
/// each member of the metadata, named in capitals (strings as they are, all else as JSON), then an
/// empty line. A member whose name cannot be a field of the journal is in STELE_METADATA, which has
/// the whole object then.
void append_journal_export(std::string& out, StoredEntry const& entry);

}  // namespace stele::cli

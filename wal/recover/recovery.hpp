// Reads a log directory for a start. Writes nothing: old segments stay as they are.
#pragma once

#include "wal/recover/log_reading.hpp"

namespace stele::wal {

/// As read_log(). What was read is on disk when this returns, and `recovered` says what files the
/// start is to put away. Blocks.
Result<Recovered> recover(Directory& directory, RecoverySink& sink, RecoveryReport& report);

}  // namespace stele::wal

// What each verb does. The arguments are parsed already; each returns the exit code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client-lib/cli/entry_text.hpp"
#include "stele/client.hpp"
#include "stele/log_entry.hpp"

namespace stele::cli {

struct PingArguments {};

struct WriteArguments {
  LogEntry entry{};
  bool message_from_stdin = false;
  bool print_seq = false;
};

struct ImportArguments {
  std::vector<std::string> paths{};  ///< `-` is standard input.
  Level level = Level::info;
  std::size_t batch_entries_max = 1000;
};

struct ReadArguments {
  std::uint64_t start_ts = 0;
  std::uint64_t end_ts = UINT64_MAX;
  std::optional<std::uint64_t> count{};  ///< The newest so many of the range.
  bool newest_first = false;
  EntryForm form = EntryForm::brief;
};

struct StatsArguments {
  bool json = false;
};

struct AuditArguments {
  std::uint64_t start_ts = 0;
  bool json = false;
};

int run(ClientOptions const& options, PingArguments const& arguments);
int run(ClientOptions const& options, WriteArguments const& arguments);
int run(ClientOptions const& options, ImportArguments const& arguments);
int run(ClientOptions const& options, ReadArguments const& arguments);
int run(ClientOptions const& options, StatsArguments const& arguments);
int run(ClientOptions const& options, AuditArguments const& arguments);

}  // namespace stele::cli

// What a place means at which the commit that should follow is not. The rules are a table: in
// FORMAT.md, as data here, and proved complete by a test that tries every case.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "wal/recover/segment_scanner.hpp"

namespace stele::wal {

/// What a log holds behind the place at which commit b is missing.
enum class Beyond : std::uint8_t {
  nothing,       ///< No valid commit, and no trace of a write in a later segment.
  trace,         ///< No valid commit, but a later segment is not empty.
  same_commit,   ///< Commit b itself, valid, at the start of a later segment.
  later_commit,  ///< A valid commit with a higher number.
};

struct MissingCommit {
  bool proven = false;  ///< Something on disk says that commit b was on disk.
  TailState::Kind rest =
      TailState::Kind::zero;  ///< The bytes from that place to the end of the segment.
  Beyond beyond = Beyond::nothing;
};

enum class Verdict : std::uint8_t {
  clean_end,  ///< The log ends here.
  torn_tail,  ///< A write was under way; it was not acknowledged.
  turned,     ///< The log goes on in a later segment. What else lies here was set aside.
  damage,     ///< Something that was on disk is not there any more.
};

struct RecoveryRule {
  std::optional<bool> proven;  ///< Nothing: either.
  std::optional<TailState::Kind> rest;
  std::optional<Beyond> beyond;
  Verdict verdict;
};

/// Exactly one rule matches any case.
std::span<RecoveryRule const> recovery_rules() noexcept;
bool matches(RecoveryRule const& rule, MissingCommit const& missing) noexcept;
Verdict judge(MissingCommit const& missing) noexcept;

}  // namespace stele::wal

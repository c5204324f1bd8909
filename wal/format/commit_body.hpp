// Walks the groups and records inside the body of a valid commit.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "wal/format/format.hpp"

namespace stele::wal {

/// The payloads of a group, in order. A reader of records never leaves the group's bytes.
class RecordReader {
 public:
  explicit RecordReader(std::span<std::byte const> records) noexcept : records_(records) {}

  /// The next payload; nothing at the end, or if the bytes are not records.
  std::optional<std::string_view> next() noexcept;
  bool at_end() const noexcept { return records_.empty(); }

 private:
  std::span<std::byte const> records_;
};

struct Group {
  GroupHeader header{};
  std::span<std::byte const> records{};
};

class GroupReader {
 public:
  explicit GroupReader(std::span<std::byte const> body) noexcept : body_(body) {}

  std::optional<Group> next() noexcept;
  bool at_end() const noexcept { return body_.empty(); }

 private:
  std::span<std::byte const> body_;
};

/// Whether the body holds exactly what the header says: condition 8 of FORMAT.md. With a right
/// checksum it fails only for a commit that a defect wrote.
bool is_well_formed(CommitHeader const& header, std::span<std::byte const> body) noexcept;

/// The gap records of a commit of kind gap.
std::vector<Gap> decode_gaps(std::span<std::byte const> body);
/// The acknowledgements among them: see decode_acknowledgement().
std::vector<Gap> decode_acknowledgements(std::span<std::byte const> body);
/// The last age record of a commit of kind gap, if it has one.
std::optional<std::chrono::milliseconds> decode_age(std::span<std::byte const> body);

struct RemainingPayload {
  Seq seq = 0;
  std::string_view payload{};
};

/// The payloads that are provably those of the commit, at their places. If the body is still made
/// of as many records as the header says, and its checksum differs from the right one by just what
/// the bad records' differ, these cost themselves only; else a bad record costs what follows, and
/// unless `body` ends early, so does the first that does not begin in the header's sector. Empty
/// payloads are left out: zeros look like them. `body` may end early.
std::vector<RemainingPayload> salvageable_payloads(CommitHeader const& header,
                                                   std::span<std::byte const> body);

}  // namespace stele::wal

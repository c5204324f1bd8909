// Reads JSON in the spelling that clients write by themselves, without a JSON parser: most of what
// a daemon is sent, at a fraction of the time.
//
// What is read here is judged as RequestReader judges it. Whatever is spelt otherwise, or wrong, is
// left to the JSON parser, which also says what is wrong. So this reader needs to know only a part
// of the grammar, and never an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/canonical_entry.hpp"

namespace stele::protocol {

/// A write in the plain spelling: no white space; `op`, `id` (an integer) and `write_no` if they
/// are given, and the entries, in this order; the members of an entry in any order, with strings
/// and metadata in the canonical spelling and within its limits.
struct PlainWrite {
  bool many = false;
  std::string_view id{};       ///< As it stands in the text; empty: none was given.
  std::uint64_t write_no = 0;  ///< 0: none was given.
};

/// The entries come into `drafts`, which borrow from the text. Nothing if it is no plain write.
std::optional<PlainWrite> read_plain_write(std::string_view text, std::size_t entry_bytes_max,
                                           std::vector<EntryDraft>& drafts);

/// Whether `text` is one JSON object in the canonical spelling that an entry's metadata may be.
/// False says nothing: it may be one that is spelt otherwise, or larger than is read here.
bool is_plain_object(std::string_view text) noexcept;

}  // namespace stele::protocol

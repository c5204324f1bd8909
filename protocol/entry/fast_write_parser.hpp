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

#include "protocol/entry/canonical_entry.hpp"

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

/// The same, as much of it at a time as its user has time for. What it takes long for (a large
/// entry of many escapes, say) is no plain write to it.
class PlainWriteReader {
 public:
  enum class Status : std::uint8_t { more, done, not_plain };

  void start(std::string_view text, std::size_t entry_bytes_max);
  /// Reads entries until this many bytes have been passed.
  Status read(std::size_t bytes, std::vector<EntryDraft>& drafts);
  std::size_t read_bytes() const noexcept { return read_bytes_; }
  PlainWrite const& write() const noexcept { return write_; }

 private:
  std::string_view text_{};
  std::size_t entry_bytes_max_ = 0;
  std::size_t read_bytes_ = 0;
  bool begun_ = false;
  PlainWrite write_{};
};

/// For one draft more, of a request of this many bytes: once they are many, there is memory for all
/// that it can hold, so that they are not moved any more, which would take long.
void reserve_drafts(std::vector<EntryDraft>& drafts, std::size_t text_bytes);

/// Whether `text` is one JSON object in the canonical spelling that an entry's metadata may be.
/// False says nothing: it may be one that is spelt otherwise, or larger than is read here.
bool is_plain_object(std::string_view text) noexcept;

}  // namespace stele::protocol

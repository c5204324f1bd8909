// The one stored form of an entry. It is made once, when a write is accepted, and its bytes serve
// the log, the store and every reply:
//
// {"seq":7,"timestamp":1700000000000000,"level":"info","message":"…","metadata":{…},"version":1,
//  "origin":{"pid":1,"uid":0,"gid":0}}        members in this order, no white space
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/limits.hpp"
#include "stele/error.hpp"
#include "stele/log_entry.hpp"

namespace stele::protocol {

/// A valid entry whose texts are canonical JSON already; borrowed from the parser that made it.
inline constexpr std::string_view empty_metadata = "{}";

struct EntryDraft {
  std::optional<std::uint64_t> timestamp{};
  Level level = Level::info;
  std::string_view message{};   ///< A JSON string, with its quotes.
  std::string_view metadata{};  ///< A JSON object.
};

/// What only the daemon knows.
struct EntryStamp {
  std::uint64_t seq = 0;
  std::uint64_t timestamp = 0;  ///< The draft's own, or the time of receipt.
  Origin origin{};
};

/// An upper bound of what append_canonical_entry appends.
std::size_t canonical_bytes_max(EntryDraft const& draft) noexcept;
/// And of all that get a seq of as many digits as this, from this origin.
std::size_t canonical_bytes_max(EntryDraft const& draft, std::uint64_t seq,
                                Origin const& origin) noexcept;
void append_canonical_entry(std::string& out, EntryDraft const& draft, EntryStamp const& stamp);

/// The same, into raw storage of at least canonical_bytes_max(); returns the end of what it wrote.
char* write_canonical_entry(char* out, EntryDraft const& draft, EntryStamp const& stamp) noexcept;

/// Puts another seq, and another timestamp unless that is empty, into the places of those of the
/// canonical entry at `entry`, which have as many digits.
void overwrite_stamp(char* entry, std::uint64_t seq, std::string_view timestamp) noexcept;

/// The members that order a log, read from the fixed start of the canonical form without parsing
/// JSON. Nothing if `text` does not start as the canonical form does.
struct EntryKey {
  std::uint64_t seq = 0;
  std::uint64_t timestamp = 0;
  Level level = Level::info;
};
std::optional<EntryKey> read_entry_key(std::string_view text) noexcept;

/// What lies behind the key, as it stands in the text.
struct EntryBody {
  std::string_view message{};  ///< Between its quotes, escaped.
  std::string_view metadata{};
};
/// Nothing if `text` does not start and end as the canonical form does.
std::optional<EntryBody> read_entry_body(std::string_view text) noexcept;
/// Read from the fixed end.
std::optional<Origin> read_entry_origin(std::string_view text) noexcept;

/// Whether a canonical entry was made from this draft. One without a timestamp fits any.
bool is_made_from(std::string_view text, EntryDraft const& draft) noexcept;

/// Takes one entry of exactly the canonical form from the start of `text`, about twice as fast as
/// a JSON parser: of the metadata it matches quotes and brackets only, since the daemon wrote it.
/// `text` is valid UTF-8. False if this is not the canonical form; then the parameters are spoilt.
bool read_canonical_entry(std::string_view& text, StoredEntry& entry);

/// Parses one canonical entry (or any JSON object with its members, in any order).
Result<StoredEntry> parse_stored_entry(std::string_view text);

/// As a LogEntry.
struct EntryText {
  std::optional<std::uint64_t> timestamp{};
  Level level = Level::info;
  std::uint8_t version = entry_version;
  std::string_view message{};
  std::string_view metadata{};
};

/// Its JSON text, as a client writes it.
void append_entry(std::string& out, EntryText const& entry);

}  // namespace stele::protocol

// Every maximum of the protocol, with its reason. Constants only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stele::protocol {

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::uint8_t entry_version = 1;

/// Bytes of the length prefix of a binary frame, big-endian.
inline constexpr std::size_t frame_header_bytes = 4;

/// No configuration may allow a longer frame. It also keeps the first byte of every legal length
/// at or below 0x04, so a first byte above 0x08 can only be the start of a text line.
inline constexpr std::size_t frame_bytes_ceiling = std::size_t{64} << 20;
inline constexpr std::size_t frame_bytes_default = std::size_t{16} << 20;
inline constexpr unsigned char binary_first_byte_max = 0x08;
static_assert(((frame_bytes_ceiling >> 24) & 0xff) <= binary_first_byte_max);

/// Message (UTF-8 bytes, unescaped) plus metadata (canonical text; `{}` counts as nothing).
inline constexpr std::size_t entry_bytes_default = std::size_t{1} << 20;

/// Objects and arrays inside one another, counted from the request itself. Boost.JSON's default,
/// made a promise here.
inline constexpr std::size_t json_depth_max = 32;

/// Objects and arrays inside one another in an entry's metadata: the three around it in a reply
/// (the reply, `entries`, the entry) are taken off, so that whatever was written can be read back
/// within json_depth_max.
inline constexpr std::size_t metadata_depth_max = json_depth_max - 3;

/// Text of a request id, as JSON: an integer or a string.
inline constexpr std::size_t request_id_bytes_max = 256;

/// A client's name in hello, and a cursor: both are short, and kept by the daemon.
inline constexpr std::size_t client_name_bytes_max = 256;
inline constexpr std::size_t cursor_bytes_max = 256;

/// What a read may look for, so that judging one entry is short work: UTF-8 bytes of `contains`;
/// members of `where`, and its bytes in canonical form.
inline constexpr std::size_t contains_bytes_max = 4096;
inline constexpr std::size_t where_members_max = 16;
inline constexpr std::size_t where_bytes_max = 4096;

/// Buckets of one count, each about 30 bytes of a reply that is made as a whole.
inline constexpr std::size_t count_buckets_max = 10'000;

/// Gaps that the reply to an audit lists one by one, each about 100 bytes.
inline constexpr std::size_t audit_gaps_max = 1000;

/// Numbers of writes: the log keeps 63 bits of them, and one that says in which order they came.
inline constexpr std::uint64_t write_no_max = INT64_MAX;

/// Client bytes that an error message repeats.
inline constexpr std::size_t excerpt_bytes_max = 64;

/// The path of a member in `detail`, whose names are cut like an excerpt.
inline constexpr std::size_t path_bytes_max = 256;

/// A read is answered in frames of about this many bytes of entries, so that one large read
/// neither holds the loop for long nor needs a large buffer at the client: several frames fit into
/// a processor's own cache.
inline constexpr std::size_t read_frame_bytes = std::size_t{256} << 10;

inline constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info",
                                                             "warn",  "error", "fatal"};

}  // namespace stele::protocol

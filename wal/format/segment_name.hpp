// The names of the files in a log directory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace stele::wal {

inline constexpr std::string_view manifest_name = "MANIFEST";
/// Retention renames a segment that holds damage: out of the log's way, kept for people.
inline constexpr std::string_view damaged_suffix = ".damaged";
/// A start renames what has the name of a segment and is no part of the log.
inline constexpr std::string_view stray_suffix = ".stray";
/// A file that is being made has this suffix until it is renamed; a start removes what is left.
inline constexpr std::string_view unfinished_suffix = ".tmp";

/// `wal-<number, 16 hex digits>.seg`: names sort as the numbers do.
std::string segment_name(std::uint64_t segment_no);

/// The number, if `name` is exactly what segment_name() makes.
std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;

/// `wal-<number>.pack`: what stands in the place of a segment that was packed.
std::string pack_name(std::uint64_t segment_no);
std::optional<std::uint64_t> parse_pack_name(std::string_view name) noexcept;

/// What a file of that name is called while it is made.
std::string unfinished(std::string_view name);
/// Whether it is exactly what a segment, a pack or MANIFEST is called while it is made. Another
/// name with that suffix is somebody else's file.
bool is_unfinished_name(std::string_view name) noexcept;
/// Whether a start may have given it to a segment or a pack that it put aside.
bool is_stray_name(std::string_view name) noexcept;

}  // namespace stele::wal

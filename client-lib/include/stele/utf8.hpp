// Text that may not be UTF-8, made fit for an entry.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <cstddef>
#include <string>
#include <string_view>

namespace stele {

/// Appends `text`; each byte that belongs to no well-formed sequence (RFC 3629) becomes U+FFFD.
/// Returns how many bytes were replaced.
std::size_t append_as_utf8(std::string& out, std::string_view text);

}  // namespace stele

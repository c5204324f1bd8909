// Whether this test checks its memory as it runs, so that all takes about ten times as long.
#pragma once

namespace stele::test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized_test = true;
#elif defined(__has_feature)
inline constexpr bool is_sanitized_test = __has_feature(address_sanitizer);
#else
inline constexpr bool is_sanitized_test = false;
#endif

}  // namespace stele::test

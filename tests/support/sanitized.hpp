// What this test checks of itself as it runs.
#pragma once

namespace stele::test {

/// Its memory, so that all takes about ten times as long.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool is_sanitized_test = true;
#elif defined(__has_feature)
inline constexpr bool is_sanitized_test = __has_feature(address_sanitizer);
#else
inline constexpr bool is_sanitized_test = false;
#endif

/// Its threads.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool is_thread_sanitized_test = true;
#elif defined(__has_feature)
inline constexpr bool is_thread_sanitized_test = __has_feature(thread_sanitizer);
#else
inline constexpr bool is_thread_sanitized_test = false;
#endif

}  // namespace stele::test

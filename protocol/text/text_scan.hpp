// Finds the bytes of a text that matter, sixteen at a time where the processor can, otherwise
// eight. Most of what a log holds is longer than that and plain, so this is several times as fast
// as byte by byte. Nothing is read outside of the given range.
#pragma once

#include <bit>

#include "protocol/text/eight_bytes.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace stele::protocol {

/// Which bytes of a text are meant; each also says which of eight it marks (see eight_bytes.hpp).
struct QuoteOrBackslash {
  static bool holds(char byte) noexcept { return byte == '"' || byte == '\\'; }
  static std::uint64_t marks(std::uint64_t eight) noexcept {
    return mark_zeros(eight ^ eight_times('"')) | mark_zeros(eight ^ eight_times('\\'));
  }
#ifdef __SSE2__
  static __m128i marks(__m128i sixteen) noexcept {
    return _mm_or_si128(_mm_cmpeq_epi8(sixteen, _mm_set1_epi8('"')),
                        _mm_cmpeq_epi8(sixteen, _mm_set1_epi8('\\')));
  }
#endif
};

/// What the canonical spelling of a string escapes: a quote, a backslash, or a control character.
struct Escaped {
  static bool holds(char byte) noexcept {
    return static_cast<unsigned char>(byte) < 0x20 || QuoteOrBackslash::holds(byte);
  }
  static std::uint64_t marks(std::uint64_t eight) noexcept {
    auto const below_blank = (eight - eight_times(0x20)) & ~eight & eight_times('\x80');
    return QuoteOrBackslash::marks(eight) | below_blank;
  }
#ifdef __SSE2__
  static __m128i marks(__m128i sixteen) noexcept {
    auto const at_most_1f = _mm_min_epu8(sixteen, _mm_set1_epi8(0x1f));
    return _mm_or_si128(_mm_cmpeq_epi8(sixteen, at_most_1f), QuoteOrBackslash::marks(sixteen));
  }
#endif
};

/// What ends a stretch of a JSON string in which each byte is a character and stands for itself:
/// a quote, a backslash, a control character, or a byte that is not ASCII.
struct NotPlain {
  static bool holds(char byte) noexcept {
    return static_cast<signed char>(byte) < 0 || Escaped::holds(byte);
  }
  static std::uint64_t marks(std::uint64_t eight) noexcept {
    return Escaped::marks(eight) | (eight & eight_times('\x80'));
  }
#ifdef __SSE2__
  static __m128i marks(__m128i sixteen) noexcept {
    // Signed: a byte that is not ASCII is negative.
    return _mm_or_si128(_mm_cmplt_epi8(sixteen, _mm_set1_epi8(0x20)),
                        QuoteOrBackslash::marks(sixteen));
  }
#endif
};

/// The first such byte from `at` on, or `end`.
template <class Wanted>
[[gnu::always_inline]] inline char const* find_byte(char const* at, char const* end) noexcept {
#ifdef __SSE2__
  for (; end - at >= 16; at += 16) {
    auto const sixteen = _mm_loadu_si128(reinterpret_cast<__m128i const*>(at));
    auto const marks = static_cast<unsigned>(_mm_movemask_epi8(Wanted::marks(sixteen)));
    if (marks != 0) return at + std::countr_zero(marks);
  }
#endif
  for (; end - at >= 8; at += 8) {
    auto const marks = Wanted::marks(load_eight(at));
    if (marks != 0) return at + bytes_before_mark(marks);
  }
  while (at != end && !Wanted::holds(*at)) ++at;
  return at;
}

}  // namespace stele::protocol

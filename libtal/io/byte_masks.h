// Which of 16 bytes are of a kind, as bits: what lets text be looked through in blocks. All read 16 bytes.
#pragma once

#include <bit>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace tal {

// Bit i: whether byte i of the 16 is such a one.
#ifdef __SSE2__
inline std::uint32_t equal_bytes(const char* a, const char* b) {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(
      _mm_loadu_si128(reinterpret_cast<const __m128i*>(a)), _mm_loadu_si128(reinterpret_cast<const __m128i*>(b)))));
}
inline std::uint32_t digit_bytes(const char* at) {
  const __m128i x = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)), _mm_set1_epi8('0'));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(9)), x)));
}
inline std::uint32_t ending_bytes(const char* at) {  // of a string, or of its plain part
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')))));
}
#else
template <class Is>
std::uint32_t bytes_that(Is is) {
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < 16; ++i) bits |= static_cast<std::uint32_t>(is(i)) << i;
  return bits;
}
inline std::uint32_t equal_bytes(const char* a, const char* b) {
  return bytes_that([&](std::uint32_t i) { return a[i] == b[i]; });
}
inline std::uint32_t digit_bytes(const char* at) {
  return bytes_that([&](std::uint32_t i) { return static_cast<unsigned char>(at[i] - '0') < 10; });
}
inline std::uint32_t ending_bytes(const char* at) {
  return bytes_that([&](std::uint32_t i) { return at[i] == '"' || at[i] == '\\'; });
}
#endif

// The first quote or backslash of [at, end), or where less than a block is left to look through.
inline const char* skip_plain(const char* at, const char* end) {
  for (; end - at >= 16; at += 16)
    if (const auto found = ending_bytes(at)) return at + std::countr_zero(found);
  return at;
}

}  // namespace tal

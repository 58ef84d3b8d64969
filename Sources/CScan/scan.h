#ifndef ROUSE_SCAN_H
#define ROUSE_SCAN_H

// What Swift's vectors cannot say: which of sixteen bytes answered a comparison, as bits of one word. Every processor of
// either kind has these instructions, so nothing is chosen at run time.

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/// How many of 16 bytes, from the first on, mean themselves in a JSON string: no quote, backslash or control, and nothing
/// beyond ASCII.
static inline __attribute__((always_inline)) uint64_t scan_plain_bytes(const void *bytes) {
#if defined(__SSE2__)
  __m128i chunk = _mm_loadu_si128((const __m128i *)bytes);
  // As signed bytes those beyond ASCII are below the space too.
  __m128i stops = _mm_or_si128(
      _mm_cmpgt_epi8(_mm_set1_epi8(0x20), chunk),
      _mm_or_si128(_mm_cmpeq_epi8(chunk, _mm_set1_epi8(0x22)), _mm_cmpeq_epi8(chunk, _mm_set1_epi8(0x5C))));
  return (uint64_t)__builtin_ctz((uint32_t)_mm_movemask_epi8(stops) | 0x10000);
#elif defined(__aarch64__)
  uint8x16_t chunk = vld1q_u8((const uint8_t *)bytes);
  uint8x16_t stops = vorrq_u8(
      vcgtq_s8(vdupq_n_s8(0x20), vreinterpretq_s8_u8(chunk)),
      vorrq_u8(vceqq_u8(chunk, vdupq_n_u8(0x22)), vceqq_u8(chunk, vdupq_n_u8(0x5C))));
  // Four bits a byte.
  uint64_t bits = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(stops), 4)), 0);
  return bits == 0 ? 16 : (uint64_t)__builtin_ctzll(bits) / 4;
#else
  const int8_t *byte = (const int8_t *)bytes;
  uint64_t count = 0;
  while (count < 16 && byte[count] >= 0x20 && byte[count] != 0x22 && byte[count] != 0x5C) count += 1;
  return count;
#endif
}

/// Whether 32 bytes, as far as `mask` lets them through, are those that are wanted.
static inline __attribute__((always_inline)) bool scan_matches(
    const void *bytes, const void *wanted, const void *mask) {
#if defined(__SSE2__)
  const __m128i *given = (const __m128i *)bytes, *want = (const __m128i *)wanted, *through = (const __m128i *)mask;
  __m128i low = _mm_xor_si128(_mm_and_si128(_mm_loadu_si128(given), _mm_loadu_si128(through)), _mm_loadu_si128(want));
  __m128i high = _mm_xor_si128(
      _mm_and_si128(_mm_loadu_si128(given + 1), _mm_loadu_si128(through + 1)), _mm_loadu_si128(want + 1));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(low, high), _mm_setzero_si128())) == 0xFFFF;
#else
  uint64_t given[4], want[4], through[4], difference = 0;
  memcpy(given, bytes, 32);
  memcpy(want, wanted, 32);
  memcpy(through, mask, 32);
  for (int word = 0; word < 4; word += 1) difference |= (given[word] & through[word]) ^ want[word];
  return difference == 0;
#endif
}

#endif

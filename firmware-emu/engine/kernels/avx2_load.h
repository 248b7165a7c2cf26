/* SPDX-License-Identifier: MIT */
/* Rows of any float type as F32, eight elements at a time; @type is a constant. */
#ifndef MARU_AVX2_LOAD_H
#define MARU_AVX2_LOAD_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "uapi/drm/maru_cmd.h"

#define AVX2_INLINE	static inline __attribute__((always_inline))

AVX2_INLINE __m256 avx2_load(unsigned int type, const uint8_t *row, uint32_t d)
{
	__m128i half;

	if (type == MARU_TYPE_F32)
		return _mm256_loadu_ps((const float *)(const void *)row + d);
	half = _mm_loadu_si128((const __m128i *)(const void *)(row + d * 2));
	if (type == MARU_TYPE_F16)
		return _mm256_cvtph_ps(half);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* The last @n < 8 elements of a row, then zeros. */
AVX2_INLINE __m256 avx2_load_rest(unsigned int type, const uint8_t *row, uint32_t d, uint32_t n)
{
	unsigned int size = type == MARU_TYPE_F32 ? 4 : 2;
	uint8_t rest[32] = { 0 };

	memcpy(rest, row + d * size, n * size);
	return avx2_load(type, rest, 0);
}

/* Calls @f(@arguments, type) with the type as a constant. */
#define AVX2_BY_TYPE(type_, f, argument) \
	do { \
		if ((type_) == MARU_TYPE_F32) \
			f(argument, MARU_TYPE_F32); \
		else if ((type_) == MARU_TYPE_F16) \
			f(argument, MARU_TYPE_F16); \
		else \
			f(argument, MARU_TYPE_BF16); \
	} while (0)

#endif

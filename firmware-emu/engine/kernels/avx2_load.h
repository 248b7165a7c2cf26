/* SPDX-License-Identifier: MIT */
/* Rows of any float type as F32, eight elements at a time; @type is a constant. */
#ifndef MARU_AVX2_LOAD_H
#define MARU_AVX2_LOAD_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "uapi/drm/maru_cmd.h"

#define AVX2_INLINE	static inline __attribute__((always_inline))

/* Vectors whose steps alternate: one alone waits for itself. */
#define EACH_OF(count, ...)	do { for (int v = 0; v < (count); v++) __VA_ARGS__; } while (0)

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

AVX2_INLINE void avx2_load16(unsigned int type, const void *from, __m256 x[2])
{
	x[0] = avx2_load(type, from, 0);
	x[1] = avx2_load(type, from, 8);
}

/*
 * Rounded to bf16 in the upper halves, nearest even. NaN with zeros below, as those from bf16 have,
 * stay: nothing is carried into what is kept.
 */
AVX2_INLINE __m256i avx2_round_bf16(__m256 x)
{
	__m256i bits = _mm256_castps_si256(x);
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));

	return _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
}

/* In the lower halves; any NaN, made quiet. */
AVX2_INLINE __m256i avx2_narrow_bf16(__m256 x)
{
	__m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
	__m256i quiet = _mm256_or_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x400000));

	return _mm256_srli_epi32(_mm256_blendv_epi8(avx2_round_bf16(x), quiet, nan), 16);
}

/* Sixteen F32 as F16 or BF16. */
AVX2_INLINE __m256i avx2_narrow16(unsigned int type, const __m256 x[2])
{
	if (type == MARU_TYPE_F16)
		return _mm256_setr_m128i(_mm256_cvtps_ph(x[0], _MM_FROUND_TO_NEAREST_INT),
					 _mm256_cvtps_ph(x[1], _MM_FROUND_TO_NEAREST_INT));
	return _mm256_permute4x64_epi64(_mm256_packus_epi32(avx2_narrow_bf16(x[0]),
							    avx2_narrow_bf16(x[1])), 0xd8);
}

AVX2_INLINE void avx2_put(void *to, __m256i bits, int is_stream)
{
	if (is_stream)
		_mm256_stream_si256(to, bits);
	else
		_mm256_storeu_si256(to, bits);
}

AVX2_INLINE void avx2_store16(unsigned int type, void *to, const __m256 x[2], int is_stream)
{
	if (type != MARU_TYPE_F32) {
		avx2_put(to, avx2_narrow16(type, x), is_stream);
		return;
	}
	avx2_put(to, _mm256_castps_si256(x[0]), is_stream);
	avx2_put((float *)to + 8, _mm256_castps_si256(x[1]), is_stream);
}

/* May these rows be streamed: are all eights of a row aligned? */
AVX2_INLINE int avx2_is_aligned(const void *to)
{
	return !((uintptr_t)to & 31);
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

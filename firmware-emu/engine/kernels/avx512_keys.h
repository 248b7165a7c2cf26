/* SPDX-License-Identifier: MIT */
/* Rows of any float type as F32, sixteen elements at a time; @type is a constant. */
#ifndef MARU_AVX512_KEYS_H
#define MARU_AVX512_KEYS_H

#include <immintrin.h>
#include <stdint.h>

#include "firmware-emu/engine/kernels/avx512_load.h"
#include "uapi/drm/maru_cmd.h"

AVX512_INLINE __m512 avx512_from_half(unsigned int type, __m256i half)
{
	if (type == MARU_TYPE_F16)
		return _mm512_cvtph_ps(half);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

AVX512_INLINE uint32_t avx512_row_size(unsigned int type)
{
	return type == MARU_TYPE_F32 ? 4 : 2;
}

AVX512_INLINE __m512 avx512_row(unsigned int type, const uint8_t *row, uint32_t d)
{
	if (type == MARU_TYPE_F32)
		return _mm512_loadu_ps(row + d * 4ULL);
	return avx512_from_half(type, _mm256_loadu_si256((const __m256i *)(const void *)
						     (row + d * 2ULL)));
}

/* The last @n < 16 elements of a row, then zeros. */
AVX512_INLINE __m512 avx512_row_rest(unsigned int type, const uint8_t *row, uint32_t d, uint32_t n)
{
	__mmask16 mask = (__mmask16)((1u << n) - 1);

	if (type == MARU_TYPE_F32)
		return _mm512_maskz_loadu_ps(mask, row + d * 4ULL);
	return avx512_from_half(type, _mm256_maskz_loadu_epi16(mask, row + d * 2ULL));
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Thirty-two elements of any float type as F32, for the files that are built for AVX-512; @type is
 * a constant.
 */
#ifndef MARU_AVX512_LOAD_H
#define MARU_AVX512_LOAD_H

#include <immintrin.h>
#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

#define AVX512_INLINE	static inline __attribute__((always_inline))

/* Words @first, @first + @step, … */
AVX512_INLINE __m512i avx512_words(int first, int step)
{
	const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7,
						8, 9, 10, 11, 12, 13, 14, 15);

	return _mm512_add_epi32(_mm512_mullo_epi32(lanes, _mm512_set1_epi32(step)),
				_mm512_set1_epi32(first));
}

/* BF16 that are sixteen elements of @both from number @first on. */
AVX512_INLINE __m512 avx512_widen_bf16(__m512i both, int first)
{
	__m512i places = avx512_words(first << 16, 1 << 16);

	return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, places, both));
}

AVX512_INLINE void avx512_load(unsigned int type, const void *from, __m512 x[2])
{
	const float *wide = from;
	__m512i both;

	if (type == MARU_TYPE_F32) {
		x[0] = _mm512_loadu_ps(wide);
		x[1] = _mm512_loadu_ps(wide + 16);
		return;
	}
	both = _mm512_loadu_si512(from);
	if (type == MARU_TYPE_F16) {
		x[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(both));
		x[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(both, 1));
	} else {
		x[0] = avx512_widen_bf16(both, 0);
		x[1] = avx512_widen_bf16(both, 16);
	}
}

/* Rounded to BF16 in the upper halves, nearest even; NaN is quiet and stays one. */
AVX512_INLINE __m512i avx512_round_bf16(__m512 x)
{
	__m512i bits = _mm512_castps_si512(x);
	__m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
	__m512i more = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));

	return _mm512_mask_add_epi32(bits, _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q), bits, more);
}

AVX512_INLINE void avx512_put(void *to, __m512i bits, int is_stream)
{
	if (is_stream)
		_mm512_stream_si512(to, bits);
	else
		_mm512_storeu_si512(to, bits);
}

AVX512_INLINE void avx512_put_bf16(void *to, const __m512 x[2], int is_stream)
{
	/* The upper halves of both, in order. */
	const __m512i words = avx512_words(0x00030001, 0x00040004);

#ifdef __AVX512BF16__
	/* The instruction takes denormals for zeros. */
	if (!(_mm512_fpclass_ps_mask(x[0], 0x20) | _mm512_fpclass_ps_mask(x[1], 0x20))) {
		avx512_put(to, (__m512i)_mm512_cvtne2ps_pbh(x[1], x[0]), is_stream);
		return;
	}
#endif
	avx512_put(to, _mm512_permutex2var_epi16(avx512_round_bf16(x[0]), words,
						 avx512_round_bf16(x[1])), is_stream);
}

/* NaN in @x are quiet: results, not values that were only loaded. */
AVX512_INLINE void avx512_store(unsigned int type, void *to, const __m512 x[2], int is_stream)
{
	if (type == MARU_TYPE_F32) {
		avx512_put(to, _mm512_castps_si512(x[0]), is_stream);
		avx512_put((float *)to + 16, _mm512_castps_si512(x[1]), is_stream);
	} else if (type == MARU_TYPE_F16) {
		__m256i low = _mm512_cvtps_ph(x[0], _MM_FROUND_TO_NEAREST_INT);
		__m256i high = _mm512_cvtps_ph(x[1], _MM_FROUND_TO_NEAREST_INT);

		avx512_put(to, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), is_stream);
	} else {
		avx512_put_bf16(to, x, is_stream);
	}
}

#endif

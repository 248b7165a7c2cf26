/* SPDX-License-Identifier: MIT */
/*
 * Thirty-two elements of any float type as F32, for the files that are built for AVX-512; @type is
 * a constant.
 */
#ifndef MARU_AVX512_LOAD_H
#define MARU_AVX512_LOAD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

#define AVX512_INLINE	static inline __attribute__((always_inline))
#define AVX512_BOTH(...)	do { for (int v = 0; v < 2; v++) __VA_ARGS__; } while (0)

/* The lanes of vector number @v that are among @n elements. */
AVX512_INLINE __mmask16 avx512_lanes(size_t n, int v)
{
	size_t before = 16 * (size_t)v;

	return n <= before ? 0 : n - before < 16 ? (__mmask16)((1u << (n - before)) - 1) : 0xffff;
}

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

/* @both: 32 elements of 16 bits. */
AVX512_INLINE void avx512_widen(unsigned int type, __m512i both, __m512 x[2])
{
	if (type == MARU_TYPE_F16) {
		x[0] = _mm512_cvtph_ps(_mm512_castsi512_si256(both));
		x[1] = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(both, 1));
	} else {
		x[0] = avx512_widen_bf16(both, 0);
		x[1] = avx512_widen_bf16(both, 16);
	}
}

AVX512_INLINE void avx512_load(unsigned int type, const void *from, __m512 x[2])
{
	if (type == MARU_TYPE_F32)
		AVX512_BOTH(x[v] = _mm512_loadu_ps((const float *)from + 16 * v));
	else
		avx512_widen(type, _mm512_loadu_si512(from), x);
}

/* The first @n ≤ 32 elements, then zeros. */
AVX512_INLINE void avx512_load_part(unsigned int type, const void *from, size_t n, __m512 x[2])
{
	if (n == 32)
		avx512_load(type, from, x);
	else if (type == MARU_TYPE_F32)
		AVX512_BOTH(x[v] = _mm512_maskz_loadu_ps(avx512_lanes(n, v),
							 (const float *)from + 16 * v));
	else
		avx512_widen(type, _mm512_maskz_loadu_epi16((1u << n) - 1, from), x);
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

/* NaN in @x are quiet: results, not values that were only loaded. */
AVX512_INLINE __m512i avx512_narrow(unsigned int type, const __m512 x[2])
{
	/* The upper halves of both, in order. */
	const __m512i words = avx512_words(0x00030001, 0x00040004);

	if (type == MARU_TYPE_F16) {
		__m256i low = _mm512_cvtps_ph(x[0], _MM_FROUND_TO_NEAREST_INT);
		__m256i high = _mm512_cvtps_ph(x[1], _MM_FROUND_TO_NEAREST_INT);

		return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
	}
#ifdef __AVX512BF16__
	/* The instruction takes denormals for zeros. */
	if (!(_mm512_fpclass_ps_mask(x[0], 0x20) | _mm512_fpclass_ps_mask(x[1], 0x20)))
		return (__m512i)_mm512_cvtne2ps_pbh(x[1], x[0]);
#endif
	return _mm512_permutex2var_epi16(avx512_round_bf16(x[0]), words,
					 avx512_round_bf16(x[1]));
}

AVX512_INLINE void avx512_store(unsigned int type, void *to, const __m512 x[2], int is_stream)
{
	if (type == MARU_TYPE_F32)
		AVX512_BOTH(avx512_put((float *)to + 16 * v, _mm512_castps_si512(x[v]),
				       is_stream));
	else
		avx512_put(to, avx512_narrow(type, x), is_stream);
}

/* The first @n ≤ 32. */
AVX512_INLINE void avx512_store_part(unsigned int type, void *to, const __m512 x[2], size_t n,
				     int is_stream)
{
	if (n == 32)
		avx512_store(type, to, x, is_stream);
	else if (type == MARU_TYPE_F32)
		AVX512_BOTH(_mm512_mask_storeu_ps((float *)to + 16 * v, avx512_lanes(n, v), x[v]));
	else
		_mm512_mask_storeu_epi16(to, (1u << n) - 1, avx512_narrow(type, x));
}

/* May rows from @to on be streamed? */
AVX512_INLINE int avx512_is_aligned(const void *to)
{
	return !((uintptr_t)to & 63);
}

/* Calls @f(@argument, type) with the type as a constant. */
#define AVX512_BY_TYPE(type_, f, argument) \
	do { \
		if ((type_) == MARU_TYPE_F32) \
			f(argument, MARU_TYPE_F32); \
		else if ((type_) == MARU_TYPE_F16) \
			f(argument, MARU_TYPE_F16); \
		else \
			f(argument, MARU_TYPE_BF16); \
	} while (0)

#endif

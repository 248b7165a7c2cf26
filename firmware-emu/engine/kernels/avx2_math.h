/* SPDX-License-Identifier: MIT */
/* Eight floats at a time, for the files that are built for AVX2 and FMA. */
#ifndef MARU_AVX2_MATH_H
#define MARU_AVX2_MATH_H

#include <immintrin.h>
#include <stdint.h>

/**
 * avx2_exp() - e^x as act_exp() does it, with FMA.
 *
 * |error| < 2 ulp, denormals too; 1 at 0; 0 below ln 2^-150, Inf above ln 2^128; NaN stays.
 */
static inline __m256 avx2_exp(__m256 x)
{
	const __m256 round = _mm256_set1_ps(12582912.0f);	/* 1.5 · 2^23 */
	const __m256 one = _mm256_set1_ps(1.0f);
	__m256i whole, half, bias = _mm256_set1_epi32(127);
	__m256 n, r, p, first, second;

	/* The second operand is what min and max give for a NaN. */
	x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
	x = _mm256_max_ps(_mm256_set1_ps(-104.0f), x);
	n = _mm256_fmadd_ps(x, _mm256_set1_ps(1.44269504088896341f), round);
	whole = _mm256_sub_epi32(_mm256_castps_si256(n), _mm256_castps_si256(round));
	n = _mm256_sub_ps(n, round);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
	p = _mm256_set1_ps(1.9875691500e-4f);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.3981999507e-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.3334519073e-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.1665795894e-2f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.6666665459e-1f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.0000001201e-1f));
	p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), one);
	half = _mm256_srai_epi32(whole, 1);
	first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
	second = _mm256_castsi256_ps(_mm256_slli_epi32(
			_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23));
	return _mm256_mul_ps(_mm256_mul_ps(p, first), second);
}

/** avx2_mask() - The first @n ≤ 8 lanes, for loads and stores of a rest. */
static inline __m256i avx2_mask(unsigned int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
				  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/** avx2_sum() - Sum of four doubles in one fixed order. */
static inline double avx2_sum(__m256d x)
{
	__m128d pair = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));

	return _mm_cvtsd_f64(_mm_add_sd(pair, _mm_unpackhi_pd(pair, pair)));
}

#endif

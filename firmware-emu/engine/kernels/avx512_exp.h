/* SPDX-License-Identifier: MIT */
/* e^x of four times sixteen floats, for the files that are built for AVX-512. */
#ifndef MARU_AVX512_EXP_H
#define MARU_AVX512_EXP_H

#include <immintrin.h>

#define AVX512_EXP_MAX	104.0f

/* Vectors whose steps alternate: the steps of one wait for each other. */
#define AVX512_TOGETHER		4
#define AVX512_EACH(...) \
	do { for (int v = 0; v < AVX512_TOGETHER; v++) __VA_ARGS__; } while (0)

/**
 * avx512_exp() - e^(sign · x) for |x| ≤ AVX512_EXP_MAX, and NaN; @sign: 1 or −1, a constant.
 *
 * sign · x = (n + j / 16) ln 2 + sign · r with |r| < ln 2 / 32: a table of 2^(j / 16) and a
 * polynomial of degree 3, which leaves 2^-26.6. |error| < 2 ulp, 1 at 0, denormals too; 0 and Inf
 * at the ends.
 */
static inline __attribute__((always_inline)) void avx512_exp(__m512 x[AVX512_TOGETHER], float sign)
{
	const __m512 round = _mm512_set1_ps(0x1.8p19f);		/* its last bit is 1/16 */
	const __m512 table = _mm512_setr_ps(
		0x1p0f, 0x1.0b5586p0f, 0x1.172b84p0f, 0x1.2387a6p0f,
		0x1.306fep0f, 0x1.3dea64p0f, 0x1.4bfdaep0f, 0x1.5ab07ep0f,
		0x1.6a09e6p0f, 0x1.7a1148p0f, 0x1.8ace54p0f, 0x1.9c4918p0f,
		0x1.ae89fap0f, 0x1.c199bep0f, 0x1.d5818ep0f, 0x1.ea4afap0f);
	__m512 n[AVX512_TOGETHER], p[AVX512_TOGETHER], t[AVX512_TOGETHER];

	AVX512_EACH(t[v] = _mm512_fmadd_ps(x[v], _mm512_set1_ps(sign * 0x1.715476p0f),
					   round));
	AVX512_EACH(n[v] = _mm512_sub_ps(t[v], round));
	AVX512_EACH(x[v] = _mm512_fnmadd_ps(n[v], _mm512_set1_ps(sign * 0x1.62e4p-1f), x[v]));
	AVX512_EACH(x[v] = _mm512_fnmadd_ps(n[v], _mm512_set1_ps(sign * 0x1.7f7d1cp-20f), x[v]));
	AVX512_EACH(t[v] = _mm512_permutexvar_ps(_mm512_castps_si512(t[v]), table));
	AVX512_EACH(p[v] = _mm512_fmadd_ps(x[v], _mm512_set1_ps(sign * 0x1.555556p-3f),
					   _mm512_set1_ps(0.5f)));
	AVX512_EACH(p[v] = _mm512_fmadd_ps(p[v], x[v], _mm512_set1_ps(sign)));
	AVX512_EACH(x[v] = _mm512_mul_ps(t[v], x[v]));
	AVX512_EACH(x[v] = _mm512_fmadd_ps(x[v], p[v], t[v]));
	AVX512_EACH(x[v] = _mm512_scalef_ps(x[v], n[v]));
}

#endif

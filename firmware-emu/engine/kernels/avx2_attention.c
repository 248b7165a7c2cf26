// SPDX-License-Identifier: MIT
/* Level 1: the running softmax, and what goes into scores before it. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx2_math.h"

#define INLINE	static inline __attribute__((always_inline))
/* 2^x for x up to about 0; 0 from -126.5 on; NaN stays. */
INLINE __m256 power(__m256 x)
{
	const __m256 round = _mm256_set1_ps(12582912.0f);	/* 1.5 · 2^23 */
	__m256 n, r, p;

	x = _mm256_max_ps(_mm256_set1_ps(-127.0f), x);	/* the second one if NaN */
	n = _mm256_add_ps(x, round);
	r = _mm256_sub_ps(x, _mm256_sub_ps(n, round));
	p = _mm256_set1_ps(0x1.5bba12p-10f);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.3cea88p-7f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.c6b752p-5f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.ebf9bcp-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0x1.62e42ap-1f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
	/* The low bits of n are its integer; 0x4b400000 << 23 is 0. */
	return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(
			_mm256_add_epi32(_mm256_castps_si256(n), _mm256_set1_epi32(127)), 23)));
}

INLINE float lane_max(__m256 x)
{
	__m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	half = _mm_max_ps(half, _mm_movehl_ps(half, half));
	half = _mm_max_ss(half, _mm_movehdup_ps(half));
	return _mm_cvtss_f32(half);
}

INLINE float lane_sum(__m256 x)
{
	__m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	half = _mm_add_ss(half, _mm_movehdup_ps(half));
	return _mm_cvtss_f32(half);
}

static float avx2_largest(const float *x, size_t n, float factor, float max)
{
	const __m256 least = _mm256_set1_ps(-INFINITY), scale = _mm256_set1_ps(factor);
	__m256 most = least;
	size_t i;

	/* Of two the second is taken when one is NaN: a NaN score does not stay in most. */
	for (i = 0; i + 8 <= n; i += 8)
		most = _mm256_max_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), scale), most);
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));
		__m256 rest = _mm256_mul_ps(_mm256_maskload_ps(x + i, mask), scale);

		most = _mm256_max_ps(_mm256_blendv_ps(least, rest, _mm256_castsi256_ps(mask)),
				     most);
	}
	return fmaxf(lane_max(most), max);
}

static float avx2_softmax(float *x, size_t n, float scale, float most, float *max, float *sum)
{
	const __m256 wide = _mm256_set1_ps(scale);
	float base = most == -INFINITY ? 0 : most, factor;
	__m256 low = _mm256_set1_ps(base), added = _mm256_setzero_ps();
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		__m256 p = power(_mm256_fmsub_ps(_mm256_loadu_ps(x + i), wide, low));

		added = _mm256_add_ps(added, p);
		_mm256_storeu_ps(x + i, p);
	}
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));
		__m256 p = power(_mm256_fmsub_ps(_mm256_maskload_ps(x + i, mask), wide, low));

		p = _mm256_and_ps(p, _mm256_castsi256_ps(mask));
		added = _mm256_add_ps(added, p);
		_mm256_maskstore_ps(x + i, mask, p);
	}
	factor = most == *max ? 1.0f : _mm256_cvtss_f32(power(_mm256_set1_ps(*max - base)));
	*sum = *sum * factor + lane_sum(added);
	*max = most;
	return factor;
}

static void avx2_scale(float *x, size_t n, float factor)
{
	const __m256 wide = _mm256_set1_ps(factor);
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), wide));
	for (; i < n; i++)
		x[i] *= factor;
}

/* 1 - 2 / (e^2a + 1), near 0 the series. */
INLINE __m256 tanh_of(__m256 x)
{
	const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
	__m256 a = _mm256_andnot_ps(sign, x), z = _mm256_mul_ps(x, x), small, large;

	small = _mm256_set1_ps(-5.70498872745e-3f);
	small = _mm256_fmadd_ps(small, z, _mm256_set1_ps(2.06390887954e-2f));
	small = _mm256_fmadd_ps(small, z, _mm256_set1_ps(-5.37397155531e-2f));
	small = _mm256_fmadd_ps(small, z, _mm256_set1_ps(1.33314422036e-1f));
	small = _mm256_fmadd_ps(small, z, _mm256_set1_ps(-3.33332819422e-1f));
	small = _mm256_fmadd_ps(_mm256_mul_ps(small, z), x, x);
	large = _mm256_add_ps(avx2_exp(_mm256_add_ps(a, a)), one);
	large = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), large));
	large = _mm256_or_ps(large, _mm256_and_ps(x, sign));
	return _mm256_blendv_ps(large, small,
				_mm256_cmp_ps(a, _mm256_set1_ps(0.625f), _CMP_LT_OQ));
}

static void bias_8(float *x, const float *mask, const struct kernels_bias *bias, __m256 scale)
{
	const __m256 least = _mm256_set1_ps(-INFINITY);
	__m256 s = _mm256_mul_ps(_mm256_loadu_ps(x), scale), m;

	if (bias->softcap != 0)
		s = _mm256_mul_ps(tanh_of(s), _mm256_set1_ps(bias->softcap));
	if (mask) {
		m = _mm256_loadu_ps(mask);
		s = _mm256_add_ps(s, _mm256_mul_ps(m, _mm256_set1_ps(bias->slope)));
		s = _mm256_blendv_ps(s, least, _mm256_cmp_ps(m, least, _CMP_EQ_OQ));
	}
	_mm256_storeu_ps(x, s);
}

static void avx2_bias(float *x, size_t n, const struct kernels_bias *bias)
{
	__m256 scale = _mm256_set1_ps(bias->softcap == 0 ? bias->scale :
				      bias->scale / bias->softcap);
	float rest[8] = { 0 }, mask[8] = { 0 };
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		bias_8(x + i, bias->mask ? bias->mask + i : NULL, bias, scale);
	if (i == n)
		return;
	memcpy(rest, x + i, (n - i) * sizeof(float));
	if (bias->mask)
		memcpy(mask, bias->mask + i, (n - i) * sizeof(float));
	bias_8(rest, bias->mask ? mask : NULL, bias, scale);
	memcpy(x + i, rest, (n - i) * sizeof(float));
}

void kernels_attention_avx2(struct kernels_attention *table)
{
	kernels_attention_avx2_few(table);
	kernels_attention_avx2_block(table);
	table->bias = avx2_bias;
	table->largest = avx2_largest;
	table->softmax = avx2_softmax;
	table->scale = avx2_scale;
}

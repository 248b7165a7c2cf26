// SPDX-License-Identifier: MIT
/* Level 1: a few queries against keys where they lie, and the running softmax. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx2_math.h"
#include "uapi/drm/maru_cmd.h"

#define INLINE	static inline __attribute__((always_inline))
#define KEYS	2u	/* keys and rows that meet at a time */
#define ROWS	4u

INLINE __m256 load(unsigned int type, const uint8_t *key, uint32_t d)
{
	__m128i half;

	if (type == MARU_TYPE_F32)
		return _mm256_loadu_ps((const float *)(const void *)key + d);
	half = _mm_loadu_si128((const __m128i *)(const void *)(key + d * 2));
	if (type == MARU_TYPE_F16)
		return _mm256_cvtph_ps(half);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* The last @n < 8 elements of a row. */
INLINE __m256 load_rest(unsigned int type, const uint8_t *key, uint32_t d, uint32_t n)
{
	uint8_t rest[32] = { 0 };
	unsigned int size = type == MARU_TYPE_F32 ? 4 : 2;

	memcpy(rest, key + d * size, n * size);
	return load(type, rest, 0);
}

/* Sums of the lanes of eight vectors. */
INLINE __m256 sums_of(const __m256 *v)
{
	__m256 a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
	__m256 b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));

	return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20),
			     _mm256_permute2f128_ps(a, b, 0x31));
}

/* Four rows and two keys; vector 4 i + r belongs to key i and row r. */
INLINE void scores_4x2(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		       uint32_t i, float *out)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	const uint8_t *first = attend->keys[i], *second = attend->keys[i + 1];
	uint32_t d, r, whole = attend->d / 8 * 8;
	__m256 sum[8];

	for (r = 0; r < 8; r++)
		sum[r] = _mm256_setzero_ps();
	for (d = 0; d < whole; d += 8) {
		__m256 a = load(type, first, d), b = load(type, second, d);

		for (r = 0; r < ROWS; r++) {
			__m256 q = _mm256_loadu_ps(in + (size_t)r * attend->in_step + d);

			sum[r] = _mm256_fmadd_ps(q, a, sum[r]);
			sum[4 + r] = _mm256_fmadd_ps(q, b, sum[4 + r]);
		}
	}
	if (d < attend->d) {
		__m256 a = load_rest(type, first, d, attend->d - d);
		__m256 b = load_rest(type, second, d, attend->d - d);

		for (r = 0; r < ROWS; r++) {
			__m256 q = load_rest(MARU_TYPE_F32, (const uint8_t *)(in +
					     (size_t)r * attend->in_step), d, attend->d - d);

			sum[r] = _mm256_fmadd_ps(q, a, sum[r]);
			sum[4 + r] = _mm256_fmadd_ps(q, b, sum[4 + r]);
		}
	}
	_mm256_storeu_ps(out, sums_of(sum));
}

INLINE void scores_1(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		     uint32_t i)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	const uint8_t *key = attend->keys[i];
	uint32_t d, whole = attend->d / 8 * 8;
	__m256 sum[8];

	for (d = 0; d < 8; d++)
		sum[d] = _mm256_setzero_ps();
	for (d = 0; d < whole; d += 8)
		sum[0] = _mm256_fmadd_ps(_mm256_loadu_ps(in + d), load(type, key, d), sum[0]);
	if (d < attend->d)
		sum[0] = _mm256_fmadd_ps(load_rest(MARU_TYPE_F32, (const uint8_t *)in, d,
						   attend->d - d),
					 load_rest(type, key, d, attend->d - d), sum[0]);
	attend->out[(size_t)row * attend->out_step + i] = _mm256_cvtss_f32(sums_of(sum));
}

INLINE void scores_of(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row, i, r;
	float out[8];

	for (i = 0; i < attend->count; i += KEYS) {
		for (row = 0; row + ROWS <= attend->rows && i + KEYS <= attend->count;
		     row += ROWS) {
			scores_4x2(attend, type, row, i, out);
			for (r = 0; r < ROWS; r++) {
				float *to = attend->out + (size_t)(row + r) * attend->out_step + i;

				to[0] = out[r];
				to[1] = out[4 + r];
			}
		}
		for (; row < attend->rows; row++)
			for (r = 0; r < KEYS && i + r < attend->count; r++)
				scores_1(attend, type, row, i + r);
	}
}

static void avx2_scores(const struct kernels_attend *attend)
{
	if (attend->type == MARU_TYPE_F32)
		scores_of(attend, MARU_TYPE_F32);
	else if (attend->type == MARU_TYPE_F16)
		scores_of(attend, MARU_TYPE_F16);
	else
		scores_of(attend, MARU_TYPE_BF16);
}

/* Columns @d and up to 15 behind it of @rows ≤ 4 rows. */
INLINE void values_part(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			uint32_t rows, uint32_t d, uint32_t vectors)
{
	float *out = attend->out + (size_t)row * attend->out_step + d;
	const float *in = attend->in + (size_t)row * attend->in_step;
	__m256 sum[ROWS * 2];
	uint32_t i, r, v;

	for (r = 0; r < rows; r++)
		for (v = 0; v < vectors; v++)
			sum[r * 2 + v] = _mm256_loadu_ps(out + (size_t)r * attend->out_step +
							 v * 8);
	for (i = 0; i < attend->count; i++) {
		__m256 a = load(type, attend->keys[i], d);
		__m256 b = vectors > 1 ? load(type, attend->keys[i], d + 8) : a;

		for (r = 0; r < rows; r++) {
			__m256 w = _mm256_broadcast_ss(in + (size_t)r * attend->in_step + i);

			sum[r * 2] = _mm256_fmadd_ps(w, a, sum[r * 2]);
			if (vectors > 1)
				sum[r * 2 + 1] = _mm256_fmadd_ps(w, b, sum[r * 2 + 1]);
		}
	}
	for (r = 0; r < rows; r++)
		for (v = 0; v < vectors; v++)
			_mm256_storeu_ps(out + (size_t)r * attend->out_step + v * 8,
					 sum[r * 2 + v]);
}

INLINE void values_rest(const struct kernels_attend *attend, unsigned int type, uint32_t d)
{
	uint32_t n = attend->d - d, i, r;
	float part[8];

	for (i = 0; i < attend->count; i++) {
		_mm256_storeu_ps(part, load_rest(type, attend->keys[i], d, n));
		for (r = 0; r < attend->rows; r++)
			for (uint32_t e = 0; e < n; e++)
				attend->out[(size_t)r * attend->out_step + d + e] +=
					attend->in[(size_t)r * attend->in_step + i] * part[e];
	}
}

INLINE void values_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			uint32_t rows)
{
	uint32_t d = 0;

	for (; d + 16 <= attend->d; d += 16)
		values_part(attend, type, row, rows, d, 2);
	if (d + 8 <= attend->d)
		values_part(attend, type, row, rows, d, 1);
}

INLINE void values_of(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row = 0;

	for (; row + ROWS <= attend->rows; row += ROWS)
		values_rows(attend, type, row, ROWS);
	for (; row < attend->rows; row++)
		values_rows(attend, type, row, 1);
	if (attend->d % 8)
		values_rest(attend, type, attend->d / 8 * 8);
}

static void avx2_values(const struct kernels_attend *attend)
{
	if (attend->type == MARU_TYPE_F32)
		values_of(attend, MARU_TYPE_F32);
	else if (attend->type == MARU_TYPE_F16)
		values_of(attend, MARU_TYPE_F16);
	else
		values_of(attend, MARU_TYPE_BF16);
}

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

static float largest(const float *x, size_t n, __m256 scale, float max)
{
	const __m256 least = _mm256_set1_ps(-INFINITY);
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

static float avx2_softmax(float *x, size_t n, float scale, float *max, float *sum)
{
	const __m256 wide = _mm256_set1_ps(scale);
	float most = largest(x, n, wide, *max), base = most == -INFINITY ? 0 : most, factor;
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
	table->scores = avx2_scores;
	table->values = avx2_values;
	table->bias = avx2_bias;
	table->softmax = avx2_softmax;
	table->scale = avx2_scale;
}

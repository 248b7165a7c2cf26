// SPDX-License-Identifier: MIT
/* Level 1 of kernels_rows.h: AVX2 and FMA. Rests of a row are done under a mask. */
#include <math.h>
#include <stdint.h>

#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/kernels/avx2_load.h"
#include "firmware-emu/engine/kernels/avx2_math.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels/softmax.h"

#define INLINE	AVX2_INLINE

INLINE __m256d low(__m256 x)
{
	return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

INLINE __m256d high(__m256 x)
{
	return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

/* Four floats in memory as doubles: half the work of eight in a register. */
INLINE __m256d four(const float *x)
{
	return _mm256_cvtps_pd(_mm_loadu_ps(x));
}

/* Sum, or sum of squares, in four times four lanes. */
struct lanes {
	__m256d sum[4];
};

/* Sixteen elements as doubles, four by four; F32 come from memory, which is half the work. */
INLINE void sixteen(unsigned int type, const void *x, __m256d y[4])
{
	__m256 both[2];

	if (type == MARU_TYPE_F32) {
		EACH_OF(4, y[v] = four((const float *)x + 4 * v));
		return;
	}
	avx2_load16(type, x, both);
	EACH_OF(4, y[v] = v % 2 ? high(both[v / 2]) : low(both[v / 2]));
}

INLINE void lanes_add(struct lanes *lanes, unsigned int type, const void *x, bool squares,
		      double mean)
{
	__m256d y[4];

	sixteen(type, x, y);
	if (mean != 0)
		EACH_OF(4, y[v] = _mm256_sub_pd(y[v], _mm256_set1_pd(mean)));
	EACH_OF(4, lanes->sum[v] = squares ? _mm256_fmadd_pd(y[v], y[v], lanes->sum[v]) :
				   _mm256_add_pd(lanes->sum[v], y[v]));
}

INLINE double lanes_end(const struct lanes *lanes, unsigned int type, const void *x, size_t i,
			size_t n, bool squares, double mean)
{
	double sum = avx2_sum(_mm256_add_pd(_mm256_add_pd(lanes->sum[0], lanes->sum[2]),
					    _mm256_add_pd(lanes->sum[1], lanes->sum[3])));

	for (; i < n; i++) {
		double y = element_load(type, x, i) - mean;

		sum += squares ? y * y : y;
	}
	return sum;
}

INLINE double lanes_all(unsigned int type, const void *x, size_t n, bool squares, double mean)
{
	struct lanes lanes = { 0 };
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		lanes_add(&lanes, type, (const uint8_t *)x + i * element_bytes(type), squares,
			  mean);
	return lanes_end(&lanes, type, x, i, n, squares, mean);
}

static double avx2_sum_of(unsigned int type, const void *x, size_t n)
{
	double sum = 0;

#define SUM(x, type)	(sum = lanes_all(type, x, n, false, 0))
	AVX2_BY_TYPE(type, SUM, x);
	return sum;
}

static double avx2_sum_squares(unsigned int type, const void *x, double mean, size_t n)
{
	double sum = 0;

#define SQUARES(x, type)	(sum = lanes_all(type, x, n, true, 0))
#define FAR(x, type)		(sum = lanes_all(type, x, n, true, mean))
	if (mean == 0)
		AVX2_BY_TYPE(type, SQUARES, x);
	else
		AVX2_BY_TYPE(type, FAR, x);
	return sum;
}

/* Whole sixteens. */
INLINE void norm_run(struct kernels_norm *norm, unsigned int from_type, unsigned int to_type,
		     const bool has_next)
{
	float mean_ = (float)norm->mean, factor_ = (float)norm->factor;
	__m256 mean = _mm256_set1_ps(mean_), factor = _mm256_set1_ps(factor_);
	__m256 rest = _mm256_set1_ps((float)(norm->mean - mean_)), y[2];
	size_t from_size = element_bytes(from_type), to_size = element_bytes(to_type), i;
	const size_t n = norm->n & ~(size_t)15;
	const bool has_mean = norm->has_mean, is_streamed = norm->is_streamed;
	const uint8_t *from = norm->from, *next = norm->next;
	const float *mul = norm->mul, *add = norm->add;
	struct lanes lanes = { 0 };
	uint8_t *to = norm->to;

	for (i = 0; i < n; i += 16) {
		if (has_next && has_mean)
			lanes_add(&lanes, from_type, next + i * from_size, false, 0);
		else if (has_next)
			lanes_add(&lanes, from_type, next + i * from_size, true, 0);
		/* What is summed soon comes in the meantime. */
		_mm_prefetch((const char *)(has_next ? next + KERNELS_NORM_AHEAD :
					    from + norm->n * from_size) + i * from_size,
			     _MM_HINT_T0);
		avx2_load16(from_type, from + i * from_size, y);
		if (has_mean)
			EACH_OF(2, y[v] = _mm256_sub_ps(_mm256_sub_ps(y[v], mean), rest));
		EACH_OF(2, y[v] = _mm256_mul_ps(y[v], factor));
		if (mul)
			EACH_OF(2, y[v] = _mm256_mul_ps(y[v], _mm256_loadu_ps(mul + i + 8 * v)));
		if (add)
			EACH_OF(2, y[v] = _mm256_add_ps(y[v], _mm256_loadu_ps(add + i + 8 * v)));
		avx2_store16(to_type, to + i * to_size, y, is_streamed);
	}
	if (has_next)
		norm->next_sum = lanes_end(&lanes, from_type, next, n, norm->n, !has_mean, 0);
}

INLINE void norm_from(struct kernels_norm *norm, unsigned int from_type)
{
#define NORM_TO(norm, type) \
	(norm->next ? norm_run(norm, from_type, type, true) : \
	 norm_run(norm, from_type, type, false))
	AVX2_BY_TYPE(norm->to_type, NORM_TO, norm);
}

static void avx2_norm(struct kernels_norm *norm)
{
	size_t done = norm->is_wide ? 0 : norm->n & ~(size_t)15;
	struct kernels_norm rest;

	norm->is_streamed &= avx2_is_aligned(norm->to);
	if (done)
		AVX2_BY_TYPE(norm->from_type, norm_from, norm);
	else if (norm->next)
		norm->next_sum = norm->has_mean ?
				 avx2_sum_of(norm->from_type, norm->next, norm->n) :
				 avx2_sum_squares(norm->from_type, norm->next, 0, norm->n);
	rest = *norm;
	rest.n -= done;
	rest.to = (uint8_t *)norm->to + done * element_bytes(norm->to_type);
	rest.from = (const uint8_t *)norm->from + done * element_bytes(norm->from_type);
	rest.mul = norm->mul ? norm->mul + done : NULL;
	rest.add = norm->add ? norm->add + done : NULL;
	rest.next = NULL;
	if (rest.n)
		kernels_rows_norm(&rest);
}

INLINE __m256 exponent(const struct kernels_soft *soft, size_t i, bool has_mask)
{
	__m256 t = _mm256_mul_ps(_mm256_set1_ps(soft->scale), _mm256_loadu_ps(soft->x + i));

	if (has_mask)
		t = _mm256_add_ps(t, _mm256_mul_ps(_mm256_set1_ps(soft->slope),
						   _mm256_loadu_ps(soft->mask + i)));
	return t;
}

/* Up to eight at the end of a row; lanes that do not exist are −Inf. */
INLINE __m256 exponent_rest(const struct kernels_soft *soft, size_t i, bool has_mask)
{
	size_t left = soft->n - i;
	const __m256i mask = avx2_mask(left < 8 ? (unsigned int)left : 8);
	__m256 t = _mm256_mul_ps(_mm256_set1_ps(soft->scale),
				 _mm256_maskload_ps(soft->x + i, mask));

	if (has_mask)
		t = _mm256_add_ps(t, _mm256_mul_ps(_mm256_set1_ps(soft->slope),
						   _mm256_maskload_ps(soft->mask + i, mask)));
	return _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), t, _mm256_castsi256_ps(mask));
}

INLINE float max_all(const struct kernels_soft *soft, bool has_mask)
{
	__m256 a = _mm256_set1_ps(-INFINITY), b = a;
	float lanes[8], max = -INFINITY;
	size_t i, j, n = soft->n;

	/* A NaN is the first operand, so what was found stays. */
	for (i = 0; i + 16 <= n; i += 16) {
		a = _mm256_max_ps(exponent(soft, i, has_mask), a);
		b = _mm256_max_ps(exponent(soft, i + 8, has_mask), b);
	}
	for (; i < n; i += 8)
		a = _mm256_max_ps(exponent_rest(soft, i, has_mask), a);
	_mm256_storeu_ps(lanes, _mm256_max_ps(a, b));
	for (j = 0; j < 8; j++)
		max = lanes[j] > max ? lanes[j] : max;
	return max;
}

static float avx2_max(const struct kernels_soft *soft)
{
	return soft->mask ? max_all(soft, true) : max_all(soft, false);
}

#define TOGETHER	4
#define EACH(step)	EACH_OF(TOGETHER, step)

/*
 * e^t for t ≤ 0 or NaN: what softmax needs, with less than avx2_exp() does. The polynomial is
 * within 2^-28 of e^r in ± ln 2 / 2; 2^n is 0 for n = −127, the smallest that is left.
 */
INLINE void exp_or_zero(__m256 t[TOGETHER])
{
	const __m256 round = _mm256_set1_ps(12582912.0f), one = _mm256_set1_ps(1.0f);
	__m256 n[TOGETHER], p[TOGETHER];

	EACH(t[v] = _mm256_max_ps(_mm256_set1_ps(-88.0f), t[v]));	/* a NaN, second, stays */
	EACH(n[v] = _mm256_fmadd_ps(t[v], _mm256_set1_ps(1.44269504088896341f), round));
	EACH(p[v] = _mm256_sub_ps(n[v], round));
	EACH(t[v] = _mm256_fnmadd_ps(p[v], _mm256_set1_ps(0.693359375f), t[v]));
	EACH(t[v] = _mm256_fnmadd_ps(p[v], _mm256_set1_ps(-2.12194440e-4f), t[v]));
	EACH(p[v] = _mm256_fmadd_ps(t[v], _mm256_set1_ps(0.0013814601f),
				    _mm256_set1_ps(0.0083687156f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.041668389f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.16666521f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.49999994f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], _mm256_mul_ps(t[v], t[v]), t[v]));
	EACH(n[v] = _mm256_castsi256_ps(_mm256_add_epi32(
			_mm256_slli_epi32(_mm256_castps_si256(n[v]), 23),
			_mm256_castps_si256(one))));
	EACH(t[v] = _mm256_mul_ps(_mm256_add_ps(p[v], one), n[v]));
}

INLINE double exp_all(float *to, const struct kernels_soft *soft, float max_, bool has_mask)
{
	__m256 max = _mm256_set1_ps(max_), x[TOGETHER], all;
	__m256d a = _mm256_setzero_pd(), b = a;
	size_t i, n = soft->n;

	for (i = 0; i + 8 * TOGETHER <= n; i += 8 * TOGETHER) {
		/* The next row comes while this one is computed. */
		_mm_prefetch((const char *)(soft->x + n + i), _MM_HINT_T0);
		_mm_prefetch((const char *)(soft->x + n + i + 16), _MM_HINT_T0);
		EACH(x[v] = _mm256_sub_ps(exponent(soft, i + 8 * (size_t)v, has_mask), max));
		exp_or_zero(x);
		EACH(_mm256_storeu_ps(to + i + 8 * v, x[v]));
		all = _mm256_add_ps(_mm256_add_ps(x[0], x[1]), _mm256_add_ps(x[2], x[3]));
		a = _mm256_add_pd(a, low(all));
		b = _mm256_add_pd(b, high(all));
	}
	for (; i < n; i += 8) {
		__m256i mask = avx2_mask(n - i < 8 ? (unsigned int)(n - i) : 8);

		EACH(x[v] = _mm256_sub_ps(exponent_rest(soft, i, has_mask), max));
		exp_or_zero(x);
		_mm256_maskstore_ps(to + i, mask, x[0]);
		all = _mm256_and_ps(x[0], _mm256_castsi256_ps(mask));
		a = _mm256_add_pd(a, low(all));
		b = _mm256_add_pd(b, high(all));
	}
	return avx2_sum(_mm256_add_pd(a, b));
}

static double avx2_exp_sum(float *to, const struct kernels_soft *soft, float max)
{
	return soft->mask ? exp_all(to, soft, max, true) : exp_all(to, soft, max, false);
}

static void avx2_scale(float *to, const float *from, float by_, size_t n, bool is_streamed)
{
	__m256 by = _mm256_set1_ps(by_);
	size_t i = 0;

	if (is_streamed && avx2_is_aligned(to))
		for (; i + 8 <= n; i += 8)
			_mm256_stream_ps(to + i, _mm256_mul_ps(_mm256_loadu_ps(from + i), by));
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(to + i, _mm256_mul_ps(_mm256_loadu_ps(from + i), by));
	for (; i < n; i++)
		to[i] = from[i] * by_;
}

KERNELS_SOFTMAX(avx2_softmax, avx2_max, avx2_exp_sum, avx2_scale)

void kernels_rows_avx2(struct kernels_rows *table)
{
	*table = (struct kernels_rows) {
		.sum = avx2_sum_of,
		.sum_squares = avx2_sum_squares,
		.norm = avx2_norm,
		.max = avx2_max,
		.exp = avx2_exp_sum,
		.scale = avx2_scale,
		.softmax = avx2_softmax,
	};
	kernels_rope_avx2(table);
}

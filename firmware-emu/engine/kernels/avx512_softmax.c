// SPDX-License-Identifier: MIT
/* SOFTMAX at level 2 of kernels_rows.h. Rests of a row are done under masks. */
#include <math.h>

#include "firmware-emu/engine/kernels/avx512_exp.h"
#include "firmware-emu/engine/kernels/avx512_load.h"
#include "firmware-emu/engine/kernels/softmax.h"
#include "firmware-emu/engine/kernels_rows.h"

#define INLINE	AVX512_INLINE
#define EACH	AVX512_EACH

/* @n ≤ 64 exponents from number @i on; lanes that do not exist are −Inf. */
INLINE void exponents(const struct kernels_soft *soft, size_t i, size_t n, bool has_mask,
		      __m512 t[AVX512_TOGETHER])
{
	const __m512 scale = _mm512_set1_ps(soft->scale), slope = _mm512_set1_ps(soft->slope);
	const __m512 none = _mm512_set1_ps(-INFINITY);

	EACH({
		const __mmask16 lanes = avx512_lanes(n, v);
		size_t at = i + 16 * (size_t)v;

		t[v] = _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(lanes, soft->x + at));
		if (has_mask)
			t[v] = _mm512_add_ps(t[v], _mm512_mul_ps(slope,
					     _mm512_maskz_loadu_ps(lanes, soft->mask + at)));
		t[v] = n < 64 ? _mm512_mask_blend_ps(lanes, none, t[v]) : t[v];
	});
}

INLINE void max_step(const struct kernels_soft *soft, size_t i, size_t n, bool has_mask,
		     __m512 most[AVX512_TOGETHER])
{
	__m512 t[AVX512_TOGETHER];

	exponents(soft, i, n, has_mask, t);
	EACH(most[v] = _mm512_max_ps(t[v], most[v]));	/* beside a NaN what was found stays */
}

INLINE float max_all(const struct kernels_soft *soft, bool has_mask)
{
	size_t i, n = soft->n;
	__m512 most[AVX512_TOGETHER];

	EACH(most[v] = _mm512_set1_ps(-INFINITY));
	for (i = 0; i + 64 <= n; i += 64)
		max_step(soft, i, 64, has_mask, most);
	if (i < n)
		max_step(soft, i, n - i, has_mask, most);
	return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(most[0], most[1]),
						  _mm512_max_ps(most[2], most[3])));
}

INLINE float max_of(const struct kernels_soft *soft)
{
	return soft->mask ? max_all(soft, true) : max_all(soft, false);
}

INLINE __m512d exp_step(float *to, const struct kernels_soft *soft, size_t i, size_t n,
			bool has_mask, __m512 max)
{
	__m512 t[AVX512_TOGETHER], all;

	exponents(soft, i, n, has_mask, t);
	EACH(t[v] = _mm512_sub_ps(t[v], max));
	EACH(t[v] = _mm512_max_ps(_mm512_set1_ps(-AVX512_EXP_MAX), t[v]));	/* NaN stays */
	avx512_exp(t, 1);
	EACH(_mm512_mask_storeu_ps(to + i + 16 * v, avx512_lanes(n, v), t[v]));
	all = _mm512_add_ps(_mm512_add_ps(t[0], t[1]), _mm512_add_ps(t[2], t[3]));
	return _mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(all)),
			     _mm512_cvtps_pd(_mm512_extractf32x8_ps(all, 1)));
}

/* A row whose exponentials wait to be scaled and written. */
struct waiting {
	float *to;
	const float *from;	/* NULL: none */
	__m512 by;
	bool is_streamed;
	size_t ahead;		/* elements from the ones read now to those that are asked for */
};

/* @n ≤ 64 elements from number @i on. */
INLINE void scale_step(const struct waiting *row, size_t i, size_t n)
{
	EACH({
		const float *from = row->from + i + 16 * v;
		const __mmask16 lanes = avx512_lanes(n, v);
		float *to = row->to + i + 16 * v;

		if (lanes == 0xffff)
			avx512_put(to, _mm512_castps_si512(_mm512_mul_ps(_mm512_loadu_ps(from),
									 row->by)),
				   row->is_streamed);
		else
			_mm512_mask_storeu_ps(to, lanes, _mm512_mul_ps(
					      _mm512_maskz_loadu_ps(lanes, from), row->by));
	});
}

/* Writes the row before meanwhile. */
INLINE double exp_all(float *to, const struct kernels_soft *soft, float max_, bool has_mask,
		      const struct waiting *row)
{
	__m512 max = _mm512_set1_ps(max_);
	__m512d sum = _mm512_setzero_pd();
	size_t i, n = soft->n;

	for (i = 0; i + 64 <= n; i += 64) {
		/* What is read next comes while this is computed. */
		EACH(_mm_prefetch((const char *)(soft->x + row->ahead + i + 16 * v), _MM_HINT_T1));
		if (row->from)
			scale_step(row, i, 64);
		sum = _mm512_add_pd(sum, exp_step(to, soft, i, 64, has_mask, max));
	}
	if (i < n && row->from)
		scale_step(row, i, n - i);
	if (i < n)
		sum = _mm512_add_pd(sum, exp_step(to, soft, i, n - i, has_mask, max));
	return _mm512_reduce_add_pd(sum);
}

INLINE double exp_of(float *to, const struct kernels_soft *soft, float max,
		     const struct waiting *row)
{
	return soft->mask ? exp_all(to, soft, max, true, row) : exp_all(to, soft, max, false, row);
}

INLINE void scale_by(const struct waiting *row, size_t n)
{
	size_t i;

	for (i = 0; i + 64 <= n; i += 64)
		scale_step(row, i, 64);
	if (i < n)
		scale_step(row, i, n - i);
}

static float avx512_max(const struct kernels_soft *soft)
{
	return max_of(soft);
}

static double avx512_exp_sum(float *to, const struct kernels_soft *soft, float max)
{
	return exp_of(to, soft, max, &(struct waiting) { .ahead = soft->n });
}

static void avx512_scale(float *to, const float *from, float by, size_t n, bool is_streamed)
{
	const struct waiting row = { to, from, _mm512_set1_ps(by),
				     is_streamed && avx512_is_aligned(to), 0 };

	scale_by(&row, n);
}

#define SHORT	512	/* elements; such a row is looked at before the one in front is computed */
#define AHEAD	1024	/* elements, of short rows */

static void avx512_softmax(const struct kernels_softmax *rows)
{
	float *to = rows->to, *values[2] = { rows->values, rows->values + KERNELS_SOFTMAX_MAX };
	struct kernels_soft soft = rows->first, next = soft;
	const bool is_short = soft.n <= SHORT;
	struct waiting row = { .ahead = is_short ? AHEAD : soft.n };
	float max = is_short ? max_of(&soft) : 0, next_max = 0;

	for (size_t i = 0; i < rows->count; i++, soft = next, max = next_max) {
		double sum;

		if (i + 1 < rows->count)	/* a step may lead anywhere */
			softmax_next(&next, rows);
		if (!is_short)
			max = max_of(&soft);
		else if (i + 1 < rows->count)
			next_max = max_of(&next);
		sum = exp_of(values[i % 2], &soft, max, &row);
		row.to = to;
		row.from = values[i % 2];
		row.by = _mm512_set1_ps((float)(1 / sum));
		row.is_streamed = rows->is_streamed && avx512_is_aligned(to);
		if (i + 1 < rows->count)
			to = (float *)(void *)((uint8_t *)to + rows->to_step);
	}
	scale_by(&row, soft.n);
}

void kernels_softmax_avx512(struct kernels_rows *table)
{
	table->max = avx512_max;
	table->exp = avx512_exp_sum;
	table->scale = avx512_scale;
	table->softmax = avx512_softmax;
}

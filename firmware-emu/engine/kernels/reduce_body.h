/* SPDX-License-Identifier: MIT */
/*
 * The loops of REDUCE, the same bits at every level: each includes this under its own flags, with
 * vectors as wide as it has. LEVEL: its name.
 */
#ifndef MARU_REDUCE_BODY_H
#define MARU_REDUCE_BODY_H

#include <math.h>
#include <string.h>

#include "firmware-emu/engine/kernels_rows.h"

#ifdef __AVX512F__
#define WIDE	8
#elif defined(__AVX2__)
#define WIDE	4
#else
#define WIDE	2
#endif
#define LANES	16
#define MOST	(8 * WIDE)	/* floats under way */

/* In registers, and in memory at any alignment. */
typedef double wide __attribute__((vector_size(8 * WIDE)));
typedef float full __attribute__((vector_size(8 * WIDE)));
typedef int32_t full_mask __attribute__((vector_size(8 * WIDE)));
typedef float narrow_at __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));
typedef double wide_at __attribute__((vector_size(8 * WIDE), aligned(8), may_alias));
typedef float full_at __attribute__((vector_size(8 * WIDE), aligned(4), may_alias));

static inline __attribute__((always_inline)) wide term(const float *x, bool squares)
{
	wide y = __builtin_convertvector(*(const narrow_at *)x, wide);

	return squares ? y * y : y;
}

static inline __attribute__((always_inline)) void lanes_of(double *lanes, const float *x, size_t n,
							   bool squares)
{
	wide sum[LANES / WIDE];
	size_t i, j;

	memcpy(sum, lanes, sizeof(sum));
	for (i = 0; i < n; i += LANES)
#pragma GCC unroll 8
		for (j = 0; j < LANES / WIDE; j++)
			sum[j] += term(x + i + WIDE * j, squares);
	memcpy(lanes, sum, sizeof(sum));
}

static void add_lanes(double *lanes, const float *x, size_t n, bool squares)
{
	if (squares)
		lanes_of(lanes, x, n, true);
	else
		lanes_of(lanes, x, n, false);
}

static inline __attribute__((always_inline)) void rows_of(double *restrict sum, const float *x,
							  uint64_t step, size_t rows, size_t n,
							  bool squares)
{
	size_t j, r;

	for (j = 0; j + WIDE <= n; j += WIDE) {
		const uint8_t *at = (const uint8_t *)(x + j);
		wide_at *to = (wide_at *)(sum + j);
		wide all = *to;

		for (r = 0; r < rows; r++, at += step)
			all += term((const float *)(const void *)at, squares);
		*to = all;
	}
	for (; j < n; j++)
		for (r = 0; r < rows; r++) {
			double y = *(const float *)(const void *)((const uint8_t *)(x + j) +
								  r * step);

			sum[j] += squares ? y * y : y;
		}
}

static void add_rows(double *sum, const float *x, uint64_t step, size_t rows, size_t n,
		     bool squares)
{
	if (squares)
		rows_of(sum, x, step, rows, n, true);
	else
		rows_of(sum, x, step, rows, n, false);
}

static float most(const float *x, size_t n)
{
	const full none = (full){ 0 } - INFINITY;
	full best[4];
	float result = -INFINITY;
	size_t i, j;

	for (j = 0; j < 4; j++)
		best[j] = none;
	for (i = 0; i + MOST <= n; i += MOST)
#pragma GCC unroll 4
		for (j = 0; j < 4; j++) {
			full y = *(const full_at *)(x + i + 2 * WIDE * j);
			full_mask is_more = y > best[j];

			best[j] = (full)((is_more & (full_mask)y) |
					 (~is_more & (full_mask)best[j]));
		}
	for (j = 0; j < MOST; j++)
		result = best[j / 2 / WIDE][j % (2 * WIDE)] > result ?
			 best[j / 2 / WIDE][j % (2 * WIDE)] : result;
	for (; i < n; i++)
		result = x[i] > result ? x[i] : result;
	return result;
}

#define REDUCE_LEVEL(level) \
	void kernels_reduce_##level(struct kernels_rows *table) \
	{ \
		table->add_lanes = add_lanes; \
		table->add_rows = add_rows; \
		table->most = most; \
	}

#endif

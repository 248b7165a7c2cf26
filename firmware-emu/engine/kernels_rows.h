/* SPDX-License-Identifier: MIT */
/* The loops of NORM, ROPE and SOFTMAX, one table filled with the best level as kernels.h says. */
#ifndef MARU_KERNELS_ROWS_H
#define MARU_KERNELS_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * to = (from − mean[0] − mean[1]) · factor · mul + add in f32, each step rounded; NULL: none. The
 * mean is the sum of two. is_wide: instead (from − mean) · factor is made in f64.
 */
struct kernels_norm {
	float *to;		/* may be from or add */
	const float *from;
	const float *mul;
	const float *add;
	double mean;
	double factor;
	size_t n;
	bool has_mean;
	bool is_wide;
	bool is_streamed;	/* past the caches */
	/* Not NULL, with is_streamed alone: the next row. Its sum (has_mean) or sum of squares is
	 * made beside, while what is written waits for memory; the bits are those of below. */
	const float *next;
	double next_sum;
};

/* Exponents of SOFTMAX: scale · x, + slope · mask if there is one; each step rounded. */
struct kernels_soft {
	const float *x;
	const float *mask;
	float scale;
	float slope;
	size_t n;
};

struct kernels_rows {
	/* In f64, in an order that depends on n alone. */
	double (*sum)(const float *x, size_t n);
	double (*sum_squares)(const float *x, double mean, size_t n);	/* Σ(x − mean)² */
	void (*norm)(struct kernels_norm *norm);
	/* cos and sin of turn[i] · pos, · scale, each rounded to f32. */
	void (*turn)(float *cosine, float *sine, const double *turn, double pos, double scale,
		     size_t n);
	/* Each one twice, sines with a minus at even places. */
	void (*spread)(float *cosine2, float *sine2, const float *cosine, const float *sine,
		       size_t n);
	/* Pairs (x, y) become (x · c − y · s, y · c + x · s); to may be from. pairs: x and y
	 * alternate, c and s are spread. halves: all x, then all y. */
	void (*turn_pairs)(float *to, const float *from, const float *cosine, const float *sine,
			   size_t n, bool is_streamed);
	void (*turn_halves)(float *to, const float *from, const float *cosine,
			    const float *sine, size_t n, bool is_streamed);
	/* The largest of the exponents, NaN aside; −Inf if there is none. */
	float (*max)(const struct kernels_soft *soft);
	/* to = e^(exponent − max); returns their sum: f32 of four, then f64. */
	double (*exp)(float *to, const struct kernels_soft *soft, float max);
	void (*scale)(float *to, const float *from, float by, size_t n, bool is_streamed);
};

extern struct kernels_rows kernels_rows;

/* Each level overwrites what it does better than the one below. */
void kernels_rows_plain(struct kernels_rows *table);
void kernels_rows_avx2(struct kernels_rows *table);

/** kernels_rows_norm() - Level 0 of norm, for what other levels leave to it. */
void kernels_rows_norm(struct kernels_norm *norm);

#endif

/* SPDX-License-Identifier: MIT */
/* The loops of NORM, ROPE and SOFTMAX, one table filled with the best level as kernels.h says. */
#ifndef MARU_KERNELS_ROWS_H
#define MARU_KERNELS_ROWS_H

#include <stdbool.h>
#include <stddef.h>

/* to = ((from − mean) · factor, rounded to f32) · mul + add, each step rounded; NULL: none. */
struct kernels_norm {
	float *to;		/* may be from or add */
	const float *from;
	const float *mul;
	const float *add;
	double mean;
	double factor;
	size_t n;
	bool is_streamed;	/* past the caches */
};

struct kernels_rows {
	/* In f64, in an order that depends on n alone. */
	double (*sum)(const float *x, size_t n);
	double (*sum_squares)(const float *x, double mean, size_t n);	/* Σ(x − mean)² */
	void (*norm)(const struct kernels_norm *norm);
	/* cos and sin of turn[i] · pos, · scale, each rounded to f32. */
	void (*turn)(float *cosine, float *sine, const double *turn, double pos, double scale,
		     size_t n);
	/* Pairs (x, y) become (x · c − y · s, y · c + x · s); to may be from. pairs: x and y
	 * alternate; c and s stand there twice, s with a minus at even places. halves: all x,
	 * then all y. */
	void (*turn_pairs)(float *to, const float *from, const float *cosine, const float *sine,
			   size_t n, bool is_streamed);
	void (*turn_halves)(float *to, const float *from, const float *cosine,
			    const float *sine, size_t n, bool is_streamed);
	/* to = scale · from, + slope · mask if there is one; each step rounded. */
	void (*scale_mask)(float *to, const float *from, const float *mask, float scale,
			   float slope, size_t n);
	float (*max)(const float *x, size_t n);		/* of what is not NaN; or −Inf */
	/* to = e^(from − max); returns their sum in f64, in an order that depends on n. */
	double (*exp)(float *to, const float *from, float max, size_t n);
	void (*scale)(float *to, const float *from, float by, size_t n, bool is_streamed);
};

extern struct kernels_rows kernels_rows;

/* Each level overwrites what it does better than the one below. */
void kernels_rows_plain(struct kernels_rows *table);
void kernels_rows_avx2(struct kernels_rows *table);

#endif

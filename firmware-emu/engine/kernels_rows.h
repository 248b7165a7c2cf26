/* SPDX-License-Identifier: MIT */
/* The loops of NORM, ROPE and SOFTMAX, one table filled with the best level as kernels.h says. */
#ifndef MARU_KERNELS_ROWS_H
#define MARU_KERNELS_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * to = (from − mean[0] − mean[1]) · factor · mul + add in f32, each step rounded; NULL: none. The
 * mean is the sum of two. is_wide: instead (from − mean) · factor is made in f64.
 */
struct kernels_norm {
	void *to;		/* may be from or add */
	const void *from;
	uint8_t to_type;	/* enum maru_type, floats */
	uint8_t from_type;
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
	const void *next;
	double next_sum;
};

#define KERNELS_NORM_AHEAD	8192	/* bytes of next that are asked for beforehand */

/* Heads of ROPE. */
struct kernels_turn {
	uint8_t *to;		/* may be from */
	const uint8_t *from;
	uint64_t to_step;	/* bytes between heads */
	uint64_t from_step;
	const float *cosine;
	const float *sine;
	size_t n;		/* pairs */
	size_t count;		/* heads */
	uint8_t type;		/* enum maru_type, a float, of both */
	bool is_streamed;
};

#define KERNELS_TURN_AHEAD	8192	/* bytes of from that are asked for beforehand */

/* Exponents of SOFTMAX: scale · x, + slope · mask if there is one; each step rounded. */
struct kernels_soft {
	const float *x;
	const float *mask;
	float scale;
	float slope;
	size_t n;
};

#define KERNELS_SOFTMAX_MAX	8192u

/* Whole rows of SOFTMAX, of n ≤ KERNELS_SOFTMAX_MAX, at least one; their steps in bytes. */
struct kernels_softmax {
	struct kernels_soft first;
	float *to;		/* may be x */
	float *values;		/* scratch, twice KERNELS_SOFTMAX_MAX */
	uint64_t to_step;
	uint64_t x_step;
	uint64_t mask_step;
	size_t count;
	bool is_streamed;
};

struct kernels_rows {
	/* In f64, in an order that depends on n alone; @type: of x. */
	double (*sum)(unsigned int type, const void *x, size_t n);
	/* Σ(x − mean)² */
	double (*sum_squares)(unsigned int type, const void *x, double mean, size_t n);
	void (*norm)(struct kernels_norm *norm);
	/* cos and sin of turn[i] · pos, · scale, each rounded to f32. */
	void (*turn)(float *cosine, float *sine, const double *turn, double pos, double scale,
		     size_t n);
	/* Each one twice, sines with a minus at even places. */
	void (*spread)(float *cosine2, float *sine2, const float *cosine, const float *sine,
		       size_t n);
	/* Pairs (x, y) become (x · c − y · s, y · c + x · s). pairs: x and y alternate, c and s are
	 * spread. halves: all x, then all y. */
	void (*turn_pairs)(const struct kernels_turn *turn);
	void (*turn_halves)(const struct kernels_turn *turn);
	/* The largest of the exponents, NaN aside; −Inf if there is none. */
	float (*max)(const struct kernels_soft *soft);
	/* to = e^(exponent − max); returns their sum: f32 of four, then f64. */
	double (*exp)(float *to, const struct kernels_soft *soft, float max);
	void (*scale)(float *to, const float *from, float by, size_t n, bool is_streamed);
	/* All three for rows. */
	void (*softmax)(const struct kernels_softmax *rows);
	/* REDUCE: the same bits at every level. Lane l of 16 gets terms l, l + 16, … in order, or
	 * their squares; n is a multiple of 16. */
	void (*add_lanes)(double lanes[16], const float *x, size_t n, bool squares);
	/* sum[j] gets terms j of @rows in order, which lie @step bytes apart. */
	void (*add_rows)(double *sum, const float *x, uint64_t step, size_t rows, size_t n,
			 bool squares);
	/* Largest, NaN aside; −Inf: there is none, or it is that. */
	float (*most)(const float *x, size_t n);
};

extern struct kernels_rows kernels_rows;

/* Each level overwrites what it does better than the one below. */
void kernels_rows_plain(struct kernels_rows *table);
void kernels_reduce_plain(struct kernels_rows *table);
void kernels_reduce_avx2(struct kernels_rows *table);
void kernels_reduce_avx512(struct kernels_rows *table);
void kernels_rows_avx2(struct kernels_rows *table);
void kernels_rope_avx2(struct kernels_rows *table);
void kernels_rows_avx512(struct kernels_rows *table);
void kernels_softmax_avx512(struct kernels_rows *table);
void kernels_rows_bf16(struct kernels_rows *table);

/** kernels_rows_norm() - Level 0 of norm, for what other levels leave to it. */
void kernels_rows_norm(struct kernels_norm *norm);

#endif

// SPDX-License-Identifier: MIT
/* Level 0 of kernels_rows.h: plain C. Sums run in four lanes, as the compiler can keep them. */
#include <math.h>

#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/kernels/activate.h"

#define LANES	4

static double plain_sum(const float *x, size_t n)
{
	double lane[LANES] = { 0 };

	for (size_t i = 0; i < n; i++)
		lane[i % LANES] += x[i];
	return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static double plain_sum_squares(const float *x, double mean, size_t n)
{
	double lane[LANES] = { 0 };

	for (size_t i = 0; i < n; i++) {
		double far = x[i] - mean;

		lane[i % LANES] += far * far;
	}
	return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static void plain_norm(const struct kernels_norm *norm)
{
	for (size_t i = 0; i < norm->n; i++) {
		float y = (float)((norm->from[i] - norm->mean) * norm->factor);

		if (norm->mul)
			y *= norm->mul[i];
		if (norm->add)
			y += norm->add[i];
		norm->to[i] = y;
	}
}

static void plain_turn(float *cosine, float *sine, const double *turn, double pos, double scale,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double s, c;

		sincos(turn[i] * pos, &s, &c);
		cosine[i] = (float)(c * scale);
		sine[i] = (float)(s * scale);
	}
}

static void plain_turn_pairs(float *to, const float *from, const float *cosine,
			     const float *sine, size_t n, bool is_streamed)
{
	(void)is_streamed;
	for (size_t i = 0; i < 2 * n; i += 2) {
		float x = from[i], y = from[i + 1];

		to[i] = x * cosine[i] + y * sine[i];
		to[i + 1] = y * cosine[i + 1] + x * sine[i + 1];
	}
}

static void plain_turn_halves(float *to, const float *from, const float *cosine,
			      const float *sine, size_t n, bool is_streamed)
{
	(void)is_streamed;
	for (size_t i = 0; i < n; i++) {
		float x = from[i], y = from[n + i];

		to[i] = x * cosine[i] - y * sine[i];
		to[n + i] = y * cosine[i] + x * sine[i];
	}
}

static void plain_scale_mask(float *to, const float *from, const float *mask, float scale,
			     float slope, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float t = scale * from[i];

		to[i] = mask ? t + slope * mask[i] : t;
	}
}

static float plain_max(const float *x, size_t n)
{
	float max = -INFINITY;

	for (size_t i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

static double plain_exp(float *to, const float *from, float max, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = act_exp(from[i] - max);
	return plain_sum(to, n);
}

static void plain_scale(float *to, const float *from, float by, size_t n, bool is_streamed)
{
	(void)is_streamed;
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] * by;
}

void kernels_rows_plain(struct kernels_rows *table)
{
	*table = (struct kernels_rows) {
		.sum = plain_sum,
		.sum_squares = plain_sum_squares,
		.norm = plain_norm,
		.turn = plain_turn,
		.turn_pairs = plain_turn_pairs,
		.turn_halves = plain_turn_halves,
		.scale_mask = plain_scale_mask,
		.max = plain_max,
		.exp = plain_exp,
		.scale = plain_scale,
	};
}

// SPDX-License-Identifier: MIT
/* Level 0 of kernels_rows.h: plain C. Sums run in four lanes, as the compiler can keep them. */
#include <math.h>

#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/kernels/activate.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels/softmax.h"

#define LANES	4

static inline double lanes_sum(unsigned int type, const void *x, size_t n)
{
	double lane[LANES] = { 0 };

	for (size_t i = 0; i < n; i++)
		lane[i % LANES] += element_load(type, x, i);
	return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static inline double lanes_squares(unsigned int type, const void *x, double mean, size_t n)
{
	double lane[LANES] = { 0 };

	for (size_t i = 0; i < n; i++) {
		double far = element_load(type, x, i) - mean;

		lane[i % LANES] += far * far;
	}
	return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

static double plain_sum(unsigned int type, const void *x, size_t n)
{
	if (type == MARU_TYPE_F32)
		return lanes_sum(MARU_TYPE_F32, x, n);
	return lanes_sum(type, x, n);
}

static double plain_sum_squares(unsigned int type, const void *x, double mean, size_t n)
{
	if (type == MARU_TYPE_F32)
		return lanes_squares(MARU_TYPE_F32, x, mean, n);
	return lanes_squares(type, x, mean, n);
}

static inline float normed(const struct kernels_norm *norm, float x)
{
	float mean = (float)norm->mean, rest = (float)(norm->mean - mean);

	if (norm->is_wide)
		return (float)((x - norm->mean) * norm->factor);
	if (norm->has_mean)
		x = x - mean - rest;
	return x * (float)norm->factor;
}

void kernels_rows_norm(struct kernels_norm *norm)
{
	for (size_t i = 0; i < norm->n; i++) {
		float y = normed(norm, element_load(norm->from_type, norm->from, i));

		if (norm->mul)
			y *= norm->mul[i];
		if (norm->add)
			y += norm->add[i];
		element_store(norm->to_type, norm->to, i, y);
	}
	if (norm->next)
		norm->next_sum = norm->has_mean ?
				 plain_sum(norm->from_type, norm->next, norm->n) :
				 plain_sum_squares(norm->from_type, norm->next, 0, norm->n);
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

static void plain_spread(float *cosine2, float *sine2, const float *cosine, const float *sine,
			 size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cosine2[2 * i] = cosine2[2 * i + 1] = cosine[i];
		sine2[2 * i] = -sine[i];
		sine2[2 * i + 1] = sine[i];
	}
}

static void plain_turn_pairs(const struct kernels_turn *turn)
{
	const float *cosine = turn->cosine, *sine = turn->sine;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (size_t i = 0; i < 2 * turn->n; i += 2) {
			float x = element_load(turn->type, from, i);
			float y = element_load(turn->type, from, i + 1);

			element_store(turn->type, to, i, x * cosine[i] + y * sine[i]);
			element_store(turn->type, to, i + 1, y * cosine[i + 1] + x * sine[i + 1]);
		}
	}
}

static void plain_turn_halves(const struct kernels_turn *turn)
{
	const float *cosine = turn->cosine, *sine = turn->sine;
	size_t n = turn->n;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (size_t i = 0; i < n; i++) {
			float x = element_load(turn->type, from, i);
			float y = element_load(turn->type, from, n + i);

			element_store(turn->type, to, i, x * cosine[i] - y * sine[i]);
			element_store(turn->type, to, n + i, y * cosine[i] + x * sine[i]);
		}
	}
}

static inline float exponent(const struct kernels_soft *soft, size_t i)
{
	float t = soft->scale * soft->x[i];

	return soft->mask ? t + soft->slope * soft->mask[i] : t;
}

static float plain_max(const struct kernels_soft *soft)
{
	float max = -INFINITY;

	for (size_t i = 0; i < soft->n; i++) {
		float t = exponent(soft, i);

		max = t > max ? t : max;
	}
	return max;
}

/* What is below the normal numbers becomes 0. */
static inline float exp_or_zero(float t)
{
	return t < -87.34f ? 0.0f : act_exp(t);
}

static double plain_exp(float *to, const struct kernels_soft *soft, float max)
{
	for (size_t i = 0; i < soft->n; i++)
		to[i] = exp_or_zero(exponent(soft, i) - max);
	return lanes_sum(MARU_TYPE_F32, to, soft->n);
}

static void plain_scale(float *to, const float *from, float by, size_t n, bool is_streamed)
{
	(void)is_streamed;
	for (size_t i = 0; i < n; i++)
		to[i] = from[i] * by;
}

KERNELS_SOFTMAX(plain_softmax, plain_max, plain_exp, plain_scale)

void kernels_rows_plain(struct kernels_rows *table)
{
	*table = (struct kernels_rows) {
		.sum = plain_sum,
		.sum_squares = plain_sum_squares,
		.norm = kernels_rows_norm,
		.turn = plain_turn,
		.spread = plain_spread,
		.turn_pairs = plain_turn_pairs,
		.turn_halves = plain_turn_halves,
		.max = plain_max,
		.exp = plain_exp,
		.scale = plain_scale,
		.softmax = plain_softmax,
	};
}

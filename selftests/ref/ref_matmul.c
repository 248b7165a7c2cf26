// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "selftests/ref/ref.h"

#define UNIT	0x1p-24		/* half an ulp of f32, relative */

double ref_act(unsigned int act, double x)
{
	const double u = sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
	const double sixth = fmin(fmax((x + 3) / 6, 0), 1);

	if (isnan(x))
		return x;
	switch (act) {
	case 1:
		return fabs(x);
	case 2:
		return (x > 0) - (x < 0);
	case 3:
		return -x;
	case 4:
		return x > 0;
	case 5:
		return tanh(x);
	case 6:
		return x > 0 ? x : expm1(x);
	case 7:
		return fmax(x, 0);
	case 8:
		return 1 / (1 + exp(-x));
	case 9:
		return x / (1 + exp(-2 * u));
	case 10:
		return x / (1 + exp(-1.702 * x));
	case 11:
		return x / (1 + exp(-x));
	case 12:
		return x * sixth;
	case 13:
		return sixth;
	case 14:
		return exp(x);
	case 15:
		return expm1(x);
	case 16:
		return x > 20 ? x : log1p(exp(x));
	case 17:
		return 0.5 * x * erfc(-x / sqrt(2));
	case 19:
		return floor(x);
	case 20:
		return ceil(x);
	case 21:
		return round(x);
	case 22:
		return trunc(x);
	}
	return x;
}

/* The steps of the epilogue add half an ulp each; an activation stretches what was before. */
static struct ref_element epilogue(struct ref_element t, unsigned int act)
{
	double low, high, value;

	if (!act)
		return t;
	value = ref_act(act, t.value);
	low = fabs(ref_act(act, t.value - t.bound) - value);
	high = fabs(ref_act(act, t.value + t.bound) - value);
	t.bound = fmax(t.bound, fmax(low, high)) + 16 * UNIT * fabs(value) + 0x1p-126;
	t.value = value;
	return t;
}

static double rounded(unsigned int as, unsigned int type, const void *from)
{
	long double x = ref_load(type, from);

	return (double)(as == MARU_TYPE_NONE ? x : ref_round(as, x));
}

/* Scale of row m of B when it is rounded to I8: a float. */
static float row_scale(const struct maru_operand *b, const uint64_t index[4])
{
	double largest = 0, x;

	for (uint64_t k = 0; k < b->dim[0]; k++) {
		x = fabs((double)ref_load(b->type, ref_at(b, k, index[1], index[2], index[3])));
		if (!isfinite(x))
			return NAN;
		largest = fmax(largest, x);
	}
	return (float)(largest / 127);
}

static double to_i8(double x, float scale)
{
	if (!(scale > 0))
		return 0;
	return fmin(fmax(nearbyint((float)(x / scale)), -127), 127);
}

/* The sum over k with what it may be off by. */
static struct ref_element sum_up(const struct ref_product *p, const uint64_t index[4], float scale,
				 bool is_b_rounded)
{
	uint64_t a2 = index[2] / (p->dst->dim[2] / p->a->dim[2]);
	uint64_t a3 = index[3] / (p->dst->dim[3] / p->a->dim[3]);
	double factor = fmin(p->a->dim[0], 4 * sqrt(p->a->dim[0])), size = 0;
	unsigned int as = is_b_rounded ? MARU_TYPE_NONE : p->params->b_as;
	struct ref_element t = { 0 };

	for (uint64_t k = 0; k < p->a->dim[0]; k++) {
		double x = rounded(as, p->a->type, ref_at(p->a, k, index[0], a2, a3));
		double y = rounded(as, p->b->type, ref_at(p->b, k, index[1], index[2], index[3]));

		if (is_b_rounded)
			y = to_i8(y, scale);
		t.value += x * y;
		size += fabs(x * y);
	}
	t.bound = is_b_rounded ? fabs(t.value) * UNIT : size * factor * UNIT;
	return t;
}

static void multiply(struct ref_element *t, double by)
{
	t->value *= by;
	t->bound = t->bound * fabs(by) + fabs(t->value) * UNIT;
}

struct ref_element ref_matmul(const struct ref_product *p, const uint64_t index[4])
{
	bool is_b_rounded = p->params->b_as == MARU_TYPE_I8;
	struct ref_element t = { 0 };
	float scale, b_scale = 0;

	memcpy(&scale, &p->params->scale, 4);
	if (is_b_rounded)
		b_scale = row_scale(p->b, index);
	if (p->a->dim[0])
		t = sum_up(p, index, b_scale, is_b_rounded);
	if (is_b_rounded)
		multiply(&t, b_scale);
	if (p->a_scale)
		multiply(&t, (double)ref_load(p->a_scale->type,
					      ref_at(p->a_scale, index[0], 0, 0, 0)));
	multiply(&t, scale);
	if (p->bias) {
		t.value += (double)ref_load(p->bias->type, ref_at(p->bias, index[0], 0, 0, 0));
		t.bound += fabs(t.value) * UNIT;
	}
	t = epilogue(t, p->params->act);
	if (p->residual) {
		t.value += (double)ref_load(p->residual->type,
					    ref_at(p->residual, index[0], index[1], index[2],
						   index[3]));
		t.bound += fabs(t.value) * UNIT;
	}
	t.bound += (double)ref_ulp(p->dst->type, t.value) / 2;
	return t;
}

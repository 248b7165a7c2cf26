// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
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

struct ref_element ref_matmul(const struct maru_params_matmul *params,
			      const struct maru_operand *dst, const struct maru_operand *a,
			      const struct maru_operand *b, const struct maru_operand *bias,
			      const struct maru_operand *residual, const uint64_t index[4])
{
	uint64_t n = index[0], m = index[1], a2, a3, k;
	double sum = 0, size = 0, factor = 0;
	struct ref_element t;
	float scale;

	memcpy(&scale, &params->scale, 4);
	if (a->dim[0]) {
		a2 = index[2] / (dst->dim[2] / a->dim[2]);
		a3 = index[3] / (dst->dim[3] / a->dim[3]);
		for (k = 0; k < a->dim[0]; k++) {
			double x = rounded(params->b_as, a->type, ref_at(a, k, n, a2, a3));
			double y = rounded(params->b_as, b->type,
					   ref_at(b, k, m, index[2], index[3]));

			sum += x * y;
			size += fabs(x * y);
		}
		factor = fmin(a->dim[0], 4 * sqrt(a->dim[0]));
	}
	t.value = scale * sum;
	t.bound = fabs(scale) * size * factor * UNIT + fabs(t.value) * UNIT;
	if (bias) {
		t.value += (double)ref_load(bias->type, ref_at(bias, n, 0, 0, 0));
		t.bound += fabs(t.value) * UNIT;
	}
	t = epilogue(t, params->act);
	if (residual) {
		t.value += (double)ref_load(residual->type,
					    ref_at(residual, n, m, index[2], index[3]));
		t.bound += fabs(t.value) * UNIT;
	}
	t.bound += (double)ref_ulp(dst->type, t.value) / 2;
	return t;
}

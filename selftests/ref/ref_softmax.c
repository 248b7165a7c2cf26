// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "selftests/ref/ref_rows.h"

static long double float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

static long double slope_of(long double max_bias, uint32_t heads, uint64_t head)
{
	uint32_t power = 1;

	if (max_bias == 0)
		return 1;
	while (power <= heads / 2)
		power *= 2;
	if (head < power)
		return powl(2, -max_bias / power * (head + 1));
	return powl(powl(2, -max_bias / 2 / power), 2 * (head - power) + 1);
}

static long double load(const struct maru_operand *desc, uint64_t i, const uint64_t row[3])
{
	return ref_load(desc->type, ref_at(desc, i, row[0] % desc->dim[1], row[1] % desc->dim[2],
					   row[2] % desc->dim[3]));
}

/* Exponents into value, and what they may be off in f32 into bound. Returns the largest. */
static long double exponents(const struct maru_params_softmax *params,
			     const struct maru_operand *x, const struct maru_operand *mask,
			     const uint64_t row[3], struct ref_value *out)
{
	long double slope = slope_of(float_of(params->max_bias), x->dim[2], row[1]);
	long double max = -INFINITY;
	uint64_t i;

	for (i = 0; i < x->dim[0]; i++) {
		long double t = float_of(params->scale) * load(x, i, row), more;

		out[i].bound = fabsl(t) * REF_UNIT;
		if (mask) {
			more = slope * load(mask, i, row);
			t += more;
			if (isfinite(more))
				out[i].bound += (2 * fabsl(more) + fabsl(t)) * REF_UNIT;
		}
		out[i].value = t;
		max = fmaxl(max, t);
	}
	return max;
}

void ref_softmax(const struct maru_params_softmax *params, const struct maru_operand *dst,
		 const struct maru_operand *x, const struct maru_operand *mask,
		 const uint64_t row[3], struct ref_value *out)
{
	long double max = exponents(params, x, mask, row, out), sum = 0, off = 0, max_off = 0;
	uint64_t i;

	for (i = 0; i < dst->dim[0]; i++)
		if (out[i].value == max)
			max_off = fmaxl(max_off, out[i].bound);
	for (i = 0; i < dst->dim[0]; i++) {
		long double far = out[i].value - max;

		/* Of e^far, relative: what far is off, and 2 ulp. */
		out[i].bound += max_off + fabsl(far) * REF_UNIT + 4 * REF_UNIT;
		if (!isfinite(far))
			out[i].bound = 0;
		out[i].value = expl(far);
		sum += out[i].value;
		off += out[i].value * out[i].bound;
	}
	for (i = 0; i < dst->dim[0]; i++) {
		out[i].value /= sum;
		out[i].bound = out[i].value * (1.01L * (out[i].bound + off / sum) + 4 * REF_UNIT) +
			       0x1p-126L / sum;	/* e^t below 2^-126 may be 0 */
	}
}

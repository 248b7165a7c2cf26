// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "selftests/ref/ref_rows.h"

#define EXACT	0x1p-53L	/* half an ulp of f64, relative */

int ref_rows_is_right(struct ref_value want, long double got)
{
	if (isnan(want.value) || isnan(got))
		return isnan(want.value) && isnan(got);
	if (isinf(want.value) || isinf(got))
		return want.value == got;
	return fabsl(want.value - got) <= want.bound;
}

static long double load(const struct maru_operand *desc, uint64_t i, const uint64_t row[3])
{
	return ref_load(desc->type, ref_at(desc, i % desc->dim[0], row[0] % desc->dim[1],
					   row[1] % desc->dim[2], row[2] % desc->dim[3]));
}

static long double float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

/* Mean and factor of the row; @error: relative, of the factor; @shift: absolute, of the mean. */
static long double factor_of(const struct maru_params_norm *params, const struct maru_operand *x,
			     const uint64_t row[3], long double *mean, long double *shift,
			     long double *error)
{
	long double n = x->dim[0], eps = float_of(params->eps), sum = 0, size = 0, squares = 0;
	uint64_t i;

	for (i = 0; i < x->dim[0]; i++) {
		sum += load(x, i, row);
		size += fabsl(load(x, i, row));
	}
	*mean = params->kind == MARU_NORM_LAYER ? sum / n : 0;
	*shift = params->kind == MARU_NORM_LAYER ? size * EXACT : 0;
	*error = 0;
	if (params->kind == MARU_NORM_SUM) {
		*error = sum != 0 ? n * EXACT * size / fabsl(sum) : 0;
		return 1 / sum;
	}
	for (i = 0; i < x->dim[0]; i++) {
		long double far = load(x, i, row) - *mean;

		squares += far * far;
	}
	if (params->kind == MARU_NORM_L2) {
		squares = sqrtl(squares);
		return 1 / (squares < eps ? eps : squares);
	}
	return 1 / sqrtl(squares / n + eps);
}

void ref_norm(const struct maru_params_norm *params, const struct maru_operand *dst,
	      const struct maru_operand *x, const struct maru_operand *mul,
	      const struct maru_operand *add, const uint64_t row[3], struct ref_value *out)
{
	long double mean, shift, error, factor = factor_of(params, x, row, &mean, &shift, &error);
	long double steps = params->kind == MARU_NORM_LAYER ? 4.001L : 2.001L;
	uint64_t i;

	for (i = 0; i < dst->dim[0]; i++) {
		long double value = (load(x, i, row) - mean) * factor, bound;

		bound = fabsl(value) * (REF_UNIT * steps + error + (dst->dim[0] + 8) * EXACT) +
			shift * fabsl(factor) + 0x1p-149L;
		if (mul) {
			value *= load(mul, i, row);
			bound = bound * fabsl(load(mul, i, row)) + fabsl(value) * REF_UNIT +
				0x1p-149L;
		}
		if (add) {
			value += load(add, i, row);
			bound += (fabsl(value) + bound) * REF_UNIT;
		}
		out[i].value = value;
		out[i].bound = bound + ref_ulp(dst->type, fabsl(value) + bound) / 2;
	}
}

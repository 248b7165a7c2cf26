// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "selftests/ref/ref_rows.h"

static long double float_of(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

/* The number of the pair that turns @beta times within the trained length. */
static long double pair_of(const struct maru_params_rope *rope, long double beta)
{
	return rope->n_dims * logl(rope->n_ctx / (2 * M_PIl * beta)) /
	       (2 * logl(float_of(rope->base)));
}

static long double angle_of(const struct maru_params_rope *rope, uint32_t i, long double pos,
			    long double factor)
{
	long double exact = pos * powl(float_of(rope->base), -2.0L * i / rope->n_dims) / factor;
	long double stretched = exact * float_of(rope->freq_scale), low, high, ramp, mix;

	if (float_of(rope->ext_factor) == 0)
		return stretched;
	low = fmaxl(0, floorl(pair_of(rope, float_of(rope->beta_fast))));
	high = fminl(rope->n_dims - 1, ceill(pair_of(rope, float_of(rope->beta_slow))));
	ramp = 1 - fminl(fmaxl((i - low) / fmaxl(0.001L, high - low), 0), 1);
	mix = ramp * float_of(rope->ext_factor);
	return stretched * (1 - mix) + exact * mix;
}

static long double load(const struct maru_operand *desc, uint64_t i, const uint64_t row[3])
{
	return ref_load(desc->type, ref_at(desc, i, row[0], row[1], row[2]));
}

static struct ref_value turned(unsigned int type, long double a, long double b, long double c,
			       long double s, long double slack)
{
	struct ref_value result = { .value = a * c + b * s };

	result.bound = (fabsl(a) + fabsl(b)) * slack +
		       4 * REF_UNIT * (fabsl(a * c) + fabsl(b * s)) + 0x1p-148L;
	result.bound += ref_ulp(type, fabsl(result.value) + result.bound) / 2;
	return result;
}

void ref_rope(const struct maru_params_rope *rope, const struct maru_operand *dst,
	      const struct maru_operand *x, const struct maru_operand *pos,
	      const struct maru_operand *factors, const uint64_t row[3], struct ref_value *out)
{
	long double scale = float_of(rope->attn_factor);
	long double position = ref_load(pos->type, ref_at(pos, row[1], 0, 0, 0));
	uint32_t pairs = rope->n_dims / 2, i;

	if (float_of(rope->ext_factor) != 0)
		scale *= 1 + 0.1L * logl(1 / float_of(rope->freq_scale));
	for (i = 0; i < dst->dim[0]; i++) {
		out[i].value = ref_round(dst->type, load(x, i, row));
		out[i].bound = 0;
	}
	for (i = 0; i < pairs; i++) {
		bool is_neox = rope->mode == MARU_ROPE_NEOX;
		uint32_t first = rope->n_offs + (is_neox ? i : 2 * i);
		uint32_t second = is_neox ? first + pairs : first + 1;
		long double factor = factors ? ref_load(factors->type,
							ref_at(factors, i, 0, 0, 0)) : 1;
		long double angle = angle_of(rope, i, position, factor);
		long double c = cosl(angle) * scale, s = sinl(angle) * scale;
		long double a = load(x, first, row), b = load(x, second, row), slack;

		/* The angle and its functions in f64, then half an ulp of f32. */
		slack = fabsl(scale) * (fabsl(angle) * 0x1p-49L + 0x1p-40L) + 0x1p-149L;
		if (rope->inverse)
			s = -s;
		out[first] = turned(dst->type, a, b, c, -s, slack);
		out[second] = turned(dst->type, b, a, c, s, slack);
	}
}

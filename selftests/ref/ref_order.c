// SPDX-License-Identifier: GPL-2.0-only
/* References of REDUCE and SORT. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/ref/ref_data.h"

static struct ref_element best(unsigned int kind, uint64_t n, long double value, int64_t at)
{
	bool is_most = kind == MARU_REDUCE_MAX;

	if (kind >= MARU_REDUCE_ARGMAX)
		return (struct ref_element) { at >= 0 ? (double)at : n ? 0 : -1, 0 };
	if (at >= 0)
		return (struct ref_element) { (double)value, 0 };
	return (struct ref_element) { n ? NAN : is_most ? -INFINITY : INFINITY, 0 };
}

struct ref_element ref_reduce(unsigned int kind, unsigned int dim, const struct maru_operand *x,
			      const uint64_t i[4])
{
	long double sum = 0, size = 0, value = 0, bound;
	uint64_t n = x->dim[dim], t, at_dim[4];
	bool is_most = kind == MARU_REDUCE_MAX || kind == MARU_REDUCE_ARGMAX;
	int64_t at = -1;

	memcpy(at_dim, i, sizeof(at_dim));
	for (t = 0; t < n; t++) {
		long double v;

		at_dim[dim] = t;
		v = ref_load(x->type, ref_at(x, at_dim[0], at_dim[1], at_dim[2], at_dim[3]));
		if (kind == MARU_REDUCE_SUMSQ)
			v *= v;
		sum += v;
		size += fabsl(v);
		if (isnan(v) || (at >= 0 && !(is_most ? v > value : v < value)))
			continue;
		value = v;
		at = (int64_t)t;
	}
	if (kind != MARU_REDUCE_SUM && kind != MARU_REDUCE_MEAN && kind != MARU_REDUCE_SUMSQ)
		return best(kind, n, value, at);
	bound = size * 0x1p-40L;
	if (kind == MARU_REDUCE_MEAN) {
		sum = n ? sum / n : NAN;
		bound /= n ? n : 1;
	}
	bound += fabsl(sum) * 0x1p-24L + 0x1p-150L;
	return (struct ref_element) { (double)sum, (double)bound };
}

/* Does @a come before @b, which stands behind it? Not when they are equal, nor NaN. */
static bool is_behind(float a, float b, int is_descending)
{
	if (isnan(b))
		return false;
	return isnan(a) || (is_descending ? b > a : b < a);
}

void ref_sort(const float *x, uint32_t n, int is_descending, int32_t *order)
{
	int32_t *from = order, *to = malloc((n + 1) * sizeof(*to)), *spare = to;
	uint32_t width, start, i;

	for (i = 0; i < n; i++)
		order[i] = (int32_t)i;
	for (width = 1; width < n; width *= 2) {
		int32_t *swap = from;

		for (start = 0; start < n; start += 2 * width) {
			uint32_t middle = start + width < n ? start + width : n;
			uint32_t end = middle + width < n ? middle + width : n;
			uint32_t a = start, b = middle;

			for (i = start; i < end; i++)
				to[i] = b < end && (a == middle ||
					is_behind(x[from[a]], x[from[b]], is_descending)) ?
					from[b++] : from[a++];
		}
		from = to;
		to = swap;
	}
	if (from != order)
		memcpy(order, from, n * sizeof(*order));
	free(spare);
}

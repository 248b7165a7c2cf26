/* SPDX-License-Identifier: GPL-2.0-only */
/* References of ELEMENTWISE and of what goes with it, as ref.h. */
#ifndef REF_DATA_H
#define REF_DATA_H

#include "selftests/ref/ref.h"

/**
 * ref_elementwise() - One element, before it is rounded to dst.
 * @p: its two parameters.
 *
 * The bound is that of docs/card.md: half an ulp of f32 for each step, 16 of them for what is
 * called a function there, more where the argument makes it so.
 */
struct ref_element ref_elementwise(unsigned int code, const float p[4], double a, double b);

/**
 * ref_reduce() - One element of REDUCE over the strided @x, @i its index in dst.
 *
 * Indices and extremes are exact; sums of f64 are at most half an ulp of f32 and 2^-40 of the
 * sum of magnitudes off.
 */
struct ref_element ref_reduce(unsigned int kind, unsigned int dim, const struct maru_operand *x,
			      const uint64_t i[4]);

/** ref_sort() - Indices of @x in order: a merge of runs, nothing but comparisons. */
void ref_sort(const float *x, uint32_t n, int is_descending, int32_t *order);

/** ref_integer() - The same for I32, exact. */
int32_t ref_integer(unsigned int code, int32_t a, int32_t b);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * References of NORM, ROPE and SOFTMAX in extended precision, a row at a time. Written from
 * docs/card.md. Operands' addresses are those of the host; an absent one is NULL.
 */
#ifndef REF_ROWS_H
#define REF_ROWS_H

#include "selftests/ref/ref.h"

#define REF_UNIT	0x1p-24L	/* half an ulp of f32, relative */

/* What an element is, and how far a right result may be from it. */
struct ref_value {
	long double value;
	long double bound;
};

/** ref_rows_is_right() - Is @got within the bound; NaN and infinities where they belong? */
int ref_rows_is_right(struct ref_value want, long double got);

/** ref_norm() - A row of NORM; @row: dims 1 … 3. */
void ref_norm(const struct maru_params_norm *params, const struct maru_operand *dst,
	      const struct maru_operand *x, const struct maru_operand *mul,
	      const struct maru_operand *add, const uint64_t row[3], struct ref_value *out);

/** ref_rope() - A head of ROPE. */
void ref_rope(const struct maru_params_rope *params, const struct maru_operand *dst,
	      const struct maru_operand *x, const struct maru_operand *pos,
	      const struct maru_operand *factors, const uint64_t row[3], struct ref_value *out);

/** ref_softmax() - A row of SOFTMAX. */
void ref_softmax(const struct maru_params_softmax *params, const struct maru_operand *dst,
		 const struct maru_operand *x, const struct maru_operand *mask,
		 const uint64_t row[3], struct ref_value *out);

#endif

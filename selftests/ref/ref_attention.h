/* SPDX-License-Identifier: GPL-2.0-only */
/* ATTENTION in extended precision, from docs/card.md. */
#ifndef REF_ATTENTION_H
#define REF_ATTENTION_H

#include "selftests/ref/ref.h"

/* A packet: NULL for operands that it does not have. All addresses are the host's. */
struct ref_attention {
	struct maru_params_attention params;
	const struct maru_operand *dst, *q, *k, *v, *mask, *blocks, *kv_len, *q_start;
};

/**
 * ref_attention_row() - What dst holds for one query of one head: all its dim[0] elements.
 * @at: head, query, sequence: indices 1, 2, 3 of dst.
 * @row: filled; at most 512 elements.
 *
 * The bounds: an error in a score, which is that of a sum of dk products and of each step
 * after it, weighs its key wrongly; an error of 2^-22 of each weight; sums of as many terms as
 * there are keys, any order; half an ulp of dst.
 */
void ref_attention_row(const struct ref_attention *packet, const uint64_t at[3],
		       struct ref_element *row);

#endif

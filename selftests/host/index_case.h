/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of GATHER and SCATTER share: rows by number, and a model of them. */
#ifndef INDEX_CASE_H
#define INDEX_CASE_H

#include "selftests/host/data_case.h"

struct index_case {
	struct engine_case c;
	struct maru_operand *dst, *src, *idx;
	struct maru_operand plain;	/* src with strides, before it was prepared */
};

struct index_types {
	unsigned int dst, src, idx;
};

/**
 * index_build() - A packet of @op with random contents, strides and numbers.
 *
 * skip_neg and negative numbers are at random too.
 */
void index_build(struct index_case *t, unsigned int op, struct index_types types,
		 const uint32_t dst[4], const uint32_t src[4], const uint32_t idx[4],
		 uint64_t *seed);

/** index_run() - Run the packet in order, then shuffled on threads, against loops over elements. */
void index_run(struct index_case *t, unsigned int threads, uint64_t seed);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* ATTENTION packets for tests: made from a struct and a seed, compared with the reference. */
#ifndef ATTENTION_CASE_H
#define ATTENTION_CASE_H

#include "selftests/host/engine_case.h"
#include "selftests/ref/ref_attention.h"

#define F32	MARU_TYPE_F32
#define F16	MARU_TYPE_F16
#define BF16	MARU_TYPE_BF16

/* Everything else about a packet is made from this and a seed. 0 stands for the usual. */
struct attention {
	uint32_t dk, dv;		/* dv 0: as dk */
	uint32_t n, heads, seqs;	/* n: queries of a sequence, or all of a ragged batch */
	uint32_t k_heads, v_heads;	/* 0: as heads; v_heads 0: as k_heads */
	uint32_t kv;			/* capacity; of a block in a pool */
	uint32_t blocks, table;		/* of the pool; of a sequence: 0: contiguous keys */
	unsigned int q, k, v, dst;	/* types */
	unsigned int mask;		/* type + 1 */
	uint32_t mask_heads, mask_seqs;	/* 0: 1 */
	const int32_t *kv_len, *q_start;
	float scale, max_bias, softcap;	/* scale 0: 1 / √dk */
	uint32_t flags, left, right;	/* left, right: + 1, 0: open */
	unsigned int pad;		/* elements between rows */
	uint32_t step;			/* look at each @step-th row; 0: at all */
};

extern struct engine_case attention;		/* the packet that was built */
extern struct ref_attention attention_ref;	/* and what the reference takes */

/** attention_build() - Make operands of random numbers and the packet. */
void attention_build(const struct attention *a, uint64_t seed);

/** attention_check() - Compare rows of dst with the reference. */
void attention_check(const struct attention *a);

/** attention_run() - Build, run, check, free. */
void attention_run(const struct attention *a, uint64_t seed);

/** attention_line() - The operand of a role in the packet, NULL if it has none. */
struct maru_operand *attention_line(unsigned int role);

#endif

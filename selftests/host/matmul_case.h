/* SPDX-License-Identifier: GPL-2.0-only */
/* MATMUL packets made from a few numbers, run, and compared with double precision. */
#ifndef MATMUL_CASE_H
#define MATMUL_CASE_H

#include "selftests/host/engine_case.h"

#define F32	MARU_TYPE_F32
#define F16	MARU_TYPE_F16
#define BF16	MARU_TYPE_BF16
#define I8	MARU_TYPE_I8
#define I32	MARU_TYPE_I32

/* One product: everything else about it is made from this and a seed. */
struct product {
	uint32_t n, m, k;
	uint32_t d2, d3;		/* of dst and B */
	uint32_t a2, a3;		/* of A, 0: as dst */
	unsigned int a, b, dst;		/* types */
	unsigned int layout;		/* of A */
	bool is_a_transposed, is_b_transposed;
	unsigned int pad;		/* elements between rows */
	unsigned int b_as, act, bias, residual;	/* types + 1 for the last two */
	bool is_residual_dst;
	bool is_a_scaled;
	float scale;
};

/* The packet, and the weights as they were before PREPARE. */
extern struct engine_case matmul_case;
extern struct maru_operand matmul_strided_a;
extern const unsigned int matmul_floats[3];

/** matmul_build() - Make packet and operands with random contents. */
void matmul_build(const struct product *p, uint64_t seed);

/** matmul_operand() - The packet's operand in a role, NULL: it has none. */
const struct maru_operand *matmul_operand(unsigned int role);

/** matmul_floats_of() - Host address of an operand of F32. */
float *matmul_floats_of(unsigned int role);

/** matmul_check() - Compare all elements, or about 1,000, of a packet that was run. */
void matmul_check(const struct maru_operand *residual);

/** matmul_run() - Build, run, check, free. */
void matmul_run(const struct product *p, uint64_t seed);

#endif

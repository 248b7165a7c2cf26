/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of NORM, ROPE and SOFTMAX share. */
#ifndef ROWS_CASE_H
#define ROWS_CASE_H

#include "selftests/host/engine_case.h"
#include "selftests/ref/ref_rows.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

/* Random packets on the machine's level, and on each one below. */
#define ROWS_ROUNDS	(TEST_PROFILE == ~0u ? 240u : 80u)

#define F32	MARU_TYPE_F32
#define F16	MARU_TYPE_F16
#define BF16	MARU_TYPE_BF16
#define I32	MARU_TYPE_I32

/** rows_type() - One of the three float types. */
unsigned int rows_type(uint64_t *seed);

/**
 * rows_add() - Add an operand of random numbers in [-1, 1), rows @pad elements apart.
 * A destination is full of 0x55 and has gaps; nothing of them may change.
 */
struct maru_operand *rows_add(struct engine_case *c, unsigned int role, unsigned int type,
			      const uint32_t dim[4], unsigned int pad, uint64_t *seed);

/** rows_operand() - The operand in a role of a case, NULL: none. */
struct maru_operand *rows_operand(struct engine_case *c, unsigned int role);

/** rows_bits() - Bits of a float, for a parameter. */
uint32_t rows_bits(float x);

/** rows_set() - Store a value into an element of an operand. */
void rows_set(const struct maru_operand *desc, uint64_t i0, uint64_t i1, long double value);

/** rows_get() - Value of an element of dst. */
long double rows_get(struct engine_case *c, uint64_t i0, uint64_t i1);

/**
 * rows_run() - Run a packet and compare each row with its reference.
 * @refer: the reference of a row, from the sources as they were before the run.
 *
 * Runs it again on two threads in another order: the bits are the same.
 */
void rows_run(struct engine_case *c,
	      void (*refer)(struct engine_case *c, const uint64_t row[3], struct ref_value *out));

#endif

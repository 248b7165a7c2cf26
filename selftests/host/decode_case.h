/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet of each operation that every check passes. */
#ifndef DECODE_CASE_H
#define DECODE_CASE_H

#include "selftests/host/engine_case.h"

/** decode_case_operand() - The operand line of a role that is there. */
struct maru_operand *decode_case_operand(struct engine_case *c, unsigned int role);

/**
 * decode_case_build() - Make a right packet.
 * @arena: 16 · 64 KiB of zeros.
 * @role: one that must be there; of the others all that may be there beside it.
 *
 * Operands are of F32 or what their role needs, mostly 4 × 4; numbers in memory are 0.
 */
void decode_case_build(struct engine_case *c, uint8_t *arena, unsigned int op,
		       unsigned int role);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of the data operations share: operands with random strides and contents. */
#ifndef DATA_CASE_H
#define DATA_CASE_H

#include "selftests/host/engine_case.h"

/** data_add() - Add an operand with memory of its own; strides have gaps if @is_gapped. */
struct maru_operand *data_add(struct engine_case *c, unsigned int role, unsigned int type,
			      const uint32_t dim[4], bool is_gapped, uint64_t *seed);

/** data_fill() - Random contents for all of its extent: floats in [-4, 4), small integers. */
void data_fill(const struct maru_operand *desc, uint64_t *seed);

/** data_add_noise() - One contiguous row of floats of every magnitude, fast. */
struct maru_operand *data_add_noise(struct engine_case *c, unsigned int role, unsigned int type,
				    uint32_t n, uint64_t *seed);

/** data_bytes() - Bytes from its first to its last element. */
uint64_t data_bytes(const struct maru_operand *desc);

/** data_copy() - A copy of its extent, kept until case_free_all(); @as gets its address. */
void data_copy(const struct maru_operand *desc, struct maru_operand *as);

/**
 * data_trap() - Make a source of zeros which, first read behind @at bytes, sets data_trap_stop:
 * from there on no more than @more bytes may be read, which data_trap_end() checks.
 */
void data_trap(struct maru_operand *desc, uint64_t at, uint64_t more);
void data_trap_end(void);
extern volatile uint32_t data_trap_stop;

/** data_index() - Set number @i of an index operand of one row, I32 or I64. */
void data_index(const struct maru_operand *desc, uint64_t i, int64_t value);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What engine tests share: building a packet, running it, random numbers. */
#ifndef ENGINE_CASE_H
#define ENGINE_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "firmware-emu/engine/engine.h"

struct engine_case {
	union {
		struct maru_packet header;
		uint8_t bytes[MARU_PACKET_MAX_BYTES];
	};
	struct engine_op op;		/* after the run */
	struct engine_error error;	/* of a tile */
	unsigned int cls;
};

/** case_init() - Start a packet of @op without operands. */
void case_init(struct engine_case *c, unsigned int op);

/** case_add() - Add an operand in a role above those added; contiguous unless changed after. */
struct maru_operand *case_add(struct engine_case *c, unsigned int role, const void *host,
			      unsigned int type, uint32_t d0, uint32_t d1, uint32_t d2,
			      uint32_t d3);

/** case_prepared() - Make an operand added a prepared one. */
void case_prepared(struct maru_operand *desc, unsigned int layout);

/** case_run() - Run all tiles in order on this thread. Return: the error word. */
uint32_t case_run(struct engine_case *c);

/** case_run_shuffled() - Run tiles in random order on @threads threads. */
uint32_t case_run_shuffled(struct engine_case *c, unsigned int threads, uint64_t seed);

/** case_refused() - Expect begin to fail with this error. */
#define case_refused(c, code, role, field) \
	case_refused_(c, MARU_ERROR(code, role, field), __FILE__, __LINE__)
void case_refused_(struct engine_case *c, uint32_t word, const char *file, int line);

/** case_memory() - Zeroed memory, 64-byte aligned, kept until case_free_all(). */
void *case_memory(uint64_t bytes);
int case_free_all(void **state);

uint64_t case_random(uint64_t *seed);
/** case_float() - Uniform in [-1, 1). */
float case_float(uint64_t *seed);
/** case_fill() - @count random floats of @type in [-@scale, @scale); nothing for other types. */
void case_fill(unsigned int type, void *memory, uint64_t count, float scale, uint64_t *seed);

#endif

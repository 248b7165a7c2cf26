/* SPDX-License-Identifier: MIT */
/*
 * What the firmware asks of the engines. A packet goes through engine_begin() (copy, checks,
 * translation, grid), engine_tile() for each of its tiles in any order on any thread, and
 * engine_end(). The grid depends on the packet alone, so that bits do not depend on threads.
 */
#ifndef MARU_ENGINE_H
#define MARU_ENGINE_H

#include <stdint.h>

#include "driver/maru_hw.h"
#include "uapi/drm/maru_cmd.h"
#include "firmware-emu/mem/span.h"

/* Error of a packet: the error word of maru_cmd.h with what stands beside it. */
struct engine_error {
	uint32_t word;		/* MARU_ERROR(code, role, field), 0: none */
	uint32_t tag;
	uint64_t value;
	uint64_t va;		/* of a fault */
	uint32_t vm;
	uint32_t fault;		/* MARU_FAULT_* */
};

/* Scratch of one engine thread: touched at start, never read before written in a tile. */
struct engine_scratch {
	uint8_t *base;
	uint64_t bytes;		/* ENGINE_SCRATCH_BYTES */
	unsigned int thread;
};

#define ENGINE_SCRATCH_BYTES	(8u << 20)

struct engine_bytes {
	uint64_t read[MARU_TIER_COUNT];
	uint64_t written[MARU_TIER_COUNT];
};

struct engine_operand {		/* one checked operand; engines use this, never the packet */
	const struct maru_operand *desc;	/* inside engine_op.packet */
	uint8_t *host;		/* contiguous host view of the extent; NULL: empty or absent */
	uint64_t bytes;		/* of the extent */
	uint64_t touched;	/* of them, as far as the plan or a look at indices tells */
	struct span span;
};

struct engine_op;

/* One operation's implementation; rows of a table in engine.c by opcode. */
struct engine_impl {
	uint16_t op;
	/* Shape rules beyond the table, grid. Returns 0 or fills op->error. */
	int (*plan)(struct engine_op *op);
	/* Runs one tile. Returns 0, or fills *error (memory values may be bad at run time). */
	int (*tile)(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		    struct engine_error *error);
	/* May be NULL. After plan, with memory mapped: looks at values in it (indices, lengths)
	 * and may lower @touched. Returns as plan. At most ENGINE_LOOK_MAX values: tiles look
	 * again at what they use. */
	int (*look)(struct engine_op *op);
};

#define ENGINE_PLAN_BYTES	512
#define ENGINE_LOOK_MAX		(4u << 20)	/* about 4 ms */

struct engine_op {
	union {
		struct maru_packet header;
		uint8_t packet[MARU_PACKET_MAX_BYTES];	/* private copy */
	};
	const struct engine_impl *impl;
	struct span_vm *vm;
	unsigned int cls;
	const volatile uint32_t *stop;	/* set after begin, may be NULL: non-zero ends long tiles */
	struct engine_operand operands[MARU_ROLES];	/* by role */
	uint32_t tiles;
	/*
	 * Tile that a second run starts with, 0: there is one. Even threads begin with the first
	 * run, odd ones with the second: a thread goes on next to where it was, in memory that was
	 * fetched meanwhile. Which of two tiles that fail is reported is then left to chance.
	 */
	uint32_t second;
	struct engine_error error;
	struct engine_bytes bytes;	/* charged to the packet, known after begin */
	_Alignas(64) uint8_t plan[ENGINE_PLAN_BYTES];	/* of the implementation */
};

/**
 * engine_init() - Fill the dispatch tables for an ISA level, once, before any packet.
 * @profile: highest ISA level allowed, ~0: the best the machine has.
 * Return: 0 or -errno.
 */
int engine_init(uint32_t profile);

#define ENGINE_REVISION	1u	/* of the numerics: raised when a bit of any result changes */

/** engine_profile() - Level in use, and the library's version string. */
uint32_t engine_profile(const char **library);

/**
 * engine_identify() - Write page 1 of IDENTIFY: struct maru_op_info records.
 * Return: bytes needed; no more than @bytes are written.
 */
uint64_t engine_identify(void *buffer, uint64_t bytes);

/**
 * engine_begin() - Check a packet whole and plan its tiles.
 * @op: filled; engine_end() is needed after success only.
 * @vm: address space of the operands.
 * @cls: MARU_CLASS_* of the queue.
 * @packet: private copy of the packet, already cut to @bytes.
 *
 * No effect on memory. The spans of all operands are held until engine_end().
 * Return: 0, or -EINVAL with op->error filled.
 */
int engine_begin(struct engine_op *op, struct span_vm *vm, unsigned int cls,
		 const void *packet, uint32_t bytes);

/**
 * engine_tile() - Run tile @tile < op->tiles.
 * Return: 0 or -EINVAL with *error filled; the code is CANCELLED when a tile that would run
 * long saw *op->stop between its parts: nothing of it is written then.
 */
int engine_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		struct engine_error *error);

/** engine_end() - Release the spans. */
void engine_end(struct engine_op *op);

#endif

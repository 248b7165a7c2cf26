/* SPDX-License-Identifier: GPL-2.0-only */
/* A packet on the engines alone against memcpy that moves as many bytes, same threads, in turns. */
#ifndef BENCH_VERSUS_H
#define BENCH_VERSUS_H

#include <stdint.h>

#include "firmware-emu/engine/engine.h"

struct versus_packet {
	struct maru_packet header;
	struct maru_operand line[4];
};

/**
 * versus_init() - Start the engines; memory for up to @bytes read and written.
 * Arguments of the program: threads (2), the highest ISA level (the machine's).
 */
void versus_init(int argc, char **argv, uint64_t bytes);

/** versus_memory() - Touched memory that is kept, each byte @byte. */
void *versus_memory(uint64_t bytes, int byte);

/** versus_operand() - Add a contiguous operand in the next role. */
void versus_operand(struct versus_packet *packet, unsigned int role, unsigned int type,
		    void *memory, uint32_t d0, uint32_t d1, uint32_t d2);

/** versus_time() - Run a packet once. Return: seconds. */
double versus_time(const struct versus_packet *packet);

/**
 * versus_run() - Measure and print a line: name, GB/s of both, ratio of the medians.
 * @bytes: read and written by the packet, in all.
 */
void versus_run(const char *name, const struct versus_packet *packet, uint64_t bytes);

#endif

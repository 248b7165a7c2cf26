// SPDX-License-Identifier: GPL-2.0-only
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "selftests/bench/versus.h"

#define ROUNDS	15

static int threads;
static uint8_t *from, *to;
static uint64_t most;
static struct engine_scratch scratches[64];

static double now(void)
{
	struct timespec t;

	/* One thread: its CPU time, which other load disturbs less. */
	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void *versus_memory(uint64_t bytes, int byte)
{
	void *memory = aligned_alloc(1 << 21, (bytes + (1 << 21) - 1) >> 21 << 21);

	if (!memory)
		exit(1);
	return memset(memory, byte, bytes);
}

void versus_init(int argc, char **argv, uint64_t bytes)
{
	uint32_t profile = argc > 2 ? (uint32_t)atoi(argv[2]) : ~0u;
	int i;

	threads = argc > 1 ? atoi(argv[1]) : 2;
	setbuf(stdout, NULL);
	if (threads < 1 || threads > 64 || engine_init(profile))
		exit(2);
	most = bytes / 2;
	from = versus_memory(most, 0x3c);
	to = versus_memory(most, 0);
	for (i = 0; i < threads; i++) {
		scratches[i].bytes = ENGINE_SCRATCH_BYTES;
		scratches[i].base = versus_memory(ENGINE_SCRATCH_BYTES, 0);
	}
	printf("# %d threads, level %u\n# name                ours   memcpy  ratio\n", threads,
	       engine_profile(NULL));
}

void versus_operand(struct versus_packet *packet, unsigned int role, unsigned int type,
		    void *memory, uint32_t d0, uint32_t d1, uint32_t d2)
{
	struct maru_operand *desc = &packet->line[__builtin_popcount(packet->header.roles)];
	const uint32_t dim[4] = { d0, d1, d2, 1 };
	uint64_t stride = maru_type_bytes(type);
	unsigned int d;

	desc->type = (uint8_t)type;
	desc->va = (uint64_t)(uintptr_t)memory;
	for (d = 0; d < 4; d++) {
		desc->dim[d] = dim[d];
		desc->stride[d] = stride;
		stride *= dim[d];
	}
	packet->header.roles |= (uint16_t)(1u << role);
	packet->header.bytes += MARU_LINE_BYTES;
}

double versus_time(const struct versus_packet *packet)
{
	static struct engine_op op;
	double start = now();

	if (engine_begin(&op, NULL, 0, packet, packet->header.bytes)) {
		printf("# refused: %#x\n", op.error.word);
		exit(1);
	}
#pragma omp parallel for schedule(dynamic) num_threads(threads)
	for (uint32_t tile = 0; tile < op.tiles; tile++) {
		struct engine_error error;

		engine_tile(&op, tile, &scratches[omp_get_thread_num()], &error);
	}
	engine_end(&op);
	return now() - start;
}

static double run_memcpy(uint64_t bytes)
{
	uint64_t part = bytes / 2 / (unsigned int)threads;
	double start = now();

#pragma omp parallel for schedule(static) num_threads(threads)
	for (int i = 0; i < threads; i++)
		memcpy(to + part * (unsigned int)i, from + part * (unsigned int)i, part);
	return now() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void versus_run(const char *name, const struct versus_packet *packet, uint64_t bytes)
{
	double ours[ROUNDS], theirs[ROUNDS], work = 1e-9 * (double)bytes;
	unsigned int i;

	if (bytes / 2 > most)
		exit(1);
	versus_time(packet);
	run_memcpy(bytes);
	for (i = 0; i < ROUNDS; i++) {
		ours[i] = versus_time(packet);
		theirs[i] = run_memcpy(bytes);
	}
	qsort(ours, ROUNDS, sizeof(double), ascending);
	qsort(theirs, ROUNDS, sizeof(double), ascending);
	printf("%-18s %7.1f %8.1f  %.3f  best %.3f\n", name, work / ours[ROUNDS / 2],
	       work / theirs[ROUNDS / 2], theirs[ROUNDS / 2] / ours[ROUNDS / 2],
	       theirs[0] / ours[0]);
}

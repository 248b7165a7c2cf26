// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engines alone on a few rows of activations: how much of the read loop's speed over the
 * weights' bytes is left. matvec [threads [rows [level]]]: name, ours, read loop, ratio in GB/s;
 * medians, taken in turns.
 */
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware-emu/engine/engine.h"
#include "selftests/bench/limits.h"

#define ROUNDS	7
#define BYTES	(384u << 20)	/* of weights: what the last cache holds matters little */
#define PASSES	6u		/* of a turn, the last TIMED of them */
#define TIMED	4u
#define K	4096u
#define THREADS	64

struct kind {
	const char *name;
	unsigned int type, layout, b_as;
};

static unsigned int threads = 2;
static struct engine_scratch scratch[THREADS];
static struct engine_op op;
static uint8_t *memory;		/* of the read loops */

static double now(void)
{
	struct timespec t;

	/* One thread: its CPU time, which other load disturbs less. */
	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *touched(uint64_t bytes)
{
	void *host = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	if (!host)
		exit(1);
	memset(host, 0, bytes);
	return host;
}

static void operand(struct maru_operand *desc, unsigned int type, unsigned int layout, uint32_t d0,
		    uint32_t d1)
{
	const uint32_t dim[4] = { d0, d1, 1, 1 };
	uint64_t stride = maru_type_bytes(type);

	memset(desc, 0, sizeof(*desc));
	desc->type = (uint8_t)type;
	desc->layout = (uint8_t)layout;
	for (unsigned int d = 0; d < 4; d++) {
		desc->dim[d] = dim[d];
		desc->stride[d] = layout ? 0 : stride;
		stride *= dim[d];
	}
	desc->va = (uint64_t)(uintptr_t)touched(layout ? maru_layout_bytes(layout, type, dim) :
						stride);
}

static double run_ours(const void *packet, uint32_t bytes)
{
	double start = now();
	uint32_t next = 0;

	if (engine_begin(&op, NULL, 0, packet, bytes)) {
		printf("# refused: %#x\n", op.error.word);
		exit(1);
	}
#pragma omp parallel
	{
		struct engine_error error;
		uint32_t tile;

		while ((tile = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED)) < op.tiles)
			engine_tile(&op, tile, &scratch[omp_get_thread_num()], &error);
	}
	engine_end(&op);
	return now() - start;
}

static double run_read(unsigned int loop)
{
	double start = now();

#pragma omp parallel
	readloop_run(loop, memory + (size_t)omp_get_thread_num() * (BYTES / threads / 64 * 64),
		     BYTES / threads / 64 * 64);
	return now() - start;
}

/* Seconds of a pass. @loop: a read loop, or READLOOPS for @packet. */
static double turn(unsigned int loop, const struct maru_packet *packet)
{
	double took, all = 0;

	for (unsigned int i = 0; i < PASSES; i++) {
		took = loop == READLOOPS ? run_ours(packet, packet->bytes) : run_read(loop);
		all += i < PASSES - TIMED ? 0 : took;
	}
	return all / TIMED;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list)
{
	qsort(list, ROUNDS, sizeof(*list), ascending);
	return list[ROUNDS / 2];
}

static void bench(const struct kind *kind, uint32_t m)
{
	struct {
		struct maru_packet header;
		struct maru_operand line[4];
	} packet = { .header = { .op = MARU_OP_MATMUL, .bytes = 256, .roles = 7,
				 .matmul = { .b_as = (uint8_t)kind->b_as, .scale = 0x3f800000 } } };
	uint32_t n = BYTES / K / maru_type_bytes(kind->type);
	double sides[READLOOPS + 1][ROUNDS], best = 1e9, took;
	unsigned int i, j;

	operand(&packet.line[0], MARU_TYPE_F32, 0, n, m);
	operand(&packet.line[1], kind->type, kind->layout, K, n);
	operand(&packet.line[2], MARU_TYPE_F32, 0, K, m);
	operand(&packet.line[3], MARU_TYPE_F32, 0, n, 1);
	if (kind->type == MARU_TYPE_I8) {
		packet.header.roles |= 1 << MARU_ROLE_A_SCALE;
		packet.header.bytes += MARU_LINE_BYTES;
	}
	for (i = 0; i < ROUNDS; i++)
		for (j = 0; j <= READLOOPS; j++)
			sides[j][i] = turn(j, &packet.header);
	for (j = 0; j < READLOOPS; j++) {
		took = median(sides[j]);
		best = took < best ? took : best;
	}
	took = median(sides[READLOOPS]);
	printf("%-14s m %u  %6.1f %6.1f  %.3f\n", kind->name, m, BYTES / took * 1e-9,
	       BYTES / best * 1e-9, best / took);
	for (i = 0; i < 4; i++)
		free((void *)(uintptr_t)packet.line[i].va);
}

int main(int argc, char **argv)
{
	static const struct kind kinds[] = {
		{ "bf16 n64", MARU_TYPE_BF16, MARU_LAYOUT_K16N64, MARU_TYPE_NONE },
		{ "bf16 n64k2", MARU_TYPE_BF16, MARU_LAYOUT_K16N64K2, MARU_TYPE_NONE },
		{ "bf16 rows", MARU_TYPE_BF16, 0, MARU_TYPE_NONE },
		{ "f16 n64", MARU_TYPE_F16, MARU_LAYOUT_K16N64, MARU_TYPE_NONE },
		{ "f16 n64k2", MARU_TYPE_F16, MARU_LAYOUT_K16N64K2, MARU_TYPE_NONE },
		{ "f16 rows", MARU_TYPE_F16, 0, MARU_TYPE_NONE },
		{ "i8 as i8", MARU_TYPE_I8, MARU_LAYOUT_K16N64K4, MARU_TYPE_I8 },
		{ "i8 as i8 rows", MARU_TYPE_I8, 0, MARU_TYPE_I8 },
		{ "i8 f32", MARU_TYPE_I8, MARU_LAYOUT_K16N64K4, MARU_TYPE_NONE },
		{ "i8 f32 rows", MARU_TYPE_I8, 0, MARU_TYPE_NONE },
		{ "f32 n64", MARU_TYPE_F32, MARU_LAYOUT_K16N64, MARU_TYPE_NONE },
		{ "f32 rows", MARU_TYPE_F32, 0, MARU_TYPE_NONE },
	};
	uint32_t m = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;

	threads = argc > 1 ? (unsigned int)atoi(argv[1]) : 2;
	if (threads < 1 || threads > THREADS || !m)
		return 2;
	setbuf(stdout, NULL);
	omp_set_num_threads((int)threads);
#pragma omp parallel
	pin((unsigned int)omp_get_thread_num());
	if (engine_init(argc > 3 ? (uint32_t)atoi(argv[3]) : ~0u))
		return 1;
	for (unsigned int i = 0; i < threads; i++)
		scratch[i] = (struct engine_scratch){ touched(ENGINE_SCRATCH_BYTES),
						      ENGINE_SCRATCH_BYTES, i };
	memory = touched(BYTES);
	printf("# %u threads; name, rows, ours, read loop, ratio\n", threads);
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		bench(&kinds[i], m);
	return 0;
}

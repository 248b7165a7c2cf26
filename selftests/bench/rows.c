// SPDX-License-Identifier: GPL-2.0-only
/*
 * COPY, NORM, ROPE and SOFTMAX of the engines alone, without card and driver, against memcpy
 * that moves the same bytes: 64 MiB read and 64 MiB written. Same threads, in turns.
 * rows [threads]: name, ours and memcpy in GB/s, ratio of the medians.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "firmware-emu/engine/engine.h"

#define ROUNDS	15
#define BYTES	(64u << 20)

static int threads;
static uint8_t *from, *to, *spare;
static struct engine_scratch scratches[64];

static double now(void)
{
	struct timespec t;

	/* One thread: its CPU time, which other load disturbs less. */
	clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *touched(uint64_t bytes, int byte)
{
	void *memory = aligned_alloc(1 << 21, (bytes + (1 << 21) - 1) >> 21 << 21);

	if (!memory)
		exit(1);
	return memset(memory, byte, bytes);
}

struct packet {
	struct maru_packet header;
	struct maru_operand line[4];
};

static void operand(struct packet *packet, unsigned int role, unsigned int type, void *memory,
		    uint32_t d0, uint32_t d1, uint32_t d2)
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

static double run_packet(const struct packet *packet)
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

static double run_memcpy(void)
{
	double start = now();

#pragma omp parallel for schedule(static) num_threads(threads)
	for (int i = 0; i < threads; i++)
		memcpy(to + BYTES / (unsigned int)threads * (unsigned int)i,
		       from + BYTES / (unsigned int)threads * (unsigned int)i,
		       BYTES / (unsigned int)threads);
	return now() - start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void bench(const char *name, const struct packet *packet)
{
	double ours[ROUNDS], theirs[ROUNDS], work = 2e-9 * BYTES;
	unsigned int i;

	run_packet(packet);
	run_memcpy();
	for (i = 0; i < ROUNDS; i++) {
		ours[i] = run_packet(packet);
		theirs[i] = run_memcpy();
	}
	qsort(ours, ROUNDS, sizeof(double), ascending);
	qsort(theirs, ROUNDS, sizeof(double), ascending);
	printf("%-16s %8.1f %8.1f  %.3f  best %.3f\n", name, work / ours[ROUNDS / 2],
	       work / theirs[ROUNDS / 2], theirs[ROUNDS / 2] / ours[ROUNDS / 2],
	       theirs[0] / ours[0]);
}

static struct packet start(unsigned int op)
{
	return (struct packet) { .header = { .op = (uint16_t)op, .bytes = MARU_LINE_BYTES } };
}

static void bench_copy(void)
{
	struct packet packet = start(MARU_OP_COPY);

	operand(&packet, 0, MARU_TYPE_F32, to, BYTES / 4, 1, 1);
	operand(&packet, 1, MARU_TYPE_F32, from, BYTES / 4, 1, 1);
	bench("copy", &packet);
}

static void bench_norm(const char *name, unsigned int kind, unsigned int type, void *dst)
{
	struct packet packet = start(MARU_OP_NORM);
	uint32_t rows = BYTES / maru_type_bytes(type) / 4096;

	packet.header.norm.kind = (uint8_t)kind;
	packet.header.norm.eps = 0x3727c5ac;	/* 1e-5 */
	operand(&packet, 0, type, dst, 4096, rows, 1);
	operand(&packet, 1, type, from, 4096, rows, 1);
	operand(&packet, 2, MARU_TYPE_F32, spare, 4096, 1, 1);
	bench(name, &packet);
}

static void bench_rope(const char *name, unsigned int mode, unsigned int type, void *dst,
		       uint32_t heads)
{
	struct packet packet = start(MARU_OP_ROPE);
	uint32_t tokens = BYTES / maru_type_bytes(type) / 128 / heads, t;

	packet.header.rope.mode = (uint8_t)mode;
	packet.header.rope.n_dims = 128;
	packet.header.rope.base = 0x461c4000;	/* 10000 */
	packet.header.rope.freq_scale = 0x3f800000;
	packet.header.rope.attn_factor = 0x3f800000;
	for (t = 0; t < tokens; t++)
		((int32_t *)(void *)spare)[t] = (int32_t)t;
	operand(&packet, 0, type, dst, 128, heads, tokens);
	operand(&packet, 1, type, from, 128, heads, tokens);
	operand(&packet, 2, MARU_TYPE_I32, spare, tokens, 1, 1);
	bench(name, &packet);
}

static void bench_softmax(const char *name, uint32_t n, void *dst)
{
	struct packet packet = start(MARU_OP_SOFTMAX);

	packet.header.softmax.scale = 0x3e000000;	/* 0.125 */
	operand(&packet, 0, MARU_TYPE_F32, dst, n, BYTES / 4 / n, 1);
	operand(&packet, 1, MARU_TYPE_F32, from, n, BYTES / 4 / n, 1);
	bench(name, &packet);
}

/* The step of one token: what a packet costs beside the table of its angles. */
static void bench_decode(void)
{
	struct packet packet = start(MARU_OP_ROPE);
	double best = 1, one;
	unsigned int i;

	packet.header.rope.n_dims = 128;
	packet.header.rope.base = 0x461c4000;
	packet.header.rope.freq_scale = 0x3f800000;
	packet.header.rope.attn_factor = 0x3f800000;
	operand(&packet, 0, MARU_TYPE_F32, to, 128, 32, 1);
	operand(&packet, 1, MARU_TYPE_F32, from, 128, 32, 1);
	operand(&packet, 2, MARU_TYPE_I32, spare, 1, 1, 1);
	for (i = 0; i < 2000; i++) {
		one = run_packet(&packet);
		best = one < best ? one : best;
	}
	printf("%-16s %8.1f us\n", "rope, one token", best * 1e6);
}

int main(int argc, char **argv)
{
	int i;

	threads = argc > 1 ? atoi(argv[1]) : 2;
	if (threads < 1 || threads > 64)
		return 2;
	setbuf(stdout, NULL);
	if (engine_init(~0u))
		return 1;
	from = touched(BYTES, 0x3c);
	to = touched(BYTES, 0);
	spare = touched(1 << 20, 0x3c);
	for (i = 0; i < threads; i++) {
		scratches[i].bytes = ENGINE_SCRATCH_BYTES;
		scratches[i].base = touched(ENGINE_SCRATCH_BYTES, 0);
	}
	printf("# %d threads, level %u\n# name               ours   memcpy  ratio\n", threads,
	       engine_profile(NULL));
	bench_copy();
	bench_norm("rms f32", MARU_NORM_RMS, MARU_TYPE_F32, to);
	bench_norm("rms f32 =", MARU_NORM_RMS, MARU_TYPE_F32, from);
	bench_norm("layer f32", MARU_NORM_LAYER, MARU_TYPE_F32, to);
	bench_norm("rms bf16", MARU_NORM_RMS, MARU_TYPE_BF16, to);
	bench_rope("rope f32", MARU_ROPE_NORMAL, MARU_TYPE_F32, to, 32);
	bench_rope("rope f32 =", MARU_ROPE_NORMAL, MARU_TYPE_F32, from, 32);
	bench_rope("rope f32 8 heads", MARU_ROPE_NORMAL, MARU_TYPE_F32, to, 8);
	bench_rope("neox f32", MARU_ROPE_NEOX, MARU_TYPE_F32, to, 32);
	bench_rope("neox bf16", MARU_ROPE_NEOX, MARU_TYPE_BF16, to, 32);
	bench_softmax("softmax 4096", 4096, to);
	bench_softmax("softmax 4096 =", 4096, from);
	bench_softmax("softmax 128", 128, to);
	bench_decode();
	return 0;
}

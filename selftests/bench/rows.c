// SPDX-License-Identifier: GPL-2.0-only
/*
 * COPY, NORM, ROPE and SOFTMAX of the engines alone, without card and driver, against memcpy
 * that moves the same bytes, 64 MiB read and 64 MiB written: rows [threads [level]].
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "selftests/bench/versus.h"

#define BYTES	(64u << 20)
#define FILL	0x3c	/* a byte that makes small numbers of every type */

static void *from, *to, *spare;

static struct versus_packet start(unsigned int op)
{
	return (struct versus_packet) {
		.header = { .op = (uint16_t)op, .bytes = MARU_LINE_BYTES },
	};
}

static void bench_copy(void)
{
	struct versus_packet packet = start(MARU_OP_COPY);

	versus_operand(&packet, 0, MARU_TYPE_F32, to, BYTES / 4, 1, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, from, BYTES / 4, 1, 1);
	versus_run("copy", &packet, 2ULL * BYTES);
}

/* 64 MiB of the wider type. */
static void bench_convert(const char *name, unsigned int to_type, unsigned int type)
{
	struct versus_packet packet = start(MARU_OP_COPY);
	uint32_t n = BYTES / 4;

	versus_operand(&packet, 0, to_type, to, n, 1, 1);
	versus_operand(&packet, 1, type, from, n, 1, 1);
	versus_run(name, &packet, (uint64_t)n * (maru_type_bytes(to_type) + maru_type_bytes(type)));
}

/* Rows of 4,096 out of longer ones; columns that become rows. */
static void bench_parts(const char *name, uint32_t columns, bool is_transposed)
{
	struct versus_packet packet = start(MARU_OP_COPY);
	uint32_t rows = BYTES / 4 / columns;
	__u64 *stride = packet.line[1].stride;

	versus_operand(&packet, 0, MARU_TYPE_F32, to, columns, rows, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, from, columns, rows, 1);
	stride[0] = is_transposed ? rows * 4ULL : 4;
	stride[1] = is_transposed ? 4 : columns * 8ULL;
	stride[2] = stride[3] = 2ULL * BYTES;
	versus_run(name, &packet, 2ULL * BYTES);
}

static void bench_norm(const char *name, unsigned int kind, unsigned int type, void *dst)
{
	struct versus_packet packet = start(MARU_OP_NORM);
	uint32_t rows = BYTES / maru_type_bytes(type) / 4096;

	packet.header.norm.kind = (uint8_t)kind;
	packet.header.norm.eps = 0x3727c5ac;	/* 1e-5 */
	versus_operand(&packet, 0, type, dst, 4096, rows, 1);
	versus_operand(&packet, 1, type, from, 4096, rows, 1);
	versus_operand(&packet, 2, MARU_TYPE_F32, spare, 4096, 1, 1);
	versus_run(name, &packet, 2ULL * BYTES);
}

static void bench_rope(const char *name, unsigned int mode, unsigned int type, void *dst,
		       uint32_t heads)
{
	struct versus_packet packet = start(MARU_OP_ROPE);
	uint32_t tokens = BYTES / maru_type_bytes(type) / 128 / heads, t;

	packet.header.rope.mode = (uint8_t)mode;
	packet.header.rope.n_dims = 128;
	packet.header.rope.base = 0x461c4000;	/* 10000 */
	packet.header.rope.freq_scale = 0x3f800000;
	packet.header.rope.attn_factor = 0x3f800000;
	for (t = 0; t < tokens; t++)
		((int32_t *)spare)[t] = (int32_t)t;
	versus_operand(&packet, 0, type, dst, 128, heads, tokens);
	versus_operand(&packet, 1, type, from, 128, heads, tokens);
	versus_operand(&packet, 2, MARU_TYPE_I32, spare, tokens, 1, 1);
	versus_run(name, &packet, 2ULL * BYTES);
}

static void bench_softmax(const char *name, uint32_t n, void *dst)
{
	struct versus_packet packet = start(MARU_OP_SOFTMAX);

	packet.header.softmax.scale = 0x3e000000;	/* 0.125 */
	versus_operand(&packet, 0, MARU_TYPE_F32, dst, n, BYTES / 4 / n, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, from, n, BYTES / 4 / n, 1);
	versus_run(name, &packet, 2ULL * BYTES);
}

/* The step of one token: what a packet costs beside the table of its angles. */
static void bench_decode(void)
{
	struct versus_packet packet = start(MARU_OP_ROPE);
	double best = 1, one;
	unsigned int i;

	packet.header.rope.n_dims = 128;
	packet.header.rope.base = 0x461c4000;
	packet.header.rope.freq_scale = 0x3f800000;
	packet.header.rope.attn_factor = 0x3f800000;
	versus_operand(&packet, 0, MARU_TYPE_F32, to, 128, 32, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, from, 128, 32, 1);
	versus_operand(&packet, 2, MARU_TYPE_I32, spare, 1, 1, 1);
	for (i = 0; i < 2000; i++) {
		one = versus_time(&packet);
		best = one < best ? one : best;
	}
	printf("# rope of one token %.1f us\n", best * 1e6);
}

/* After a case in place: what it left there, read as BF16, are denormals too, which are slow. */
static void refill(void)
{
	memset(from, FILL, 2ULL * BYTES);
}

int main(int argc, char **argv)
{
	versus_init(argc, argv, 2ULL * BYTES);
	from = versus_memory(2ULL * BYTES, FILL);
	to = versus_memory(BYTES, 0);
	spare = versus_memory(1 << 20, 0x3c);
	bench_copy();
	bench_convert("copy-f32-bf16", MARU_TYPE_BF16, MARU_TYPE_F32);
	bench_convert("copy-bf16-f32", MARU_TYPE_F32, MARU_TYPE_BF16);
	bench_convert("copy-f32-f16", MARU_TYPE_F16, MARU_TYPE_F32);
	bench_parts("copy-rows", 4096, false);
	bench_parts("copy-transposed", 4096, true);
	bench_norm("rms-f32", MARU_NORM_RMS, MARU_TYPE_F32, to);
	bench_norm("rms-f32-in-place", MARU_NORM_RMS, MARU_TYPE_F32, from);
	refill();
	bench_norm("layer-f32", MARU_NORM_LAYER, MARU_TYPE_F32, to);
	bench_norm("rms-bf16", MARU_NORM_RMS, MARU_TYPE_BF16, to);
	bench_rope("rope-f32", MARU_ROPE_NORMAL, MARU_TYPE_F32, to, 32);
	bench_rope("rope-f32-in-place", MARU_ROPE_NORMAL, MARU_TYPE_F32, from, 32);
	refill();
	bench_rope("rope-f32-8-heads", MARU_ROPE_NORMAL, MARU_TYPE_F32, to, 8);
	bench_rope("neox-f32", MARU_ROPE_NEOX, MARU_TYPE_F32, to, 32);
	bench_rope("neox-bf16", MARU_ROPE_NEOX, MARU_TYPE_BF16, to, 32);
	bench_softmax("softmax-4096", 4096, to);
	bench_softmax("softmax-4096-in-place", 4096, from);
	bench_softmax("softmax-128", 128, to);
	bench_decode();
	return 0;
}

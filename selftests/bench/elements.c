// SPDX-License-Identifier: GPL-2.0-only
/*
 * ELEMENTWISE, GATHER, SCATTER and REDUCE of the engines alone, without card and driver, on
 * operands of 64 MiB, against memcpy that moves the same bytes: elements [threads [level]].
 */
#include "selftests/bench/versus.h"

#define BYTES	(64u << 20)
#define ROW	4096u

static void *left, *right, *dst;
static int32_t *ids;

static struct versus_packet start(unsigned int op)
{
	return (struct versus_packet) {
		.header = { .op = (uint16_t)op, .bytes = MARU_LINE_BYTES },
	};
}

/* @shared: b is a row, or one element. */
static void bench_two(const char *name, unsigned int code, unsigned int type, uint32_t shared)
{
	struct versus_packet packet = start(MARU_OP_ELEMENTWISE);
	uint32_t rows = BYTES / maru_type_bytes(type) / ROW;

	packet.header.elementwise.code = (uint16_t)code;
	versus_operand(&packet, 0, type, dst, ROW, rows, 1);
	versus_operand(&packet, 1, type, left, ROW, rows, 1);
	versus_operand(&packet, 2, type, right, shared ? shared : ROW, shared ? 1 : rows, 1);
	versus_run(name, &packet, (shared ? 2ULL : 3ULL) * BYTES);
}

static void bench_one(const char *name, unsigned int code, unsigned int type)
{
	struct versus_packet packet = start(MARU_OP_ELEMENTWISE);

	packet.header.elementwise.code = (uint16_t)code;
	if (code == MARU_CODE_SCALE)
		packet.header.elementwise.p[0] = 0x3f000000;
	versus_operand(&packet, 0, type, dst, ROW, BYTES / maru_type_bytes(type) / ROW, 1);
	versus_operand(&packet, 1, type, left, ROW, BYTES / maru_type_bytes(type) / ROW, 1);
	versus_run(name, &packet, 2ULL * BYTES);
}

static void bench_rows(const char *name, unsigned int op, unsigned int to)
{
	struct versus_packet packet = start(op);
	uint32_t rows = BYTES / 4 / ROW, i;

	for (i = 0; i < rows; i++)
		ids[i] = (int32_t)(i * 1001 % rows);
	versus_operand(&packet, 0, to, dst, ROW, rows, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, left, ROW, rows, 1);
	versus_operand(&packet, 2, MARU_TYPE_I32, ids, rows, 1, 1);
	versus_run(name, &packet, BYTES + (uint64_t)BYTES / 4 * maru_type_bytes(to));
}

/* What is only read is compared with a copy of half as many bytes. */
static void bench_reduce(const char *name, unsigned int kind, unsigned int dim)
{
	struct versus_packet packet = start(MARU_OP_REDUCE);
	uint32_t rows = BYTES / 4 / ROW;

	packet.header.reduce.kind = (uint8_t)kind;
	packet.header.reduce.dim = (uint8_t)dim;
	versus_operand(&packet, 0, kind >= MARU_REDUCE_ARGMAX ? MARU_TYPE_I32 : MARU_TYPE_F32, dst,
		       dim ? ROW : 1, dim ? 1 : rows, 1);
	versus_operand(&packet, 1, MARU_TYPE_F32, left, ROW, rows, 1);
	versus_run(name, &packet, BYTES);
}

int main(int argc, char **argv)
{
	versus_init(argc, argv, 3ULL * BYTES);
	left = versus_memory(BYTES, 0x3c);
	right = versus_memory(BYTES, 0x3d);
	dst = versus_memory(BYTES, 0);
	ids = versus_memory(1 << 20, 0);
	bench_two("add-f32", MARU_CODE_ADD, MARU_TYPE_F32, 0);
	bench_two("add-bf16", MARU_CODE_ADD, MARU_TYPE_BF16, 0);
	bench_two("mul-f32", MARU_CODE_MUL, MARU_TYPE_F32, 0);
	bench_two("mul-bf16", MARU_CODE_MUL, MARU_TYPE_BF16, 0);
	bench_two("silu-mul-f32", MARU_CODE_SWIGLU, MARU_TYPE_F32, 0);
	bench_two("silu-mul-bf16", MARU_CODE_SWIGLU, MARU_TYPE_BF16, 0);
	bench_two("silu-mul-f16", MARU_CODE_SWIGLU, MARU_TYPE_F16, 0);
	bench_two("gelu-mul-f32", MARU_CODE_GEGLU, MARU_TYPE_F32, 0);
	bench_two("div-f32", MARU_CODE_DIV, MARU_TYPE_F32, 0);
	bench_two("mul-f32-row", MARU_CODE_MUL, MARU_TYPE_F32, ROW);
	bench_two("mul-f32-one", MARU_CODE_MUL, MARU_TYPE_F32, 1);
	bench_one("scale-f32", MARU_CODE_SCALE, MARU_TYPE_F32);
	bench_one("silu-f32", MARU_CODE_SILU, MARU_TYPE_F32);
	bench_one("silu-bf16", MARU_CODE_SILU, MARU_TYPE_BF16);
	bench_rows("gather-f32", MARU_OP_GATHER, MARU_TYPE_F32);
	bench_rows("scatter-f32", MARU_OP_SCATTER, MARU_TYPE_F32);
	bench_rows("scatter-f16", MARU_OP_SCATTER, MARU_TYPE_F16);
	bench_reduce("sum-f32", MARU_REDUCE_SUM, 0);
	bench_reduce("sum-f32-dim-1", MARU_REDUCE_SUM, 1);
	bench_reduce("argmax-f32", MARU_REDUCE_ARGMAX, 0);
	return 0;
}

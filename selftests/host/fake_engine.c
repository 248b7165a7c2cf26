// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <time.h>

#include "firmware-emu/engine/engine.h"
#include "selftests/host/fake_engine.h"

uint64_t fake_engine_tile_ns;
int fake_engine_is_split;

int engine_init(uint32_t profile)
{
	(void)profile;
	return 0;
}

uint32_t engine_profile(const char **library)
{
	*library = "fake";
	return 0;
}

uint64_t engine_identify(void *buffer, uint64_t bytes)
{
	struct maru_op_info info = { .op = MARU_OP_NOP, .classes = 3, .units = 1 };

	memcpy(buffer, &info, bytes < sizeof(info) ? bytes : sizeof(info));
	return sizeof(info);
}

static int fake_fault(struct engine_op *op, const struct span_fault *fault)
{
	op->error.fault = fault->kind;
	op->error.va = fault->va;
	op->error.word = MARU_ERROR(fault->kind > MARU_FAULT_WINDOW ? MARU_ERR_TOO_LARGE :
				    MARU_ERR_FAULT_READ + fault->kind, 0, MARU_FIELD_VA);
	return -EINVAL;
}

int engine_begin(struct engine_op *op, struct span_vm *vm, unsigned int cls, const void *packet,
		 uint32_t bytes)
{
	const struct maru_operand *dst = (const void *)(op->packet + MARU_LINE_BYTES);
	struct engine_operand *operand = &op->operands[0];
	struct span_fault fault;

	(void)cls;
	memset(op, 0, sizeof(*op));
	memcpy(op->packet, packet, bytes);
	op->vm = vm;
	if (op->header.op == MARU_OP_NOP)
		return 0;
	if (op->header.op != MARU_OP_FILL || bytes != 2 * MARU_LINE_BYTES) {
		op->error.word = MARU_ERROR(MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 0);
		return -EINVAL;
	}
	operand->desc = dst;
	operand->bytes = (uint64_t)dst->dim[0] * maru_type_bytes(dst->type);
	if (span_resolve(vm, dst->va, operand->bytes, SPAN_WRITE, &operand->span, &fault))
		return fake_fault(op, &fault);
	operand->host = operand->span.host;
	memcpy(op->bytes.written, operand->span.per_tier, sizeof(op->bytes.written));
	op->tiles = (uint32_t)((operand->bytes + FAKE_TILE_BYTES - 1) / FAKE_TILE_BYTES);
	op->second = fake_engine_is_split ? op->tiles * 2 / 3 : 0;
	return 0;
}

static void fake_spin(uint64_t ns)
{
	struct timespec from, now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((uint64_t)(now.tv_sec - from.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
		 (uint64_t)from.tv_nsec < ns);
}

int engine_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		struct engine_error *error)
{
	const struct engine_operand *operand = &op->operands[0];
	uint64_t at = (uint64_t)tile * FAKE_TILE_BYTES, left = operand->bytes - at;

	(void)error;
	scratch->base[0] = (uint8_t)tile;
	if (fake_engine_tile_ns)
		fake_spin(fake_engine_tile_ns);
	memset(operand->host + at, (uint8_t)op->header.fill.pattern,
	       left < FAKE_TILE_BYTES ? left : FAKE_TILE_BYTES);
	return 0;
}

void engine_end(struct engine_op *op)
{
	for (unsigned int role = 0; role < MARU_ROLES; role++)
		span_release(&op->operands[role].span);
}

// SPDX-License-Identifier: MIT
/* NOP and TIMESTAMP. */
#include <string.h>
#include <time.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"

static int nop_plan(struct engine_op *op)
{
	op->tiles = 0;
	return 0;
}

static int nop_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		    struct engine_error *error)
{
	(void)op, (void)tile, (void)scratch, (void)error;
	return 0;
}

static int timestamp_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	unsigned int d;

	for (d = 0; d < 4; d++)
		if (dst->dim[d] != (d ? 1 : 2))
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, MARU_ROLE_DST,
					     MARU_FIELD_DIM(d), dst->dim[d]);
	op->tiles = 1;
	return 0;
}

static int timestamp_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
			  struct engine_error *error)
{
	uint64_t times[2] = { 0, 0 };	/* card ns; model ns read 0 until a model runs */
	struct timespec now;

	(void)tile, (void)scratch, (void)error;
	clock_gettime(CLOCK_MONOTONIC, &now);
	times[0] = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	memcpy(op->operands[MARU_ROLE_DST].host, times, sizeof(times));
	return 0;
}

const struct engine_impl nop_impl = { .op = MARU_OP_NOP, .plan = nop_plan, .tile = nop_tile };
const struct engine_impl timestamp_impl = {
	.op = MARU_OP_TIMESTAMP, .plan = timestamp_plan, .tile = timestamp_tile,
};

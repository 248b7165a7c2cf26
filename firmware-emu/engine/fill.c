// SPDX-License-Identifier: MIT
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/tile.h"

struct fill_plan {
	struct tile_walk walk;
	uint64_t elements;	/* in all */
	uint64_t quantum;	/* of one tile */
	uint64_t pattern;	/* repeated over eight bytes */
	unsigned int size;
};

static int fill_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	struct fill_plan *plan = IMPL_PLAN(struct fill_plan, op);
	unsigned int i;

	plan->size = maru_type_bytes(dst->type);
	plan->elements = tile_elements(dst);
	plan->quantum = TILE_BYTES / plan->size;
	for (i = 0; i < 8; i += plan->size)
		memcpy((uint8_t *)&plan->pattern + i, &op->header.fill.pattern, plan->size);
	tile_walk_init(&plan->walk, dst);
	op->tiles = (uint32_t)((plan->elements + plan->quantum - 1) / plan->quantum);
	return 0;
}

static int fill_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct fill_plan *plan = IMPL_PLAN(const struct fill_plan, op);
	uint64_t start = tile * plan->quantum, left = plan->elements - start, run, i;
	uint64_t step = plan->walk.stride[0];
	struct tile_cursor cursor;

	(void)scratch, (void)error;
	if (left > plan->quantum)
		left = plan->quantum;
	tile_cursor_seek(&cursor, &plan->walk, op->operands[MARU_ROLE_DST].host, start);
	for (; left; left -= run) {
		run = tile_cursor_run(&cursor);
		if (run > left)
			run = left;
		if (step == plan->size)
			kernels.fill(cursor.at, plan->pattern, run * plan->size);
		else
			for (i = 0; i < run; i++)
				memcpy(cursor.at + i * step, &plan->pattern, plan->size);
		tile_cursor_advance(&cursor, run);
	}
	return 0;
}

const struct engine_impl fill_impl = { .op = MARU_OP_FILL, .plan = fill_plan, .tile = fill_tile };

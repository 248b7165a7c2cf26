// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "driver/maru_hw.h"
#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/tile.h"

struct copy_plan {
	struct tile_walk to;
	struct tile_walk from;
	uint64_t elements;	/* in all */
	uint64_t quantum;	/* of one tile */
	uint64_t size;		/* of an element that needs no conversion, else 0 */
	convert_fn convert;
};

static int refuse_shape(struct engine_op *op, unsigned int d)
{
	return decode_refuse(op, MARU_ERR_BAD_SHAPE, MARU_ROLE_SRC, MARU_FIELD_DIM(d),
			     op->operands[MARU_ROLE_SRC].desc->dim[d]);
}

/* Each dim of dst is src's, times a repetition that does not move in src. */
static int plan_repeat(struct engine_op *op, struct copy_plan *plan)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	unsigned int d;

	for (d = 0; d < 4; d++)
		if (src->dim[d] ? dst->dim[d] % src->dim[d] : dst->dim[d])
			return refuse_shape(op, d);
	plan->to.dims = 0;
	plan->from.dims = 0;
	if (!plan->elements)
		return 0;
	for (d = 0; d < 4; d++) {
		uint64_t dim = src->dim[d], times = dst->dim[d] / dim;

		tile_walk_add(&plan->to, dim, dst->stride[d]);
		tile_walk_add(&plan->to, times, dst->stride[d] * dim);
		tile_walk_add(&plan->from, dim, src->stride[d]);
		tile_walk_add(&plan->from, times, 0);
	}
	return 0;
}

static int copy_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	struct copy_plan *plan = IMPL_PLAN(struct copy_plan, op);
	unsigned int to = maru_type_bytes(dst->type), from = maru_type_bytes(src->type);

	if (op->cls == MARU_CLASS_COPY && dst->type != src->type)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_SRC, MARU_FIELD_TYPE,
				     src->type);
	plan->elements = tile_elements(dst);
	plan->quantum = TILE_BYTES / (to > from ? to : from);
	plan->size = dst->type == src->type ? to : 0;
	plan->convert = convert_lookup(dst->type, src->type);
	if (op->header.copy.mode == MARU_COPY_REPEAT) {
		if (plan_repeat(op, plan))
			return -EINVAL;
	} else {
		if (plan->elements != tile_elements(src))
			return refuse_shape(op, 0);
		tile_walk_init(&plan->to, dst);
		tile_walk_init(&plan->from, src);
	}
	op->tiles = (uint32_t)((plan->elements + plan->quantum - 1) / plan->quantum);
	return 0;
}

static int copy_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct copy_plan *plan = IMPL_PLAN(const struct copy_plan, op);
	uint64_t to_step = plan->to.stride[0], from_step = plan->from.stride[0];
	uint64_t start = tile * plan->quantum, left = plan->elements - start, run;
	bool is_block = plan->size && to_step == plan->size && from_step == plan->size;
	struct tile_cursor to, from;

	(void)scratch, (void)error;
	if (left > plan->quantum)
		left = plan->quantum;
	tile_cursor_seek(&to, &plan->to, op->operands[MARU_ROLE_DST].host, start);
	tile_cursor_seek(&from, &plan->from, op->operands[MARU_ROLE_SRC].host, start);
	for (; left; left -= run) {
		run = tile_cursor_run(&to);
		if (run > tile_cursor_run(&from))
			run = tile_cursor_run(&from);
		if (run > left)
			run = left;
		if (is_block)
			kernels.copy(to.at, from.at, run * plan->size);
		else
			plan->convert(to.at, to_step, from.at, from_step, run);
		tile_cursor_advance(&to, run);
		tile_cursor_advance(&from, run);
	}
	return 0;
}

const struct engine_impl copy_impl = { .op = MARU_OP_COPY, .plan = copy_plan, .tile = copy_tile };

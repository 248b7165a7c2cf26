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

#define BLOCK	64u	/* columns and rows of dst that are transposed in scratch */
#define AHEAD		8192u		/* bytes that are asked for beforehand */
#define LEAST_STREAM	64u		/* elements side by side that are worth it */
#define LEAST_BLOCK	(256u << 10)	/* bytes: goes past the caches by itself */
#define COLUMNS	1024u	/* of dst in a tile, when they lie apart in src */

struct copy_plan {
	struct tile_walk to;
	struct tile_walk from;
	uint64_t elements;	/* in all */
	uint64_t quantum;	/* of one tile */
	uint64_t size;		/* of an element that needs no conversion, else 0 */
	convert_fn convert;
	bool is_stream;		/* dst goes past the caches, where elements lie side by side */
	uint32_t rows;		/* of dst in a tile; 0: elements in order */
	uint32_t tiles[2];	/* in dims 0, 1 of dst */
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

/* Neighbours in dim 1 of dst are neighbours in src: blocks, so that whole lines are used. */
static void plan_transposed(struct engine_op *op, struct copy_plan *plan)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	unsigned int size = maru_type_bytes(src->type);
	uint64_t columns = dst->dim[0] < COLUMNS ? dst->dim[0] : COLUMNS, rows, tiles;

	plan->rows = 0;
	if (memcmp(dst->dim, src->dim, sizeof(dst->dim)) || src->stride[1] != size ||
	    src->stride[0] == size || dst->dim[0] < 8 || dst->dim[1] < 8)
		return;
	rows = plan->quantum / columns / BLOCK * BLOCK;
	if (rows > dst->dim[1])
		rows = dst->dim[1];
	plan->tiles[0] = (uint32_t)((dst->dim[0] + columns - 1) / columns);
	plan->tiles[1] = (uint32_t)((dst->dim[1] + rows - 1) / rows);
	tiles = (uint64_t)plan->tiles[0] * plan->tiles[1] * dst->dim[2] * dst->dim[3];
	if (tiles > UINT32_MAX)
		return;
	plan->rows = (uint32_t)rows;
	op->tiles = (uint32_t)tiles;
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
	plan->is_stream = plan->elements * to >= CONVERT_STREAM_BYTES;
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
	plan_transposed(op, plan);
	return 0;
}

#define TRANSPOSE(name, type) \
	static void name(type *to, const uint8_t *from, uint64_t step, unsigned int rows, \
			 unsigned int columns) \
	{ \
		for (unsigned int c = 0; c < columns; c++) \
			for (unsigned int r = 0; r < rows; r++) \
				to[r * BLOCK + c] = *(const type *)(const void *) \
						    (from + c * step + r * sizeof(type)); \
	}
TRANSPOSE(transpose_8, uint8_t)
TRANSPOSE(transpose_64, uint64_t)

/* Row r of the block, in @to: element (c, r) of src. */
static void transpose(void *to, const uint8_t *from, uint64_t step, unsigned int size,
		      unsigned int rows, unsigned int columns)
{
	if (size == 1)
		transpose_8(to, from, step, rows, columns);
	else if (size == 2)
		kernels.transpose_16(to, from, step, rows, columns);
	else if (size == 4)
		kernels.transpose_32(to, from, step, rows, columns);
	else
		transpose_64(to, from, step, rows, columns);
}

/* @n elements, steps in bytes; @next: where the next ones lie. */
static void copy_run(const struct engine_op *op, uint8_t *to, uint64_t to_step,
		     const uint8_t *from, uint64_t from_step, uint64_t n, const uint8_t *next)
{
	const struct copy_plan *plan = IMPL_PLAN(const struct copy_plan, op);
	unsigned int to_type = op->operands[MARU_ROLE_DST].desc->type;
	unsigned int type = op->operands[MARU_ROLE_SRC].desc->type;
	bool is_side_by_side = to_step == maru_type_bytes(to_type) &&
			       from_step == maru_type_bytes(type);

	if (is_side_by_side && plan->is_stream && n >= LEAST_STREAM &&
	    !(plan->size && n * plan->size >= LEAST_BLOCK))
		convert_stream(to_type, type, to, from, n,
			       n * from_step > 4 * AHEAD ? from + AHEAD : next);
	else if (is_side_by_side && plan->size)
		kernels.copy(to, from, n * plan->size);
	else
		plan->convert(to, to_step, from, from_step, n);
}

/* The block that comes: its lines lie apart, so the machine would not guess them. */
static void ask_for(const uint8_t *from, uint64_t step, unsigned int columns, unsigned int bytes)
{
	unsigned int c, i;

	for (c = 0; c < columns; c++, from += step)
		for (i = 0; i < bytes; i += 64)
			__builtin_prefetch(from + i);
}

static void copy_transposed(struct engine_op *op, uint32_t tile, uint8_t *block)
{
	const struct copy_plan *plan = IMPL_PLAN(const struct copy_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *src = &op->operands[MARU_ROLE_SRC];
	const __u64 *to = dst->desc->stride, *from = src->desc->stride;
	unsigned int size = maru_type_bytes(src->desc->type), rows, columns, i;
	uint32_t matrix = tile / plan->tiles[0] / plan->tiles[1];
	uint64_t i2 = matrix % dst->desc->dim[2], i3 = matrix / dst->desc->dim[2];
	uint64_t first = (uint64_t)(tile % plan->tiles[0]) * COLUMNS, c;
	uint64_t r = (uint64_t)(tile / plan->tiles[0] % plan->tiles[1]) * plan->rows;
	uint64_t end = r + plan->rows, last = first + COLUMNS;

	end = end < dst->desc->dim[1] ? end : dst->desc->dim[1];
	last = last < dst->desc->dim[0] ? last : dst->desc->dim[0];
	for (; r < end; r += rows) {
		rows = end - r < BLOCK ? (unsigned int)(end - r) : BLOCK;
		for (c = first; c < last; c += columns) {
			uint8_t *target = dst->host + c * to[0] + r * to[1] + i2 * to[2] +
					  i3 * to[3];

			columns = last - c < BLOCK ? (unsigned int)(last - c) : BLOCK;
			if (plan->is_stream && c + 2 * BLOCK <= last)
				ask_for(src->host + (c + BLOCK) * from[0] + r * from[1] +
					i2 * from[2] + i3 * from[3], from[0], BLOCK, rows * size);
			transpose(block, src->host + c * from[0] + r * from[1] + i2 * from[2] +
				  i3 * from[3], from[0], size, rows, columns);
			for (i = 0; i < rows; i++)
				copy_run(op, target + i * to[1], to[0], block + i * BLOCK * size,
					 size, columns, block + i * BLOCK * size);
		}
	}
}

static int copy_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct copy_plan *plan = IMPL_PLAN(const struct copy_plan, op);
	uint64_t start = tile * plan->quantum, left = plan->elements - start, run;
	struct tile_cursor to, from;
	const uint8_t *source;
	uint8_t *target;

	(void)error;
	if (plan->rows) {
		copy_transposed(op, tile, scratch->base);
		left = 0;
	}
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
		target = to.at;
		source = from.at;
		tile_cursor_advance(&to, run);
		tile_cursor_advance(&from, run);
		copy_run(op, target, plan->to.stride[0], source, plan->from.stride[0], run,
			 from.at);
	}
	if (plan->is_stream)
		__builtin_ia32_sfence();
	return 0;
}

const struct engine_impl copy_impl = { .op = MARU_OP_COPY, .plan = copy_plan, .tile = copy_tile };

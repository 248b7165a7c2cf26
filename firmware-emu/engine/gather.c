// SPDX-License-Identifier: MIT
/* GATHER: rows by index, from a plain matrix or from a prepared one. */
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/index.h"
#include "firmware-emu/engine/pack.h"
#include "firmware-emu/engine/tile.h"

#define ROWS_MAX	(1u << 16)	/* of a tile, however short */

struct gather_plan {
	struct index_rule rule;
	uint64_t rows;			/* of dst, all matrices */
	uint64_t tile_rows;
	uint32_t columns;
	uint32_t tile_columns;
	uint32_t tiles_across;
	unsigned int to_size, from_size;
	unsigned int group;		/* of a prepared src, 0: strided */
	uint64_t matrix_bytes;		/* likewise */
	uint64_t panel_bytes;
	convert_fn convert;
	bool is_stream;			/* dst goes past the caches */
};

static int refuse_dim(struct engine_op *op, unsigned int role, unsigned int d)
{
	return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d),
			     op->operands[role].desc->dim[d]);
}

static int check_shape(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	const struct maru_operand *idx = op->operands[MARU_ROLE_IDX].desc;
	unsigned int d;

	if (src->dim[0] != dst->dim[0])
		return refuse_dim(op, MARU_ROLE_SRC, 0);
	for (d = 2; d < 4; d++)
		if (src->dim[d] ? dst->dim[d] % src->dim[d] : dst->dim[d])
			return refuse_dim(op, MARU_ROLE_SRC, d);
	for (d = 0; d < 4; d++)
		if (idx->dim[d] != (d < 3 ? dst->dim[d + 1] : 1))
			return refuse_dim(op, MARU_ROLE_IDX, d);
	if ((src->type == MARU_TYPE_I32) != (dst->type == MARU_TYPE_I32))
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_SRC, MARU_FIELD_TYPE,
				     src->type);
	return 0;
}

static void plan_prepared(struct gather_plan *plan, const struct maru_operand *src)
{
	const uint32_t matrix[4] = { src->dim[0], src->dim[1], 1, 1 };

	plan->group = pack_group(src->layout);
	plan->panel_bytes = pack_round(src->dim[0], plan->group) * PACK_N * plan->from_size;
	plan->matrix_bytes = maru_layout_bytes(src->layout, src->type, matrix);
}

static int gather_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	struct gather_plan *plan = IMPL_PLAN(struct gather_plan, op);
	uint64_t widest;
	int err = check_shape(op);

	if (err || operand_is_empty(dst))
		return err;
	*plan = (struct gather_plan) {
		.rule = { src->dim[1], op->header.gather.skip_neg },
		.rows = (uint64_t)dst->dim[1] * dst->dim[2] * dst->dim[3],
		.columns = dst->dim[0],
		.to_size = maru_type_bytes(dst->type),
		.from_size = maru_type_bytes(src->type),
		.convert = convert_lookup(dst->type, src->type),
	};
	if (src->layout != MARU_LAYOUT_STRIDED)
		plan_prepared(plan, src);
	widest = plan->to_size > plan->from_size ? plan->to_size : plan->from_size;
	plan->tile_columns = (uint32_t)(TILE_BYTES / widest);
	if (plan->tile_columns > plan->columns)
		plan->tile_columns = plan->columns;
	plan->tile_rows = TILE_BYTES / (plan->tile_columns * widest);
	if (plan->tile_rows > ROWS_MAX)
		plan->tile_rows = ROWS_MAX;
	plan->tiles_across = (plan->columns - 1) / plan->tile_columns + 1;
	plan->is_stream = !plan->group && plan->rows * plan->columns * plan->to_size >=
			  CONVERT_STREAM_BYTES;
	op->tiles = (uint32_t)(((plan->rows - 1) / plan->tile_rows + 1) * plan->tiles_across);
	return 0;
}

static int gather_look(struct engine_op *op)
{
	const struct gather_plan *plan = IMPL_PLAN(const struct gather_plan, op);
	struct engine_operand *src = &op->operands[MARU_ROLE_SRC];
	uint64_t used, bytes;
	int err;

	if (!op->tiles)
		return 0;
	err = index_look(op, &plan->rule, &used);
	bytes = used * plan->columns * plan->from_size;
	if (bytes < src->touched)
		src->touched = bytes;
	return err;
}

/* Columns c0 … c0 + n − 1 of a row; c0 is a multiple of the group. */
static void gather_row(const struct gather_plan *plan, uint8_t *to, const uint8_t *matrix,
		       uint64_t row_stride, uint64_t row, uint32_t c0, uint32_t n)
{
	unsigned int group = plan->group, size = plan->from_size, r;
	const uint8_t *from = matrix + row * row_stride + (uint64_t)c0 * size;

	if (!group) {
		plan->convert(to, plan->to_size, from, size, n);
		return;
	}
	from = matrix + row / PACK_N * plan->panel_bytes +
	       ((uint64_t)c0 * PACK_N + row % PACK_N * group) * size;
	for (r = 0; r < group && r < n; r++)
		plan->convert(to + r * plan->to_size, group * plan->to_size, from + r * size,
			      (uint64_t)group * PACK_N * size, (n - r + group - 1) / group);
}

/* The same past the caches, of no prepared matrix; @next: the row that comes, if there is one. */
static void stream_row(const struct engine_op *op, uint8_t *to, const uint8_t *matrix,
		       uint64_t row, int64_t next, uint64_t column, uint32_t n)
{
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	const uint8_t *from = matrix + column;

	convert_stream(op->operands[MARU_ROLE_DST].desc->type, src->type, to,
		       from + row * src->stride[1], n,
		       from + (next < 0 ? row : (uint64_t)next) * src->stride[1]);
}

static int gather_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		       struct engine_error *error)
{
	const struct gather_plan *plan = IMPL_PLAN(const struct gather_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *src = &op->operands[MARU_ROLE_SRC];
	const struct engine_operand *idx = &op->operands[MARU_ROLE_IDX];
	const __u64 *to_stride = dst->desc->stride, *stride = src->desc->stride;
	uint32_t c0 = tile % plan->tiles_across * plan->tile_columns;
	uint64_t i = tile / plan->tiles_across * plan->tile_rows, end = i + plan->tile_rows;
	uint32_t n = plan->columns - c0;

	(void)scratch;
	if (n > plan->tile_columns)
		n = plan->tile_columns;
	if (end > plan->rows)
		end = plan->rows;
	for (; i < end; i++) {
		uint64_t i1 = i % dst->desc->dim[1], rest = i / dst->desc->dim[1];
		uint64_t i2 = rest % dst->desc->dim[2], i3 = rest / dst->desc->dim[2];
		uint8_t *to = dst->host + i1 * to_stride[1] + i2 * to_stride[2] +
			      i3 * to_stride[3] + (uint64_t)c0 * plan->to_size;
		const uint8_t *number = idx->host + i1 * idx->desc->stride[0] +
					i2 * idx->desc->stride[1] + i3 * idx->desc->stride[2];
		int64_t row = index_load(&plan->rule, idx->desc->type, number);
		const uint8_t *matrix;

		if (row == INDEX_BAD)
			return index_refuse(op, i, error);
		if (row == INDEX_NONE) {
			memset(to, 0, (size_t)n * plan->to_size);
			continue;
		}
		i2 %= src->desc->dim[2];
		i3 %= src->desc->dim[3];
		matrix = src->host + (plan->group ?
			 (i3 * src->desc->dim[2] + i2) * plan->matrix_bytes :
			 i2 * stride[2] + i3 * stride[3]);
		if (!plan->is_stream) {
			gather_row(plan, to, matrix, stride[1], (uint64_t)row, c0, n);
			continue;
		}
		number += idx->desc->stride[0];
		stream_row(op, to, matrix, (uint64_t)row, i1 + 1 < dst->desc->dim[1] ?
			   index_load(&plan->rule, idx->desc->type, number) : row,
			   (uint64_t)c0 * plan->from_size, n);
	}
	if (plan->is_stream)
		__builtin_ia32_sfence();
	return 0;
}

const struct engine_impl gather_impl = {
	.op = MARU_OP_GATHER, .plan = gather_plan, .tile = gather_tile, .look = gather_look,
};

// SPDX-License-Identifier: MIT
/*
 * SCATTER: rows to indices. Equal indices: the last row wins, so a tile is some columns of all
 * rows of a matrix, taken in order.
 */
#include <errno.h>
#include <stdbool.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/index.h"
#include "firmware-emu/engine/tile.h"

#define LEAST_COLUMNS	1024	/* of a tile: short pieces of rows are slow */
#define AHEAD		2	/* rows */
#define ROWS_MAX	(1u << 16)	/* between two looks at *stop */

struct scatter_plan {
	struct index_rule rule;
	uint64_t matrices;
	uint64_t tile_matrices;
	uint32_t rows;			/* of src */
	uint32_t stop_rows;
	uint32_t columns;
	uint32_t tile_columns;
	uint32_t tiles_across;
	unsigned int to_size, from_size;
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

	for (d = 0; d < 4; d++)
		if (d != 1 && src->dim[d] != dst->dim[d])
			return refuse_dim(op, MARU_ROLE_SRC, d);
	if (idx->dim[0] != src->dim[1])
		return refuse_dim(op, MARU_ROLE_IDX, 0);
	for (d = 1; d < 3; d++)
		if (idx->dim[d] ? dst->dim[d + 1] % idx->dim[d] : dst->dim[d + 1])
			return refuse_dim(op, MARU_ROLE_IDX, d);
	if (idx->dim[3] != 1)
		return refuse_dim(op, MARU_ROLE_IDX, 3);
	return 0;
}

static int scatter_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	struct scatter_plan *plan = IMPL_PLAN(struct scatter_plan, op);
	uint64_t widest, columns;
	int err = check_shape(op);

	if (err || operand_is_empty(src))
		return err;
	*plan = (struct scatter_plan) {
		.rule = { dst->dim[1], op->header.scatter.skip_neg },
		.matrices = (uint64_t)dst->dim[2] * dst->dim[3],
		.rows = src->dim[1],
		.columns = src->dim[0],
		.to_size = maru_type_bytes(dst->type),
		.from_size = maru_type_bytes(src->type),
		.convert = convert_lookup(dst->type, src->type),
	};
	widest = plan->to_size > plan->from_size ? plan->to_size : plan->from_size;
	columns = TILE_BYTES / (widest * plan->rows) / LEAST_COLUMNS * LEAST_COLUMNS;
	if (columns < LEAST_COLUMNS)
		columns = tile_narrow(LEAST_COLUMNS, plan->rows, (unsigned int)widest);
	plan->tile_columns = columns < plan->columns ? (uint32_t)columns : plan->columns;
	plan->tiles_across = (plan->columns - 1) / plan->tile_columns + 1;
	plan->stop_rows = (uint32_t)(TILE_BYTES / (plan->tile_columns * widest));
	if (plan->stop_rows > ROWS_MAX)
		plan->stop_rows = ROWS_MAX;
	plan->tile_matrices = plan->tiles_across > 1 || plan->stop_rows < plan->rows ? 1 :
			      plan->stop_rows / plan->rows;
	plan->is_stream = plan->matrices * plan->rows * plan->columns * plan->to_size >=
			  CONVERT_STREAM_BYTES;
	if (!operand_is_empty(dst))
		op->tiles = (uint32_t)(((plan->matrices - 1) / plan->tile_matrices + 1) *
				       plan->tiles_across);
	return 0;
}

static int scatter_look(struct engine_op *op)
{
	const struct scatter_plan *plan = IMPL_PLAN(const struct scatter_plan, op);
	const struct maru_operand *idx = op->operands[MARU_ROLE_IDX].desc;
	struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	uint64_t used, bytes;
	int err;

	if (operand_is_empty(op->operands[MARU_ROLE_SRC].desc)) {
		dst->touched = 0;
		return 0;
	}
	err = index_look(op, &plan->rule, &used);
	used *= plan->matrices / ((uint64_t)idx->dim[1] * idx->dim[2]);
	bytes = used * plan->columns * plan->to_size;
	if (bytes < dst->touched)
		dst->touched = bytes;
	return err;
}

static void scatter_row(const struct engine_op *op, uint8_t *to, const uint8_t *from, uint32_t n,
			const uint8_t *next)
{
	const struct scatter_plan *plan = IMPL_PLAN(const struct scatter_plan, op);

	if (plan->is_stream)
		convert_stream(op->operands[MARU_ROLE_DST].desc->type,
			       op->operands[MARU_ROLE_SRC].desc->type, to, from, n, next);
	else
		plan->convert(to, plan->to_size, from, plan->from_size, n);
}

static int scatter_matrix(struct engine_op *op, uint64_t i2, uint64_t i3, uint32_t c0, uint32_t n,
			  struct engine_error *error)
{
	const struct scatter_plan *plan = IMPL_PLAN(const struct scatter_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *src = &op->operands[MARU_ROLE_SRC];
	const struct engine_operand *idx = &op->operands[MARU_ROLE_IDX];
	uint64_t j1 = i2 % idx->desc->dim[1], j2 = i3 % idx->desc->dim[2];
	const uint8_t *numbers = idx->host + j1 * idx->desc->stride[1] +
				 j2 * idx->desc->stride[2];
	uint8_t *to = dst->host + i2 * dst->desc->stride[2] + i3 * dst->desc->stride[3] +
		      (uint64_t)c0 * plan->to_size;
	const uint8_t *from = src->host + i2 * src->desc->stride[2] + i3 * src->desc->stride[3] +
			      (uint64_t)c0 * plan->from_size;
	uint64_t step = src->desc->stride[1];
	uint32_t i;

	for (i = 0; i < plan->rows; i++) {
		int64_t row = index_load(&plan->rule, idx->desc->type,
					 numbers + i * idx->desc->stride[0]);

		if (row == INDEX_BAD)
			return index_refuse(op, (j2 * idx->desc->dim[1] + j1) * plan->rows + i,
					    error);
		if (row != INDEX_NONE)
			scatter_row(op, to + (uint64_t)row * dst->desc->stride[1],
				    from + i * step, n,
				    from + (i + AHEAD < plan->rows ? i + AHEAD : i) * step);
		/* What was written the next run writes again. */
		if (i && i % plan->stop_rows == 0 && op->stop && *op->stop) {
			*error = (struct engine_error) {
				.word = MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0),
				.tag = op->header.tag,
			};
			return -EINVAL;
		}
	}
	return 0;
}

static int scatter_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
			struct engine_error *error)
{
	const struct scatter_plan *plan = IMPL_PLAN(const struct scatter_plan, op);
	uint32_t c0 = tile % plan->tiles_across * plan->tile_columns, n = plan->columns - c0;
	uint64_t i = tile / plan->tiles_across * plan->tile_matrices;
	uint64_t end = i + plan->tile_matrices, d2 = op->operands[MARU_ROLE_DST].desc->dim[2];
	int err = 0;

	(void)scratch;
	if (n > plan->tile_columns)
		n = plan->tile_columns;
	for (; i < end && i < plan->matrices && !err; i++)
		err = scatter_matrix(op, i % d2, i / d2, c0, n, error);
	if (plan->is_stream)
		__builtin_ia32_sfence();
	return err;
}

const struct engine_impl scatter_impl = {
	.op = MARU_OP_SCATTER, .plan = scatter_plan, .tile = scatter_tile, .look = scatter_look,
};

// SPDX-License-Identifier: MIT
/* SOFTMAX: in f32, the sum in f64. A row that does not fit the scratch is computed twice. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/rows.h"

#define KEPT_MAX	(1u << 20)	/* elements of a row that scratch holds */

struct softmax_plan {
	struct rows rows;
	float scale;
	float max_bias;
	uint32_t heads;
};

struct softmax_tile {
	const struct softmax_plan *plan;
	struct engine_op *op;
	struct rows_source x;
	struct rows_source mask;
	float *values;		/* the row, or ROWS_CHUNK of it */
	bool is_kept;
	float slope;
	float max;
	double sum;
	struct engine_error *error;
};

static int check_mask(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *mask = op->operands[MARU_ROLE_SOFTMAX_MASK].desc;
	unsigned int d;

	for (d = 0; d < 4; d++) {
		uint32_t dim = mask->dim[d], full = dst->dim[d];
		bool fits = dim ? full % dim == 0 : !full;

		if (d < 2)
			fits = d ? dim >= full : dim == full;
		if (!fits)
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, MARU_ROLE_SOFTMAX_MASK,
					     MARU_FIELD_DIM(d), dim);
	}
	return 0;
}

static int softmax_plan(struct engine_op *op)
{
	struct softmax_plan *plan = IMPL_PLAN(struct softmax_plan, op);
	bool has_mask = operand_present(op, MARU_ROLE_SOFTMAX_MASK);

	memcpy(&plan->scale, &op->header.softmax.scale, 4);
	memcpy(&plan->max_bias, &op->header.softmax.max_bias, 4);
	if (plan->max_bias < 0)
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20,
				     op->header.softmax.max_bias);
	if (plan->max_bias > 0 && !has_mask)
		return decode_refuse(op, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8,
				     op->header.roles);
	if (has_mask && check_mask(op))
		return -EINVAL;
	plan->heads = op->operands[MARU_ROLE_DST].desc->dim[2];
	rows_plan(op, &plan->rows);
	return 0;
}

/* ALiBi: powers of two roots, the heads beyond a power of two between them. */
static float head_slope(const struct softmax_plan *plan, uint32_t head)
{
	double n = 1;

	if (plan->max_bias == 0)
		return 1;
	while (2 * n <= plan->heads)
		n *= 2;
	if (head < n)
		return (float)exp2(-plan->max_bias / n * (head + 1.0));
	return (float)exp2(-plan->max_bias / 2 / n * (2 * (head - n) + 1));
}

enum pass { PASS_MAX, PASS_SUM, PASS_WRITE };

static void chunk_run(struct softmax_tile *tile, enum pass pass, uint64_t at, uint32_t count,
		      float *dst)
{
	float *slot = tile->values + (tile->is_kept ? at : 0), max;
	uint32_t n = tile->plan->rows.n;
	struct kernels_soft soft = { .scale = tile->plan->scale, .slope = tile->slope, .n = count };

	if (pass != PASS_WRITE || !tile->is_kept) {
		soft.x = rows_source_chunk(&tile->x, at, count, n);
		soft.mask = rows_source_chunk(&tile->mask, at, count, n);
	}
	if (pass == PASS_MAX) {
		max = kernels_rows.max(&soft);
		tile->max = max > tile->max ? max : tile->max;
		return;
	}
	if (pass == PASS_SUM) {
		tile->sum += kernels_rows.exp(slot, &soft, tile->max);
		return;
	}
	if (!tile->is_kept)
		kernels_rows.exp(slot, &soft, tile->max);
	kernels_rows.scale(dst + at, slot, (float)(1 / tile->sum), count,
			   tile->plan->rows.is_streamed);
}

static int row_run(struct softmax_tile *tile, float *dst)
{
	uint32_t n = tile->plan->rows.n, count;
	unsigned int pass;
	uint64_t at;

	tile->max = -INFINITY;
	tile->sum = 0;
	for (pass = PASS_MAX; pass <= PASS_WRITE; pass++)
		for (at = 0; at < n; at += count) {
			if (rows_is_stopped(tile->op, at / ROWS_CHUNK, tile->error))
				return -EINVAL;
			count = n - at < ROWS_CHUNK ? (uint32_t)(n - at) : ROWS_CHUNK;
			chunk_run(tile, (enum pass)pass, at, count, dst);
		}
	return 0;
}

/*
 * Rows from @index on that one call of a kernel does, 0: none. In memory they lie a step apart as
 * long as dims 2 and 3 stay.
 */
static uint64_t rows_together(const struct softmax_tile *tile, const uint32_t index[3],
			      uint64_t left)
{
	const struct maru_operand *dst = tile->op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *mask = tile->op->operands[MARU_ROLE_SOFTMAX_MASK].desc;

	if (tile->plan->rows.n > KERNELS_SOFTMAX_MAX || (mask && mask->type != MARU_TYPE_F32))
		return 0;
	return left < dst->dim[1] - index[0] ? left : dst->dim[1] - index[0];
}

static void run_together(struct softmax_tile *tile, float *dst, uint64_t count)
{
	const struct engine_operand *operands = tile->op->operands;
	const struct maru_operand *mask = operands[MARU_ROLE_SOFTMAX_MASK].desc;
	uint32_t n = tile->plan->rows.n;
	struct kernels_softmax rows = {
		.first = { .scale = tile->plan->scale, .slope = tile->slope, .n = n,
			   .x = rows_source_chunk(&tile->x, 0, n, n),
			   .mask = rows_source_chunk(&tile->mask, 0, n, n) },
		.to = dst, .values = tile->values, .count = count,
		.to_step = operands[MARU_ROLE_DST].desc->stride[1],
		.x_step = operands[MARU_ROLE_X].desc->stride[1],
		.mask_step = mask ? mask->stride[1] : 0,
		.is_streamed = tile->plan->rows.is_streamed,
	};

	kernels_rows.softmax(&rows);
}

static int softmax_tile(struct engine_op *op, uint32_t number, struct engine_scratch *scratch,
			struct engine_error *error)
{
	const struct softmax_plan *plan = IMPL_PLAN(const struct softmax_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	float *buffer = (float *)(void *)scratch->base;
	struct softmax_tile tile = { .plan = plan, .op = op, .error = error };
	uint64_t row = (uint64_t)number * plan->rows.per_tile, end = row + plan->rows.per_tile;
	uint32_t index[3], head = UINT32_MAX;
	uint64_t count;
	int err = 0;

	rows_source_init(&tile.x, &op->operands[MARU_ROLE_X], NULL);
	rows_source_init(&tile.mask, &op->operands[MARU_ROLE_SOFTMAX_MASK], buffer);
	tile.values = buffer + ROWS_CHUNK;
	tile.is_kept = plan->rows.n <= KEPT_MAX;
	if (end > plan->rows.count)
		end = plan->rows.count;
	rows_index(dst->desc, row, index);
	for (; row < end && !err; row += count, rows_next(dst->desc, index)) {
		rows_source_row(&tile.x, index);
		rows_source_row(&tile.mask, index);
		if (index[1] != head)
			tile.slope = head_slope(plan, index[1]);
		head = index[1];
		count = rows_together(&tile, index, end - row);
		if (count) {
			run_together(&tile, (float *)(void *)rows_at(dst, index), count);
			index[0] += (uint32_t)count - 1;
			continue;
		}
		count = 1;
		err = row_run(&tile, (float *)(void *)rows_at(dst, index));
	}
	__builtin_ia32_sfence();	/* behind what went past the caches */
	return err;
}

const struct engine_impl softmax_impl = {
	.op = MARU_OP_SOFTMAX, .plan = softmax_plan, .tile = softmax_tile,
};

// SPDX-License-Identifier: MIT
/* NORM: sums of a row in f64, the row in f64 to f32, mul and add in f32, once to dst's type. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/rows.h"

struct norm_plan {
	struct rows rows;
	unsigned int kind;
	double eps;
};

/* What a tile works with: its operands as f32 and where the results go. */
struct norm_tile {
	const struct norm_plan *plan;
	struct engine_op *op;
	struct rows_source x;
	struct rows_source mul;
	struct rows_source add;
	float *out;		/* ROWS_CHUNK, where dst is not f32 */
	struct engine_error *error;
};

static int norm_plan(struct engine_op *op)
{
	struct norm_plan *plan = IMPL_PLAN(struct norm_plan, op);
	float eps;

	memcpy(&eps, &op->header.norm.eps, 4);
	if (op->header.norm.kind == MARU_NORM_GROUP)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16,
				     op->header.norm.kind);
	if (eps < 0)
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20,
				     op->header.norm.eps);
	plan->kind = op->header.norm.kind;
	plan->eps = eps;
	rows_plan(op, &plan->rows);
	return 0;
}

/* Sum over the row of x, or with @squares of (x − mean)²; chunks in rising order. */
static int row_sum(struct norm_tile *tile, bool squares, double mean, double *sum)
{
	uint32_t n = tile->plan->rows.n, count;
	uint64_t at;

	*sum = 0;
	for (at = 0; at < n; at += count) {
		const float *x;

		if (rows_is_stopped(tile->op, at / ROWS_CHUNK, tile->error))
			return -EINVAL;
		count = n - at < ROWS_CHUNK ? (uint32_t)(n - at) : ROWS_CHUNK;
		x = rows_source_chunk(&tile->x, at, count, n);
		*sum += squares ? kernels_rows.sum_squares(x, mean, count) :
			kernels_rows.sum(x, count);
	}
	return 0;
}

/* The row's mean and the factor of x − mean. */
static int row_factor(struct norm_tile *tile, double *mean, double *factor)
{
	double n = tile->plan->rows.n, eps = tile->plan->eps, sum;
	int err;

	*mean = 0;
	if (tile->plan->kind == MARU_NORM_SUM) {
		err = row_sum(tile, false, 0, &sum);
		*factor = 1 / sum;
		return err;
	}
	if (tile->plan->kind == MARU_NORM_LAYER) {
		err = row_sum(tile, false, 0, &sum);
		if (err)
			return err;
		*mean = sum / n;
	}
	err = row_sum(tile, true, *mean, &sum);
	if (tile->plan->kind == MARU_NORM_L2) {
		sum = sqrt(sum);
		*factor = 1 / (sum < eps ? eps : sum);
	} else {
		*factor = 1 / sqrt(sum / n + eps);
	}
	return err;
}

static int row_write(struct norm_tile *tile, uint8_t *to, double mean, double factor)
{
	const struct engine_operand *dst = &tile->op->operands[MARU_ROLE_DST];
	uint32_t size = maru_type_bytes(dst->desc->type), n = tile->plan->rows.n, count;
	uint64_t at;

	for (at = 0; at < n; at += count) {
		struct kernels_norm norm = { .mean = mean, .factor = factor };

		if (rows_is_stopped(tile->op, at / ROWS_CHUNK, tile->error))
			return -EINVAL;
		count = n - at < ROWS_CHUNK ? (uint32_t)(n - at) : ROWS_CHUNK;
		norm.from = rows_source_chunk(&tile->x, at, count, n);
		norm.mul = rows_source_chunk(&tile->mul, at, count, n);
		norm.add = rows_source_chunk(&tile->add, at, count, n);
		norm.n = count;
		norm.to = tile->out;
		if (dst->desc->type == MARU_TYPE_F32) {
			norm.to = (float *)(void *)(to + at * size);
			norm.is_streamed = tile->plan->rows.is_streamed;
		}
		kernels_rows.norm(&norm);
		rows_store(dst, to + at * size, norm.to, count);
	}
	return 0;
}

static int norm_tile(struct engine_op *op, uint32_t number, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct norm_plan *plan = IMPL_PLAN(const struct norm_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	float *buffer = (float *)(void *)scratch->base;
	struct norm_tile tile = { .plan = plan, .op = op, .error = error };
	uint64_t row = (uint64_t)number * plan->rows.per_tile, end = row + plan->rows.per_tile;
	uint32_t index[3];
	int err = 0;

	rows_source_init(&tile.x, &op->operands[MARU_ROLE_X], buffer);
	rows_source_init(&tile.mul, &op->operands[MARU_ROLE_MUL], buffer + ROWS_CHUNK);
	rows_source_init(&tile.add, &op->operands[MARU_ROLE_ADD], buffer + 2 * ROWS_CHUNK);
	tile.out = buffer + 3 * ROWS_CHUNK;
	if (end > plan->rows.count)
		end = plan->rows.count;
	rows_index(dst->desc, row, index);
	for (; row < end && !err; row++, rows_next(dst->desc, index)) {
		double mean, factor;

		rows_source_row(&tile.x, index);
		rows_source_row(&tile.mul, index);
		rows_source_row(&tile.add, index);
		err = row_factor(&tile, &mean, &factor);
		if (!err)
			err = row_write(&tile, rows_at(dst, index), mean, factor);
	}
	__builtin_ia32_sfence();	/* behind what went past the caches */
	return err;
}

const struct engine_impl norm_impl = { .op = MARU_OP_NORM, .plan = norm_plan, .tile = norm_tile };

// SPDX-License-Identifier: MIT
/* NORM: sums of a row and its factor in f64, the row in f32, once to dst's type. */
#include <errno.h>
#include <float.h>
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

/* What a tile works with. */
struct norm_tile {
	const struct norm_plan *plan;
	struct engine_op *op;
	const uint8_t *x;	/* the row */
	struct rows_source mul;
	struct rows_source add;
	double mean;		/* of the row, in LAYER */
	double factor;
	bool is_wide;		/* f32 can not hold what is between */
	const uint8_t *next;	/* the row behind, NULL: none, or not to be read ahead */
	bool is_ahead;		/* the first sum of this row is known */
	double ahead;
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
	if (op->header.norm.groups)
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 24,
				     op->header.norm.groups);
	plan->kind = op->header.norm.kind;
	plan->eps = eps;
	rows_plan(op, &plan->rows);
	return 0;
}

/* Sum over the row of x, or with @squares of (x − mean)²; chunks in rising order. */
static int row_sum(struct norm_tile *tile, bool squares, double mean, double *sum)
{
	unsigned int type = tile->op->operands[MARU_ROLE_X].desc->type;
	uint32_t n = tile->plan->rows.n, count;
	uint64_t at;

	if (tile->is_ahead) {
		tile->is_ahead = false;
		*sum = tile->ahead;
		return 0;
	}
	*sum = 0;
	for (at = 0; at < n; at += count) {
		const uint8_t *x = tile->x + at * maru_type_bytes(type);

		if (rows_is_stopped(tile->op, at / ROWS_CHUNK, tile->error))
			return -EINVAL;
		count = n - at < ROWS_CHUNK ? (uint32_t)(n - at) : ROWS_CHUNK;
		*sum += squares ? kernels_rows.sum_squares(type, x, mean, count) :
			kernels_rows.sum(type, x, count);
	}
	return 0;
}

/* mean, factor, is_wide. No |x − mean| is above √Σ(x − mean)². */
static int row_measure(struct norm_tile *tile)
{
	double n = tile->plan->rows.n, eps = tile->plan->eps, sum, size;
	unsigned int kind = tile->plan->kind;

	tile->mean = 0;
	if (kind == MARU_NORM_SUM || kind == MARU_NORM_LAYER) {
		if (row_sum(tile, false, 0, &sum))
			return -EINVAL;
		tile->factor = 1 / sum;
		tile->mean = kind == MARU_NORM_LAYER ? sum / n : 0;
	}
	if (kind != MARU_NORM_SUM && row_sum(tile, true, tile->mean, &sum))
		return -EINVAL;
	if (kind == MARU_NORM_L2)
		tile->factor = 1 / (sqrt(sum) < eps ? eps : sqrt(sum));
	else if (kind != MARU_NORM_SUM)
		tile->factor = 1 / sqrt(sum / n + eps);
	size = fabs(tile->factor);
	tile->is_wide = (size != 0 && size < FLT_MIN) || (size > FLT_MAX && size <= DBL_MAX) ||
			(kind == MARU_NORM_LAYER && sum > 0x1p252);
	return 0;
}

static int row_write(struct norm_tile *tile, uint8_t *to)
{
	unsigned int type = tile->op->operands[MARU_ROLE_DST].desc->type;
	unsigned int from_type = tile->op->operands[MARU_ROLE_X].desc->type;
	uint32_t n = tile->plan->rows.n, count;
	struct kernels_norm norm = {
		.mean = tile->mean, .has_mean = tile->plan->kind == MARU_NORM_LAYER,
		.factor = tile->factor, .is_wide = tile->is_wide, .next = tile->next,
		.to_type = (uint8_t)type, .from_type = (uint8_t)from_type,
	};
	uint64_t at;

	for (at = 0; at < n; at += count) {
		if (rows_is_stopped(tile->op, at / ROWS_CHUNK, tile->error))
			return -EINVAL;
		count = n - at < ROWS_CHUNK ? (uint32_t)(n - at) : ROWS_CHUNK;
		norm.from = tile->x + at * maru_type_bytes(from_type);
		norm.mul = rows_source_chunk(&tile->mul, at, count, n);
		norm.add = rows_source_chunk(&tile->add, at, count, n);
		norm.n = count;
		norm.to = to + at * maru_type_bytes(type);
		norm.is_streamed = tile->plan->rows.is_streamed;
		kernels_rows.norm(&norm);
	}
	tile->is_ahead = tile->next;
	tile->ahead = norm.next_sum;
	return 0;
}

/* Rows that go past the caches one by one: the next one is looked at while this is written. */
static const uint8_t *row_ahead(const struct norm_tile *tile, uint64_t row, uint64_t end,
				const uint32_t index[3])
{
	const struct engine_operand *x = &tile->op->operands[MARU_ROLE_X];
	uint32_t next[3] = { index[0], index[1], index[2] };

	if (row + 1 >= end || !tile->plan->rows.is_streamed ||
	    tile->plan->rows.n > ROWS_CHUNK || tile->plan->kind == MARU_NORM_SUM)
		return NULL;
	rows_next(x->desc, next);
	return rows_at(x, next);
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

	rows_source_init(&tile.mul, &op->operands[MARU_ROLE_MUL], buffer);
	rows_source_init(&tile.add, &op->operands[MARU_ROLE_ADD], buffer + ROWS_CHUNK);
	if (end > plan->rows.count)
		end = plan->rows.count;
	rows_index(dst->desc, row, index);
	for (; row < end && !err; row++, rows_next(dst->desc, index)) {
		tile.x = rows_at(&op->operands[MARU_ROLE_X], index);
		rows_source_row(&tile.mul, index);
		rows_source_row(&tile.add, index);
		tile.next = row_ahead(&tile, row, end, index);
		err = row_measure(&tile);
		if (!err)
			err = row_write(&tile, rows_at(dst, index));
	}
	__builtin_ia32_sfence();	/* behind what went past the caches */
	return err;
}

const struct engine_impl norm_impl = { .op = MARU_OP_NORM, .plan = norm_plan, .tile = norm_tile };

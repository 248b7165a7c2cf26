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

#define PIECE	1024

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
	double mean;		/* of the row, in LAYER */
	double factor;
	bool is_wide;		/* f32 can not hold what is between */
	const float *next;	/* the row behind, NULL: none, or not to be read ahead */
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

	if (tile->is_ahead) {
		tile->is_ahead = false;
		*sum = tile->ahead;
		return 0;
	}
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

/* What is converted goes through the buffer in pieces that stay in the nearest cache. */
static void write_chunk(const struct engine_operand *dst, uint8_t *to, struct kernels_norm *norm)
{
	uint32_t size = maru_type_bytes(dst->desc->type);
	size_t left = norm->n, piece;

	if (dst->desc->type == MARU_TYPE_F32) {
		kernels_rows.norm(norm);
		return;
	}
	for (; left; left -= piece, to += piece * size) {
		piece = left < PIECE ? left : PIECE;
		norm->n = piece;
		kernels_rows.norm(norm);
		rows_store(dst, to, norm->to, (uint32_t)piece);
		norm->from += piece;
		norm->mul = norm->mul ? norm->mul + piece : NULL;
		norm->add = norm->add ? norm->add + piece : NULL;
	}
}

static int row_write(struct norm_tile *tile, uint8_t *to)
{
	const struct engine_operand *dst = &tile->op->operands[MARU_ROLE_DST];
	uint32_t size = maru_type_bytes(dst->desc->type), n = tile->plan->rows.n, count;
	struct kernels_norm norm = {
		.mean = tile->mean, .has_mean = tile->plan->kind == MARU_NORM_LAYER,
		.factor = tile->factor, .is_wide = tile->is_wide, .next = tile->next,
	};
	uint64_t at;

	for (at = 0; at < n; at += count) {
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
		write_chunk(dst, to + at * size, &norm);
	}
	tile->is_ahead = tile->next;
	tile->ahead = norm.next_sum;
	return 0;
}

/* Rows that go past the caches one by one: the next one is looked at while this is written. */
static const float *row_ahead(const struct norm_tile *tile, uint64_t row, uint64_t end,
			      const uint32_t index[3])
{
	const struct engine_operand *x = &tile->op->operands[MARU_ROLE_X];
	uint32_t next[3] = { index[0], index[1], index[2] };

	if (row + 1 >= end || !tile->plan->rows.is_streamed ||
	    tile->plan->rows.n > ROWS_CHUNK || tile->plan->kind == MARU_NORM_SUM ||
	    x->desc->type != MARU_TYPE_F32 ||
	    tile->op->operands[MARU_ROLE_DST].desc->type != MARU_TYPE_F32)
		return NULL;
	rows_next(x->desc, next);
	return (const float *)(const void *)rows_at(x, next);
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
		rows_source_row(&tile.x, index);
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

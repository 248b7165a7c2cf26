// SPDX-License-Identifier: MIT
/*
 * REDUCE: one dim to one element. Sums are made in f64 and in an order of their own, so they are
 * the same at every ISA level. A line is what is reduced side by side: a row where dim[0] is
 * reduced, else columns.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/tile.h"

#define CHUNK		2048u		/* elements of a row at a time; a multiple of LANES */
#define WIDTH		2048u		/* columns of a line, at most */
#define LANES		16u
#define ROWS		8u		/* that are added to a line together */
#define LINES_MAX	(1u << 14)	/* of a tile, however short */

struct reduce_plan {
	convert_fn load;
	uint64_t lines;
	uint64_t tile_lines;
	uint32_t lines_across;		/* in dim[0] of dst */
	uint32_t width;			/* columns of dst */
	uint32_t n;			/* terms */
	uint64_t step;			/* bytes between terms of a column */
	unsigned int size;
	uint8_t kind;
	bool is_row;
	bool is_direct;			/* values are taken where they lie */
};

/* A line under way: sums, or the best value and where it was. */
struct line {
	double sum[WIDTH];
	float best[WIDTH];
	int32_t at[WIDTH];		/* < 0: only NaN so far */
	float values[CHUNK];
};

static bool is_sum(unsigned int kind)
{
	return kind <= MARU_REDUCE_MEAN || kind == MARU_REDUCE_SUMSQ;
}

static bool is_min(unsigned int kind)
{
	return kind == MARU_REDUCE_MIN || kind == MARU_REDUCE_ARGMIN;
}

static bool is_index(unsigned int kind)
{
	return kind >= MARU_REDUCE_ARGMAX;
}

static int check_shape(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *x = op->operands[MARU_ROLE_X].desc;
	const struct maru_operand *add = op->operands[MARU_ROLE_REDUCE_ADD].desc;
	unsigned int kind = op->header.reduce.kind, d;

	if ((dst->type == MARU_TYPE_I32) != is_index(kind))
		return decode_refuse(op, MARU_ERR_BAD_TYPE, MARU_ROLE_DST, MARU_FIELD_TYPE,
				     dst->type);
	if (add && is_index(kind))
		return decode_refuse(op, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8,
				     op->header.roles);
	for (d = 0; d < 4; d++) {
		unsigned int role = d == op->header.reduce.dim ? MARU_ROLE_DST : MARU_ROLE_X;

		if (role == MARU_ROLE_DST ? dst->dim[d] != 1 : x->dim[d] != dst->dim[d])
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d),
					     op->operands[role].desc->dim[d]);
	}
	return 0;
}

static int reduce_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *x = op->operands[MARU_ROLE_X].desc;
	struct reduce_plan *plan = IMPL_PLAN(struct reduce_plan, op);
	unsigned int dim = op->header.reduce.dim;
	int err = check_shape(op);
	uint64_t moved;

	if (err || operand_is_empty(dst))
		return err;
	*plan = (struct reduce_plan) {
		.load = convert_lookup(MARU_TYPE_F32, x->type),
		.width = tile_narrow(WIDTH, x->dim[dim], maru_type_bytes(x->type)),
		.n = x->dim[dim],
		.step = x->stride[dim],
		.size = maru_type_bytes(x->type),
		.kind = op->header.reduce.kind,
		.is_row = !dim,
		.is_direct = x->type == MARU_TYPE_F32 && !is_min(op->header.reduce.kind),
	};
	if (plan->width > dst->dim[0])
		plan->width = dst->dim[0];
	plan->lines_across = (dst->dim[0] - 1) / plan->width + 1;
	plan->lines = (uint64_t)plan->lines_across * dst->dim[1] * dst->dim[2] * dst->dim[3];
	moved = (uint64_t)plan->n * plan->width * plan->size;
	plan->tile_lines = moved ? TILE_BYTES / moved : LINES_MAX;
	if (plan->tile_lines > LINES_MAX)
		plan->tile_lines = LINES_MAX;
	if (!plan->tile_lines)
		plan->tile_lines = 1;
	op->tiles = (uint32_t)((plan->lines - 1) / plan->tile_lines + 1);
	return 0;
}

static void find_best(struct line *line, const float *values, uint32_t first, uint32_t n)
{
	float most = kernels_rows.most(values, n);
	uint32_t i;

	if (line->at[0] >= 0 && !(most > line->best[0]))
		return;
	for (i = 0; i < n && values[i] != most; i++)
		;
	if (i == n)
		return;
	line->best[0] = values[i];
	line->at[0] = (int32_t)(first + i);
}

static void add_row(double *lanes, const float *values, uint32_t n, bool is_square)
{
	uint32_t i = n / LANES * LANES, j;

	kernels_rows.add_lanes(lanes, values, i, is_square);
	for (j = 0; i + j < n; j++) {
		double x = values[i + j];

		lanes[j] += is_square ? x * x : x;
	}
}

static void negate(float *values, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		values[i] = -values[i];
}

/* @n values at @from, @line's own copy unless they can be taken as they are. */
static const float *load(const struct reduce_plan *plan, struct line *line, const uint8_t *from,
			 uint32_t n)
{
	if (plan->is_direct)
		return (const float *)(const void *)from;
	plan->load(line->values, 4, from, plan->size, n);
	if (is_min(plan->kind))
		negate(line->values, n);
	return line->values;
}

static bool is_stopped(const struct engine_op *op, const struct reduce_plan *plan)
{
	return plan->tile_lines == 1 && op->stop && *op->stop;
}

/* Lane l holds terms l, l + 16, …; then the upper half is added to the lower one, four times. */
static int run_row(struct engine_op *op, const struct reduce_plan *plan, struct line *line,
		   const uint8_t *from)
{
	double lanes[LANES] = { 0 };
	const float *values;
	unsigned int half, j;
	uint32_t i, n;

	line->at[0] = -1;
	for (i = 0; i < plan->n; i += n) {
		n = plan->n - i < CHUNK ? plan->n - i : CHUNK;
		if (is_stopped(op, plan))
			return -EINVAL;
		values = load(plan, line, from + (uint64_t)i * plan->size, n);
		if (is_sum(plan->kind))
			add_row(lanes, values, n, plan->kind == MARU_REDUCE_SUMSQ);
		else
			find_best(line, values, i, n);
	}
	for (half = LANES / 2; half; half /= 2)
		for (j = 0; j < half; j++)
			lanes[j] += lanes[j + half];
	line->sum[0] = lanes[0];
	return 0;
}

static void find_columns(struct line *restrict line, const float *values, uint32_t row,
			 uint32_t width)
{
	uint32_t j;

	for (j = 0; j < width; j++) {
		float x = values[j];
		bool is_better = line->at[j] < 0 ? x == x : x > line->best[j];

		line->best[j] = is_better ? x : line->best[j];
		line->at[j] = is_better ? (int32_t)row : line->at[j];
	}
}

static int run_columns(struct engine_op *op, const struct reduce_plan *plan, struct line *line,
		       const uint8_t *from, uint32_t width)
{
	uint32_t i, j, rows = is_sum(plan->kind) && plan->is_direct ? ROWS : 1;

	for (j = 0; j < width; j++) {
		line->sum[j] = 0;
		line->at[j] = -1;
	}
	for (i = 0; i < plan->n; i += rows) {
		const float *values = load(plan, line, from + i * plan->step, width);

		if (is_stopped(op, plan))
			return -EINVAL;
		if (rows > plan->n - i)
			rows = plan->n - i;
		if (is_sum(plan->kind))
			kernels_rows.add_rows(line->sum, values, plan->step, rows, width,
					      plan->kind == MARU_REDUCE_SUMSQ);
		else
			find_columns(line, values, i, width);
	}
	return 0;
}

static float line_value(const struct reduce_plan *plan, const struct line *line, uint32_t j)
{
	float value;

	if (plan->kind == MARU_REDUCE_MEAN)
		return plan->n ? (float)(line->sum[j] / plan->n) : NAN;
	if (is_sum(plan->kind))
		return (float)line->sum[j];
	value = line->at[j] >= 0 ? line->best[j] : plan->n ? NAN : -INFINITY;
	return is_min(plan->kind) ? -value : value;
}

static void store_line(const struct reduce_plan *plan, const struct line *line, uint8_t *to,
		       const uint8_t *add, uint32_t width)
{
	uint32_t j;

	for (j = 0; j < width; j++) {
		int32_t at = line->at[j] >= 0 ? line->at[j] : plan->n ? 0 : -1;
		float value;

		if (is_index(plan->kind)) {
			memcpy(to + 4 * (uint64_t)j, &at, 4);
			continue;
		}
		value = line_value(plan, line, j);
		if (add) {
			float more;

			memcpy(&more, add + 4 * (uint64_t)j, 4);
			value += more;
		}
		memcpy(to + 4 * (uint64_t)j, &value, 4);
	}
}

static uint64_t offset(const struct maru_operand *desc, uint32_t column, const uint64_t i[3])
{
	return column * desc->stride[0] + i[0] * desc->stride[1] + i[1] * desc->stride[2] +
	       i[2] * desc->stride[3];
}

static int run_line(struct engine_op *op, uint64_t number, struct line *line)
{
	const struct reduce_plan *plan = IMPL_PLAN(const struct reduce_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *x = &op->operands[MARU_ROLE_X];
	const struct engine_operand *add = &op->operands[MARU_ROLE_REDUCE_ADD];
	uint32_t column = (uint32_t)(number % plan->lines_across) * plan->width;
	uint32_t left = dst->desc->dim[0] - column;
	uint32_t width = left < plan->width ? left : plan->width;
	const uint8_t *from = x->host, *more = NULL;
	uint64_t rest = number / plan->lines_across, i[3];
	int err;

	i[0] = rest % dst->desc->dim[1];
	rest /= dst->desc->dim[1];
	i[1] = rest % dst->desc->dim[2];
	i[2] = rest / dst->desc->dim[2];
	if (plan->n)
		from += offset(x->desc, column, i);
	if (add->desc)
		more = add->host + offset(add->desc, column, i);
	err = plan->is_row ? run_row(op, plan, line, from) :
	      run_columns(op, plan, line, from, width);
	if (!err)
		store_line(plan, line, dst->host + offset(dst->desc, column, i), more, width);
	return err;
}

static int reduce_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		       struct engine_error *error)
{
	const struct reduce_plan *plan = IMPL_PLAN(const struct reduce_plan, op);
	uint64_t number = tile * plan->tile_lines, end = number + plan->tile_lines;

	for (; number < end && number < plan->lines; number++) {
		if (!run_line(op, number, (struct line *)(void *)scratch->base))
			continue;
		*error = (struct engine_error) {
			.word = MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0),
			.tag = op->header.tag,
		};
		return -EINVAL;
	}
	return 0;
}

const struct engine_impl reduce_impl = {
	.op = MARU_OP_REDUCE, .plan = reduce_plan, .tile = reduce_tile,
};

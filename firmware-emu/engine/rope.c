// SPDX-License-Identifier: MIT
/*
 * ROPE: pairs of a head turn by an angle that is pos times a factor of the pair. A tile is some
 * positions with all their heads: sines and cosines are made once for each.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/rows.h"
#include "firmware-emu/engine/tile.h"

#define ROPE_TILE_BYTES	(1u << 20)	/* read and written */
#define TILE_HEADS	4096

struct rope_plan {
	uint32_t pairs;
	uint32_t offset;	/* of the first element that turns */
	uint64_t positions;	/* dims 2 and 3 */
	uint64_t heads;		/* of all positions of a sequence, dim 1 */
	uint32_t heads_per_tile;
	uint32_t parts;		/* tiles of one position */
	uint32_t per_tile;	/* positions, where parts is 1 */
	double scale;
	bool is_neox;
	bool is_streamed;
};

static float number(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

static int refuse_param(struct engine_op *op, unsigned int field, uint64_t value)
{
	return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, field, value);
}

static int check_params(struct engine_op *op)
{
	const struct maru_params_rope *rope = &op->header.rope;
	uint32_t d = op->operands[MARU_ROLE_DST].desc->dim[0], i;

	if (rope->mode == MARU_ROPE_MROPE || rope->mode == MARU_ROPE_VISION ||
	    rope->mode == MARU_ROPE_IMROPE)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16, rope->mode);
	if (rope->mode != MARU_ROPE_NORMAL && rope->mode != MARU_ROPE_NEOX)
		return refuse_param(op, 16, rope->mode);
	for (i = 0; i < 4; i++)
		if (rope->sect[i])
			return refuse_param(op, 24 + 2 * i, rope->sect[i]);
	if (rope->n_dims % 2)
		return refuse_param(op, 20, rope->n_dims);
	if (rope->n_offs % 2 || (d && (uint32_t)rope->n_offs + rope->n_dims > d))
		return refuse_param(op, 22, rope->n_offs);
	if (!(number(rope->base) > 0))
		return refuse_param(op, 36, rope->base);
	return 0;
}

static int check_vector(struct engine_op *op, unsigned int role, uint64_t n)
{
	const struct maru_operand *desc = op->operands[role].desc;
	unsigned int d;

	for (d = 0; d < 4; d++)
		if (desc->dim[d] != (d ? 1 : n))
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d),
					     desc->dim[d]);
	return 0;
}

static void plan_tiles(struct engine_op *op, struct rope_plan *plan)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *x = op->operands[MARU_ROLE_X].desc;
	uint64_t head = dst->dim[0] * (uint64_t)(maru_type_bytes(dst->type) +
						 maru_type_bytes(x->type));
	uint64_t fit;

	op->tiles = 0;
	if (operand_is_empty(dst))
		return;
	fit = ROPE_TILE_BYTES / head;
	fit = fit < 1 ? 1 : fit > TILE_HEADS ? TILE_HEADS : fit;
	plan->positions = (uint64_t)dst->dim[2] * dst->dim[3];
	plan->heads = dst->dim[1];
	plan->heads_per_tile = (uint32_t)(fit < plan->heads ? fit : plan->heads);
	plan->parts = (uint32_t)((plan->heads + plan->heads_per_tile - 1) / plan->heads_per_tile);
	plan->per_tile = (uint32_t)(fit / plan->heads_per_tile);
	if (plan->parts > 1)
		plan->per_tile = 1;
	plan->is_streamed = tile_elements(dst) * maru_type_bytes(dst->type) >= ROWS_STREAM_BYTES &&
			    dst->va != x->va;
	op->tiles = (uint32_t)((plan->positions + plan->per_tile - 1) / plan->per_tile *
			       plan->parts);
}

static int rope_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_params_rope *rope = &op->header.rope;
	struct rope_plan *plan = IMPL_PLAN(struct rope_plan, op);
	float freq_scale = number(rope->freq_scale);

	if (check_params(op) || check_vector(op, MARU_ROLE_POS, dst->dim[2]))
		return -EINVAL;
	if (operand_present(op, MARU_ROLE_FACTORS) &&
	    check_vector(op, MARU_ROLE_FACTORS, rope->n_dims / 2))
		return -EINVAL;
	plan->pairs = rope->n_dims / 2;
	plan->offset = rope->n_offs;
	plan->is_neox = rope->mode == MARU_ROPE_NEOX;
	plan->scale = number(rope->attn_factor);
	if (number(rope->ext_factor) != 0)
		plan->scale *= 1 - 0.1 * log(freq_scale);
	plan_tiles(op, plan);
	return 0;
}

/* The pair that turns @turns times over the length that the model was trained with. */
static double corner(const struct maru_params_rope *rope, double turns)
{
	return rope->n_dims * log(rope->n_ctx / (2 * M_PI * turns)) /
	       (2 * log(number(rope->base)));
}

/* What a position is multiplied by, for each pair. */
static void make_turns(const struct engine_op *op, double *turn)
{
	const struct maru_params_rope *rope = &op->header.rope;
	const struct engine_operand *factors = &op->operands[MARU_ROLE_FACTORS];
	double base = number(rope->base), stretch = number(rope->freq_scale);
	double share = number(rope->ext_factor), low = 0, high = 0;
	uint32_t i, pairs = rope->n_dims / 2u;

	if (share != 0) {
		low = fmax(0, floor(corner(rope, number(rope->beta_fast))));
		high = fmin(rope->n_dims - 1.0, ceil(corner(rope, number(rope->beta_slow))));
	}
	for (i = 0; i < pairs; i++) {
		double mix = 0, ramp;

		turn[i] = pow(base, -2.0 * i / rope->n_dims);
		if (factors->desc)
			turn[i] /= ((const float *)(const void *)factors->host)[i];
		if (share != 0) {
			ramp = 1 - fmin(fmax((i - low) / fmax(0.001, high - low), 0), 1);
			mix = ramp * share;
		}
		turn[i] *= stretch * (1 - mix) + mix;
	}
}

#define PAIRS_MAX	32768

/* The scratch of a tile. */
struct rope_tables {
	double turn[PAIRS_MAX];
	float cosine[PAIRS_MAX];
	float sine[PAIRS_MAX];
	float cosine2[2 * PAIRS_MAX];	/* for pairs side by side */
	float sine2[2 * PAIRS_MAX];
	float head[2 * PAIRS_MAX];
};
_Static_assert(sizeof(struct rope_tables) <= ENGINE_SCRATCH_BYTES, "scratch");

static void make_tables(const struct engine_op *op, struct rope_tables *tables, uint64_t t)
{
	const struct rope_plan *plan = IMPL_PLAN(const struct rope_plan, op);
	double pos = ((const int32_t *)(const void *)op->operands[MARU_ROLE_POS].host)[t];

	kernels_rows.turn(tables->cosine, tables->sine, tables->turn,
			  op->header.rope.inverse ? -pos : pos, plan->scale, plan->pairs);
	if (!plan->is_neox)
		kernels_rows.spread(tables->cosine2, tables->sine2, tables->cosine, tables->sine,
				    plan->pairs);
}

static void turn(const struct rope_plan *plan, const struct rope_tables *tables,
		 struct kernels_turn *turn)
{
	turn->n = plan->pairs;
	turn->cosine = plan->is_neox ? tables->cosine : tables->cosine2;
	turn->sine = plan->is_neox ? tables->sine : tables->sine2;
	if (plan->is_neox)
		kernels_rows.turn_halves(turn);
	else
		kernels_rows.turn_pairs(turn);
}

/* Elements that do not turn. */
static int keep(struct engine_op *op, uint8_t *to, const uint8_t *from, uint64_t at, uint64_t end,
		struct engine_error *error)
{
	unsigned int type = op->operands[MARU_ROLE_DST].desc->type;
	unsigned int from_type = op->operands[MARU_ROLE_X].desc->type;
	uint64_t size = maru_type_bytes(type), from_size = maru_type_bytes(from_type), n, chunk;

	if (to == from)
		return 0;
	for (chunk = 0; at < end; at += n, chunk++) {
		if (rows_is_stopped(op, chunk, error))
			return -EINVAL;
		n = end - at < ROWS_CHUNK ? end - at : ROWS_CHUNK;
		convert_lookup(type, from_type)(to + at * size, size, from + at * from_size,
						from_size, n);
	}
	return 0;
}

/* What turns of @count heads from @index on. */
static void turn_heads(struct engine_op *op, struct rope_tables *tables, const uint32_t index[3],
		       size_t count)
{
	const struct rope_plan *plan = IMPL_PLAN(const struct rope_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *x = &op->operands[MARU_ROLE_X];
	uint32_t size = maru_type_bytes(dst->desc->type), x_size = maru_type_bytes(x->desc->type);
	struct kernels_turn heads = {
		.to = rows_at(dst, index) + plan->offset * size, .to_step = dst->desc->stride[1],
		.from = rows_at(x, index) + plan->offset * x_size, .from_step = x->desc->stride[1],
		.count = count, .type = dst->desc->type, .is_streamed = plan->is_streamed,
	};
	struct kernels_turn one = {
		.to = (uint8_t *)tables->head, .from = (const uint8_t *)tables->head, .count = 1,
		.type = MARU_TYPE_F32,
	};

	if (dst->desc->type == x->desc->type) {
		turn(plan, tables, &heads);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		convert_lookup(MARU_TYPE_F32, x->desc->type)(tables->head, 4,
							     heads.from + i * heads.from_step,
							     x_size, 2 * plan->pairs);
		turn(plan, tables, &one);
		rows_store(dst, heads.to + i * heads.to_step, tables->head, 2 * plan->pairs);
	}
}

/* And what does not, of one head. */
static int keep_head(struct engine_op *op, const uint32_t index[3], struct engine_error *error)
{
	const struct rope_plan *plan = IMPL_PLAN(const struct rope_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const uint8_t *from = rows_at(&op->operands[MARU_ROLE_X], index);
	uint8_t *to = rows_at(dst, index);

	if (keep(op, to, from, 0, plan->offset, error))
		return -EINVAL;
	return keep(op, to, from, plan->offset + 2 * plan->pairs, dst->desc->dim[0], error);
}

static int rope_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct rope_plan *plan = IMPL_PLAN(const struct rope_plan, op);
	struct rope_tables *tables = (struct rope_tables *)(void *)scratch->base;
	uint32_t sequences = op->operands[MARU_ROLE_DST].desc->dim[3];
	uint64_t at = tile / plan->parts * (uint64_t)plan->per_tile;
	uint64_t end = at + plan->per_tile, made = UINT64_MAX;
	uint64_t head = tile % plan->parts * (uint64_t)plan->heads_per_tile;
	uint64_t head_end = head + plan->heads_per_tile;
	uint32_t index[3];
	int err = 0;

	if (end > plan->positions)
		end = plan->positions;
	if (head_end > plan->heads)
		head_end = plan->heads;
	make_turns(op, tables->turn);
	for (; at < end && !err; at++) {	/* sequences of one position follow each other */
		uint64_t t = at / sequences;

		if (t != made)
			make_tables(op, tables, t);
		made = t;
		index[0] = (uint32_t)head;
		index[1] = (uint32_t)t;
		index[2] = (uint32_t)(at % sequences);
		turn_heads(op, tables, index, head_end - head);
		if (2 * plan->pairs == op->operands[MARU_ROLE_DST].desc->dim[0])
			continue;
		for (; index[0] < head_end && !err; index[0]++)
			err = keep_head(op, index, error);
	}
	__builtin_ia32_sfence();	/* behind what went past the caches */
	return err;
}

const struct engine_impl rope_impl = { .op = MARU_OP_ROPE, .plan = rope_plan, .tile = rope_tile };

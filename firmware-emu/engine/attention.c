// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "firmware-emu/engine/attention.h"
#include "firmware-emu/engine/tile.h"

#define TILE_WORK	(1ULL << 30)	/* multiply-adds of a tile: about 20 ms */
#define TILE_ROWS_MIN	16u
#define TILES_MAX	(1u << 20)

static int refuse_dim(struct engine_op *op, unsigned int role, unsigned int d)
{
	return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d),
			     op->operands[role].desc->dim[d]);
}

static int check_params(struct engine_op *op, struct attention_plan *plan)
{
	const struct maru_params_attention *params = &op->header.attention;

	memcpy(&plan->scale, &params->scale, 4);
	memcpy(&plan->max_bias, &params->max_bias, 4);
	memcpy(&plan->softcap, &params->softcap, 4);
	plan->is_causal = params->flags & MARU_ATTENTION_CAUSAL;
	plan->left = params->left;
	plan->right = params->right;
	if (plan->max_bias < 0)
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20,
				     params->max_bias);
	if (plan->softcap < 0)
		return decode_refuse(op, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 24, params->softcap);
	return 0;
}

/* A table and a ragged batch need lengths, a table takes no mask. */
static int check_roles(struct engine_op *op)
{
	bool has_table = operand_present(op, MARU_ROLE_BLOCKS);

	if (((has_table || operand_present(op, MARU_ROLE_Q_START)) &&
	     !operand_present(op, MARU_ROLE_KV_LEN)) ||
	    (has_table && operand_present(op, MARU_ROLE_MASK)))
		return decode_refuse(op, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8, op->header.roles);
	return 0;
}

static int check_queries(struct engine_op *op, struct attention_plan *plan)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *q = op->operands[MARU_ROLE_Q].desc;
	const struct maru_operand *v = op->operands[MARU_ROLE_V].desc;

	if (q->dim[0] < 1 || q->dim[0] > ATTENTION_D_MAX)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_Q, MARU_FIELD_DIM(0),
				     q->dim[0]);
	if (v->dim[0] > ATTENTION_D_MAX)
		return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_V, MARU_FIELD_DIM(0),
				     v->dim[0]);
	plan->is_ragged = operand_present(op, MARU_ROLE_Q_START);
	if (plan->is_ragged && q->dim[3] != 1)
		return refuse_dim(op, MARU_ROLE_Q, 3);
	if (dst->dim[0] != v->dim[0])
		return refuse_dim(op, MARU_ROLE_DST, 0);
	if (dst->dim[1] != q->dim[2])
		return refuse_dim(op, MARU_ROLE_DST, 1);
	if (dst->dim[2] != q->dim[1])
		return refuse_dim(op, MARU_ROLE_DST, 2);
	if (dst->dim[3] != q->dim[3])
		return refuse_dim(op, MARU_ROLE_DST, 3);
	plan->dk = q->dim[0];
	plan->dv = v->dim[0];
	plan->queries = q->dim[1];
	plan->heads = q->dim[2];
	plan->seqs = plan->is_ragged ? op->operands[MARU_ROLE_KV_LEN].desc->dim[0] : q->dim[3];
	return 0;
}

static bool divides(uint32_t dim, uint32_t whole)
{
	return dim ? whole % dim == 0 : !whole;
}

static int check_keys(struct engine_op *op, struct attention_plan *plan)
{
	const struct maru_operand *k = op->operands[MARU_ROLE_K].desc;
	const struct maru_operand *v = op->operands[MARU_ROLE_V].desc;
	const struct maru_operand *mask = op->operands[MARU_ROLE_MASK].desc;

	if (k->dim[0] != plan->dk)
		return refuse_dim(op, MARU_ROLE_K, 0);
	if (!divides(k->dim[2], plan->heads))
		return refuse_dim(op, MARU_ROLE_K, 2);
	if (!operand_present(op, MARU_ROLE_BLOCKS) && k->dim[3] != plan->seqs)
		return refuse_dim(op, MARU_ROLE_K, 3);
	if (v->dim[1] != k->dim[1])
		return refuse_dim(op, MARU_ROLE_V, 1);
	if (!divides(v->dim[2], plan->heads))
		return refuse_dim(op, MARU_ROLE_V, 2);
	if (v->dim[3] != k->dim[3])
		return refuse_dim(op, MARU_ROLE_V, 3);
	if (!mask)
		return 0;
	if (mask->dim[0] != k->dim[1])
		return refuse_dim(op, MARU_ROLE_MASK, 0);
	if (mask->dim[1] < plan->queries)
		return refuse_dim(op, MARU_ROLE_MASK, 1);
	if (!divides(mask->dim[2], plan->heads))
		return refuse_dim(op, MARU_ROLE_MASK, 2);
	if (!divides(mask->dim[3], plan->seqs))
		return refuse_dim(op, MARU_ROLE_MASK, 3);
	return 0;
}

/* An operand of @d0 × @d1 numbers. */
static int check_numbers(struct engine_op *op, unsigned int role, uint64_t d0, uint64_t d1)
{
	const struct maru_operand *desc = op->operands[role].desc;

	if (!desc)
		return 0;
	if (desc->dim[0] != d0)
		return refuse_dim(op, role, 0);
	if (desc->dim[1] != d1)
		return refuse_dim(op, role, 1);
	if (desc->dim[2] != 1)
		return refuse_dim(op, role, 2);
	if (desc->dim[3] != 1)
		return refuse_dim(op, role, 3);
	return 0;
}

static int check_shape(struct engine_op *op, struct attention_plan *plan)
{
	const struct maru_operand *table = op->operands[MARU_ROLE_BLOCKS].desc;
	int err = check_queries(op, plan);

	if (!err)
		err = check_keys(op, plan);
	if (!err && table)
		err = check_numbers(op, MARU_ROLE_BLOCKS, table->dim[0], plan->seqs);
	if (!err)
		err = check_numbers(op, MARU_ROLE_KV_LEN, plan->seqs, 1);
	if (!err)
		err = check_numbers(op, MARU_ROLE_Q_START, (uint64_t)plan->seqs + 1, 1);
	return err;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static uint32_t round_up(uint64_t a, uint64_t b)
{
	return (uint32_t)((a + b - 1) / b);
}

/* Rows: many queries of one head, or of few queries the heads that share keys. */
static void plan_grid(struct engine_op *op, struct attention_plan *plan)
{
	uint64_t work = plan->capacity * (plan->dk + plan->dv), tiles;
	uint32_t rows = ATTENTION_ROWS, queries = plan->queries;

	while (rows > TILE_ROWS_MIN && rows * work > TILE_WORK)
		rows /= 2;
	if (plan->is_ragged)	/* of a sequence, on the average */
		queries = round_up(queries, plan->seqs ? plan->seqs : 1);
	plan->tile_queries = queries < rows ? queries : rows;
	plan->tile_heads = rows / plan->tile_queries;
	if (plan->tile_heads > plan->share)
		plan->tile_heads = plan->share;
	plan->parts_heads = round_up(plan->share, plan->tile_heads);
	plan->parts_queries = round_up(plan->queries, plan->tile_queries);
	plan->units = (uint64_t)plan->parts_queries * plan->parts_heads *
		      (plan->heads / plan->share) * (plan->is_ragged ? 1 : plan->seqs);
	for (tiles = plan->units; tiles > TILES_MAX; tiles = (tiles + 1) / 2)
		plan->group *= 2;
	op->tiles = round_up(plan->units, plan->group);
}

static int attention_plan(struct engine_op *op)
{
	struct attention_plan *plan = IMPL_PLAN(struct attention_plan, op);
	const struct maru_operand *k = op->operands[MARU_ROLE_K].desc;
	const struct maru_operand *v = op->operands[MARU_ROLE_V].desc;
	int err;

	memset(plan, 0, sizeof(*plan));
	op->tiles = 0;
	err = check_params(op, plan);
	if (!err)
		err = check_roles(op);
	if (!err)
		err = check_shape(op, plan);
	if (err || operand_is_empty(op->operands[MARU_ROLE_DST].desc))
		return err;
	plan->capacity = k->dim[1];
	if (operand_present(op, MARU_ROLE_BLOCKS)) {
		plan->block = k->dim[1];
		plan->capacity *= op->operands[MARU_ROLE_BLOCKS].desc->dim[0];
		if (plan->capacity > INT32_MAX)		/* lengths are I32 */
			plan->capacity = INT32_MAX;
	}
	plan->k_share = plan->heads / k->dim[2];
	plan->v_share = plan->heads / v->dim[2];
	plan->share = common_divisor(plan->k_share, plan->v_share);
	plan->group = 1;
	plan_grid(op, plan);
	return 0;
}

/* One load: what is checked is what is used. */
static int32_t number_at(const struct engine_operand *operand, uint64_t index)
{
	return __atomic_load_n((const int32_t *)(const void *)(operand->host + index * 4),
			       __ATOMIC_RELAXED);
}

int64_t attention_length(const struct engine_op *op, uint32_t seq)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *lengths = &op->operands[MARU_ROLE_KV_LEN];
	int32_t len;

	if (!lengths->desc)
		return (int64_t)plan->capacity;
	len = number_at(lengths, seq);
	return len < 0 || (uint64_t)len > plan->capacity ? -1 : len;
}

int64_t attention_start(const struct engine_op *op, uint32_t seq)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	int32_t start = number_at(&op->operands[MARU_ROLE_Q_START], seq);

	return start < 0 || (uint32_t)start > plan->queries ? -1 : start;
}

static int refuse_index(struct engine_op *op, unsigned int role, uint64_t index)
{
	return decode_refuse(op, MARU_ERR_BAD_INDEX, role, MARU_FIELD_VA, index);
}

static int look_starts(struct engine_op *op, const struct attention_plan *plan)
{
	int64_t start, last = 0;
	uint32_t i;

	for (i = 0; i <= plan->seqs && i < ENGINE_LOOK_MAX; i++) {
		start = attention_start(op, i);
		if (start < last || (!i && start))
			return refuse_index(op, MARU_ROLE_Q_START, i);
		last = start;
	}
	return 0;
}

static int look_blocks(struct engine_op *op, const struct attention_plan *plan, uint32_t seq,
		       int64_t len, uint32_t *looked)
{
	const struct engine_operand *table = &op->operands[MARU_ROLE_BLOCKS];
	uint32_t pool = op->operands[MARU_ROLE_K].desc->dim[3], i;

	for (i = 0; (int64_t)i * plan->block < len && *looked < ENGINE_LOOK_MAX; i++, ++*looked) {
		uint64_t at = seq * (table->desc->stride[1] / 4) + i;
		int32_t block = number_at(table, at);

		if (block < 0 || (uint32_t)block >= pool)
			return refuse_index(op, MARU_ROLE_BLOCKS,
					    (uint64_t)seq * table->desc->dim[0] + i);
	}
	return 0;
}

static void lower_touched(struct engine_operand *operand, uint64_t keys)
{
	const struct maru_operand *desc = operand->desc;
	uint64_t bytes;

	if (!__builtin_mul_overflow(keys, (uint64_t)desc->dim[0] * desc->dim[2] *
				    maru_type_bytes(desc->type), &bytes) &&
	    bytes < operand->touched)
		operand->touched = bytes;
}

static int attention_look(struct engine_op *op)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	uint32_t seq, looked = 0;
	uint64_t keys = 0;
	int64_t len;
	int err = 0;

	if (!op->tiles || !operand_present(op, MARU_ROLE_KV_LEN))
		return 0;
	for (seq = 0; seq < plan->seqs && looked < ENGINE_LOOK_MAX && !err; seq++, looked++) {
		len = attention_length(op, seq);
		if (len < 0)
			return refuse_index(op, MARU_ROLE_KV_LEN, seq);
		keys += (uint64_t)len;
		if (plan->block)
			err = look_blocks(op, plan, seq, len, &looked);
	}
	if (!err && plan->is_ragged)
		err = look_starts(op, plan);
	if (!err && seq == plan->seqs) {
		lower_touched(&op->operands[MARU_ROLE_K], keys);
		lower_touched(&op->operands[MARU_ROLE_V], keys);
	}
	return err;
}

const struct engine_impl attention_impl = {
	.op = MARU_OP_ATTENTION,
	.plan = attention_plan,
	.look = attention_look,
	.tile = attention_tile,
};

// SPDX-License-Identifier: MIT
#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/pack.h"
#include "firmware-emu/engine/tile.h"

/* A tile is some panels of one matrix, or a part of the k of one panel. */
struct prepare_plan {
	uint64_t matrix_bytes[2];	/* prepared image of one matrix: dst, src */
	uint32_t panels;		/* of a matrix */
	uint32_t per_tile;		/* panels */
	uint32_t groups;		/* of panels in a matrix */
	uint32_t k_part;
	uint32_t k_parts;
};

static bool is_prepared(const struct maru_operand *desc)
{
	return desc->layout != MARU_LAYOUT_STRIDED;
}

static int prepare_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *src = op->operands[MARU_ROLE_SRC].desc;
	struct prepare_plan *plan = IMPL_PLAN(struct prepare_plan, op);
	uint64_t matrices = (uint64_t)dst->dim[2] * dst->dim[3], panel, tiles;

	if (dst->layout == src->layout)		/* both strided, or nothing to change */
		return decode_refuse(op, MARU_ERR_BAD_LAYOUT, MARU_ROLE_SRC, MARU_FIELD_LAYOUT,
				     src->layout);
	if (dst->type != src->type)
		return decode_refuse(op, MARU_ERR_BAD_TYPE, MARU_ROLE_SRC, MARU_FIELD_TYPE,
				     src->type);
	op->tiles = 0;
	if (operand_is_empty(dst))
		return 0;
	plan->matrix_bytes[0] = op->operands[MARU_ROLE_DST].bytes / matrices;
	plan->matrix_bytes[1] = op->operands[MARU_ROLE_SRC].bytes / matrices;
	plan->panels = (uint32_t)(((uint64_t)dst->dim[1] + PACK_N - 1) / PACK_N);
	plan->k_part = TILE_BYTES / PACK_N / maru_type_bytes(dst->type);
	panel = pack_round(dst->dim[0], 4) * PACK_N * maru_type_bytes(dst->type);
	plan->k_parts = (uint32_t)(((uint64_t)dst->dim[0] + plan->k_part - 1) / plan->k_part);
	plan->per_tile = panel < TILE_BYTES ? (uint32_t)(TILE_BYTES / panel) : 1;
	plan->groups = (plan->panels + plan->per_tile - 1) / plan->per_tile;
	tiles = matrices * plan->groups * plan->k_parts;
	if (tiles > UINT32_MAX)
		return decode_refuse(op, MARU_ERR_TOO_LARGE, MARU_ROLE_DST, MARU_FIELD_DIM(2),
				     dst->dim[2]);
	op->tiles = (uint32_t)tiles;
	return 0;
}

struct prepare_part {
	uint64_t matrix[2];	/* index in dims 2, 3 */
	uint64_t k0;
	uint64_t k;
	unsigned int n0;
	unsigned int n;
};

static uint8_t *part_at(const struct engine_operand *operand, uint64_t matrix_bytes,
			const struct prepare_part *part)
{
	const struct maru_operand *desc = operand->desc;
	unsigned int size = maru_type_bytes(desc->type);
	uint64_t matrix, rounded;

	if (!is_prepared(desc))
		return operand->host + part->matrix[0] * desc->stride[2] +
		       part->matrix[1] * desc->stride[3] + part->k0 * desc->stride[0] +
		       part->n0 * desc->stride[1];
	matrix = part->matrix[1] * desc->dim[2] + part->matrix[0];
	rounded = pack_round(desc->dim[0], pack_group(desc->layout));
	return operand->host + matrix * matrix_bytes +
	       (part->n0 / PACK_N * rounded + part->k0) * PACK_N * size;
}

/* Prepared to prepared goes through a strided piece of scratch. */
static void prepare_panel(struct engine_op *op, const struct prepare_part *part, void *scratch)
{
	const struct prepare_plan *plan = IMPL_PLAN(const struct prepare_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *src = &op->operands[MARU_ROLE_SRC];
	uint8_t *to = part_at(dst, plan->matrix_bytes[0], part);
	uint8_t *from = part_at(src, plan->matrix_bytes[1], part);
	unsigned int size = maru_type_bytes(dst->desc->type);
	uint64_t k_step = src->desc->stride[0], n_step = src->desc->stride[1];

	if (!is_prepared(dst->desc)) {
		unpack_panel(to, dst->desc->stride[0], dst->desc->stride[1], from,
			     pack_group(src->desc->layout), size, part->k, part->n);
		return;
	}
	if (is_prepared(src->desc)) {
		k_step = PACK_N * size;
		n_step = size;
		unpack_panel(scratch, k_step, n_step, from, pack_group(src->desc->layout), size,
			     part->k, part->n);
		from = scratch;
	}
	pack_panel(to, pack_group(dst->desc->layout), size, from, k_step, n_step, part->k,
		   part->n);
}

static int prepare_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
			struct engine_error *error)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct prepare_plan *plan = IMPL_PLAN(const struct prepare_plan, op);
	uint32_t part_index = tile % plan->k_parts, group = tile / plan->k_parts % plan->groups;
	uint32_t matrix = tile / plan->k_parts / plan->groups, i;
	struct prepare_part part = {
		.matrix = { matrix % dst->dim[2], matrix / dst->dim[2] },
		.k0 = (uint64_t)part_index * plan->k_part,
	};

	(void)error;
	part.k = dst->dim[0] - part.k0;
	if (part.k > plan->k_part)
		part.k = plan->k_part;
	for (i = 0; i < plan->per_tile; i++) {
		uint64_t n0 = ((uint64_t)group * plan->per_tile + i) * PACK_N;

		if (n0 >= dst->dim[1])
			break;
		part.n0 = (unsigned int)n0;
		part.n = dst->dim[1] - part.n0 < PACK_N ? dst->dim[1] - part.n0 : PACK_N;
		prepare_panel(op, &part, scratch->base);
	}
	return 0;
}

const struct engine_impl prepare_impl = {
	.op = MARU_OP_PREPARE, .plan = prepare_plan, .tile = prepare_tile,
};

// SPDX-License-Identifier: MIT
/* Where keys lie, and a block of them as panels of F32. */
#include <errno.h>
#include <string.h>

#include "firmware-emu/engine/attention.h"
#include "firmware-emu/engine/kernels.h"

static int refuse_block(const struct engine_op *op, uint64_t index, struct engine_error *error)
{
	memset(error, 0, sizeof(*error));
	error->word = MARU_ERROR(MARU_ERR_BAD_INDEX, MARU_ROLE_BLOCKS, MARU_FIELD_VA);
	error->tag = op->header.tag;
	error->value = index;
	return -EINVAL;
}

static void rows_of(const struct engine_operand *operand, uint64_t head, uint64_t last,
		    uint32_t key, uint32_t count, const uint8_t **rows)
{
	const struct maru_operand *desc = operand->desc;
	const uint8_t *at = operand->host + head * desc->stride[2] + last * desc->stride[3] +
			    key * desc->stride[1];
	uint32_t i;

	for (i = 0; i < count; i++, at += desc->stride[1])
		rows[i] = at;
}

int attention_rows(const struct engine_op *op, const struct attention_run *run, uint32_t key,
		   uint32_t count, const struct attention_scratch *scratch,
		   struct engine_error *error)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	const struct engine_operand *k = &op->operands[MARU_ROLE_K];
	const struct engine_operand *v = &op->operands[MARU_ROLE_V];
	const struct engine_operand *table = &op->operands[MARU_ROLE_BLOCKS];
	uint32_t k_head = run->head / plan->k_share, v_head = run->head / plan->v_share;
	uint32_t i, part, at, index;
	int32_t block;

	if (!plan->block) {
		rows_of(k, k_head, run->seq, key, count, scratch->k_rows);
		rows_of(v, v_head, run->seq, key, count, scratch->v_rows);
		return 0;
	}
	for (i = 0; i < count; i += part) {
		index = (key + i) / plan->block;
		at = (key + i) % plan->block;
		part = plan->block - at < count - i ? plan->block - at : count - i;
		block = __atomic_load_n((const int32_t *)(const void *)
					(table->host + run->seq * table->desc->stride[1] +
					 index * 4ULL), __ATOMIC_RELAXED);
		if (block < 0 || (uint32_t)block >= k->desc->dim[3])
			return refuse_block(op, (uint64_t)run->seq * table->desc->dim[0] + index,
					    error);
		rows_of(k, k_head, (uint32_t)block, at, part, scratch->k_rows + i);
		rows_of(v, v_head, (uint32_t)block, at, part, scratch->v_rows + i);
	}
	return 0;
}

void attention_widen(unsigned int type, float *to, const void *from, uint32_t n)
{
	if (type == MARU_TYPE_F16)
		kernels.f16_to_f32(to, from, n);
	else if (type == MARU_TYPE_BF16)
		kernels.bf16_to_f32(to, from, n);
	else
		memcpy(to, from, n * sizeof(float));
}

static void pack_k(const struct engine_op *op, uint32_t count,
		   const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	unsigned int type = op->operands[MARU_ROLE_K].desc->type;
	uint32_t panel, i, rows;

	for (panel = 0; panel < count; panel += 64) {
		rows = count - panel < 64 ? count - panel : 64;
		for (i = 0; i < rows; i++)
			attention_widen(type, scratch->wide + i * plan->dk,
					scratch->k_rows[panel + i], plan->dk);
		kernels.transpose_32(scratch->k + panel * plan->dk, scratch->wide, plan->dk * 4ULL,
				     plan->dk, rows);
	}
}

static void pack_v(const struct engine_op *op, uint32_t count,
		   const struct attention_scratch *scratch)
{
	const struct attention_plan *plan = IMPL_PLAN(const struct attention_plan, op);
	unsigned int type = op->operands[MARU_ROLE_V].desc->type;
	uint32_t size = maru_type_bytes(type), d, i, n;

	for (d = 0; d < plan->dv; d += 64) {
		float *panel = scratch->v + d * ATTENTION_KEYS;

		n = plan->dv - d < 64 ? plan->dv - d : 64;
		for (i = 0; i < count; i++) {
			attention_widen(type, panel + i * 64, scratch->v_rows[i] + d * size, n);
			if (n < 64)
				memset(panel + i * 64 + n, 0, (64 - n) * sizeof(float));
		}
	}
}

void attention_pack(const struct engine_op *op, uint32_t count,
		    const struct attention_scratch *scratch)
{
	pack_k(op, count, scratch);
	pack_v(op, count, scratch);
}

// SPDX-License-Identifier: MIT
/* Scales, bias, activation, residual in f32, each rounded; then once to dst. */
#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"

#define CHUNK	256

static const uint8_t *element(const struct engine_operand *operand, const struct matmul_part *part,
			      uint32_t n, uint32_t m)
{
	const struct maru_operand *desc = operand->desc;

	return operand->host + n * desc->stride[0] + m * desc->stride[1] +
	       part->matrix[0] * desc->stride[2] + part->matrix[1] * desc->stride[3];
}

static void add_operand(float *sums, const struct engine_operand *operand, const uint8_t *from,
			uint32_t n)
{
	unsigned int size = maru_type_bytes(operand->desc->type);
	float values[CHUNK];
	uint32_t i;

	convert_lookup(MARU_TYPE_F32, operand->desc->type)(values, 4, from, size, n);
	for (i = 0; i < n; i++)
		sums[i] += values[i];
}

static void scale_by(float *sums, float scale, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		sums[i] *= scale;
}

static void finish_chunk(struct engine_op *op, const struct matmul_part *part, const void *out,
			 uint32_t n0, uint32_t m, uint32_t n, const float *b_scale)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *bias = &op->operands[MARU_ROLE_BIAS];
	const struct engine_operand *residual = &op->operands[MARU_ROLE_RESIDUAL];
	const struct engine_operand *a_scale = &op->operands[MARU_ROLE_A_SCALE];
	uint8_t *to = (uint8_t *)(uintptr_t)element(dst, part, n0, m);
	unsigned int size = maru_type_bytes(dst->desc->type);
	float sums[CHUNK];
	uint32_t i;

	if (dst->desc->type == MARU_TYPE_I32) {
		convert_lookup(MARU_TYPE_I32, MARU_TYPE_I32)(to, 4, out, 4, n);
		return;
	}
	for (i = 0; i < n; i++)
		sums[i] = matmul_is_int(plan) ? (float)((const int32_t *)out)[i] :
			  ((const float *)out)[i];
	if (b_scale)
		scale_by(sums, *b_scale, n);
	for (i = 0; i < n && a_scale->desc; i++)
		sums[i] *= ((const float *)(const void *)a_scale->host)[n0 + i];
	scale_by(sums, plan->scale, n);
	if (bias->desc)
		add_operand(sums, bias, bias->host + (uint64_t)n0 *
			    maru_type_bytes(bias->desc->type), n);
	if (plan->act)
		kernels.activate(plan->act, sums, n);
	if (residual->desc)
		add_operand(sums, residual, element(residual, part, n0, m), n);
	convert_lookup(dst->desc->type, MARU_TYPE_F32)(to, size, sums, 4, n);
}

void matmul_epilogue(struct engine_op *op, const struct matmul_part *part, const void *out,
		     uint64_t out_step, const float *b_scales)
{
	uint32_t n0, m;

	for (m = 0; m < part->m; m++)
		for (n0 = 0; n0 < part->n; n0 += CHUNK) {
			uint32_t n = part->n - n0 < CHUNK ? part->n - n0 : CHUNK;

			finish_chunk(op, part, (const uint8_t *)out + m * out_step + n0 * 4,
				     part->n0 + n0, part->m0 + m, n,
				     b_scales ? b_scales + m : NULL);
		}
}

// SPDX-License-Identifier: MIT
/* Operands of MATMUL that the product can not take as they lie. */
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"
#include "firmware-emu/engine/pack.h"

#define CHUNK_K	MATMUL_CHUNK_K

/* Rounds @n contiguous elements from @type to @as to @kernel; equal ones are no step. */
static void convert_chain(void *to, unsigned int kernel, unsigned int as, unsigned int type,
			  const void *from, uint64_t from_step, uint64_t n)
{
	uint16_t rounded[CHUNK_K];
	uint64_t step = maru_type_bytes(kernel);

	if (kernel == MARU_TYPE_F32 && type == MARU_TYPE_I8 && from_step == 1) {
		pack_widen(to, from, n);
		return;
	}
	if (as == type || as == kernel) {
		convert_lookup(kernel, type)(to, step, from, from_step, n);
		return;
	}
	convert_lookup(as, type)(rounded, 2, from, from_step, n);
	convert_lookup(kernel, as)(to, step, rounded, 2, n);
}

static const uint8_t *a_matrix(struct engine_op *op, const struct matmul_plan *plan,
			       const struct matmul_part *part)
{
	const struct engine_operand *a = &op->operands[MARU_ROLE_A];
	uint64_t i2 = part->matrix[0] / plan->a_share[0];
	uint64_t i3 = part->matrix[1] / plan->a_share[1];

	if (a->desc->layout == MARU_LAYOUT_STRIDED)
		return a->host + i2 * a->desc->stride[2] + i3 * a->desc->stride[3];
	return a->host + (i3 * a->desc->dim[2] + i2) * plan->a_matrix_bytes;
}

static const uint8_t *a_panel(struct engine_op *op, const struct matmul_plan *plan,
			      const struct matmul_part *part, uint32_t n0)
{
	const struct maru_operand *desc = op->operands[MARU_ROLE_A].desc;
	const uint8_t *matrix = a_matrix(op, plan, part);
	uint64_t rounded;

	if (desc->layout == MARU_LAYOUT_STRIDED)
		return matrix + part->k0 * desc->stride[0] + n0 * desc->stride[1];
	rounded = pack_round(desc->dim[0], pack_group(desc->layout));
	return matrix + (n0 / PACK_N * rounded + part->k0) * PACK_N * maru_type_bytes(desc->type);
}

/* A piece of A, converted, contiguous in the direction in which it was. */
static void convert_piece(const struct matmul_plan *plan, const struct maru_operand *desc,
			  uint8_t *to, const uint8_t *from, uint64_t k_step, uint64_t n_step,
			  uint32_t k, uint32_t n)
{
	uint64_t size = maru_type_bytes(plan->a_kernel);
	uint32_t i;

	if (k_step == maru_type_bytes(desc->type)) {
		for (i = 0; i < n; i++)
			convert_chain(to + i * CHUNK_K * size, plan->a_kernel, plan->a_as,
				      desc->type, from + i * n_step, k_step, k);
		return;
	}
	for (i = 0; i < k; i++)
		convert_chain(to + i * PACK_N * size, plan->a_kernel, plan->a_as, desc->type,
			      from + i * k_step, n_step, n);
}

/* One panel of A into the kernel's type and grouping, CHUNK_K of k at a time. */
static void pack_a(struct engine_op *op, const struct matmul_plan *plan,
		   const struct matmul_part *part, uint8_t *to, uint32_t n0, uint32_t n,
		   uint8_t *extra)
{
	const struct maru_operand *desc = op->operands[MARU_ROLE_A].desc;
	unsigned int size = maru_type_bytes(plan->a_kernel), g = pack_group(plan->layout);
	unsigned int from_size = maru_type_bytes(desc->type);
	/* The same elements without groups: padding comes along as zeros. */
	bool is_regrouped = g == 1 && desc->layout != MARU_LAYOUT_STRIDED &&
			    desc->type == plan->a_kernel && plan->a_as == plan->a_kernel;
	uint8_t *plain = extra, *converted = extra + CHUNK_K * PACK_N * 4;
	uint32_t k0, k;

	for (k0 = 0; k0 < part->k; k0 += k) {
		struct matmul_part piece = *part;
		uint64_t k_step = desc->stride[0], n_step = desc->stride[1];
		const uint8_t *from;

		k = part->k - k0 < CHUNK_K ? part->k - k0 : CHUNK_K;
		piece.k0 += k0;
		from = a_panel(op, plan, &piece, n0);
		if (is_regrouped) {
			unpack_panel(to + (uint64_t)k0 * PACK_N * size, PACK_N * size, size, from,
				     pack_group(desc->layout), size, pack_round(k, 1), PACK_N);
			continue;
		}
		if (desc->layout != MARU_LAYOUT_STRIDED) {
			k_step = PACK_N * from_size;
			n_step = from_size;
			unpack_panel(plain, k_step, n_step, from, pack_group(desc->layout),
				     from_size, k, n);
			from = plain;
		}
		if (desc->type != plan->a_kernel || plan->a_as != plan->a_kernel) {
			bool is_row = k_step == from_size;

			convert_piece(plan, desc, converted, from, k_step, n_step, k, n);
			from = converted;
			k_step = is_row ? size : PACK_N * size;
			n_step = is_row ? CHUNK_K * size : size;
		}
		pack_panel(to + (uint64_t)k0 * PACK_N * size, g, size, from, k_step, n_step, k, n);
	}
}

const void *matmul_a(struct engine_op *op, const struct matmul_plan *plan,
		     const struct matmul_part *part, const struct matmul_scratch *scratch,
		     uint64_t *panel_bytes)
{
	unsigned int g = pack_group(plan->layout), size = maru_type_bytes(plan->a_kernel);
	uint32_t i, n;

	if (plan->is_a_direct) {
		*panel_bytes = plan->layout == MARU_LAYOUT_STRIDED ?
			       op->operands[MARU_ROLE_A].desc->stride[1] :
			       pack_round(plan->k, g) * PACK_N * size;
		return a_panel(op, plan, part, part->n0);
	}
	*panel_bytes = pack_round(part->k, g) * PACK_N * size;
	for (i = 0; i < part->n; i += PACK_N) {
		n = part->n - i < PACK_N ? part->n - i : PACK_N;
		pack_a(op, plan, part, scratch->a + i / PACK_N * *panel_bytes, part->n0 + i, n,
		       scratch->extra);
	}
	return scratch->a;
}

static void pack_b_float(const struct matmul_plan *plan, const struct maru_operand *desc,
			 const struct matmul_part *part, const uint8_t *from, uint8_t *to,
			 uint64_t step)
{
	uint64_t size = maru_type_bytes(plan->b_kernel);
	uint32_t k0, j;

	for (k0 = 0; k0 < part->k; k0 += CHUNK_K) {
		uint32_t k = part->k - k0 < CHUNK_K ? part->k - k0 : CHUNK_K;

		for (j = 0; j < part->m; j++)
			convert_chain(to + j * step + k0 * size, plan->b_kernel, plan->b_as,
				      desc->type, from + k0 * desc->stride[0] +
				      j * desc->stride[1], desc->stride[0], k);
	}
}

/* As it is, or widened. */
static void widen_i8(const struct matmul_plan *plan, uint8_t *to, uint32_t at, const int8_t *from,
		     uint64_t step, uint32_t n)
{
	int16_t *wide = (int16_t *)(void *)to + at;
	uint32_t i;

	if (plan->b_kernel == MARU_TYPE_I8 && step == 1) {
		memcpy(to + at, from, n);
	} else if (plan->b_kernel == MARU_TYPE_I8) {
		for (i = 0; i < n; i++)
			to[at + i] = (uint8_t)from[i * step];
	} else if (step == 1) {
		for (i = 0; i < n; i++)
			wide[i] = from[i];
	} else {
		for (i = 0; i < n; i++)
			wide[i] = from[i * step];
	}
}

/* Rows for own code are padded to a multiple of four. */
static void pack_b_i8(const struct matmul_plan *plan, const struct maru_operand *desc,
		      const struct matmul_part *part, const uint8_t *from, uint8_t *to,
		      uint64_t step, const float *scales)
{
	uint32_t padded = (part->k + 3) / 4 * 4, j, i, n;
	int8_t rounded[CHUNK_K];

	for (j = 0; j < part->m; j++, to += step) {
		const uint8_t *row = from + j * desc->stride[1];

		if (desc->type == MARU_TYPE_I8)
			widen_i8(plan, to, 0, (const int8_t *)row, desc->stride[0], part->k);
		for (i = 0; i < part->k && desc->type != MARU_TYPE_I8; i += n) {
			n = part->k - i < CHUNK_K ? part->k - i : CHUNK_K;
			matmul_row_round(rounded, desc, row + i * desc->stride[0], scales[j], n);
			widen_i8(plan, to, i, rounded, 1, n);
		}
		if (plan->b_kernel == MARU_TYPE_I8)
			memset(to + part->k, 0, padded - part->k);
		else
			memset(to + part->k * 2, 0, (padded - part->k) * 2);
	}
}

const void *matmul_b(struct engine_op *op, const struct matmul_plan *plan,
		     const struct matmul_part *part, const struct matmul_scratch *scratch,
		     uint64_t *step)
{
	const struct engine_operand *b = &op->operands[MARU_ROLE_B];
	const uint8_t *from = b->host + part->matrix[0] * b->desc->stride[2] +
			      part->matrix[1] * b->desc->stride[3] +
			      part->m0 * b->desc->stride[1] + part->k0 * b->desc->stride[0];

	if (plan->is_b_direct) {
		*step = b->desc->stride[1];
		return from;
	}
	switch (plan->path) {
	case MATMUL_I8:
	case MATMUL_FEW_I8:
		*step = (part->k + 3) / 4 * 4 * 2 + 64;	/* rows in other sets of the cache */
		pack_b_i8(plan, b->desc, part, from, scratch->b, *step, scratch->b_scales);
		break;
	case MATMUL_FEW:
		*step = ((uint64_t)part->k + 3) / 4 * 16;
		if (part->k % 4)
			memset(scratch->b, 0, *step * part->m);
		pack_b_float(plan, b->desc, part, from, scratch->b, *step);
		break;
	default:
		*step = (uint64_t)part->k * maru_type_bytes(plan->b_kernel);
		if (plan->b_kernel == MARU_TYPE_BF16 && part->k % 2) {	/* pairs */
			*step += 2;
			memset(scratch->b, 0, *step * part->m);
		}
		pack_b_float(plan, b->desc, part, from, scratch->b, *step);
	}
	return scratch->b;
}

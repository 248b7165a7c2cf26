// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"
#include "firmware-emu/engine/pack.h"

/* Panels have whole 64 columns, so sums in scratch do; the library wants no less. */
static uint64_t product_pitch(uint32_t n)
{
	return ((uint64_t)n + PACK_N - 1) / PACK_N * PACK_N;
}

struct product {
	const void *a;
	const void *b;
	uint8_t *out;
	uint64_t panel_bytes;
	uint64_t b_step;
	uint64_t out_step;
	bool is_added;
};

/* One call of the library; false: it has no code for this. */
static bool library_call(const struct matmul_plan *plan, const struct matmul_part *part,
			 const struct maru_operand *a, const struct product *product,
			 void *scratch)
{
	struct onednn_tile tile = {
		.b_type = plan->b_kernel, .a_type = plan->a_kernel, .out_type = MARU_TYPE_F32,
		.layout = plan->layout, .add = product->is_added,
		.m = part->m, .k = part->k,
		.b_step = product->b_step / maru_type_bytes(plan->b_kernel),
		.out_step = product->out_step / 4,
	};
	uint32_t n;

	if (plan->layout == MARU_LAYOUT_STRIDED) {
		tile.a_k_step = a->stride[0] / 4;
		tile.a_n_step = a->stride[1] / 4;
	}
	tile.n = plan->layout == MARU_LAYOUT_STRIDED ? part->n : (uint32_t)product_pitch(part->n);
	if (plan->layout == MARU_LAYOUT_STRIDED || !plan->is_a_direct || part->k == plan->k)
		return !onednn_run(&tile, product->b, product->a, product->out, scratch);
	/* A part of k is not contiguous over panels: one call for each. */
	tile.n = PACK_N;
	for (n = 0; n < part->n; n += PACK_N) {
		if (onednn_run(&tile, product->b, (const uint8_t *)product->a +
			       n / PACK_N * product->panel_bytes, product->out + n * 4, scratch))
			return false;
	}
	return true;
}

static void few_multiply(const struct matmul_plan *plan, const struct matmul_part *part,
			 const struct product *product)
{
	const struct kernels_gemv gemv = {
		.out = product->out, .out_step = product->out_step,
		.b = product->b, .b_step = product->b_step,
		.a = product->a, .a_step = product->panel_bytes,
		.m = part->m, .n = part->n, .k = part->k, .add = product->is_added,
		.type = plan->a_kernel, .b_type = plan->b_kernel,
		.group = plan->layout == MARU_LAYOUT_STRIDED ? 0 : pack_group(plan->layout),
	};

	kernels.gemv(&gemv);
}

static void own_multiply(const struct matmul_plan *plan, const struct matmul_part *part,
			 const struct product *product, const struct matmul_scratch *scratch)
{
	struct kernels_gemm gemm = {
		.out = product->out, .out_step = product->out_step,
		.b = product->b, .b_step = product->b_step,
		.a = product->a, .panel_bytes = product->panel_bytes,
		.m = part->m, .n = part->n, .k = part->k, .add = product->is_added,
		.type = plan->a_kernel, .group = pack_group(plan->layout),
		.scratch = scratch->extra,
	};

	if (matmul_is_few(plan))
		few_multiply(plan, part, product);
	else if (plan->path == MATMUL_I8)
		kernels.gemm_i8(&gemm);
	else if (plan->b_kernel == MARU_TYPE_BF16)
		kernels.gemm_bf16(&gemm);
	else
		kernels.gemm_f32(&gemm);
}

/* What the library has no code for. Own code writes whole 64 columns. */
static void instead_multiply(struct engine_op *op, struct matmul_part *part,
			     struct product *product, const struct matmul_scratch *scratch)
{
	struct matmul_plan plan = *IMPL_PLAN(const struct matmul_plan, op);
	struct product whole = *product;
	uint32_t j;

	plan.path = MATMUL_F32;
	plan.layout = MARU_LAYOUT_K16N64;
	plan.a_kernel = plan.b_kernel = MARU_TYPE_F32;
	plan.is_a_direct = plan.is_b_direct = false;
	whole.a = matmul_a(op, &plan, part, scratch, &whole.panel_bytes);
	whole.b = matmul_b(op, &plan, part, scratch, &whole.b_step);
	if (product->out != scratch->out && part->n % PACK_N) {
		whole.out = scratch->out;
		whole.out_step = product_pitch(part->n) * 4;
	}
	own_multiply(&plan, part, &whole, scratch);
	for (j = 0; j < part->m && whole.out != product->out; j++)
		memcpy(product->out + j * product->out_step, whole.out + j * whole.out_step,
		       part->n * 4ULL);
}

static void multiply(struct engine_op *op, struct matmul_part *part, struct product *product,
		     const struct matmul_scratch *scratch)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);

	product->a = matmul_a(op, plan, part, scratch, &product->panel_bytes);
	product->b = matmul_b(op, plan, part, scratch, &product->b_step);
	if (plan->path != MATMUL_LIBRARY)
		own_multiply(plan, part, product, scratch);
	else if (!library_call(plan, part, op->operands[MARU_ROLE_A].desc, product, scratch->extra))
		instead_multiply(op, part, product, scratch);
}

static void locate(struct engine_op *op, uint32_t tile, uint32_t i, struct matmul_part *part)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	uint32_t tile_m = tile % plan->tiles_m, tile_n = tile / plan->tiles_m % plan->tiles_n;
	uint64_t matrix = (uint64_t)(tile / plan->tiles_m / plan->tiles_n) * plan->group + i;

	part->matrix[0] = matrix % dst->dim[2];
	part->matrix[1] = matrix / dst->dim[2];
	part->n0 = tile_n * plan->tile_n;
	part->m0 = tile_m * plan->tile_m;
	part->n = plan->n - part->n0 < plan->tile_n ? plan->n - part->n0 : plan->tile_n;
	part->m = plan->m - part->m0 < plan->tile_m ? plan->m - part->m0 : plan->tile_m;
}

static int run_part(struct engine_op *op, struct matmul_part *part,
		    const struct matmul_scratch *scratch, struct engine_error *error)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	struct product product = { .out = scratch->out };
	bool is_b_scaled = plan->b_as == MARU_TYPE_I8 &&
			   op->operands[MARU_ROLE_B].desc->type != MARU_TYPE_I8;
	bool is_direct = plan->is_out_direct &&
			 (part->n % PACK_N == 0 || plan->layout == MARU_LAYOUT_STRIDED ||
			  (matmul_is_int(plan) && !matmul_is_few(plan)));
	uint32_t k0;

	product.out_step = product_pitch(part->n) * 4;
	if (is_direct) {
		product.out = dst->host + part->n0 * dst->desc->stride[0] +
			      part->m0 * dst->desc->stride[1] +
			      part->matrix[0] * dst->desc->stride[2] +
			      part->matrix[1] * dst->desc->stride[3];
		if (part->m > 1)
			product.out_step = dst->desc->stride[1];
	}
	if (!plan->k)
		memset(product.out, 0, product.out_step * part->m);
	if (is_b_scaled)
		matmul_row_scales(op, part, scratch->b_scales);
	for (k0 = 0; k0 < plan->k; k0 += part->k) {
		part->k0 = k0;
		part->k = plan->k - k0 < plan->k_part ? plan->k - k0 : plan->k_part;
		if (k0 && plan->group == 1 && op->stop && *op->stop) {
			memset(error, 0, sizeof(*error));
			error->word = MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0);
			error->tag = op->header.tag;
			return -EINVAL;
		}
		product.is_added = k0 != 0;
		multiply(op, part, &product, scratch);
	}
	if (!is_direct)
		matmul_epilogue(op, part, product.out, product.out_step,
				is_b_scaled ? scratch->b_scales : NULL);
	return 0;
}

static int matmul_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		       struct engine_error *error)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);
	struct matmul_scratch shares = {
		.out = scratch->base,
		.a = scratch->base + MATMUL_OUT_BYTES,
		.b = scratch->base + MATMUL_OUT_BYTES + MATMUL_A_BYTES,
		.extra = scratch->base + MATMUL_OUT_BYTES + MATMUL_A_BYTES + MATMUL_B_BYTES,
	};
	uint64_t first = (uint64_t)(tile / plan->tiles_m / plan->tiles_n) * plan->group;
	struct matmul_part part;
	uint32_t i;
	int err = 0;

	shares.b_scales = (float *)(void *)(shares.extra + MATMUL_SCALES_OFFSET);
	for (i = 0; i < plan->group && first + i < plan->matrices && !err; i++) {
		locate(op, tile, i, &part);
		err = run_part(op, &part, &shares, error);
	}
	return err;
}

const struct engine_impl matmul_impl = {
	.op = MARU_OP_MATMUL, .plan = matmul_begin, .tile = matmul_tile,
};

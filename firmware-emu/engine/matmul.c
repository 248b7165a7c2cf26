// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"
#include "firmware-emu/engine/pack.h"
#include "firmware-emu/engine/tile.h"

#define TILE_SIDE	256u	/* columns and rows of a tile at first */
#define TILE_SIDE_MIN	64u
#define TILE_CALL_MACS	(1u << 17)	/* what starting a product costs, in multiply-adds */

static bool is_int(const struct matmul_plan *plan)
{
	return plan->path == MATMUL_I8 || plan->path == MATMUL_LIBRARY_I8;
}

static int refuse_dim(struct engine_op *op, unsigned int role, unsigned int d)
{
	return decode_refuse(op, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d),
			     op->operands[role].desc->dim[d]);
}

static int check_shape(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *a = op->operands[MARU_ROLE_A].desc;
	const struct maru_operand *b = op->operands[MARU_ROLE_B].desc;
	unsigned int d;

	if (a->dim[1] != dst->dim[0])
		return refuse_dim(op, MARU_ROLE_A, 1);
	for (d = 2; d < 4; d++)
		if (a->dim[d] ? dst->dim[d] % a->dim[d] : dst->dim[d])
			return refuse_dim(op, MARU_ROLE_A, d);
	if (b->dim[0] != a->dim[0])
		return refuse_dim(op, MARU_ROLE_B, 0);
	for (d = 1; d < 4; d++)
		if (b->dim[d] != dst->dim[d])
			return refuse_dim(op, MARU_ROLE_B, d);
	return 0;
}

static int refuse_type(struct engine_op *op, unsigned int role)
{
	return decode_refuse(op, MARU_ERR_UNSUPPORTED, role, MARU_FIELD_TYPE,
			     op->operands[role].desc->type);
}

static int refuse_param(struct engine_op *op, unsigned int field, uint64_t value)
{
	return decode_refuse(op, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, field, value);
}

/* What is right but not built. I32 results are exact sums, so nothing may follow them. */
static int check_kind(struct engine_op *op)
{
	const struct maru_params_matmul *params = &op->header.matmul;
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	bool is_a_int = op->operands[MARU_ROLE_A].desc->type == MARU_TYPE_I8;
	bool is_b_int = op->operands[MARU_ROLE_B].desc->type == MARU_TYPE_I8;
	float scale;

	memcpy(&scale, &params->scale, sizeof(scale));
	if (is_a_int != is_b_int)
		return refuse_type(op, MARU_ROLE_B);
	if (params->b_as != MARU_TYPE_NONE &&
	    (is_a_int || (params->b_as != MARU_TYPE_F16 && params->b_as != MARU_TYPE_BF16)))
		return refuse_param(op, 16, params->b_as);
	if (params->act && !kernels_has_act(params->act))
		return refuse_param(op, 17, params->act);
	if (dst->type != MARU_TYPE_I32)
		return 0;
	if (!is_a_int)
		return refuse_type(op, MARU_ROLE_DST);
	if (params->act)
		return refuse_param(op, 17, params->act);
	if (scale != 1.0f)
		return refuse_param(op, 20, params->scale);
	if (operand_present(op, MARU_ROLE_BIAS))
		return refuse_type(op, MARU_ROLE_BIAS);
	if (operand_present(op, MARU_ROLE_RESIDUAL))
		return refuse_type(op, MARU_ROLE_RESIDUAL);
	return 0;
}

/* Which code multiplies, and in which types. */
static void choose_path(struct engine_op *op, struct matmul_plan *plan)
{
	const struct maru_operand *a = op->operands[MARU_ROLE_A].desc;
	const struct maru_operand *b = op->operands[MARU_ROLE_B].desc;
	uint8_t as = op->header.matmul.b_as;
	uint32_t level = engine_profile(NULL);

	plan->a_as = as == MARU_TYPE_NONE ? a->type : as;
	plan->b_as = as == MARU_TYPE_NONE ? b->type : as;
	if (a->type == MARU_TYPE_I8) {
		plan->path = level >= KERNELS_VNNI ? MATMUL_LIBRARY_I8 : MATMUL_I8;
		plan->layout = MARU_LAYOUT_K16N64K4;
		plan->a_kernel = plan->b_kernel = MARU_TYPE_I8;
		return;
	}
	plan->path = level >= KERNELS_AVX2 ? MATMUL_LIBRARY : MATMUL_F32;
	plan->layout = MARU_LAYOUT_K16N64;
	plan->b_kernel = MARU_TYPE_F32;
	plan->a_kernel = plan->path == MATMUL_F32 ? MARU_TYPE_F32 : plan->a_as;
	/* On AVX2 the library's F32 panels are wrong for a longer k, and slow for one row. */
	if (level == KERNELS_AVX2 && plan->a_kernel == MARU_TYPE_F32 &&
	    a->layout != MARU_LAYOUT_STRIDED &&
	    (a->dim[0] > MATMUL_K_PART_F32 || b->dim[1] < 3))
		plan->path = MATMUL_F32;
	if (level >= KERNELS_BF16 && plan->a_as == MARU_TYPE_BF16 &&
	    plan->b_as == MARU_TYPE_BF16 && a->layout != MARU_LAYOUT_K16N64) {
		plan->layout = MARU_LAYOUT_K16N64K2;
		plan->b_kernel = MARU_TYPE_BF16;
	}
}

/* Can the product read this operand's rows where they lie? */
static bool is_plain(const struct maru_operand *desc, unsigned int inner)
{
	uint64_t size = maru_type_bytes(desc->type);

	return desc->layout == MARU_LAYOUT_STRIDED && desc->stride[inner] == size &&
	       desc->stride[!inner] >= desc->dim[inner] * size;
}

static void choose_ways(struct engine_op *op, struct matmul_plan *plan)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *a = op->operands[MARU_ROLE_A].desc;
	const struct maru_operand *b = op->operands[MARU_ROLE_B].desc;
	bool is_a_kernel = a->type == plan->a_kernel && plan->a_as == plan->a_kernel;

	plan->is_a_direct = is_a_kernel && a->layout == plan->layout;
	if (plan->path == MATMUL_LIBRARY && is_a_kernel && a->type == MARU_TYPE_F32 &&
	    (is_plain(a, 0) || is_plain(a, 1))) {
		plan->is_a_direct = true;
		plan->layout = MARU_LAYOUT_STRIDED;
	}
	plan->is_b_direct = !is_int(plan) && b->type == plan->b_kernel &&
			    plan->b_as == plan->b_kernel && is_plain(b, 0);
	plan->k_part = plan->path == MATMUL_LIBRARY && plan->a_kernel == MARU_TYPE_F32 ?
		       MATMUL_K_PART_F32 : MATMUL_K_PART;
	plan->is_out_direct = plan->k && plan->k <= plan->k_part && plan->scale == 1.0f &&
			      !plan->act && !operand_present(op, MARU_ROLE_BIAS) &&
			      !operand_present(op, MARU_ROLE_RESIDUAL) &&
			      dst->type == (is_int(plan) ? MARU_TYPE_I32 : MARU_TYPE_F32);
}

/* Fits a tile of this size the shares of scratch and the quantum? */
static bool fits(const struct matmul_plan *plan, uint64_t tile_n, uint64_t tile_m)
{
	uint64_t part = plan->k < plan->k_part ? plan->k : plan->k_part;
	uint64_t a_size = maru_type_bytes(plan->a_kernel);
	uint64_t b_size = is_int(plan) ? 2 : maru_type_bytes(plan->b_kernel);
	uint64_t padded_n = (tile_n + PACK_N - 1) / PACK_N * PACK_N;

	part = (part + PACK_K_MAX - 1) / PACK_K_MAX * PACK_K_MAX;
	return padded_n * tile_m * 4 <= MATMUL_OUT_BYTES &&
	       padded_n * part * a_size <= MATMUL_A_BYTES &&
	       tile_m * (part * b_size + 64) <= MATMUL_B_BYTES &&
	       tile_n * tile_m * plan->k <= TILE_MACS && tile_n * plan->k <= TILE_BYTES / 4;
}

static bool fits_clipped(const struct matmul_plan *plan, uint64_t tile_n, uint64_t tile_m)
{
	return fits(plan, tile_n < plan->n ? tile_n : plan->n, tile_m < plan->m ? tile_m : plan->m);
}

static void choose_tile(struct matmul_plan *plan)
{
	uint32_t tile_n = TILE_SIDE, tile_m = TILE_SIDE;

	while (tile_m > TILE_SIDE_MIN && !fits_clipped(plan, tile_n, tile_m)) {
		if (tile_n > tile_m)
			tile_n /= 2;
		else
			tile_m /= 2;
	}
	while (tile_n < plan->n && fits_clipped(plan, 2ULL * tile_n, tile_m))
		tile_n *= 2;
	while (tile_m < plan->m && fits_clipped(plan, tile_n, 2ULL * tile_m))
		tile_m *= 2;
	plan->tile_n = tile_n;
	plan->tile_m = tile_m;
	plan->tiles_n = (plan->n + tile_n - 1) / tile_n;
	plan->tiles_m = (plan->m + tile_m - 1) / tile_m;
}

static int plan_grid(struct engine_op *op, struct matmul_plan *plan)
{
	uint64_t macs, tiles;

	choose_tile(plan);
	plan->group = 1;
	if (plan->tiles_n == 1 && plan->tiles_m == 1) {
		macs = (uint64_t)plan->n * plan->m * plan->k;
		plan->group = TILE_MACS / (uint32_t)(macs > TILE_CALL_MACS ? macs < TILE_MACS ?
						     macs : TILE_MACS : TILE_CALL_MACS);
		if (plan->group > plan->matrices)
			plan->group = (uint32_t)plan->matrices;
	}
	tiles = (plan->matrices + plan->group - 1) / plan->group * plan->tiles_n * plan->tiles_m;
	if (tiles > UINT32_MAX)
		return decode_refuse(op, MARU_ERR_TOO_LARGE, MARU_ROLE_DST, MARU_FIELD_DIM(0),
				     plan->n);
	op->tiles = (uint32_t)tiles;
	return 0;
}

static int matmul_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *a = op->operands[MARU_ROLE_A].desc;
	struct matmul_plan *plan = IMPL_PLAN(struct matmul_plan, op);
	int err;

	err = check_shape(op);
	if (!err)
		err = check_kind(op);
	if (err)
		return err;
	memset(plan, 0, sizeof(*plan));
	op->tiles = 0;
	if (operand_is_empty(dst))
		return 0;
	plan->n = dst->dim[0];
	plan->m = dst->dim[1];
	plan->k = a->dim[0];
	plan->matrices = (uint64_t)dst->dim[2] * dst->dim[3];
	plan->a_share[0] = dst->dim[2] / a->dim[2];
	plan->a_share[1] = dst->dim[3] / a->dim[3];
	plan->a_matrix_bytes = op->operands[MARU_ROLE_A].bytes / a->dim[2] / a->dim[3];
	plan->act = op->header.matmul.act;
	memcpy(&plan->scale, &op->header.matmul.scale, sizeof(plan->scale));
	choose_path(op, plan);
	choose_ways(op, plan);
	return plan_grid(op, plan);
}

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
		.b_type = is_int(plan) ? MARU_TYPE_U8 : plan->b_kernel,
		.a_type = plan->a_kernel,
		.out_type = is_int(plan) ? MARU_TYPE_I32 : MARU_TYPE_F32,
		.layout = plan->layout, .add = product->is_added,
		.m = part->m, .k = part->k,
		.b_step = product->b_step / (is_int(plan) ? 1 : maru_type_bytes(plan->b_kernel)),
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

/* The library multiplied b + 128: takes 128 times the sums of A's columns away again. */
static void compensate(const struct matmul_part *part, const struct product *product,
		       const int32_t *sums)
{
	uint32_t n0, j, i, n;

	for (n0 = 0; n0 < part->n; n0 += PACK_N) {
		const int8_t *panel = (const int8_t *)product->a +
				      n0 / PACK_N * product->panel_bytes;
		uint32_t columns[PACK_N] = { 0 };

		n = part->n - n0 < PACK_N ? part->n - n0 : PACK_N;
		for (i = 0; i < (part->k + 3) / 4 * 256; i++)
			if (i / 256 * 4 + i % 4 < part->k)
				columns[i % 256 / 4] += (uint32_t)panel[i];
		for (j = 0; j < part->m; j++) {
			uint32_t *out = (uint32_t *)(void *)(product->out + j * product->out_step) +
					n0;

			for (i = 0; i < n; i++)
				out[i] = (product->is_added ? out[i] : 0) - 128 * columns[i] +
					 (uint32_t)sums[j * product_pitch(part->n) + n0 + i];
		}
	}
}

static bool library_multiply(struct engine_op *op, const struct matmul_plan *plan,
			     const struct matmul_part *part, const struct product *product,
			     const struct matmul_scratch *scratch)
{
	const struct maru_operand *a = op->operands[MARU_ROLE_A].desc;
	struct product whole = *product;

	if (plan->path == MATMUL_LIBRARY)
		return library_call(plan, part, a, product, scratch->extra);
	/* The library's sums of I32 pass through f32: parts are added here. */
	whole.out = scratch->b + MATMUL_SUMS_OFFSET;
	whole.out_step = product_pitch(part->n) * 4;
	whole.is_added = false;
	if (!library_call(plan, part, a, &whole, scratch->extra))
		return false;
	compensate(part, product, (const int32_t *)(const void *)whole.out);
	return true;
}

static void own_multiply(const struct matmul_plan *plan, const struct matmul_part *part,
			 const struct product *product, const struct matmul_scratch *scratch)
{
	struct kernels_gemm gemm = {
		.out = product->out, .out_step = product->out_step,
		.b = product->b, .b_step = product->b_step,
		.a = product->a, .panel_bytes = product->panel_bytes,
		.m = part->m, .n = part->n, .k = part->k, .add = product->is_added,
		.scratch = scratch->extra,
	};

	if (plan->path == MATMUL_I8)
		kernels.gemm_i8(&gemm);
	else
		kernels.gemm_f32(&gemm);
}

static void multiply(struct engine_op *op, struct matmul_part *part, struct product *product,
		     const struct matmul_scratch *scratch)
{
	const struct matmul_plan *plan = IMPL_PLAN(const struct matmul_plan, op);
	struct matmul_plan own;

	product->a = matmul_a(op, plan, part, scratch, &product->panel_bytes);
	product->b = matmul_b(op, plan, part, scratch, &product->b_step);
	if (plan->path == MATMUL_LIBRARY || plan->path == MATMUL_LIBRARY_I8) {
		if (library_multiply(op, plan, part, product, scratch))
			return;
		own = *plan;
		if (plan->path == MATMUL_LIBRARY) {
			own.path = MATMUL_F32;
			own.layout = MARU_LAYOUT_K16N64;
			own.a_kernel = own.b_kernel = MARU_TYPE_F32;
			own.is_a_direct = own.is_b_direct = false;
		} else {
			own.path = MATMUL_I8;
		}
		plan = &own;
		product->a = matmul_a(op, plan, part, scratch, &product->panel_bytes);
		product->b = matmul_b(op, plan, part, scratch, &product->b_step);
	}
	own_multiply(plan, part, product, scratch);
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
	bool is_direct = plan->is_out_direct && (part->n % PACK_N == 0 || is_int(plan) ||
						 plan->layout == MARU_LAYOUT_STRIDED);
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
		matmul_epilogue(op, part, product.out, product.out_step);
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

	for (i = 0; i < plan->group && first + i < plan->matrices && !err; i++) {
		locate(op, tile, i, &part);
		err = run_part(op, &part, &shares, error);
	}
	return err;
}

const struct engine_impl matmul_impl = {
	.op = MARU_OP_MATMUL, .plan = matmul_plan, .tile = matmul_tile,
};

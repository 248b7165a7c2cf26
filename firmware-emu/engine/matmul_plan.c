// SPDX-License-Identifier: MIT
/* MATMUL before it runs: what is refused, which code multiplies, the grid. */
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/matmul.h"
#include "firmware-emu/engine/pack.h"
#include "firmware-emu/engine/tile.h"

#define TILE_SIDE	256u	/* columns and rows of a tile at first */
#define TILE_SIDE_MIN	64u
#define TILE_CALL_MACS	(1u << 17)	/* what starting a product costs, in multiply-adds */
#define TILE_MACS_MIN	(1u << 23)	/* of F32; of smaller types as many bytes */
#define TILES		32u
#define FEW_BYTES	(256u << 10)	/* weights of a tile with few rows of B */
#define FEW_BYTES_LONG	(1u << 20)	/* where there are many such tiles */

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
	const struct maru_operand *scale = op->operands[MARU_ROLE_A_SCALE].desc;
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
	for (d = 0; d < 4 && scale; d++)
		if (scale->dim[d] != (d ? 1 : dst->dim[0]))
			return refuse_dim(op, MARU_ROLE_A_SCALE, d);
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

/* I32 results are exact sums, so nothing may follow them. */
static int check_i32(struct engine_op *op)
{
	const struct maru_params_matmul *params = &op->header.matmul;
	float scale;

	memcpy(&scale, &params->scale, sizeof(scale));
	if (op->operands[MARU_ROLE_A].desc->type != MARU_TYPE_I8 ||
	    operand_present(op, MARU_ROLE_A_SCALE))
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

/* Is B taken as this type? With scales of A it is floats, or rounded to I8 by rows. */
static bool is_b_as_known(uint8_t b_as, bool is_a_int, bool is_scaled)
{
	if (b_as == MARU_TYPE_NONE)
		return true;
	if (is_a_int)
		return is_scaled && b_as == MARU_TYPE_I8;
	return b_as == MARU_TYPE_F16 || b_as == MARU_TYPE_BF16;
}

/* What does not go together, and what is right but not built. */
static int check_kind(struct engine_op *op)
{
	const struct maru_params_matmul *params = &op->header.matmul;
	bool is_a_int = op->operands[MARU_ROLE_A].desc->type == MARU_TYPE_I8;
	bool is_b_int = op->operands[MARU_ROLE_B].desc->type == MARU_TYPE_I8;
	bool is_scaled = operand_present(op, MARU_ROLE_A_SCALE);

	if (is_scaled && !is_a_int)
		return decode_refuse(op, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8, op->header.roles);
	if (is_b_int != (is_a_int && !is_scaled))
		return refuse_type(op, MARU_ROLE_B);
	if (!is_b_as_known(params->b_as, is_a_int, is_scaled))
		return refuse_param(op, 16, params->b_as);
	if (params->act && !kernels_has_act(params->act))
		return refuse_param(op, 17, params->act);
	if (op->operands[MARU_ROLE_DST].desc->type == MARU_TYPE_I32)
		return check_i32(op);
	return 0;
}

/* Can the product read this operand's rows where they lie? */
static bool is_plain(const struct maru_operand *desc, unsigned int inner)
{
	uint64_t size = maru_type_bytes(desc->type);

	return desc->layout == MARU_LAYOUT_STRIDED && desc->stride[inner] == size &&
	       desc->stride[!inner] >= desc->dim[inner] * size;
}

/* With few rows of B what counts is that weights are read where they lie. */
static bool is_few(const struct matmul_plan *plan, const struct maru_operand *a)
{
	return kernels.gemv && plan->m <= KERNELS_GEMV_ROWS && plan->k && plan->a_as == a->type &&
	       (a->layout != MARU_LAYOUT_STRIDED || is_plain(a, 0));
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
	if (is_few(plan, a)) {
		plan->path = plan->b_as == MARU_TYPE_I8 ? MATMUL_FEW_I8 : MATMUL_FEW;
		plan->layout = a->layout;
		plan->a_kernel = a->type;
		/* Rounded rows have no −128. */
		plan->b_kernel = plan->path == MATMUL_FEW ? MARU_TYPE_F32 :
				 b->type == MARU_TYPE_I8 && !kernels.gemm_any ? MARU_TYPE_I16 :
				 MARU_TYPE_I8;
		return;
	}
	if (a->type == MARU_TYPE_I8 && plan->b_as != MARU_TYPE_I8) {
		plan->path = MATMUL_F32;
		plan->layout = kernels.gemm_any ? MARU_LAYOUT_K16N64K4 : MARU_LAYOUT_K16N64;
		plan->a_kernel = kernels.gemm_any ? MARU_TYPE_I8 : MARU_TYPE_F32;
		plan->b_kernel = MARU_TYPE_F32;
		return;
	}
	if (a->type == MARU_TYPE_I8) {
		plan->path = MATMUL_I8;
		plan->layout = MARU_LAYOUT_K16N64K4;
		plan->a_kernel = MARU_TYPE_I8;
		plan->b_kernel = kernels.gemm_any ? MARU_TYPE_I8 : MARU_TYPE_I16;
		return;
	}
	plan->path = level >= KERNELS_AVX2 ? MATMUL_LIBRARY : MATMUL_F32;
	plan->layout = MARU_LAYOUT_K16N64;
	plan->b_kernel = MARU_TYPE_F32;
	plan->a_kernel = plan->path == MATMUL_F32 ? MARU_TYPE_F32 : plan->a_as;
	if (kernels.gemm_any && (a->layout != MARU_LAYOUT_STRIDED || plan->a_as != MARU_TYPE_F32)) {
		plan->path = MATMUL_F32;
		if (a->layout != MARU_LAYOUT_STRIDED && plan->a_as == a->type)
			plan->layout = a->layout;
	}
	/* On AVX2 the library's F32 panels are wrong for a longer k, and slow for one row. */
	if (level == KERNELS_AVX2 && plan->a_kernel == MARU_TYPE_F32 &&
	    a->layout != MARU_LAYOUT_STRIDED &&
	    (a->dim[0] > MATMUL_K_PART_F32 || b->dim[1] < 3))
		plan->path = MATMUL_F32;
	if (level >= KERNELS_BF16 && plan->a_as == MARU_TYPE_BF16 &&
	    plan->b_as == MARU_TYPE_BF16 && a->layout != MARU_LAYOUT_K16N64) {
		plan->path = kernels.gemm_bf16 ? MATMUL_F32 : MATMUL_LIBRARY;
		plan->layout = MARU_LAYOUT_K16N64K2;
		plan->b_kernel = MARU_TYPE_BF16;
	}
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
	plan->is_b_direct = plan->path != MATMUL_FEW_I8 && b->type == plan->b_kernel &&
			    plan->b_as == plan->b_kernel && is_plain(b, 0) &&
			    ((plan->path == MATMUL_F32 || plan->path == MATMUL_LIBRARY) ?
			     plan->b_kernel == MARU_TYPE_F32 || plan->k % 2 == 0 :
			     plan->k % 4 == 0);
	plan->k_part = matmul_is_few(plan) ? MATMUL_K_PART_FEW :
		       plan->path == MATMUL_LIBRARY && plan->a_kernel == MARU_TYPE_F32 ?
		       MATMUL_K_PART_F32 : MATMUL_K_PART;
	plan->is_out_direct = plan->k && plan->k <= plan->k_part && plan->scale == 1.0f &&
			      !plan->act && !operand_present(op, MARU_ROLE_BIAS) &&
			      !operand_present(op, MARU_ROLE_RESIDUAL) &&
			      !operand_present(op, MARU_ROLE_A_SCALE) &&
			      dst->type == (matmul_is_int(plan) ? MARU_TYPE_I32 : MARU_TYPE_F32);
}

/* Fits a tile of this size the shares of scratch and the quantum? */
static bool fits(const struct matmul_plan *plan, uint64_t tile_n, uint64_t tile_m)
{
	uint64_t part = plan->k < plan->k_part ? plan->k : plan->k_part;
	uint64_t a_size = maru_type_bytes(plan->a_kernel);
	uint64_t b_size = matmul_is_int(plan) ? 2 : maru_type_bytes(plan->b_kernel);
	uint64_t padded_n = (tile_n + PACK_N - 1) / PACK_N * PACK_N;

	part = (part + PACK_K_MAX - 1) / PACK_K_MAX * PACK_K_MAX;
	return padded_n * tile_m * 4 <= MATMUL_OUT_BYTES &&
	       padded_n * part * a_size <= MATMUL_A_BYTES &&
	       tile_m * (part * b_size + 64) <= MATMUL_B_BYTES &&
	       tile_n * tile_m * plan->k <= plan->tile_macs && tile_n * plan->k <= TILE_BYTES / 4;
}

static bool fits_clipped(const struct matmul_plan *plan, uint64_t tile_n, uint64_t tile_m)
{
	return fits(plan, tile_n < plan->n ? tile_n : plan->n, tile_m < plan->m ? tile_m : plan->m);
}

static void choose_tile_few(struct matmul_plan *plan)
{
	uint64_t column = (uint64_t)plan->k * maru_type_bytes(plan->a_kernel);
	uint64_t wanted = column * plan->n * plan->matrices >= 16 * FEW_BYTES_LONG ?
			  FEW_BYTES_LONG : FEW_BYTES;

	plan->tile_m = plan->m;
	plan->tile_n = 2 * PACK_N;
	while (plan->tile_n < plan->n && 2 * plan->tile_n * column <= wanted &&
	       2ULL * plan->tile_n * plan->m * 4 <= MATMUL_OUT_BYTES)
		plan->tile_n *= 2;
}

/*
 * Threads that do not begin together should end together: own code, which loses little by small
 * tiles, gets many.
 */
static uint64_t choose_macs(const struct matmul_plan *plan)
{
	uint64_t all = (uint64_t)plan->n * plan->m, least = TILE_MACS_MIN;

	if (!kernels.gemm_any || plan->path == MATMUL_LIBRARY)
		return TILE_MACS;
	if (plan->b_kernel != MARU_TYPE_F32)
		least *= 4 / maru_type_bytes(plan->b_kernel);
	if (__builtin_mul_overflow(all, plan->matrices * plan->k, &all) || all / TILES > TILE_MACS)
		return TILE_MACS;
	return all / TILES > least ? all / TILES : least;
}

static void choose_tile(struct matmul_plan *plan)
{
	uint32_t tile_n = TILE_SIDE, tile_m = TILE_SIDE;

	plan->tile_macs = choose_macs(plan);
	if (matmul_is_few(plan)) {
		choose_tile_few(plan);
		return;
	}
	while (tile_m > TILE_SIDE_MIN && !fits_clipped(plan, tile_n, tile_m)) {
		if (tile_n >= tile_m)
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
}

static int plan_grid(struct engine_op *op, struct matmul_plan *plan)
{
	uint64_t macs, tiles;

	choose_tile(plan);
	plan->tiles_n = (plan->n + plan->tile_n - 1) / plan->tile_n;
	plan->tiles_m = (plan->m + plan->tile_m - 1) / plan->tile_m;
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
	if (matmul_is_few(plan))	/* its tiles do not fail */
		op->second = (op->tiles + 1) / 2;
	return 0;
}

int matmul_begin(struct engine_op *op)
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

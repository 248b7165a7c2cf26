/* SPDX-License-Identifier: MIT */
/* Inside of MATMUL: what its files share. */
#ifndef MARU_MATMUL_H
#define MARU_MATMUL_H

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/onednn.h"

/*
 * Terms of one part of a sum; parts are added in order, so these are in the bits. With F32
 * panels oneDNN 3.7 reads past the end and sums wrongly on AVX2 from k = 1025 on.
 */
#define MATMUL_K_PART_F32	1024u
#define MATMUL_K_PART		4096u
#define MATMUL_K_PART_FEW	65536u
#define MATMUL_CHUNK_K		256	/* k at a time that is converted */

/* Shares of a thread's scratch; what is left is for small pieces. */
#define MATMUL_OUT_BYTES	(1u << 20)
#define MATMUL_A_BYTES		(3u << 20)
#define MATMUL_B_BYTES		(3u << 20)

enum matmul_path {
	MATMUL_F32,		/* own code on panels, in f32 */
	MATMUL_I8,		/* own code, exact */
	MATMUL_LIBRARY,		/* oneDNN, float */
	MATMUL_FEW,		/* own code for few rows of B, weights as they lie */
	MATMUL_FEW_I8,		/* the same, exact */
};

struct matmul_plan {
	uint32_t n, m, k;
	uint32_t tile_n, tile_m, tiles_n, tiles_m;
	uint32_t k_part;
	uint64_t tile_macs;		/* multiplications of a tile, at most */
	uint32_t group;			/* matrices of a tile */
	uint64_t matrices;
	uint32_t a_share[2];		/* matrices of dst in dims 2, 3 that share one of A */
	uint64_t a_matrix_bytes;	/* of a prepared A */
	uint8_t path;			/* enum matmul_path */
	uint8_t a_as, b_as;		/* types that the operands are rounded to first */
	uint8_t a_kernel, b_kernel;	/* types that the product takes */
	uint8_t layout;			/* of A as the product takes it */
	bool is_a_direct, is_b_direct, is_out_direct;
	uint8_t act;
	float scale;
};

/* One piece of work: a tile of one matrix. */
struct matmul_part {
	uint64_t matrix[2];		/* index in dims 2, 3 of dst */
	uint32_t n0, m0, n, m;
	uint32_t k0, k;			/* part of k */
};

struct matmul_scratch {
	uint8_t *out, *a, *b, *extra;
	float *b_scales;	/* of the tile's rows of B, when they are rounded to I8 */
};

/* In the small pieces, behind what products use. */
#define MATMUL_SCALES_OFFSET	(768u << 10)
#define MATMUL_SCALES_MAX	(MATMUL_OUT_BYTES / 4 / 64)	/* rows of a tile */

/* Does the product take I8 and make exact sums? */
static inline bool matmul_is_int(const struct matmul_plan *plan)
{
	return plan->path == MATMUL_I8 || plan->path == MATMUL_FEW_I8;
}

/* Does own code read the weights where they lie, once for all rows of B? */
static inline bool matmul_is_few(const struct matmul_plan *plan)
{
	return plan->path == MATMUL_FEW || plan->path == MATMUL_FEW_I8;
}

/** matmul_begin() - Check and plan a packet. Return: 0, or -EINVAL with op->error filled. */
int matmul_begin(struct engine_op *op);

/** matmul_a() - Address of A's part: where it lies, or packed into scratch. */
const void *matmul_a(struct engine_op *op, const struct matmul_plan *plan,
		     const struct matmul_part *part, const struct matmul_scratch *scratch,
		     uint64_t *panel_bytes);

/** matmul_b() - Rows of B as the product takes them. */
const void *matmul_b(struct engine_op *op, const struct matmul_plan *plan,
		     const struct matmul_part *part, const struct matmul_scratch *scratch,
		     uint64_t *step);

/** matmul_row_scales() - Scale of each of the part's rows of B over all of k, for I8. */
void matmul_row_scales(struct engine_op *op, const struct matmul_part *part, float *scales);

/** matmul_row_round() - @n ≤ MATMUL_CHUNK_K elements of a row of B to I8. */
void matmul_row_round(int8_t *to, const struct maru_operand *b, const uint8_t *from, float scale,
		      uint32_t n);

/**
 * matmul_epilogue() - From the sums in scratch to dst.
 * @out: rows @out_step bytes apart.
 * @b_scales: of the part's rows of B, NULL: none.
 */
void matmul_epilogue(struct engine_op *op, const struct matmul_part *part, const void *out,
		     uint64_t out_step, const float *b_scales);

#endif

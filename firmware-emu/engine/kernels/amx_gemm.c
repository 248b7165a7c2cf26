// SPDX-License-Identifier: MIT
/*
 * Level 4: products of BF16 with BF16 and of I8 with I8 on AMX's tiles of 16 rows of 64 bytes. A
 * step is 64 bytes of k: of a row of B one row of a tile, of a panel, whose rows are 256 bytes, 16
 * rows of four tiles next to each other. 32 rows of B meet 32 n at a time, four tiles of sums.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"

#define ROWS		192u	/* of B at a time: they stay in the second cache */
#define BLOCK		2048u	/* bytes of k of a row of B; a panel has 64 times as many */
#define GROUP		32u	/* rows of B that meet a panel together */
#define TILE		16u
#define STEP		64u
#define PANEL_ROW	256u

/* As LDTILECFG reads it. */
struct config {
	uint8_t palette;
	uint8_t start_row;
	uint8_t reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

struct group {
	const uint8_t *b, *a;
	uint8_t *out;
	uint64_t b_step, out_step;
	uint32_t steps;
	bool add;
};

#define KEEP(...)	__VA_ARGS__
#define LEAVE(...)

/*
 * Tiles 0 to 3 are sums, 4 and 5 of B, 6 and 7 of a panel. LOWER: KEEP, or LEAVE out the tiles of
 * the rows from 16 on.
 */
#define MULTIPLY(name, multiply, LOWER) \
	static void name(const struct group *group) \
	{ \
		const uint8_t *b = group->b, *a = group->a; \
		uint8_t *out = group->out; \
		LOWER(const uint8_t *b_lower = b + TILE * group->b_step;) \
		LOWER(uint8_t *out_lower = out + TILE * group->out_step;) \
		if (group->add) { \
			_tile_loadd(0, out, group->out_step); \
			_tile_loadd(1, out + STEP, group->out_step); \
			LOWER(_tile_loadd(2, out_lower, group->out_step);) \
			LOWER(_tile_loadd(3, out_lower + STEP, group->out_step);) \
		} else { \
			_tile_zero(0); \
			_tile_zero(1); \
			LOWER(_tile_zero(2);) \
			LOWER(_tile_zero(3);) \
		} \
		for (uint32_t s = 0; s < group->steps; s++) { \
			_tile_loadd(4, b, group->b_step); \
			_tile_loadd(6, a, PANEL_ROW); \
			multiply(0, 4, 6); \
			_tile_loadd(7, a + STEP, PANEL_ROW); \
			multiply(1, 4, 7); \
			LOWER(_tile_loadd(5, b_lower, group->b_step);) \
			LOWER(multiply(2, 5, 6);) \
			LOWER(multiply(3, 5, 7);) \
			LOWER(b_lower += STEP;) \
			b += STEP; \
			a += TILE * PANEL_ROW; \
		} \
		_tile_stored(0, out, group->out_step); \
		_tile_stored(1, out + STEP, group->out_step); \
		LOWER(_tile_stored(2, out_lower, group->out_step);) \
		LOWER(_tile_stored(3, out_lower + STEP, group->out_step);) \
	}
MULTIPLY(bf16_one, _tile_dpbf16ps, LEAVE)
MULTIPLY(bf16_two, _tile_dpbf16ps, KEEP)
MULTIPLY(i8_one, _tile_dpbssd, LEAVE)
MULTIPLY(i8_two, _tile_dpbssd, KEEP)

/* A part of a product: rows of B with some of their bytes of k. */
struct block {
	uint32_t m0, m, k0, k;
	struct config config;
};

/* For @rows of B and @k bytes of each in a step. Clears all tiles. */
static void configure(struct block *block, uint32_t rows, uint32_t k)
{
	uint8_t upper = (uint8_t)(rows < TILE ? rows : TILE), lower = (uint8_t)(rows - upper);
	struct config config = {
		.palette = 1,
		.row_bytes = { STEP, STEP, STEP, STEP, (uint16_t)k, (uint16_t)k, STEP, STEP },
		.rows = { upper, upper, lower, lower, upper, lower, (uint8_t)(k / 4),
			  (uint8_t)(k / 4) },
	};

	if (!lower)
		config.row_bytes[2] = config.row_bytes[3] = config.row_bytes[5] = 0;
	if (!memcmp(&config, &block->config, sizeof(config)))
		return;
	_tile_loadconfig(&config);
	block->config = config;
}

/* All 64 n of a panel. */
static void multiply(struct group group, uint32_t rows, bool is_int)
{
	for (unsigned int half = 0; half < 2; half++) {
		if (rows > TILE)
			(is_int ? i8_two : bf16_two)(&group);
		else
			(is_int ? i8_one : bf16_one)(&group);
		group.a += 2 * STEP;
		group.out += 2 * STEP;
	}
}

static void meet(struct block *block, struct group group, uint32_t rows, bool is_int)
{
	group.steps = block->k / STEP;
	if (group.steps) {
		configure(block, rows, STEP);
		multiply(group, rows, is_int);
		group.b += group.steps * STEP;
		group.a += (uint64_t)group.steps * TILE * PANEL_ROW;
		group.add = true;
	}
	if (block->k % STEP) {
		group.steps = 1;
		configure(block, rows, block->k % STEP);
		multiply(group, rows, is_int);
	}
}

/* The last panel of rows of out that end before it does. */
static void meet_edge(struct block *block, struct group group, uint32_t rows, uint32_t n)
{
	int32_t edge[GROUP][64];
	uint8_t *out = group.out;
	uint32_t r;

	for (r = 0; r < rows && group.add; r++)
		memcpy(edge[r], out + r * group.out_step, n * 4ULL);
	group.out = (uint8_t *)edge;
	meet(block, (struct group) { group.b, group.a, group.out, group.b_step, sizeof(edge[0]), 0,
				     group.add }, rows, true);
	for (r = 0; r < rows; r++)
		memcpy(out + r * group.out_step, edge[r], n * 4ULL);
}

static void panel(const struct kernels_gemm *gemm, struct block *block, uint32_t n0, bool is_int)
{
	uint32_t j, rows;

	for (j = 0; j < block->m; j += rows) {
		struct group group = {
			.b = (const uint8_t *)gemm->b + (block->m0 + j) * gemm->b_step + block->k0,
			.a = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes +
			     (uint64_t)block->k0 / 4 * PANEL_ROW,
			.out = (uint8_t *)gemm->out + (block->m0 + j) * gemm->out_step + n0 * 4ULL,
			.b_step = gemm->b_step, .out_step = gemm->out_step,
			.add = gemm->add || block->k0,
		};

		rows = block->m - j < GROUP ? block->m - j : GROUP;
		if (is_int && gemm->n - n0 < 64)
			meet_edge(block, group, rows, gemm->n - n0);
		else
			meet(block, group, rows, is_int);
	}
}

/* @k: bytes of a row of B, a multiple of 4. */
static void walk(const struct kernels_gemm *gemm, uint32_t k, bool is_int)
{
	struct block block = { 0 };
	uint32_t n0;

	for (; block.m0 < gemm->m; block.m0 += block.m) {
		block.m = gemm->m - block.m0 < ROWS ? gemm->m - block.m0 : ROWS;
		for (block.k0 = 0; block.k0 < k; block.k0 += block.k) {
			block.k = k - block.k0 < BLOCK ? k - block.k0 : BLOCK;
			for (n0 = 0; n0 < gemm->n; n0 += 64)
				panel(gemm, &block, n0, is_int);
		}
	}
	_tile_release();
}

static void amx_gemm_bf16(const struct kernels_gemm *gemm)
{
	walk(gemm, (gemm->k + 1) / 2 * 4, false);
}

static void amx_gemm_i8(const struct kernels_gemm *gemm)
{
	walk(gemm, (gemm->k + 3) / 4 * 4, true);
}

void kernels_amx_gemm(struct kernels *table)
{
	table->gemm_bf16 = amx_gemm_bf16;
	table->gemm_i8 = amx_gemm_i8;
}

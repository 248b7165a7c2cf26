// SPDX-License-Identifier: MIT
/*
 * SORT: a key of 64 bits for each element, its value in order above its index, so that no two
 * are equal and any way of sorting is stable.
 */
#include <string.h>

#include "firmware-emu/engine/decode.h"
#include "firmware-emu/engine/impl.h"
#include "firmware-emu/engine/numeric.h"
#include "firmware-emu/engine/tile.h"

#define TILE_ELEMENTS	(1u << 16)
#define ROWS_MAX	(1u << 12)	/* of a tile, however short */
#define HEAP_MOST	64u		/* that many of a longer row are chosen with a heap */
#define INSERT_MOST	32u		/* elements that are sorted by insertion */
#define DIGIT_BITS	8
#define DIGITS		(1u << DIGIT_BITS)
#define PASSES		(32 / DIGIT_BITS)

_Static_assert(2 * 8 * MARU_SORT_MAX <= ENGINE_SCRATCH_BYTES, "keys of a row, twice");

struct sort_plan {
	uint64_t rows;
	uint64_t tile_rows;
};

static int check_shape(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *x = op->operands[MARU_ROLE_X].desc;
	unsigned int d;

	if (x->dim[0] > MARU_SORT_MAX)
		return decode_refuse(op, MARU_ERR_TOO_LARGE, MARU_ROLE_X, MARU_FIELD_DIM(0),
				     x->dim[0]);
	if (dst->dim[0] > x->dim[0])
		return decode_refuse(op, MARU_ERR_BAD_SHAPE, MARU_ROLE_DST, MARU_FIELD_DIM(0),
				     dst->dim[0]);
	for (d = 1; d < 4; d++)
		if (x->dim[d] != dst->dim[d])
			return decode_refuse(op, MARU_ERR_BAD_SHAPE, MARU_ROLE_X,
					     MARU_FIELD_DIM(d), x->dim[d]);
	return 0;
}

static int sort_plan(struct engine_op *op)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	struct sort_plan *plan = IMPL_PLAN(struct sort_plan, op);
	uint32_t n = op->operands[MARU_ROLE_X].desc->dim[0];
	int err = check_shape(op);

	if (err || operand_is_empty(dst))
		return err;
	plan->rows = (uint64_t)dst->dim[1] * dst->dim[2] * dst->dim[3];
	plan->tile_rows = n < TILE_ELEMENTS ? TILE_ELEMENTS / n : 1;
	if (plan->tile_rows > ROWS_MAX)
		plan->tile_rows = ROWS_MAX;
	op->tiles = (uint32_t)((plan->rows - 1) / plan->tile_rows + 1);
	return 0;
}

/* Rises with the value: −0 is as 0, NaN is above all. */
static uint32_t rank(float x, bool is_descending)
{
	uint32_t bits;

	if (x != x)
		return UINT32_MAX;
	bits = numeric_f32_bits(x + 0.0f);	/* −0 + 0 is 0 */
	bits ^= bits >> 31 ? UINT32_MAX : 1u << 31;
	return is_descending ? ~bits : bits;
}

static uint64_t key_at(const float *x, uint32_t i, bool is_descending)
{
	return (uint64_t)rank(x[i], is_descending) << 32 | i;
}

static void insert(uint64_t *keys, uint32_t n)
{
	uint32_t i, j;

	for (i = 1; i < n; i++) {
		uint64_t key = keys[i];

		for (j = i; j && keys[j - 1] > key; j--)
			keys[j] = keys[j - 1];
		keys[j] = key;
	}
}

/* By digits of the rank from the lowest on; indices are in order already. */
static const uint64_t *sort_digits(uint64_t *keys, uint64_t *spare, uint32_t n)
{
	uint32_t count[PASSES][DIGITS] = { 0 }, i;
	unsigned int pass;

	for (i = 0; i < n; i++)
		for (pass = 0; pass < PASSES; pass++)
			count[pass][keys[i] >> (32 + DIGIT_BITS * pass) & (DIGITS - 1)]++;
	for (pass = 0; pass < PASSES; pass++) {
		unsigned int shift = 32 + DIGIT_BITS * pass, digit;
		uint32_t *at = count[pass], start = 0;
		uint64_t *other = spare;

		if (at[keys[0] >> shift & (DIGITS - 1)] == n)
			continue;
		for (digit = 0; digit < DIGITS; digit++) {
			uint32_t length = at[digit];

			at[digit] = start;
			start += length;
		}
		for (i = 0; i < n; i++)
			spare[at[keys[i] >> shift & (DIGITS - 1)]++] = keys[i];
		spare = keys;
		keys = other;
	}
	return keys;
}

/* The largest key of a heap of the @k smallest is on top. */
static void sink(uint64_t *heap, uint32_t k, uint64_t key)
{
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < k) {
		child += child + 1 < k && heap[child + 1] > heap[child];
		if (heap[child] <= key)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = key;
}

static const uint64_t *choose(uint64_t *heap, const float *x, uint32_t n, uint32_t k,
			      bool is_descending)
{
	uint32_t i;

	for (i = 0; i < k; i++)
		heap[i] = UINT64_MAX;
	for (i = 0; i < n; i++) {
		uint64_t key = key_at(x, i, is_descending);

		if (key < heap[0])
			sink(heap, k, key);
	}
	insert(heap, k);
	return heap;
}

static const uint64_t *sort_row(uint64_t *keys, const float *x, uint32_t n, uint32_t k,
				bool is_descending)
{
	uint32_t i;

	if (n > INSERT_MOST && k <= HEAP_MOST)
		return choose(keys, x, n, k, is_descending);
	for (i = 0; i < n; i++)
		keys[i] = key_at(x, i, is_descending);
	if (n > INSERT_MOST)
		return sort_digits(keys, keys + MARU_SORT_MAX, n);
	insert(keys, n);
	return keys;
}

static uint8_t *row_of(const struct engine_operand *operand, uint64_t row)
{
	const struct maru_operand *desc = operand->desc;
	uint64_t i1 = row % desc->dim[1], rest = row / desc->dim[1];

	return operand->host + i1 * desc->stride[1] + rest % desc->dim[2] * desc->stride[2] +
	       rest / desc->dim[2] * desc->stride[3];
}

static int sort_tile(struct engine_op *op, uint32_t tile, struct engine_scratch *scratch,
		     struct engine_error *error)
{
	const struct sort_plan *plan = IMPL_PLAN(const struct sort_plan, op);
	const struct engine_operand *dst = &op->operands[MARU_ROLE_DST];
	const struct engine_operand *source = &op->operands[MARU_ROLE_X];
	const struct engine_operand *values = &op->operands[MARU_ROLE_VALUES];
	uint64_t row = tile * plan->tile_rows, end = row + plan->tile_rows;
	uint32_t k = dst->desc->dim[0], i;

	(void)error;
	for (; row < end && row < plan->rows; row++) {
		const float *x = (const float *)(const void *)row_of(source, row);
		const uint64_t *keys = sort_row((uint64_t *)(void *)scratch->base, x,
						source->desc->dim[0], k,
						op->header.sort.descending);
		uint32_t *ids = (uint32_t *)(void *)row_of(dst, row);

		for (i = 0; i < k; i++)
			ids[i] = (uint32_t)keys[i];
		for (i = 0; i < k && values->desc; i++)
			memcpy(row_of(values, row) + 4 * (uint64_t)i, x + (uint32_t)keys[i], 4);
	}
	return 0;
}

const struct engine_impl sort_impl = { .op = MARU_OP_SORT, .plan = sort_plan, .tile = sort_tile };

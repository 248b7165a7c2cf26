/* SPDX-License-Identifier: MIT */
/* What operations over whole rows of dim[0] share: NORM and SOFTMAX. A row is never cut. */
#ifndef MARU_ROWS_H
#define MARU_ROWS_H

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/engine.h"

#define ROWS_TILE_BYTES		(512u << 10)	/* read and written by a tile of short rows */
#define ROWS_STREAM_BYTES	(8u << 20)	/* from here on dst goes past the caches */
#define ROWS_CHUNK		8192u		/* elements of a row that are in f32 at a time */
#define ROWS_STOP_CHUNKS	32u		/* looks for a stop that often in a long row */

struct rows {
	uint64_t count;
	uint32_t n;		/* elements of a row */
	uint32_t per_tile;
	bool is_streamed;
};

/** rows_plan() - Cut dst into tiles of whole rows: op->tiles. */
void rows_plan(struct engine_op *op, struct rows *rows);

/**
 * struct rows_source - An operand read as f32 in rows that fit dst's; dims are repeated.
 * @kept: the row that stands in @buffer, where it fits whole.
 */
struct rows_source {
	const struct engine_operand *operand;	/* NULL: none */
	convert_fn convert;
	float *buffer;		/* ROWS_CHUNK; not needed for contiguous f32 */
	const uint8_t *row;
	const uint8_t *kept;
};

/** rows_source_init() - An operand that may be absent. */
void rows_source_init(struct rows_source *source, const struct engine_operand *operand,
		      float *buffer);

/** rows_source_row() - Go to the row of @source for row @index of dst, of dims 1 … 3. */
void rows_source_row(struct rows_source *source, const uint32_t index[3]);

/**
 * rows_source_chunk() - Elements @at … @at + @n of the row, n ≤ ROWS_CHUNK.
 * Return: f32, in memory or in the buffer; NULL without operand.
 */
const float *rows_source_chunk(struct rows_source *source, uint64_t at, uint32_t n, uint32_t row_n);

/** rows_index() - Dims 1 … 3 of row @row of an operand. */
void rows_index(const struct maru_operand *desc, uint64_t row, uint32_t index[3]);

/** rows_next() - The row behind. */
static inline void rows_next(const struct maru_operand *desc, uint32_t index[3])
{
	if (++index[0] < desc->dim[1])
		return;
	index[0] = 0;
	if (++index[1] < desc->dim[2])
		return;
	index[1] = 0;
	index[2]++;
}

/** rows_at() - Where a row of an operand with dst's dims begins. */
static inline uint8_t *rows_at(const struct engine_operand *operand, const uint32_t index[3])
{
	const struct maru_operand *desc = operand->desc;

	return operand->host + index[0] * desc->stride[1] + index[1] * desc->stride[2] +
	       index[2] * desc->stride[3];
}

/** rows_is_stopped() - Is the job to end? Fills *error then. Not each chunk looks. */
bool rows_is_stopped(const struct engine_op *op, uint64_t chunk, struct engine_error *error);

/** rows_store() - f32 to elements of dst's type; from may be to. */
void rows_store(const struct engine_operand *dst, uint8_t *to, const float *from, uint32_t n);

#endif

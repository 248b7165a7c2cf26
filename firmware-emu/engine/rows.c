// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/rows.h"
#include "firmware-emu/engine/tile.h"

void rows_plan(struct engine_op *op, struct rows *rows)
{
	const struct maru_operand *dst = op->operands[MARU_ROLE_DST].desc;
	const struct maru_operand *x = op->operands[MARU_ROLE_X].desc;
	uint64_t elements = tile_elements(dst), bytes;

	rows->n = dst->dim[0];
	rows->count = elements ? elements / dst->dim[0] : 0;
	bytes = rows->n * (uint64_t)(maru_type_bytes(dst->type) + maru_type_bytes(x->type));
	rows->per_tile = bytes && bytes < ROWS_TILE_BYTES ?
			 (uint32_t)(ROWS_TILE_BYTES / bytes) : 1;
	/* In place the lines are in the caches already. */
	rows->is_streamed = elements * maru_type_bytes(dst->type) >= ROWS_STREAM_BYTES &&
			    dst->va != x->va;
	op->tiles = (uint32_t)((rows->count + rows->per_tile - 1) / rows->per_tile);
}

void rows_source_init(struct rows_source *source, const struct engine_operand *operand,
		      float *buffer)
{
	source->operand = operand->desc ? operand : NULL;
	source->buffer = buffer;
	source->row = NULL;
	source->kept = NULL;
	if (operand->desc)
		source->convert = convert_lookup(MARU_TYPE_F32, operand->desc->type);
}

void rows_source_row(struct rows_source *source, const uint32_t index[3])
{
	const struct engine_operand *operand = source->operand;
	const uint8_t *row;
	unsigned int d;

	if (!operand)
		return;
	row = operand->host;
	for (d = 1; d < 4; d++)
		row += index[d - 1] % operand->desc->dim[d] * operand->desc->stride[d];
	source->row = row;
}

/* Elements of a row that is shorter than dst's, over and over. */
static void repeat(struct rows_source *source, uint64_t at, uint32_t n)
{
	uint32_t size = maru_type_bytes(source->operand->desc->type);
	uint32_t dim = source->operand->desc->dim[0], done = 0, run, i;

	at %= dim;
	if (dim == 1) {
		source->convert(source->buffer, 4, source->row, size, 1);
		for (i = 1; i < n; i++)
			source->buffer[i] = source->buffer[0];
		return;
	}
	for (; done < n; done += run, at = 0) {
		run = dim - (uint32_t)at < n - done ? dim - (uint32_t)at : n - done;
		source->convert(source->buffer + done, 4, source->row + at * size, size, run);
	}
}

const float *rows_source_chunk(struct rows_source *source, uint64_t at, uint32_t n, uint32_t row_n)
{
	const struct maru_operand *desc;
	uint32_t size;

	if (!source->operand)
		return NULL;
	desc = source->operand->desc;
	size = maru_type_bytes(desc->type);
	if (desc->dim[0] >= row_n && desc->type == MARU_TYPE_F32)
		return (const float *)(const void *)(source->row + at * size);
	if (source->kept == source->row && n == row_n)
		return source->buffer;
	source->kept = n == row_n ? source->row : NULL;
	if (desc->dim[0] >= row_n)
		source->convert(source->buffer, 4, source->row + at * size, size, n);
	else
		repeat(source, at, n);
	return source->buffer;
}

void rows_index(const struct maru_operand *desc, uint64_t row, uint32_t index[3])
{
	index[0] = (uint32_t)(row % desc->dim[1]);
	row /= desc->dim[1];
	index[1] = (uint32_t)(row % desc->dim[2]);
	index[2] = (uint32_t)(row / desc->dim[2]);
}

bool rows_is_stopped(const struct engine_op *op, uint64_t chunk, struct engine_error *error)
{
	if (!chunk || chunk % ROWS_STOP_CHUNKS || !op->stop || !*op->stop)
		return false;
	memset(error, 0, sizeof(*error));
	error->word = MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0);
	error->tag = op->header.tag;
	return true;
}

void rows_store(const struct engine_operand *dst, uint8_t *to, const float *from, uint32_t n)
{
	unsigned int type = dst->desc->type;

	if ((const void *)from != to)
		convert_lookup(type, MARU_TYPE_F32)(to, maru_type_bytes(type), from, 4, n);
}

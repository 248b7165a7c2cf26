// SPDX-License-Identifier: MIT
#include "firmware-emu/engine/tile.h"

uint64_t tile_elements(const struct maru_operand *desc)
{
	if (!desc->dim[0] || !desc->dim[1] || !desc->dim[2] || !desc->dim[3])
		return 0;
	return (uint64_t)desc->dim[0] * desc->dim[1] * desc->dim[2] * desc->dim[3];
}

void tile_walk_add(struct tile_walk *walk, uint64_t dim, uint64_t stride)
{
	unsigned int last = walk->dims - 1;

	if (dim == 1 && walk->dims)
		return;
	if (walk->dims && walk->dim[last] == 1) {
		walk->dim[last] = dim;
		walk->stride[last] = stride;
	} else if (walk->dims && stride == walk->stride[last] * walk->dim[last]) {
		walk->dim[last] *= dim;
	} else {
		walk->dim[walk->dims] = dim;
		walk->stride[walk->dims++] = stride;
	}
}

void tile_walk_init(struct tile_walk *walk, const struct maru_operand *desc)
{
	unsigned int d;

	walk->dims = 0;
	for (d = 0; d < 4; d++)
		tile_walk_add(walk, desc->dim[d], desc->stride[d]);
}

void tile_cursor_seek(struct tile_cursor *cursor, const struct tile_walk *walk, uint8_t *base,
		      uint64_t element)
{
	unsigned int d;

	cursor->walk = walk;
	cursor->at = base;
	for (d = 0; d < walk->dims; d++) {
		cursor->index[d] = element % walk->dim[d];
		cursor->at += cursor->index[d] * walk->stride[d];
		element /= walk->dim[d];
	}
}

void tile_cursor_advance(struct tile_cursor *cursor, uint64_t elements)
{
	const struct tile_walk *walk = cursor->walk;
	unsigned int d = 0;
	uintptr_t at = (uintptr_t)cursor->at;	/* may wrap behind the last element */

	cursor->index[0] += elements;
	at += elements * walk->stride[0];
	while (cursor->index[d] == walk->dim[d] && d + 1 < walk->dims) {
		at += walk->stride[d + 1] - walk->dim[d] * walk->stride[d];
		cursor->index[d++] = 0;
		cursor->index[d]++;
	}
	cursor->at = (uint8_t *)at;
}

/* SPDX-License-Identifier: MIT */
/* How a packet is cut into tiles: by its dims, types and layouts, never by threads or load. */
#ifndef MARU_TILE_H
#define MARU_TILE_H

#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

#define TILE_BYTES	(4u << 20)	/* moved by one tile */
#define TILE_TALL	(64u << 20)	/* by one that must have all rows of its columns */
#define TILE_COLUMNS	64u		/* and is therefore cut to so few at least */
#define TILE_MACS	(1u << 26)	/* multiply-adds of one tile */

/** tile_elements() - Elements of a plain operand, ≤ MARU_ELEMENTS_MAX. */
uint64_t tile_elements(const struct maru_operand *desc);

/**
 * struct tile_walk - The elements of a strided operand in order, neighbours merged.
 * At most eight dims: a repeated one counts twice.
 */
struct tile_walk {
	unsigned int dims;
	uint64_t dim[8];
	uint64_t stride[8];
};

/** tile_walk_init() - Walk over a strided operand in element order. */
void tile_walk_init(struct tile_walk *walk, const struct maru_operand *desc);

/** tile_walk_add() - Append an outer dim, merged with the one inside where they join. */
void tile_walk_add(struct tile_walk *walk, uint64_t dim, uint64_t stride);

struct tile_cursor {
	const struct tile_walk *walk;
	uint8_t *at;
	uint64_t index[8];
};

/** tile_cursor_seek() - Stand at element @element of @walk from @base. */
void tile_cursor_seek(struct tile_cursor *cursor, const struct tile_walk *walk, uint8_t *base,
		      uint64_t element);

/** tile_cursor_run() - Elements from here to the end of the innermost dim. */
static inline uint64_t tile_cursor_run(const struct tile_cursor *cursor)
{
	return cursor->walk->dim[0] - cursor->index[0];
}

/** tile_cursor_advance() - Go on by @elements ≤ tile_cursor_run(). */
void tile_cursor_advance(struct tile_cursor *cursor, uint64_t elements);

/** tile_narrow() - Columns of a tile with all @rows, @size bytes each, of @columns wanted. */
static inline uint32_t tile_narrow(uint32_t columns, uint64_t rows, unsigned int size)
{
	while (columns > TILE_COLUMNS && rows * size * columns > TILE_TALL)
		columns /= 2;
	return columns;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Conversion between plain types: docs/card.md, "Conversion". The same bits at every ISA level. */
#ifndef MARU_CONVERT_H
#define MARU_CONVERT_H

#include <stdint.h>

/* Converts @n elements; steps in bytes. */
typedef void (*convert_fn)(void *to, uint64_t to_step, const void *from, uint64_t from_step,
			   uint64_t n);

/** convert_lookup() - Function for a pair of plain types; equal types copy bits. */
convert_fn convert_lookup(unsigned int to, unsigned int from);

#define CONVERT_STREAM_BYTES	(8u << 20)	/* a dst that goes past the caches */

/**
 * convert_stream() - Contiguous elements, floats or equal types past the caches if a kernel can.
 * @next: what will be read soon, as many elements; it is asked for meanwhile.
 *
 * Behind the last one of a tile: sfence.
 */
void convert_stream(unsigned int to_type, unsigned int from_type, void *to, const void *from,
		    uint64_t n, const void *next);

/** convert_scalar() - The same without kernels: reference code, for steps and for tests. */
convert_fn convert_scalar(unsigned int to, unsigned int from);

#endif

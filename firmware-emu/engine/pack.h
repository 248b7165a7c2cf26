/* SPDX-License-Identifier: MIT */
/*
 * Panels: how weights lie in prepared layouts and in scratch. A matrix [k, n] is cut into panels
 * of 64 n; inside a panel element (k, n) is number (k / g · 64 + n) · g + k % g, where g is 1, 2
 * or 4. Padding is zeros.
 */
#ifndef MARU_PACK_H
#define MARU_PACK_H

#include <stdint.h>

#include "uapi/drm/maru_cmd.h"

#define PACK_N		64
#define PACK_K_MAX	64	/* every layout rounds k up to a divisor of this */

/** pack_group() - g of a prepared layout. */
static inline unsigned int pack_group(unsigned int layout)
{
	return layout == MARU_LAYOUT_K16N64 ? 1 : layout == MARU_LAYOUT_K16N64K2 ? 2 : 4;
}

/** pack_round() - k of a panel with group @g: rounded up to 16 · g. */
static inline uint64_t pack_round(uint64_t k, unsigned int g)
{
	return (k + 16 * g - 1) / (16 * g) * (16 * g);
}

/**
 * pack_panel() - Fill one panel from a strided matrix.
 * @to: pack_round(@k, @g) · 64 elements of @size bytes.
 * @from: element (0, 0) of the part; steps in bytes; one of them is @size.
 * @n: columns that exist, ≤ 64.
 */
void pack_panel(void *to, unsigned int g, unsigned int size, const uint8_t *from,
		uint64_t k_step, uint64_t n_step, uint64_t k, unsigned int n);

/** pack_widen() - Contiguous I8 to F32. */
void pack_widen(float *to, const int8_t *from, uint64_t n);

/** unpack_panel() - The inverse, without the padding. */
void unpack_panel(uint8_t *to, uint64_t k_step, uint64_t n_step, const void *from,
		  unsigned int g, unsigned int size, uint64_t k, unsigned int n);

#endif

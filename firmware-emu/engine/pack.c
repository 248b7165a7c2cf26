// SPDX-License-Identifier: MIT
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/pack.h"

/* Rows of k that lie one after another: units of g elements are transposed. */
static void pack_rows(uint8_t *to, unsigned int g, unsigned int size, const uint8_t *from,
		      uint64_t n_step, uint64_t k, unsigned int n)
{
	unsigned int unit = g * size, i;
	uint64_t whole = k / g, tail = k % g;

	if (unit == 4)
		kernels.transpose_32(to, from, n_step, whole, n);
	else
		kernels.transpose_16(to, from, n_step, whole, n);
	if (!tail)
		return;
	to += whole * PACK_N * unit;
	memset(to, 0, PACK_N * unit);
	for (i = 0; i < n; i++)
		memcpy(to + i * unit, from + i * n_step + whole * unit, tail * size);
}

#define PACK_COLUMNS(name, type) \
	static void name(type *to, unsigned int g, const uint8_t *from, uint64_t k_step, \
			 uint64_t k, unsigned int n) \
	{ \
		for (uint64_t i = 0; i < k; i++) { \
			const type *row = (const type *)(const void *)(from + i * k_step); \
			type *target = to + i / g * PACK_N * g + i % g; \
			for (unsigned int j = 0; j < n; j++) \
				target[j * g] = row[j]; \
		} \
	}
PACK_COLUMNS(pack_columns_8, uint8_t)
PACK_COLUMNS(pack_columns_16, uint16_t)
PACK_COLUMNS(pack_columns_32, uint32_t)

void pack_widen(float *to, const int8_t *from, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		to[i] = from[i];
}

void pack_panel(void *to, unsigned int g, unsigned int size, const uint8_t *from,
		uint64_t k_step, uint64_t n_step, uint64_t k, unsigned int n)
{
	uint64_t padded = pack_round(k, g), full = (k + g - 1) / g * g;

	if (k_step == size) {
		pack_rows(to, g, size, from, n_step, k, n);
	} else {
		if (n < PACK_N || k % g)
			memset(to, 0, full * PACK_N * size);
		if (size == 1)
			pack_columns_8(to, g, from, k_step, k, n);
		else if (size == 2)
			pack_columns_16(to, g, from, k_step, k, n);
		else
			pack_columns_32(to, g, from, k_step, k, n);
	}
	memset((uint8_t *)to + full * PACK_N * size, 0, (padded - full) * PACK_N * size);
}

#define UNPACK(name, type) \
	static void name(uint8_t *to, uint64_t k_step, uint64_t n_step, const type *from, \
			 unsigned int g, uint64_t k, unsigned int n) \
	{ \
		if (k_step == sizeof(type)) { \
			for (unsigned int j = 0; j < n; j++) { \
				type *row = (type *)(void *)(to + j * n_step); \
				for (uint64_t i = 0; i < k; i++) \
					row[i] = from[(i / g * PACK_N + j) * g + i % g]; \
			} \
			return; \
		} \
		for (uint64_t i = 0; i < k; i++) { \
			type *row = (type *)(void *)(to + i * k_step); \
			for (unsigned int j = 0; j < n; j++) \
				row[j] = from[(i / g * PACK_N + j) * g + i % g]; \
		} \
	}
UNPACK(unpack_8, uint8_t)
UNPACK(unpack_16, uint16_t)
UNPACK(unpack_32, uint32_t)

/* Whole groups of 4 bytes into rows of n: each row takes one element of each group. */
#define UNPACK_GROUPS(name, type) \
	static void name(uint8_t *to, uint64_t k_step, const uint32_t *from, uint64_t groups, \
			 unsigned int n) \
	{ \
		const unsigned int g = 4 / sizeof(type); \
		for (uint64_t i = 0; i < groups; i++, from += PACK_N) \
			for (unsigned int r = 0; r < g; r++) { \
				type *row = (type *)(void *)(to + (i * g + r) * k_step); \
				for (unsigned int j = 0; j < n; j++) \
					row[j] = (type)(from[j] >> 8 * sizeof(type) * r); \
			} \
	}
UNPACK_GROUPS(unpack_groups_8, uint8_t)
UNPACK_GROUPS(unpack_groups_16, uint16_t)

void unpack_panel(uint8_t *to, uint64_t k_step, uint64_t n_step, const void *from,
		  unsigned int g, unsigned int size, uint64_t k, unsigned int n)
{
	uint64_t whole = k / g;

	if (g * size == 4 && g > 1 && n_step == size) {
		(size == 1 ? unpack_groups_8 : unpack_groups_16)(to, k_step, from, whole, n);
		to += whole * g * k_step;
		from = (const uint32_t *)from + whole * PACK_N;
		k -= whole * g;
	}
	if (size == 1)
		unpack_8(to, k_step, n_step, from, g, k, n);
	else if (size == 2)
		unpack_16(to, k_step, n_step, from, g, k, n);
	else
		unpack_32(to, k_step, n_step, from, g, k, n);
}

// SPDX-License-Identifier: MIT
/* Level 0: plain C, and what every level shares. */
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/numeric.h"

static void plain_copy(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static void plain_fill(void *to, uint64_t pattern, size_t bytes)
{
	uint8_t *target = to;
	size_t i;

	for (i = 0; i + 8 <= bytes; i += 8)
		memcpy(target + i, &pattern, 8);
	memcpy(target + i, &pattern, bytes - i);
}

static void plain_f32_to_bf16(uint16_t *to, const float *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = numeric_to_bf16(from[i]);
}

static void plain_f32_to_f16(uint16_t *to, const float *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = numeric_to_f16(from[i]);
}

static void plain_bf16_to_f32(float *to, const uint16_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = numeric_from_bf16(from[i]);
}

static void plain_f16_to_f32(float *to, const uint16_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = numeric_from_f16(from[i]);
}

void kernels_plain(struct kernels *table)
{
	*table = (struct kernels) {
		.copy = plain_copy,
		.fill = plain_fill,
		.f32_to_bf16 = plain_f32_to_bf16,
		.f32_to_f16 = plain_f32_to_f16,
		.bf16_to_f32 = plain_bf16_to_f32,
		.f16_to_f32 = plain_f16_to_f32,
	};
}

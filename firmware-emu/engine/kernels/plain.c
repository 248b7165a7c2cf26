// SPDX-License-Identifier: MIT
/* Level 0: plain C, and what every level shares. */
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/numeric.h"
#include "firmware-emu/engine/kernels/activate.h"

KERNELS_ACTIVATE(plain_activate)

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

static float plain_largest(const float *x, size_t n)
{
	uint32_t bits, largest = 0;

	for (size_t i = 0; i < n; i++) {
		bits = numeric_f32_bits(x[i]) & 0x7fffffff;
		largest = bits > largest ? bits : largest;
	}
	return numeric_f32(largest);
}

/* Adding and taking away 1.5 · 2^23 rounds to a whole number, ties to even. */
static void plain_f32_to_i8(int8_t *to, const float *x, float scale, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float quotient = x[i] / scale;

		quotient = quotient > 127 ? 127 : quotient < -127 ? -127 : quotient;
		to[i] = (int8_t)((quotient + 0x1.8p23f) - 0x1.8p23f);
	}
}

/* A unit is more than one element: rows lie at multiples of an element only. */
static void plain_transpose_32(void *to_, const void *from, uint64_t step, uint64_t units,
			       unsigned int rows)
{
	uint32_t *to = to_;

	for (unsigned int j = 0; j < 64; j++) {
		const uint8_t *row = (const uint8_t *)from + j * step;

		for (uint64_t u = 0; u < units; u++) {
			uint32_t unit = 0;

			if (j < rows)
				memcpy(&unit, row + u * sizeof(unit), sizeof(unit));
			to[u * 64 + j] = unit;
		}
	}
}

static void plain_transpose_16(void *to_, const void *from, uint64_t step, uint64_t units,
			       unsigned int rows)
{
	uint16_t *to = to_;

	for (unsigned int j = 0; j < 64; j++) {
		const uint8_t *row = (const uint8_t *)from + j * step;

		for (uint64_t u = 0; u < units; u++) {
			uint16_t unit = 0;

			if (j < rows)
				memcpy(&unit, row + u * sizeof(unit), sizeof(unit));
			to[u * 64 + j] = unit;
		}
	}
}

/* One row of B against one panel; what lies beyond @n is computed and dropped. */
static void plain_row_f32(float *out, const float *b, const float *panel, uint32_t k,
			  unsigned int n, int add)
{
	float sum[64] = { 0 };
	unsigned int i;

	if (add)
		memcpy(sum, out, n * sizeof(*out));
	for (uint32_t q = 0; q < k; q++)
		for (i = 0; i < 64; i++)
			sum[i] += b[q] * panel[(uint64_t)q * 64 + i];
	memcpy(out, sum, n * sizeof(*out));
}

static void plain_row_i8(int32_t *out, const int16_t *b, const int8_t *panel, uint32_t k,
			 unsigned int n, int add)
{
	uint32_t sum[64] = { 0 };
	unsigned int i, r;

	if (add)
		memcpy(sum, out, n * sizeof(*out));
	for (uint32_t q = 0; q < k; q += 4, panel += 256)
		for (i = 0; i < 64; i++)
			for (r = 0; r < 4; r++)
				sum[i] += (uint32_t)(b[q + r] * panel[i * 4 + r]);
	memcpy(out, sum, n * sizeof(*out));
}

static void plain_gemm_f32(const struct kernels_gemm *gemm)
{
	for (uint32_t n0 = 0; n0 < gemm->n; n0 += 64) {
		unsigned int n = gemm->n - n0 < 64 ? gemm->n - n0 : 64;
		const uint8_t *panel = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes;

		for (uint32_t j = 0; j < gemm->m; j++)
			plain_row_f32((float *)((uint8_t *)gemm->out + j * gemm->out_step) + n0,
				      (const float *)((const uint8_t *)gemm->b + j * gemm->b_step),
				      (const float *)panel, gemm->k, n, gemm->add);
	}
}

static void plain_gemm_i8(const struct kernels_gemm *gemm)
{
	for (uint32_t n0 = 0; n0 < gemm->n; n0 += 64) {
		unsigned int n = gemm->n - n0 < 64 ? gemm->n - n0 : 64;
		const uint8_t *panel = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes;

		for (uint32_t j = 0; j < gemm->m; j++)
			plain_row_i8((int32_t *)((uint8_t *)gemm->out + j * gemm->out_step) + n0,
				     (const int16_t *)((const uint8_t *)gemm->b +
						       j * gemm->b_step),
				     (const int8_t *)panel, gemm->k, n, gemm->add);
	}
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
		.largest = plain_largest,
		.f32_to_i8 = plain_f32_to_i8,
		.transpose_32 = plain_transpose_32,
		.transpose_16 = plain_transpose_16,
		.gemm_f32 = plain_gemm_f32,
		.gemm_i8 = plain_gemm_i8,
		.activate = plain_activate,
	};
}

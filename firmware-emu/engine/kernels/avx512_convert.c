// SPDX-License-Identifier: MIT
/*
 * Level 2: AVX-512 F, BW, DQ, VL and VNNI. vcvtneps2bf16 is not used for conversion: it takes
 * denormals for zeros, and conversion gives the same bits at every level.
 */
#include <immintrin.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/numeric.h"

static void avx512_f32_to_bf16(uint16_t *to, const float *from, size_t n)
{
	const __m512i one = _mm512_set1_epi32(1), bias = _mm512_set1_epi32(0x7fff);
	const __m512i quiet = _mm512_set1_epi32(0x40);
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m512 x = _mm512_loadu_ps(from + i);
		__m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
		__m512i sum = _mm512_add_epi32(_mm512_and_si512(high, one), bias);
		__m512i value = _mm512_srli_epi32(_mm512_add_epi32(bits, sum), 16);
		__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);

		value = _mm512_mask_or_epi32(value, nan, high, quiet);
		_mm256_storeu_si256((__m256i *)(to + i), _mm512_cvtepi32_epi16(value));
	}
	for (; i < n; i++)
		to[i] = numeric_to_bf16(from[i]);
}

static void avx512_f32_to_f16(uint16_t *to, const float *from, size_t n)
{
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		_mm256_storeu_si256((__m256i *)(to + i),
				    _mm512_cvtps_ph(_mm512_loadu_ps(from + i),
						    _MM_FROUND_TO_NEAREST_INT));
	for (; i < n; i++)
		to[i] = numeric_to_f16(from[i]);
}

static void avx512_bf16_to_f32(float *to, const uint16_t *from, size_t n)
{
	const __m512i quiet = _mm512_set1_epi32(0x400000);
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m256i half = _mm256_loadu_si256((const __m256i *)(from + i));
		__m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
		__m512 x = _mm512_castsi512_ps(wide);
		__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);

		_mm512_storeu_si512(to + i, _mm512_mask_or_epi32(wide, nan, wide, quiet));
	}
	for (; i < n; i++)
		to[i] = numeric_from_bf16(from[i]);
}

static void avx512_f16_to_f32(float *to, const uint16_t *from, size_t n)
{
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		_mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)
									    (from + i))));
	for (; i < n; i++)
		to[i] = numeric_from_f16(from[i]);
}

void kernels_avx512(struct kernels *table)
{
	table->f32_to_bf16 = avx512_f32_to_bf16;
	table->f32_to_f16 = avx512_f32_to_f16;
	table->bf16_to_f32 = avx512_bf16_to_f32;
	table->f16_to_f32 = avx512_f16_to_f32;
	kernels_avx512_gemm(table);
}

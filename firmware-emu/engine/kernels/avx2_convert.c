// SPDX-License-Identifier: MIT
/* Level 1: AVX2, FMA, F16C. */
#include <immintrin.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/numeric.h"

#define STREAM_BYTES	(1u << 18)	/* from here on a copy goes past the caches */

static void avx2_copy(void *to, const void *from, size_t bytes)
{
	const uint8_t *source = from;
	uint8_t *target = to;
	size_t head;

	if (bytes < STREAM_BYTES) {
		memcpy(target, source, bytes);
		return;
	}
	head = -(uintptr_t)target & 31;
	memcpy(target, source, head);
	for (target += head, source += head, bytes -= head; bytes >= 128;
	     target += 128, source += 128, bytes -= 128) {
		__m256i a = _mm256_loadu_si256((const __m256i *)source);
		__m256i b = _mm256_loadu_si256((const __m256i *)(source + 32));
		__m256i c = _mm256_loadu_si256((const __m256i *)(source + 64));
		__m256i d = _mm256_loadu_si256((const __m256i *)(source + 96));

		_mm256_stream_si256((__m256i *)target, a);
		_mm256_stream_si256((__m256i *)(target + 32), b);
		_mm256_stream_si256((__m256i *)(target + 64), c);
		_mm256_stream_si256((__m256i *)(target + 96), d);
	}
	_mm_sfence();
	memcpy(target, source, bytes);
}

static void avx2_fill(void *to, uint64_t pattern, size_t bytes)
{
	uint8_t *target = to;
	__m256i wide;
	size_t head;

	if (bytes >= STREAM_BYTES) {
		head = -(uintptr_t)target & 31;
		for (size_t i = 0; i < head; i++)
			target[i] = (uint8_t)(pattern >> 8 * (i % 8));
		pattern = pattern >> 8 * (head % 8) | pattern << (64 - 8 * (head % 8)) % 64;
		wide = _mm256_set1_epi64x((long long)pattern);
		for (target += head, bytes -= head; bytes >= 64; target += 64, bytes -= 64) {
			_mm256_stream_si256((__m256i *)target, wide);
			_mm256_stream_si256((__m256i *)(target + 32), wide);
		}
		_mm_sfence();
	}
	wide = _mm256_set1_epi64x((long long)pattern);
	for (; bytes >= 32; target += 32, bytes -= 32)
		_mm256_storeu_si256((__m256i *)target, wide);
	for (; bytes >= 8; target += 8, bytes -= 8)
		memcpy(target, &pattern, 8);
	memcpy(target, &pattern, bytes);
}

/* Eight floats to bf16 in the low halves of eight words, nearest even, NaN quiet. */
static inline __m256i round_bf16(__m256 x)
{
	__m256i bits = _mm256_castps_si256(x), one = _mm256_set1_epi32(1);
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), one);
	__m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
	__m256i value = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
	__m256i quiet = _mm256_or_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(0x40));
	__m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));

	return _mm256_blendv_epi8(value, quiet, nan);
}

static void avx2_f32_to_bf16(uint16_t *to, const float *from, size_t n)
{
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m256i low = round_bf16(_mm256_loadu_ps(from + i));
		__m256i high = round_bf16(_mm256_loadu_ps(from + i + 8));
		__m256i both = _mm256_packus_epi32(low, high);

		_mm256_storeu_si256((__m256i *)(to + i), _mm256_permute4x64_epi64(both, 0xd8));
	}
	for (; i < n; i++)
		to[i] = numeric_to_bf16(from[i]);
}

static void avx2_f32_to_f16(uint16_t *to, const float *from, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm_storeu_si128((__m128i *)(to + i),
				 _mm256_cvtps_ph(_mm256_loadu_ps(from + i),
						 _MM_FROUND_TO_NEAREST_INT));
	for (; i < n; i++)
		to[i] = numeric_to_f16(from[i]);
}

static void avx2_bf16_to_f32(float *to, const uint16_t *from, size_t n)
{
	const __m256i quiet = _mm256_set1_epi32(0x400000);
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		__m128i half = _mm_loadu_si128((const __m128i *)(from + i));
		__m256i wide = _mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16);
		__m256 x = _mm256_castsi256_ps(wide);
		__m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));

		wide = _mm256_or_si256(wide, _mm256_and_si256(nan, quiet));
		_mm256_storeu_si256((__m256i *)(to + i), wide);
	}
	for (; i < n; i++)
		to[i] = numeric_from_bf16(from[i]);
}

static void avx2_f16_to_f32(float *to, const uint16_t *from, size_t n)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(to + i,
				 _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))));
	for (; i < n; i++)
		to[i] = numeric_from_f16(from[i]);
}

static float avx2_largest(const float *x, size_t n)
{
	const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
	__m256i most = _mm256_setzero_si256();
	uint32_t bits[8], largest = 0;
	size_t i, j;

	for (i = 0; i + 8 <= n; i += 8)
		most = _mm256_max_epu32(most, _mm256_and_si256(magnitude,
					_mm256_loadu_si256((const __m256i *)(x + i))));
	_mm256_storeu_si256((__m256i *)bits, most);
	for (j = 0; j < 8; j++)
		largest = bits[j] > largest ? bits[j] : largest;
	for (; i < n; i++) {
		bits[0] = numeric_f32_bits(x[i]) & 0x7fffffff;
		largest = bits[0] > largest ? bits[0] : largest;
	}
	return numeric_f32(largest);
}

static inline __m256i to_i8(const float *x, __m256 scale)
{
	__m256 quotient = _mm256_div_ps(_mm256_loadu_ps(x), scale);

	quotient = _mm256_min_ps(quotient, _mm256_set1_ps(127));
	return _mm256_cvtps_epi32(_mm256_max_ps(quotient, _mm256_set1_ps(-127)));
}

static void avx2_f32_to_i8(int8_t *to, const float *x, float scale, size_t n)
{
	const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
	const __m256 wide = _mm256_set1_ps(scale);
	float rest[8] = { 0 };
	__m256i low, high;
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		low = _mm256_packs_epi32(to_i8(x + i, wide), to_i8(x + i + 8, wide));
		high = _mm256_packs_epi32(to_i8(x + i + 16, wide), to_i8(x + i + 24, wide));
		low = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
		_mm256_storeu_si256((__m256i *)(to + i), low);
	}
	for (; i < n; i += 8) {
		size_t count = n - i < 8 ? n - i : 8;
		int32_t values[8];

		memcpy(rest, x + i, count * 4);
		_mm256_storeu_si256((__m256i *)values, to_i8(rest, wide));
		for (size_t j = 0; j < count; j++)
			to[i + j] = (int8_t)values[j];
	}
}

void kernels_avx2(struct kernels *table)
{
	kernels_avx2_gemm(table);
	table->copy = avx2_copy;
	table->fill = avx2_fill;
	table->f32_to_bf16 = avx2_f32_to_bf16;
	table->f32_to_f16 = avx2_f32_to_f16;
	table->bf16_to_f32 = avx2_bf16_to_f32;
	table->f16_to_f32 = avx2_f16_to_f32;
	table->largest = avx2_largest;
	table->f32_to_i8 = avx2_f32_to_i8;
}

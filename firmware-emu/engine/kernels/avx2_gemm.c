// SPDX-License-Identifier: MIT
/* Level 1: transposition and exact 8-bit products. */
#include <immintrin.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels/activate.h"

KERNELS_ACTIVATE(avx2_activate)

static void transpose_8x8(uint32_t *to, const uint8_t *from, uint64_t step)
{
	__m256i r[8], t[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		r[i] = _mm256_loadu_si256((const __m256i *)(from + i * step));
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
	}
	for (i = 0; i < 8; i += 4) {
		r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (i = 0; i < 4; i++) {
		_mm256_store_si256((__m256i *)(to + i * 64),
				   _mm256_permute2x128_si256(r[i], r[i + 4], 0x20));
		_mm256_store_si256((__m256i *)(to + (i + 4) * 64),
				   _mm256_permute2x128_si256(r[i], r[i + 4], 0x31));
	}
}

static void avx2_transpose_32(void *to_, const void *from_, uint64_t step, uint64_t units,
			      unsigned int rows)
{
	const uint8_t *from = from_;
	uint32_t *to = to_;
	unsigned int j, whole = rows / 8 * 8;
	uint64_t u, full = units / 8 * 8;

	for (u = 0; u < full; u += 8)
		for (j = 0; j < whole; j += 8)
			transpose_8x8(to + u * 64 + j, from + j * step + u * 4, step);
	for (u = 0; u < units; u++)
		for (j = u < full ? whole : 0; j < 64; j++) {
			if (j < rows)
				memcpy(to + u * 64 + j, from + j * step + u * 4, 4);
			else
				to[u * 64 + j] = 0;
		}
}

static void transpose_8x8_16(uint16_t *to, const uint8_t *from, uint64_t step)
{
	__m128i r[8], t[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		r[i] = _mm_loadu_si128((const __m128i *)(from + i * step));
	for (i = 0; i < 4; i++) {
		t[2 * i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]);
		t[2 * i + 1] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
	}
	for (i = 0; i < 8; i += 4) {
		r[i] = _mm_unpacklo_epi32(t[i], t[i + 2]);
		r[i + 1] = _mm_unpackhi_epi32(t[i], t[i + 2]);
		r[i + 2] = _mm_unpacklo_epi32(t[i + 1], t[i + 3]);
		r[i + 3] = _mm_unpackhi_epi32(t[i + 1], t[i + 3]);
	}
	for (i = 0; i < 4; i++) {
		_mm_store_si128((__m128i *)(to + 2 * i * 64),
				_mm_unpacklo_epi64(r[i], r[i + 4]));
		_mm_store_si128((__m128i *)(to + (2 * i + 1) * 64),
				_mm_unpackhi_epi64(r[i], r[i + 4]));
	}
}

static void avx2_transpose_16(void *to_, const void *from_, uint64_t step, uint64_t units,
			      unsigned int rows)
{
	const uint8_t *from = from_;
	uint16_t *to = to_;
	unsigned int j, whole = rows / 8 * 8;
	uint64_t u, full = units / 8 * 8;

	for (u = 0; u < full; u += 8)
		for (j = 0; j < whole; j += 8)
			transpose_8x8_16(to + u * 64 + j, from + j * step + u * 2, step);
	for (u = 0; u < units; u++)
		for (j = u < full ? whole : 0; j < 64; j++) {
			if (j < rows)
				memcpy(to + u * 64 + j, from + j * step + u * 2, 2);
			else
				to[u * 64 + j] = 0;
		}
}

/*
 * vpmaddubsw would saturate its 16-bit sums, so both sides are widened to 16 bits and
 * vpmaddwd multiplies: exact, and as many products per multiplier slot. A strip is 8 n of a
 * panel, widened once into the first cache: for each 4 k two vectors of 4 n × 4 k.
 */
#define STRIP_K	1024

static void widen_strip(__m256i *strip, const uint8_t *panel, uint32_t k)
{
	for (uint32_t q = 0; q < k; q += 4, panel += 256, strip += 2) {
		strip[0] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)panel));
		strip[1] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(panel + 16)));
	}
}

static void store_sums(int32_t *out, __m256i low, __m256i high, unsigned int n, int add)
{
	__m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xd8);
	int32_t edge[8] = { 0 };

	if (n >= 8) {
		if (add)
			sums = _mm256_add_epi32(sums, _mm256_loadu_si256((__m256i *)out));
		_mm256_storeu_si256((__m256i *)out, sums);
		return;
	}
	if (add) {
		memcpy(edge, out, n * 4);
		sums = _mm256_add_epi32(sums, _mm256_loadu_si256((__m256i *)edge));
	}
	_mm256_storeu_si256((__m256i *)edge, sums);
	memcpy(out, edge, n * 4);
}

#define STRIP_ROW(r) \
	do { \
		b = _mm256_set1_epi64x(*(const long long *)(const void *)(row + (r) * b_step)); \
		low##r = _mm256_add_epi32(low##r, _mm256_madd_epi16(b, a0)); \
		high##r = _mm256_add_epi32(high##r, _mm256_madd_epi16(b, a1)); \
	} while (0)
#define STRIP_STORE(r) \
	store_sums((int32_t *)(void *)(out + (r) * out_step), low##r, high##r, n, add)

/* Six rows of b against a strip. */
static void strip_6(uint8_t *out, uint64_t out_step, const uint8_t *row, uint64_t b_step,
		    const __m256i *strip, uint32_t k, unsigned int n, int add)
{
	__m256i zero = _mm256_setzero_si256(), a0, a1, b;
	__m256i low0 = zero, low1 = zero, low2 = zero, low3 = zero, low4 = zero, low5 = zero;
	__m256i high0 = zero, high1 = zero, high2 = zero, high3 = zero, high4 = zero;
	__m256i high5 = zero;

	for (uint32_t q = 0; q < k; q += 4, row += 8, strip += 2) {
		a0 = strip[0];
		a1 = strip[1];
		STRIP_ROW(0);
		STRIP_ROW(1);
		STRIP_ROW(2);
		STRIP_ROW(3);
		STRIP_ROW(4);
		STRIP_ROW(5);
	}
	STRIP_STORE(0);
	STRIP_STORE(1);
	STRIP_STORE(2);
	STRIP_STORE(3);
	STRIP_STORE(4);
	STRIP_STORE(5);
}

static void strip_1(uint8_t *out, const uint8_t *row, const __m256i *strip, uint32_t k,
		    unsigned int n, int add)
{
	const uint64_t b_step = 0, out_step = 0;
	__m256i low0 = _mm256_setzero_si256(), high0 = low0, a0, a1, b;

	for (uint32_t q = 0; q < k; q += 4, row += 8, strip += 2) {
		a0 = strip[0];
		a1 = strip[1];
		STRIP_ROW(0);
	}
	STRIP_STORE(0);
}

static void gemm_strip(const struct kernels_gemm *gemm, uint32_t n0, uint32_t k0, uint32_t k)
{
	const uint8_t *panel = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes +
			       (uint64_t)k0 * 64 + n0 % 64 * 4;
	const uint8_t *row = (const uint8_t *)gemm->b + (uint64_t)k0 * 2;
	uint8_t *out = (uint8_t *)gemm->out + (uint64_t)n0 * 4;
	unsigned int n = gemm->n - n0 < 8 ? gemm->n - n0 : 8;
	int add = gemm->add || k0;
	uint32_t j;

	widen_strip(gemm->scratch, panel, k);
	for (j = 0; j + 6 <= gemm->m; j += 6)
		strip_6(out + j * gemm->out_step, gemm->out_step, row + j * gemm->b_step,
			gemm->b_step, gemm->scratch, k, n, add);
	for (; j < gemm->m; j++)
		strip_1(out + j * gemm->out_step, row + j * gemm->b_step, gemm->scratch, k, n,
			add);
}

static void avx2_gemm_i8(const struct kernels_gemm *gemm)
{
	uint32_t k0 = 0, n0;

	do {
		uint32_t k = gemm->k - k0 < STRIP_K ? gemm->k - k0 : STRIP_K;

		for (n0 = 0; n0 < gemm->n; n0 += 8)
			gemm_strip(gemm, n0, k0, k);
		k0 += k;
	} while (k0 < gemm->k);
}

void kernels_avx2_gemm(struct kernels *table)
{
	table->transpose_32 = avx2_transpose_32;
	table->transpose_16 = avx2_transpose_16;
	table->gemm_i8 = avx2_gemm_i8;
	table->activate = avx2_activate;
}

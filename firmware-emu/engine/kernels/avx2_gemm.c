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
#define STRIP_K	512

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

/* Row after row, or the compiler loads all of b first and spills the sums. */
#define KEEP_ORDER(x, y)	__asm__ volatile("" : "+x"(x), "+x"(y))

#define STRIP_ROW(r) \
	do { \
		b = _mm256_set1_epi64x(*(const long long *)(const void *)(row + (r) * b_step)); \
		low##r = _mm256_add_epi32(low##r, _mm256_madd_epi16(b, a0)); \
		high##r = _mm256_add_epi32(high##r, _mm256_madd_epi16(b, a1)); \
		KEEP_ORDER(low##r, high##r); \
	} while (0)
#define STRIP_STORE(r) \
	store_sums((int32_t *)(void *)(out + (r) * out_step), low##r, high##r, n, add)

/* The next six rows of b, while these are multiplied. */
static inline void fetch_rows(const uint8_t *row, uint64_t b_step, uint32_t bytes)
{
	for (unsigned int r = 0; r < 6; r++)
		for (uint32_t i = 0; i < bytes; i += 64)
			_mm_prefetch((const char *)row + (6 + r) * b_step + i, _MM_HINT_T0);
}

/* Six rows of b against a strip. */
static void strip_6(uint8_t *out, uint64_t out_step, const uint8_t *row, uint64_t b_step,
		    const __m256i *strip, uint32_t k, unsigned int n, int add)
{
	__m256i zero = _mm256_setzero_si256(), a0, a1, b;
	__m256i low0 = zero, low1 = zero, low2 = zero, low3 = zero, low4 = zero, low5 = zero;
	__m256i high0 = zero, high1 = zero, high2 = zero, high3 = zero, high4 = zero;
	__m256i high5 = zero;

	fetch_rows(row, b_step, k * 2);
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

/*
 * F32: a strip is 16 n of a panel, copied into the first cache for 256 k at a time, against
 * six rows of b. Sums wait in out between the pieces of k: one chain of FMAs for each element.
 */
#define STRIP_F32_K	256

#define FMA_ROW(r) \
	do { \
		b = _mm256_broadcast_ss((const float *)(const void *)(row + (r) * b_step)); \
		low##r = _mm256_fmadd_ps(b, a0, low##r); \
		high##r = _mm256_fmadd_ps(b, a1, high##r); \
		KEEP_ORDER(low##r, high##r); \
	} while (0)
#define FMA_LOAD(r) \
	__m256 low##r = add ? _mm256_loadu_ps((float *)(void *)(out + (r) * out_step)) : zero; \
	__m256 high##r = add ? _mm256_loadu_ps((float *)(void *)(out + (r) * out_step) + 8) : zero
#define FMA_STORE(r) \
	do { \
		_mm256_storeu_ps((float *)(void *)(out + (r) * out_step), low##r); \
		_mm256_storeu_ps((float *)(void *)(out + (r) * out_step) + 8, high##r); \
	} while (0)

static void fma_6(uint8_t *out, uint64_t out_step, const uint8_t *row, uint64_t b_step,
		  const float *strip, uint32_t k, int add)
{
	__m256 zero = _mm256_setzero_ps(), a0, a1, b;
	FMA_LOAD(0);
	FMA_LOAD(1);
	FMA_LOAD(2);
	FMA_LOAD(3);
	FMA_LOAD(4);
	FMA_LOAD(5);

	for (; k; k--, row += 4, strip += 16) {
		a0 = _mm256_load_ps(strip);
		a1 = _mm256_load_ps(strip + 8);
		FMA_ROW(0);
		FMA_ROW(1);
		FMA_ROW(2);
		FMA_ROW(3);
		FMA_ROW(4);
		FMA_ROW(5);
	}
	FMA_STORE(0);
	FMA_STORE(1);
	FMA_STORE(2);
	FMA_STORE(3);
	FMA_STORE(4);
	FMA_STORE(5);
}

static void fma_4(uint8_t *out, uint64_t out_step, const uint8_t *row, uint64_t b_step,
		  const float *strip, uint32_t k, int add)
{
	__m256 zero = _mm256_setzero_ps(), a0, a1, b;
	FMA_LOAD(0);
	FMA_LOAD(1);
	FMA_LOAD(2);
	FMA_LOAD(3);

	for (; k; k--, row += 4, strip += 16) {
		a0 = _mm256_load_ps(strip);
		a1 = _mm256_load_ps(strip + 8);
		FMA_ROW(0);
		FMA_ROW(1);
		FMA_ROW(2);
		FMA_ROW(3);
	}
	FMA_STORE(0);
	FMA_STORE(1);
	FMA_STORE(2);
	FMA_STORE(3);
}

static void fma_2(uint8_t *out, uint64_t out_step, const uint8_t *row, uint64_t b_step,
		  const float *strip, uint32_t k, int add)
{
	__m256 zero = _mm256_setzero_ps(), a0, a1, b;
	FMA_LOAD(0);
	FMA_LOAD(1);

	for (; k; k--, row += 4, strip += 16) {
		a0 = _mm256_load_ps(strip);
		a1 = _mm256_load_ps(strip + 8);
		FMA_ROW(0);
		FMA_ROW(1);
	}
	FMA_STORE(0);
	FMA_STORE(1);
}

/* One row of b against a whole panel where it lies: weights are read once, in order. */
static void fma_panel(float *out, const float *row, const float *panel, uint32_t k, int add)
{
	__m256 sum[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		sum[i] = add ? _mm256_loadu_ps(out + i * 8) : _mm256_setzero_ps();
	for (; k; k--, panel += 64) {
		__m256 b = _mm256_broadcast_ss(row++);

		_mm_prefetch((const char *)(panel + 2048), _MM_HINT_T0);
		_mm_prefetch((const char *)(panel + 2048 + 16), _MM_HINT_T0);
		_mm_prefetch((const char *)(panel + 2048 + 32), _MM_HINT_T0);
		_mm_prefetch((const char *)(panel + 2048 + 48), _MM_HINT_T0);
		for (i = 0; i < 8; i++)
			sum[i] = _mm256_fmadd_ps(b, _mm256_load_ps(panel + i * 8), sum[i]);
	}
	for (i = 0; i < 8; i++)
		_mm256_storeu_ps(out + i * 8, sum[i]);
}

static void copy_strip(float *strip, const float *panel, uint32_t k)
{
	for (; k; k--, strip += 16, panel += 64) {
		_mm256_store_ps(strip, _mm256_load_ps(panel));
		_mm256_store_ps(strip + 8, _mm256_load_ps(panel + 8));
	}
}

/* Rows of b often lie a multiple of 4 KiB apart, all in the same few sets of the cache. */
#define ROWS_F32	258
#define ROW_F32_STEP	(STRIP_F32_K * 4 + 64)
#define ROWS_OFFSET	(STRIP_F32_K * 16 * 4)
_Static_assert(ROWS_OFFSET + ROWS_F32 * ROW_F32_STEP <= KERNELS_GEMM_SCRATCH, "scratch");

struct fma_block {
	uint32_t m0, m, k0, k;
};

static void fma_strip(const struct kernels_gemm *gemm, const struct fma_block *block, uint32_t n0)
{
	const float *panel = (const float *)(const void *)((const uint8_t *)gemm->a +
			     n0 / 64 * gemm->panel_bytes) + (uint64_t)block->k0 * 64 + n0 % 64;
	const uint8_t *row = (const uint8_t *)gemm->scratch + ROWS_OFFSET;
	uint8_t *out = (uint8_t *)gemm->out + block->m0 * gemm->out_step + (uint64_t)n0 * 4;
	uint64_t out_step = gemm->out_step, b_step = ROW_F32_STEP;
	int add = gemm->add || block->k0;
	float *strip = gemm->scratch;
	uint32_t j;

	copy_strip(strip, panel, block->k);
	for (j = 0; j + 6 <= block->m; j += 6)
		fma_6(out + j * out_step, out_step, row + j * b_step, b_step, strip, block->k, add);
	if (j + 4 <= block->m) {
		fma_4(out + j * out_step, out_step, row + j * b_step, b_step, strip, block->k, add);
		j += 4;
	}
	if (j + 2 <= block->m) {
		fma_2(out + j * out_step, out_step, row + j * b_step, b_step, strip, block->k, add);
		j += 2;
	}
	if (j < block->m)	/* the last row twice: its sums are the same */
		fma_2(out + j * out_step, 0, row + j * b_step, 0, strip, block->k, add);
}

static void fma_few(const struct kernels_gemm *gemm)
{
	uint32_t n0, j;

	for (n0 = 0; n0 < gemm->n; n0 += 64)
		for (j = 0; j < gemm->m; j++)
			fma_panel((float *)(void *)((uint8_t *)gemm->out + j * gemm->out_step) + n0,
				  (const float *)(const void *)((const uint8_t *)gemm->b +
								j * gemm->b_step),
				  (const float *)(const void *)((const uint8_t *)gemm->a +
								n0 / 64 * gemm->panel_bytes),
				  gemm->k, gemm->add);
}

static void avx2_gemm_f32(const struct kernels_gemm *gemm)
{
	struct fma_block block;
	uint32_t n0, j;

	if (gemm->m < 3) {
		fma_few(gemm);
		return;
	}
	for (block.m0 = 0; block.m0 < gemm->m; block.m0 += block.m) {
		block.m = gemm->m - block.m0 < ROWS_F32 ? gemm->m - block.m0 : ROWS_F32;
		for (block.k0 = 0; block.k0 < gemm->k; block.k0 += block.k) {
			block.k = gemm->k - block.k0 < STRIP_F32_K ? gemm->k - block.k0 :
				  STRIP_F32_K;
			for (j = 0; j < block.m; j++)
				memcpy((uint8_t *)gemm->scratch + ROWS_OFFSET + j * ROW_F32_STEP,
				       (const uint8_t *)gemm->b +
				       (block.m0 + j) * gemm->b_step + (uint64_t)block.k0 * 4,
				       block.k * 4);
			for (n0 = 0; n0 < gemm->n; n0 += 16)
				fma_strip(gemm, &block, n0);
		}
	}
}

void kernels_avx2_gemm(struct kernels *table)
{
	table->transpose_32 = avx2_transpose_32;
	table->transpose_16 = avx2_transpose_16;
	table->gemm_f32 = avx2_gemm_f32;
	table->gemm_i8 = avx2_gemm_i8;
	table->activate = avx2_activate;
}

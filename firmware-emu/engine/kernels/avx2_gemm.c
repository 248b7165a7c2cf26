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
 * Both products work on blocks: up to 258 rows of b by STRIP_K terms lie in scratch ROW_STEP
 * bytes apart (in place they often are a multiple of 4 KiB apart, all in the same few sets of
 * the cache); a strip of a panel is copied into the first cache and meets six rows at a time.
 * The inner loops are assembly: compilers hoist the loads of b and spill sums.
 */
#define ROWS		258u
#define ROW_STEP	2112		/* in the assembly too */
#define STRIP_BYTES	(32u << 10)
_Static_assert(STRIP_BYTES + ROWS * ROW_STEP <= KERNELS_GEMM_SCRATCH, "scratch");

struct block {
	uint32_t m0, m, k0, k;
};

static uint8_t *block_rows(const struct kernels_gemm *gemm)
{
	return (uint8_t *)gemm->scratch + STRIP_BYTES;
}

static void copy_rows(const struct kernels_gemm *gemm, const struct block *block,
		      unsigned int size)
{
	for (uint32_t j = 0; j < block->m; j++)
		memcpy(block_rows(gemm) + j * ROW_STEP,
		       (const uint8_t *)gemm->b + (block->m0 + j) * gemm->b_step +
		       (uint64_t)block->k0 * size, block->k * size);
}

/* The sums of one strip and six rows: vector 2r and 2r + 1 are of row r. */
struct sums {
	__m256i v[12];
};

/* Loops @count times over @steps with the sums in ymm0 to ymm11. */
#define SUMS_LOOP(steps, row_bytes, strip_bytes) \
	__asm__ volatile( \
		"vmovdqu (%[sums]), %%ymm0\n\tvmovdqu 32(%[sums]), %%ymm1\n\t" \
		"vmovdqu 64(%[sums]), %%ymm2\n\tvmovdqu 96(%[sums]), %%ymm3\n\t" \
		"vmovdqu 128(%[sums]), %%ymm4\n\tvmovdqu 160(%[sums]), %%ymm5\n\t" \
		"vmovdqu 192(%[sums]), %%ymm6\n\tvmovdqu 224(%[sums]), %%ymm7\n\t" \
		"vmovdqu 256(%[sums]), %%ymm8\n\tvmovdqu 288(%[sums]), %%ymm9\n\t" \
		"vmovdqu 320(%[sums]), %%ymm10\n\tvmovdqu 352(%[sums]), %%ymm11\n\t" \
		".p2align 5\n1:\n\t" steps \
		"add $" row_bytes ", %[row]\n\tadd $" strip_bytes ", %[strip]\n\t" \
		"dec %[count]\n\tjnz 1b\n\t" \
		"vmovdqu %%ymm0, (%[sums])\n\tvmovdqu %%ymm1, 32(%[sums])\n\t" \
		"vmovdqu %%ymm2, 64(%[sums])\n\tvmovdqu %%ymm3, 96(%[sums])\n\t" \
		"vmovdqu %%ymm4, 128(%[sums])\n\tvmovdqu %%ymm5, 160(%[sums])\n\t" \
		"vmovdqu %%ymm6, 192(%[sums])\n\tvmovdqu %%ymm7, 224(%[sums])\n\t" \
		"vmovdqu %%ymm8, 256(%[sums])\n\tvmovdqu %%ymm9, 288(%[sums])\n\t" \
		"vmovdqu %%ymm10, 320(%[sums])\n\tvmovdqu %%ymm11, 352(%[sums])\n\t" \
		: [row] "+r"(row), [strip] "+r"(strip), [count] "+r"(count) \
		: [sums] "r"(sums) \
		: "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
		  "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

/*
 * I8: vpmaddubsw would saturate its 16-bit sums, so both sides are widened to 16 bits and
 * vpmaddwd multiplies: exact, and as many products per multiplier slot. A strip is 8 n: for
 * each 4 k two vectors of 4 n × 4 k.
 */
#define I8_STRIP_K	1024u

#define I8_ROW(r, low, high, b) \
	"vpbroadcastq " #r "*2112+" b "(%[row]), %%ymm14\n\t" \
	"vpmaddwd %%ymm12, %%ymm14, %%ymm15\n\t" \
	"vpaddd %%ymm15, %%ymm" #low ", %%ymm" #low "\n\t" \
	"vpmaddwd %%ymm13, %%ymm14, %%ymm14\n\t" \
	"vpaddd %%ymm14, %%ymm" #high ", %%ymm" #high "\n\t"
#define I8_STEP(a, b) \
	"vmovdqa " a "(%[strip]), %%ymm12\n\t" \
	"vmovdqa 32+" a "(%[strip]), %%ymm13\n\t" \
	I8_ROW(0, 0, 1, b) I8_ROW(1, 2, 3, b) I8_ROW(2, 4, 5, b) I8_ROW(3, 6, 7, b) \
	I8_ROW(4, 8, 9, b) I8_ROW(5, 10, 11, b)

static void i8_sums(struct sums *sums, const uint8_t *row, const uint8_t *strip, uint32_t k)
{
	uint64_t count = k / 16;

	if (count)
		SUMS_LOOP(I8_STEP("0", "0") I8_STEP("64", "8") I8_STEP("128", "16")
			  I8_STEP("192", "24"), "32", "256");
	count = k % 16 / 4;
	if (count)
		SUMS_LOOP(I8_STEP("0", "0"), "8", "64");
}

static void widen_strip(__m256i *strip, const uint8_t *panel, uint32_t k)
{
	for (uint32_t q = 0; q < k; q += 4, panel += 256, strip += 2) {
		strip[0] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)panel));
		strip[1] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(panel + 16)));
	}
}

static void i8_store(int32_t *out, __m256i low, __m256i high, unsigned int n, int add)
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

/* The last rows may be fewer than six; those behind them are read and dropped. */
static void i8_strip(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0)
{
	const uint8_t *panel = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes +
			       (uint64_t)block->k0 * 64 + n0 % 64 * 4;
	uint8_t *out = (uint8_t *)gemm->out + block->m0 * gemm->out_step + (uint64_t)n0 * 4;
	unsigned int n = gemm->n - n0 < 8 ? gemm->n - n0 : 8;
	int add = gemm->add || block->k0;
	uint32_t j, r;

	widen_strip(gemm->scratch, panel, block->k);
	for (j = 0; j < block->m; j += 6) {
		struct sums sums = { 0 };

		i8_sums(&sums, block_rows(gemm) + j * ROW_STEP, gemm->scratch, block->k);
		for (r = 0; r < 6 && j + r < block->m; r++)
			i8_store((int32_t *)(void *)(out + (j + r) * gemm->out_step),
				 sums.v[2 * r], sums.v[2 * r + 1], n, add);
	}
}

static void avx2_gemm_i8(const struct kernels_gemm *gemm)
{
	uint32_t k = (gemm->k + 3) / 4 * 4, n0;
	struct block block;

	for (block.m0 = 0; block.m0 < gemm->m; block.m0 += block.m) {
		block.m = gemm->m - block.m0 < ROWS ? gemm->m - block.m0 : ROWS;
		for (block.k0 = 0; block.k0 < k; block.k0 += block.k) {
			block.k = k - block.k0 < I8_STRIP_K ? k - block.k0 : I8_STRIP_K;
			copy_rows(gemm, &block, 2);
			for (n0 = 0; n0 < gemm->n; n0 += 8)
				i8_strip(gemm, &block, n0);
		}
	}
}

/*
 * F32: a strip is 16 n. Sums wait in out between the pieces of k: one chain of FMAs for each
 * element, whatever the block.
 */
#define F32_STRIP_K	512u

#define F32_ROW(r, low, high, b) \
	"vbroadcastss " #r "*2112+" b "(%[row]), %%ymm14\n\t" \
	"vfmadd231ps %%ymm12, %%ymm14, %%ymm" #low "\n\t" \
	"vfmadd231ps %%ymm13, %%ymm14, %%ymm" #high "\n\t"
#define F32_STEP(a, b) \
	"vmovaps " a "(%[strip]), %%ymm12\n\t" \
	"vmovaps 32+" a "(%[strip]), %%ymm13\n\t" \
	F32_ROW(0, 0, 1, b) F32_ROW(1, 2, 3, b) F32_ROW(2, 4, 5, b) F32_ROW(3, 6, 7, b) \
	F32_ROW(4, 8, 9, b) F32_ROW(5, 10, 11, b)

static void f32_sums(struct sums *sums, const uint8_t *row, const uint8_t *strip, uint32_t k)
{
	uint64_t count = k / 4;

	if (count)
		SUMS_LOOP(F32_STEP("0", "0") F32_STEP("64", "4") F32_STEP("128", "8")
			  F32_STEP("192", "12"), "16", "256");
	count = k % 4;
	if (count)
		SUMS_LOOP(F32_STEP("0", "0"), "4", "64");
}

static inline __m256i *f32_at(uint8_t *out, uint64_t step, unsigned int i)
{
	return (__m256i *)(void *)(out + i / 2 * step + i % 2 * 32);
}

/* Six rows, or the last ones of a block: those behind them are read and dropped. */
static void f32_rows(uint8_t *out, uint64_t step, const uint8_t *row, const uint8_t *strip,
		     uint32_t k, uint32_t rows, int add)
{
	unsigned int i, vectors = rows < 6 ? 2 * rows : 12;
	struct sums sums;

	for (i = 0; i < 12; i++)
		sums.v[i] = add && i < vectors ? _mm256_loadu_si256(f32_at(out, step, i)) :
			    _mm256_setzero_si256();
	f32_sums(&sums, row, strip, k);
	for (i = 0; i < vectors; i++)
		_mm256_storeu_si256(f32_at(out, step, i), sums.v[i]);
}

static const float *strip_at(const struct kernels_gemm *gemm, uint32_t k0, uint32_t n0)
{
	const uint8_t *panel = (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes;

	return (const float *)(const void *)panel + (uint64_t)k0 * 64 + n0 % 64;
}

static const float *next_strip(const struct kernels_gemm *gemm, const struct block *block,
			       uint32_t n0)
{
	if (n0 + 16 < gemm->n)
		return strip_at(gemm, block->k0, n0 + 16);
	return block->k0 + 2 * block->k <= gemm->k ? strip_at(gemm, block->k0 + block->k, 0) : NULL;
}

static void f32_strip(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0)
{
	const float *panel = strip_at(gemm, block->k0, n0);
	uint8_t *out = (uint8_t *)gemm->out + block->m0 * gemm->out_step + (uint64_t)n0 * 4;
	const float *next = next_strip(gemm, block, n0);
	int add = gemm->add || block->k0;
	float *strip = gemm->scratch;
	uint32_t j, i, fetched = 0;

	for (j = 0; j < block->k; j++) {
		_mm256_store_ps(strip + j * 16, _mm256_load_ps(panel + j * 64));
		_mm256_store_ps(strip + j * 16 + 8, _mm256_load_ps(panel + j * 64 + 8));
	}
	for (j = 0; j < block->m; j += 6) {
		f32_rows(out + j * gemm->out_step, gemm->out_step, block_rows(gemm) + j * ROW_STEP,
			 (const uint8_t *)strip, block->k, block->m - j, add);
		/* The lines of the next strip are 256 bytes apart: no prefetcher sees them. */
		for (i = 0; next && i < 16 && fetched < block->k; i++)
			_mm_prefetch((const char *)(next + fetched++ * 64), _MM_HINT_T1);
	}
}

/* One row of b against a whole panel where it lies: weights are read once, in order. */
static void f32_panel(float *out, const float *row, const float *panel, uint32_t k, int add)
{
	__m256 sum[8];
	unsigned int i;

	for (i = 0; i < 8; i++)
		sum[i] = add ? _mm256_loadu_ps(out + i * 8) : _mm256_setzero_ps();
	for (; k; k--, panel += 64) {
		__m256 b = _mm256_broadcast_ss(row++);

		for (i = 0; i < 64; i += 16)
			_mm_prefetch((const char *)(panel + 2048 + i), _MM_HINT_T0);
		for (i = 0; i < 8; i++)
			sum[i] = _mm256_fmadd_ps(b, _mm256_load_ps(panel + i * 8), sum[i]);
	}
	for (i = 0; i < 8; i++)
		_mm256_storeu_ps(out + i * 8, sum[i]);
}

static void f32_few(const struct kernels_gemm *gemm)
{
	uint32_t n0, j;

	for (n0 = 0; n0 < gemm->n; n0 += 64)
		for (j = 0; j < gemm->m; j++)
			f32_panel((float *)(void *)((uint8_t *)gemm->out + j * gemm->out_step) + n0,
				  (const float *)(const void *)((const uint8_t *)gemm->b +
								j * gemm->b_step),
				  (const float *)(const void *)((const uint8_t *)gemm->a +
								n0 / 64 * gemm->panel_bytes),
				  gemm->k, gemm->add);
}

static void avx2_gemm_f32(const struct kernels_gemm *gemm)
{
	struct block block;
	uint32_t n0;

	if (gemm->m < 3) {
		f32_few(gemm);
		return;
	}
	for (block.m0 = 0; block.m0 < gemm->m; block.m0 += block.m) {
		block.m = gemm->m - block.m0 < ROWS ? gemm->m - block.m0 : ROWS;
		for (block.k0 = 0; block.k0 < gemm->k; block.k0 += block.k) {
			block.k = gemm->k - block.k0 < F32_STRIP_K ? gemm->k - block.k0 :
				  F32_STRIP_K;
			copy_rows(gemm, &block, 4);
			for (n0 = 0; n0 < gemm->n; n0 += 16)
				f32_strip(gemm, &block, n0);
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
	kernels_avx2_gemv(table);
}

// SPDX-License-Identifier: MIT
/*
 * Level 2: products with panels of any type. A block of a panel, whole 64 n, meets six rows of B
 * at a time, 24 sums in registers; F32 panels are read where they lie, others are widened into
 * scratch first. Every element is one chain of FMAs over k, whatever the blocks and the rows.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "uapi/drm/maru_cmd.h"

#define INLINE		static inline __attribute__((always_inline))
#define UNROLL		_Pragma("GCC unroll 8")
#define ROWS_LONG	48u
/*
 * Of B at a time. With 256 k of F32 they take a fifth of the second cache, but where rows lie 4 KiB
 * apart, 12 of its 16 ways: with 258 rows two threads lost 2 to 3 %.
 */
#define ROWS		192u
#define BLOCK_K		256u	/* of F32; of smaller types as many bytes */
#define WIDE_BYTES	(BLOCK_K * 64 * 4)
#define LINE		64u
_Static_assert(WIDE_BYTES <= KERNELS_GEMM_SCRATCH && ROWS * 4 <= WIDE_BYTES, "scratch");

/* Rows of B with a part of k, and a part of a panel. */
struct block {
	uint32_t m0, m, k0, k;
	bool is_long;		/* few rows meet all k of a panel before the next one */
};

/* What comes next from memory, fetched a few lines at a time. */
struct ahead {
	const uint8_t *at, *end;
	uint32_t each;		/* bytes for each group of rows */
};

static void fetch(struct ahead *ahead)
{
	const uint8_t *end = ahead->at + ahead->each;

	for (; ahead->at < end && ahead->at < ahead->end; ahead->at += LINE)
		_mm_prefetch((const char *)ahead->at, _MM_HINT_T1);
}

/* Sixes, but no single row at the end where it can be helped. */
static uint32_t group_of(uint32_t left)
{
	return left > 8 || left == 6 || left == 5 ? 6 < left ? 6 : left : left > 4 ? 4 : left;
}

/*
 * The inner loops are assembly: compilers spill sums and move them about. A step is 256 bytes of
 * a panel, four vectors of 16 n, and four bytes of each row: one k of F32, two of BF16, four of
 * I8. Sums are zmm0 to zmm23, four of each row.
 */
struct group {
	const uint8_t *b, *a;
	uint8_t *out;
	uint64_t b_step, out_step;
	uint64_t steps;
	const int32_t *start;	/* of the sums of a row, for I8 */
};

#define B_0	"(%[b])"
#define B_1	"(%[b],%[step])"
#define B_2	"(%[b],%[step],2)"
#define B_3	"(%[b3])"
#define B_4	"(%[b3],%[step])"
#define B_5	"(%[b3],%[step],2)"
#define OUT_0	"(%[out])"
#define OUT_1	"(%[out],%[to])"
#define OUT_2	"(%[out],%[to],2)"
#define OUT_3	"(%[out3])"
#define OUT_4	"(%[out3],%[to])"
#define OUT_5	"(%[out3],%[to],2)"

#define ROWS_1(X, y)	X(0, 0, 1, 2, 3, y)
#define ROWS_2(X, y)	ROWS_1(X, y) X(1, 4, 5, 6, 7, y)
#define ROWS_3(X, y)	ROWS_2(X, y) X(2, 8, 9, 10, 11, y)
#define ROWS_4(X, y)	ROWS_3(X, y) X(3, 12, 13, 14, 15, y)
#define ROWS_5(X, y)	ROWS_4(X, y) X(4, 16, 17, 18, 19, y)
#define ROWS_6(X, y)	ROWS_5(X, y) X(5, 20, 21, 22, 23, y)

#define CLEAR(r, v0, v1, v2, v3, y) \
	"vpxord %%zmm" #v0 ", %%zmm" #v0 ", %%zmm" #v0 "\n\t" \
	"vpxord %%zmm" #v1 ", %%zmm" #v1 ", %%zmm" #v1 "\n\t" \
	"vpxord %%zmm" #v2 ", %%zmm" #v2 ", %%zmm" #v2 "\n\t" \
	"vpxord %%zmm" #v3 ", %%zmm" #v3 ", %%zmm" #v3 "\n\t"
#define LOAD(r, v0, v1, v2, v3, y) \
	"vmovups " OUT_##r ", %%zmm" #v0 "\n\tvmovups 64" OUT_##r ", %%zmm" #v1 "\n\t" \
	"vmovups 128" OUT_##r ", %%zmm" #v2 "\n\tvmovups 192" OUT_##r ", %%zmm" #v3 "\n\t"
#define START(r, v0, v1, v2, v3, y) \
	"vpbroadcastd 4*" #r "(%[start]), %%zmm" #v0 "\n\t" \
	"vmovdqa64 %%zmm" #v0 ", %%zmm" #v1 "\n\tvmovdqa64 %%zmm" #v0 ", %%zmm" #v2 "\n\t" \
	"vmovdqa64 %%zmm" #v0 ", %%zmm" #v3 "\n\t"
#define START_ADD(r, v0, v1, v2, v3, y) \
	"vpbroadcastd 4*" #r "(%[start]), %%zmm" #v3 "\n\t" \
	"vpaddd " OUT_##r ", %%zmm" #v3 ", %%zmm" #v0 "\n\t" \
	"vpaddd 64" OUT_##r ", %%zmm" #v3 ", %%zmm" #v1 "\n\t" \
	"vpaddd 128" OUT_##r ", %%zmm" #v3 ", %%zmm" #v2 "\n\t" \
	"vpaddd 192" OUT_##r ", %%zmm" #v3 ", %%zmm" #v3 "\n\t"
#define STORE(r, v0, v1, v2, v3, y) \
	"vmovups %%zmm" #v0 ", " OUT_##r "\n\tvmovups %%zmm" #v1 ", 64" OUT_##r "\n\t" \
	"vmovups %%zmm" #v2 ", 128" OUT_##r "\n\tvmovups %%zmm" #v3 ", 192" OUT_##r "\n\t"

#define MEET(op, at, r, v0, v1, v2, v3) \
	"vpbroadcastd " at B_##r ", %%zmm28\n\t" \
	op(v0, 24) op(v1, 25) op(v2, 26) op(v3, 27)
#define MEET_F32(r, v0, v1, v2, v3, at)		MEET(OP_F32, at, r, v0, v1, v2, v3)
#define MEET_BF16(r, v0, v1, v2, v3, at)	MEET(OP_BF16, at, r, v0, v1, v2, v3)
#define MEET_I8(r, v0, v1, v2, v3, at)		MEET(OP_I8, at, r, v0, v1, v2, v3)
#define OP_F32(v, a)	"vfmadd231ps %%zmm28, %%zmm" #a ", %%zmm" #v "\n\t"
#define OP_BF16(v, a)	"vdpbf16ps %%zmm28, %%zmm" #a ", %%zmm" #v "\n\t"
#define OP_I8(v, a)	"vpdpbusd %%zmm28, %%zmm" #a ", %%zmm" #v "\n\t"
#define TAKE_F32(a, v)	"vmovups " a "(%[a]), %%zmm" v "\n\t"
#define TAKE_BF16	TAKE_F32
#define TAKE_I8(a, v)	"vpxord " a "(%[a]), %%zmm31, %%zmm" v "\n\t"
#define STEP(n, kind, a0, a1, a2, a3, at) \
	TAKE_##kind(a0, "24") TAKE_##kind(a1, "25") TAKE_##kind(a2, "26") \
	TAKE_##kind(a3, "27") ROWS_##n(MEET_##kind, at)

static const uint32_t sign = 0x80808080;	/* what makes I8 a number from 0 on */

#define GROUP(name, n, kind, begin) \
	static void name##_##n(const struct group *group) \
	{ \
		const uint8_t *a = group->a, *b = group->b, *b3 = b + 3 * group->b_step; \
		uint8_t *out = group->out, *out3 = out + 3 * group->out_step; \
		uint64_t count = group->steps / 4, rest = group->steps % 4; \
		__asm__ volatile("vpbroadcastd %[sign], %%zmm31\n\t" \
			ROWS_##n(begin, 0) \
			"test %[count], %[count]\n\tjz 2f\n\t.p2align 5\n1:\n\t" \
			STEP(n, kind, "0", "64", "128", "192", "0") \
			STEP(n, kind, "256", "320", "384", "448", "4") \
			STEP(n, kind, "512", "576", "640", "704", "8") \
			STEP(n, kind, "768", "832", "896", "960", "12") \
			"add $16, %[b]\n\tadd $16, %[b3]\n\tadd $1024, %[a]\n\t" \
			"dec %[count]\n\tjnz 1b\n2:\n\t" \
			"test %[rest], %[rest]\n\tjz 4f\n3:\n\t" \
			STEP(n, kind, "0", "64", "128", "192", "0") \
			"add $4, %[b]\n\tadd $4, %[b3]\n\tadd $256, %[a]\n\t" \
			"dec %[rest]\n\tjnz 3b\n4:\n\t" \
			ROWS_##n(STORE, 0) "vzeroupper" \
			: [b] "+r"(b), [b3] "+r"(b3), [a] "+r"(a), [count] "+r"(count), \
			  [rest] "+r"(rest) \
			: [step] "r"(group->b_step), [to] "r"(group->out_step), [out] "r"(out), \
			  [out3] "r"(out3), [start] "r"(group->start), [sign] "m"(sign) \
			: "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
			  "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
			  "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
			  "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
			  "xmm28", "xmm31"); \
	}
#define GROUPS(name, kind, begin) \
	GROUP(name, 1, kind, begin) GROUP(name, 2, kind, begin) GROUP(name, 3, kind, begin) \
	GROUP(name, 4, kind, begin) GROUP(name, 5, kind, begin) GROUP(name, 6, kind, begin) \
	static void (*const name[])(const struct group *) = { \
		name##_1, name##_2, name##_3, name##_4, name##_5, name##_6, \
	};

GROUPS(f32_make, F32, CLEAR)
GROUPS(f32_add, F32, LOAD)
GROUPS(bf16_make, BF16, CLEAR)
GROUPS(bf16_add, BF16, LOAD)
GROUPS(i8_make, I8, START)
GROUPS(i8_add, I8, START_ADD)

/* A vector of 16 n of 16-bit floats, where each lane's low half is one. */
INLINE __m512 widen_low(__m512i x, unsigned int type)
{
	if (type == MARU_TYPE_BF16)
		return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(x));
}

INLINE void widen(float *to, const uint8_t *from, uint32_t k, unsigned int type,
		  unsigned int group)
{
	unsigned int v, i;

	for (; k; k -= group < k ? group : k, from += 256, to += 64 * group)
		for (v = 0; v < 4; v++) {
			__m512i x = _mm512_loadu_si512(from + v * 64);

			if (group == 2) {
				_mm512_store_ps(to + v * 16, widen_low(x, type));
				_mm512_store_ps(to + 64 + v * 16,
						widen_low(_mm512_srli_epi32(x, 16), type));
				continue;
			}
			UNROLL
			for (i = 0; i < 4; i++)
				_mm512_store_ps(to + i * 64 + v * 16, _mm512_cvtepi32_ps(
					_mm512_srai_epi32(_mm512_slli_epi32(x, 24 - 8 * i), 24)));
		}
}

INLINE void widen_halves(float *to, const uint8_t *from, uint32_t k, unsigned int type)
{
	for (uint32_t i = 0; i < k * 64; i += 16)
		_mm512_store_ps(to + i, widen_low(_mm512_cvtepu16_epi32(
			_mm256_loadu_si256((const __m256i *)(const void *)(from + i * 2))), type));
}

/* Bytes of one k of a panel. */
static uint32_t k_bytes(const struct kernels_gemm *gemm)
{
	return 64 * (gemm->type == MARU_TYPE_F32 ? 4 : gemm->type == MARU_TYPE_I8 ? 1 : 2);
}

static const uint8_t *panel_at(const struct kernels_gemm *gemm, uint32_t k0, uint32_t n0)
{
	return (const uint8_t *)gemm->a + n0 / 64 * gemm->panel_bytes +
	       (uint64_t)k0 * k_bytes(gemm);
}

static const float *widened(const struct kernels_gemm *gemm, const uint8_t *panel, uint32_t k)
{
	float *to = gemm->scratch;

	if (gemm->type == MARU_TYPE_F32)
		return (const float *)(const void *)panel;
	if (gemm->type == MARU_TYPE_I8)
		widen(to, panel, k, MARU_TYPE_I8, 4);
	else if (gemm->type == MARU_TYPE_BF16 && gemm->group == 2)
		widen(to, panel, k, MARU_TYPE_BF16, 2);
	else if (gemm->type == MARU_TYPE_BF16)
		widen_halves(to, panel, k, MARU_TYPE_BF16);
	else if (gemm->group == 2)
		widen(to, panel, k, MARU_TYPE_F16, 2);
	else
		widen_halves(to, panel, k, MARU_TYPE_F16);
	return to;
}

/* What @block meets after the panel at @n0. */
static struct ahead ahead_of(const struct kernels_gemm *gemm, const struct block *block,
			     uint32_t n0)
{
	uint32_t bytes = block->k * k_bytes(gemm);
	struct ahead ahead = { 0 };

	if (block->is_long && block->k0 + 2 * block->k <= gemm->k)
		ahead.at = panel_at(gemm, block->k0 + block->k, n0);
	else if (n0 + 64 < gemm->n)
		ahead.at = panel_at(gemm, block->is_long ? 0 : block->k0, n0 + 64);
	else if (!block->is_long && block->k0 + 2 * block->k <= gemm->k)
		ahead.at = panel_at(gemm, block->k0 + block->k, 0);
	else
		return ahead;
	ahead.end = ahead.at + bytes;
	ahead.each = (bytes / (block->m / 6 + 1) / LINE + 1) * LINE;
	return ahead;
}

/* Where a group of rows begins in a block, a panel, and out. */
static struct group group_at(const struct kernels_gemm *gemm, const struct block *block,
			     uint32_t size, uint32_t j, uint32_t n0)
{
	return (struct group) {
		.b = (const uint8_t *)gemm->b + (block->m0 + j) * gemm->b_step +
		     (uint64_t)block->k0 * size,
		.b_step = gemm->b_step,
		.out = (uint8_t *)gemm->out + (block->m0 + j) * gemm->out_step + n0 * 4ULL,
		.out_step = gemm->out_step,
	};
}

static void f32_panel(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0)
{
	const float *a = widened(gemm, panel_at(gemm, block->k0, n0), block->k);
	struct ahead ahead = ahead_of(gemm, block, n0);
	uint32_t j, rows;

	for (j = 0; j < block->m; j += rows) {
		struct group group = group_at(gemm, block, 4, j, n0);

		rows = group_of(block->m - j);
		group.a = (const uint8_t *)a;
		group.steps = block->k;
		(gemm->add || block->k0 ? f32_add : f32_make)[rows - 1](&group);
		fetch(&ahead);
	}
}

typedef void (*panel_fn)(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0);

/* Blocks of at most @most k. Many rows meet all panels with a part of k. */
static void walk(const struct kernels_gemm *gemm, uint32_t k, uint32_t most, panel_fn panel,
		 struct block *block)
{
	uint32_t n0;

	block->is_long = block->m <= ROWS_LONG;
	if (block->is_long) {
		most /= 4;
		for (n0 = 0; n0 < gemm->n; n0 += 64)
			for (block->k0 = 0; block->k0 < k; block->k0 += block->k) {
				block->k = k - block->k0 < most ? k - block->k0 : most;
				panel(gemm, block, n0);
			}
		return;
	}
	for (block->k0 = 0; block->k0 < k; block->k0 += block->k) {
		block->k = k - block->k0 < most ? k - block->k0 : most;
		for (n0 = 0; n0 < gemm->n; n0 += 64)
			panel(gemm, block, n0);
	}
}

static void each_block(const struct kernels_gemm *gemm, uint32_t k, uint32_t most, panel_fn panel)
{
	struct block block;

	for (block.m0 = 0; block.m0 < gemm->m; block.m0 += block.m) {
		block.m = gemm->m - block.m0 < ROWS ? gemm->m - block.m0 : ROWS;
		walk(gemm, k, most, panel, &block);
	}
}

static void avx512_gemm_f32(const struct kernels_gemm *gemm)
{
	each_block(gemm, gemm->k, BLOCK_K, f32_panel);
}

static void bf16_panel(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0)
{
	struct ahead ahead = ahead_of(gemm, block, n0);
	uint32_t j, rows;

	for (j = 0; j < block->m; j += rows) {
		struct group group = group_at(gemm, block, 2, j, n0);

		rows = group_of(block->m - j);
		group.a = panel_at(gemm, block->k0, n0);
		group.steps = block->k / 2;
		(gemm->add || block->k0 ? bf16_add : bf16_make)[rows - 1](&group);
		fetch(&ahead);
	}
}

static void avx512_gemm_bf16(const struct kernels_gemm *gemm)
{
	each_block(gemm, (gemm->k + 1) / 2 * 2, 2 * BLOCK_K, bf16_panel);
}

/*
 * -128 times the sums of up to four rows of k bytes, a multiple of 4: of four in turns, as each
 * chain of sums waits for itself.
 */
INLINE void start_sums(int32_t *start, const uint8_t *row, uint64_t step, uint32_t rows, uint32_t k)
{
	const __m512i one = _mm512_set1_epi8(1);
	const __mmask16 rest = (__mmask16)((1u << k % 64 / 4) - 1);
	__m512i sum[4] = { 0 };
	uint32_t i, r;

	for (i = 0; i + 64 <= k; i += 64)
		for (r = 0; r < rows; r++)
			sum[r] = _mm512_dpbusd_epi32(sum[r], one,
						     _mm512_loadu_si512(row + r * step + i));
	for (r = 0; r < rows; r++) {
		if (rest)
			sum[r] = _mm512_dpbusd_epi32(sum[r], one, _mm512_maskz_loadu_epi32(rest,
						     row + r * step + i));
		start[r] = -128 * _mm512_reduce_add_epi32(sum[r]);
	}
}

static void start_all(const struct kernels_gemm *gemm, const struct block *block, int32_t *start)
{
	const uint8_t *row = group_at(gemm, block, 1, 0, 0).b;
	uint32_t j;

	for (j = 0; j + 4 <= block->m; j += 4)
		start_sums(start + j, row + j * gemm->b_step, gemm->b_step, 4, block->k);
	for (; j < block->m; j++)
		start_sums(start + j, row + j * gemm->b_step, gemm->b_step, 1, block->k);
}

/* The last panel of rows of out that end before it does. */
static void i8_edge(const struct kernels_gemm *gemm, struct group group, uint32_t rows, uint32_t n,
		    int add)
{
	uint8_t *out = group.out;
	int32_t edge[6][64];
	uint32_t r;

	for (r = 0; r < rows && add; r++)
		memcpy(edge[r], out + r * gemm->out_step, n * 4);
	group.out = (uint8_t *)edge;
	group.out_step = sizeof(edge[0]);
	(add ? i8_add : i8_make)[rows - 1](&group);
	for (r = 0; r < rows; r++)
		memcpy(out + r * gemm->out_step, edge[r], n * 4);
}

/*
 * vpdpbusd takes one side without sign. That is A + 128, so the sums begin with -128 times those
 * of the rows of B.
 */
static void i8_panel(const struct kernels_gemm *gemm, const struct block *block, uint32_t n0)
{
	struct ahead ahead = ahead_of(gemm, block, n0);
	int32_t *start = gemm->scratch;
	int add = gemm->add || block->k0;
	uint32_t j, rows;

	if (block->is_long || !n0)
		start_all(gemm, block, start);
	for (j = 0; j < block->m; j += rows) {
		struct group group = group_at(gemm, block, 1, j, n0);

		rows = group_of(block->m - j);
		group.a = panel_at(gemm, block->k0, n0);
		group.steps = block->k / 4;
		group.start = start + j;
		if (gemm->n - n0 < 64)
			i8_edge(gemm, group, rows, gemm->n - n0, add);
		else
			(add ? i8_add : i8_make)[rows - 1](&group);
		fetch(&ahead);
	}
}

static void avx512_gemm_i8(const struct kernels_gemm *gemm)
{
	each_block(gemm, (gemm->k + 3) / 4 * 4, 4 * BLOCK_K, i8_panel);
}

void kernels_avx512_gemm(struct kernels *table)
{
	table->gemm_any = 1;
	table->gemm_f32 = avx512_gemm_f32;
	table->gemm_i8 = avx512_gemm_i8;
	kernels_avx512_gemv(table);
}

void kernels_avx512_gemm_bf16(struct kernels *table)
{
	table->gemm_bf16 = avx512_gemm_bf16;
}

// SPDX-License-Identifier: MIT
/*
 * Level 1: many rows against a packed block of keys. A strip (16 numbers a step) stays in the
 * first cache and meets six rows at a time; the loop is assembly: compilers spill the sums.
 */
#include <immintrin.h>
#include <string.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx2_load.h"

#define STRIP	KERNELS_STRIP

AVX2_INLINE void transpose(__m256 *r)
{
	__m256 t[8];
	unsigned int i;

	_Pragma("GCC unroll 4")
	for (i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
		t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
	}
	_Pragma("GCC unroll 2")
	for (i = 0; i < 8; i += 4) {
		r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
		r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
		r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	_Pragma("GCC unroll 4")
	for (i = 0; i < 4; i++) {
		t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
		t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
	}
	memcpy(r, t, sizeof(t));
}

/* Elements @d and up to seven behind it of eight keys; of @have keys, then zeros. */
AVX2_INLINE void pack_8x8(const struct kernels_pack *pack, unsigned int type, float *to,
			  const uint8_t *const *keys, uint32_t have, uint32_t d)
{
	uint32_t n = pack->d - d < 8 ? pack->d - d : 8, i;
	__m256 r[8];

	if (n == 8 && have >= 8) {
		_Pragma("GCC unroll 8")
		for (i = 0; i < 8; i++)
			r[i] = avx2_load(type, keys[i], d);
	} else {
		for (i = 0; i < 8; i++)
			r[i] = i < have ? avx2_load_rest(type, keys[i], d, n) :
			       _mm256_setzero_ps();
	}
	transpose(r);
	_Pragma("GCC unroll 8")
	for (i = 0; i < 8; i++)
		_mm256_store_ps(to + i * STRIP, r[i]);
}

AVX2_INLINE void pack_keys(const struct kernels_pack *pack, unsigned int type)
{
	uint32_t i, d;

	for (i = 0; i < (pack->count + STRIP - 1) / STRIP * STRIP; i += 8)
		for (d = 0; d < pack->d; d += 8)
			pack_8x8(pack, type, pack->to + i / STRIP * pack->strip_step + d * STRIP +
				 i % STRIP, pack->keys + i,
				 pack->count < i ? 0 : pack->count - i, d);
}

static void avx2_pack_keys(const struct kernels_pack *pack)
{
	AVX2_BY_TYPE(pack->type, pack_keys, pack);
}

AVX2_INLINE void pack_values(const struct kernels_pack *pack, unsigned int type)
{
	uint32_t i, d, n;

	for (i = 0; i < pack->count; i++)
		for (d = 0; d < pack->d; d += 8) {
			float *to = pack->to + d / STRIP * pack->strip_step + i * STRIP + d % STRIP;

			n = pack->d - d < 8 ? pack->d - d : 8;
			_mm256_store_ps(to, n == 8 ? avx2_load(type, pack->keys[i], d) :
					avx2_load_rest(type, pack->keys[i], d, n));
		}
	/* Whole strips, and whole steps of the loop. */
	for (i = 0; i < pack->count && (pack->d - 1) % STRIP < 8; i++)
		_mm256_store_ps(pack->to + pack->d / STRIP * pack->strip_step + i * STRIP + 8,
				_mm256_setzero_ps());
	for (d = 0; d < pack->d; d += STRIP)
		memset(pack->to + d / STRIP * pack->strip_step + pack->count * STRIP, 0,
		       -pack->count % 4 * STRIP * sizeof(float));
}

static void avx2_pack_values(const struct kernels_pack *pack)
{
	AVX2_BY_TYPE(pack->type, pack_values, pack);
}

struct group {
	const float *in;
	const float *strip;
	float *out;
	size_t in_step, out_step;	/* bytes */
	size_t count;			/* steps / 4, > 0 */
};

#define ROW_0	"(%[in])"
#define ROW_1	"(%[in],%[step])"
#define ROW_2	"(%[in],%[step],2)"
#define ROW_3	"(%[in3])"
#define ROW_4	"(%[in3],%[step])"
#define ROW_5	"(%[in3],%[step],2)"
#define OUT_0	"(%[out])"
#define OUT_1	"(%[out],%[to])"
#define OUT_2	"(%[out],%[to],2)"
#define OUT_3	"(%[out3])"
#define OUT_4	"(%[out3],%[to])"
#define OUT_5	"(%[out3],%[to],2)"

#define LOAD(r, low, high) \
	"vmovups " OUT_##r ", %%ymm" #low "\n\tvmovups 32" OUT_##r ", %%ymm" #high "\n\t"
#define CLEAR(r, low, high) \
	"vxorps %%xmm" #low ", %%xmm" #low ", %%xmm" #low "\n\t" \
	"vxorps %%xmm" #high ", %%xmm" #high ", %%xmm" #high "\n\t"
#define STORE(r, low, high) \
	"vmovups %%ymm" #low ", " OUT_##r "\n\tvmovups %%ymm" #high ", 32" OUT_##r "\n\t"
#define MEET(at, r, low, high) \
	"vbroadcastss " at ROW_##r ", %%ymm14\n\t" \
	"vfmadd231ps %%ymm12, %%ymm14, %%ymm" #low "\n\t" \
	"vfmadd231ps %%ymm13, %%ymm14, %%ymm" #high "\n\t"
#define STRIP_AT(at, next) \
	"vmovaps " at "(%[strip]), %%ymm12\n\tvmovaps " next "(%[strip]), %%ymm13\n\t"
#define FOUR(X)		X(0, 0, 1) X(1, 2, 3) X(2, 4, 5) X(3, 6, 7)
#define SIX(X)		FOUR(X) X(4, 8, 9) X(5, 10, 11)
#define STEP_FOUR(s, n, at) \
	STRIP_AT(s, n) MEET(at, 0, 0, 1) MEET(at, 1, 2, 3) MEET(at, 2, 4, 5) MEET(at, 3, 6, 7)
#define STEP_SIX(s, n, at) \
	STEP_FOUR(s, n, at) MEET(at, 4, 8, 9) MEET(at, 5, 10, 11)

#define GROUP(name, ROWS, START) \
	static void name(const struct group *group) \
	{ \
		const float *in = group->in, *strip = group->strip; \
		const float *in3 = (const void *)((const char *)in + 3 * group->in_step); \
		float *out = group->out; \
		float *out3 = (void *)((char *)out + 3 * group->out_step); \
		size_t count = group->count; \
		__asm__ volatile(ROWS(START) \
			".p2align 5\n1:\n\t" \
			STEP_##ROWS("0", "32", "0") STEP_##ROWS("64", "96", "4") \
			STEP_##ROWS("128", "160", "8") STEP_##ROWS("192", "224", "12") \
			"add $16, %[in]\n\tadd $16, %[in3]\n\tadd $256, %[strip]\n\t" \
			"dec %[count]\n\tjnz 1b\n\t" \
			ROWS(STORE) \
			: [in] "+r"(in), [in3] "+r"(in3), [strip] "+r"(strip), \
			  [count] "+r"(count) \
			: [step] "r"(group->in_step), [to] "r"(group->out_step), [out] "r"(out), \
			  [out3] "r"(out3) \
			: "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
			  "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
			  "xmm14"); \
	}
GROUP(make_four, FOUR, CLEAR)
GROUP(make_six, SIX, CLEAR)
GROUP(add_four, FOUR, LOAD)
GROUP(add_six, SIX, LOAD)

static void avx2_block_scores(const struct kernels_block *block)
{
	uint32_t strip, g;

	for (strip = 0; strip < block->strips; strip++) {
		for (g = 0; g < block->groups; g++) {
			const struct kernels_group *rows = &block->group[g];
			struct group group = {
				.in = block->in + (size_t)rows->row * block->in_step,
				.strip = block->strip + (size_t)strip * block->strip_step,
				.out = block->out + (size_t)rows->row * block->out_step +
				       strip * STRIP,
				.in_step = block->in_step * 4ULL,
				.out_step = block->out_step * 4ULL,
				.count = (block->steps + 3) / 4,
			};

			if (strip * STRIP + STRIP <= rows->first || strip * STRIP >= rows->end)
				continue;
			if (rows->rows > 4)
				make_six(&group);
			else
				make_four(&group);
		}
	}
}

static void avx2_block_values(const struct kernels_block *block)
{
	uint32_t strip, g;

	for (strip = 0; strip < block->strips; strip++) {
		for (g = 0; g < block->groups; g++) {
			const struct kernels_group *rows = &block->group[g];
			uint32_t first = rows->first / 4 * 4;
			struct group group = {
				.in = block->in + (size_t)rows->row * block->in_step + first,
				.strip = block->strip + (size_t)strip * block->strip_step +
					 first * STRIP,
				.out = block->out + (size_t)rows->row * block->out_step +
				       strip * STRIP,
				.in_step = block->in_step * 4ULL,
				.out_step = block->out_step * 4ULL,
				.count = (rows->end - first + 3) / 4,
			};

			if (rows->first >= rows->end)
				continue;
			if (rows->rows > 4)
				add_six(&group);
			else
				add_four(&group);
		}
	}
}

void kernels_attention_avx2_block(struct kernels_attention *table)
{
	table->pack_keys = avx2_pack_keys;
	table->pack_values = avx2_pack_values;
	table->block_scores = avx2_block_scores;
	table->block_values = avx2_block_values;
}

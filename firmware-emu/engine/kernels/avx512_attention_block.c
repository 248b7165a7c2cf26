// SPDX-License-Identifier: MIT
/*
 * Level 2: many rows against a packed block of keys. Up to four strips of 16 numbers meet six
 * rows at a time; the loop is assembly: compilers spill the sums.
 */
#include <immintrin.h>
#include <string.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx512_keys.h"

#define STRIP	KERNELS_STRIP
#define STRIPS	4u	/* at a time */
#define UNROLL	_Pragma("GCC unroll 16")

AVX512_INLINE void transpose(__m512 *r)
{
	__m512 t[16];
	unsigned int i;

	UNROLL
	for (i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
	}
	UNROLL
	for (i = 0; i < 16; i += 4) {
		r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
		r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
		r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	UNROLL
	for (i = 0; i < 4; i++) {	/* t[i + 4j]: quarters j of rows 0, 4, 8, 12 */
		__m512 a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
		__m512 b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
		__m512 c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
		__m512 d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);

		t[i] = _mm512_shuffle_f32x4(a, c, 0x88);
		t[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
		t[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
		t[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
	}
	memcpy(r, t, sizeof(t));
}

/* Elements @d to @d + 15 of sixteen keys; of @have keys, then zeros. */
AVX512_INLINE void pack_16x16(const struct kernels_pack *pack, unsigned int type, float *to,
			      const uint8_t *const *keys, uint32_t have, uint32_t d)
{
	uint32_t n = pack->d - d < 16 ? pack->d - d : 16, i;
	__m512 r[16];

	if (n == 16 && have >= 16) {
		UNROLL
		for (i = 0; i < 16; i++)
			r[i] = avx512_row(type, keys[i], d);
	} else {
		for (i = 0; i < 16; i++)
			r[i] = i < have ? avx512_row_rest(type, keys[i], d, n) :
			       _mm512_setzero_ps();
	}
	transpose(r);
	for (i = 0; i < (n + 7) / 8 * 8; i++)
		_mm512_store_ps(to + i * STRIP, r[i]);
}

AVX512_INLINE void pack_keys(const struct kernels_pack *pack, unsigned int type)
{
	uint32_t i, d;

	for (i = 0; i < pack->count; i += STRIP)
		for (d = 0; d < pack->d; d += 16)
			pack_16x16(pack, type, pack->to + i / STRIP * pack->strip_step + d * STRIP,
				   pack->keys + i, pack->count - i, d);
}

static void avx512_pack_keys(const struct kernels_pack *pack)
{
	AVX512_BY_TYPE(pack->type, pack_keys, pack);
}

AVX512_INLINE void pack_values(const struct kernels_pack *pack, unsigned int type)
{
	uint32_t i, d;

	for (i = 0; i < pack->count; i++)
		for (d = 0; d < pack->d; d += STRIP)
			_mm512_store_ps(pack->to + d / STRIP * pack->strip_step + i * STRIP,
					pack->d - d >= 16 ? avx512_row(type, pack->keys[i], d) :
					avx512_row_rest(type, pack->keys[i], d, pack->d - d));
	/* Whole steps of the loop. */
	for (d = 0; d < pack->d; d += STRIP)
		memset(pack->to + d / STRIP * pack->strip_step + pack->count * STRIP, 0,
		       -pack->count % 4 * STRIP * sizeof(float));
}

static void avx512_pack_values(const struct kernels_pack *pack)
{
	AVX512_BY_TYPE(pack->type, pack_values, pack);
}

struct group {
	const float *in;
	const float *strip;
	float *out;
	size_t in_step, out_step, strip_step, advance;	/* bytes */
	size_t count;				/* steps / 4, > 0 */
};

#define IN_0	"(%[in])"
#define IN_1	"(%[in],%[step])"
#define IN_2	"(%[in],%[step],2)"
#define IN_3	"(%[in3])"
#define IN_4	"(%[in3],%[step])"
#define IN_5	"(%[in3],%[step],2)"
#define OUT_0	"(%[out])"
#define OUT_1	"(%[out],%[to])"
#define OUT_2	"(%[out],%[to],2)"
#define OUT_3	"(%[out3])"
#define OUT_4	"(%[out3],%[to])"
#define OUT_5	"(%[out3],%[to],2)"
#define STRIP_0	"(%[strip])"
#define STRIP_1	"(%[strip],%[next])"
#define STRIP_2	"(%[strip],%[next],2)"
#define STRIP_3	"(%[strip3])"

/* One, two, three, four strips of a row: vectors v0 … v3. */
#define CLEAR(r, s, v)	"vpxord %%zmm" #v ", %%zmm" #v ", %%zmm" #v "\n\t"
#define LOAD(r, s, v)	"vmovups 64*" #s OUT_##r ", %%zmm" #v "\n\t"
#define STORE(r, s, v)	"vmovups %%zmm" #v ", 64*" #s OUT_##r "\n\t"
#define FMA(r, s, v)	"vfmadd231ps %%zmm2" AT_##s ", %%zmm28, %%zmm" #v "\n\t"
#define AT_0	"4"
#define AT_1	"5"
#define AT_2	"6"
#define AT_3	"7"
#define WIDE_1(X, r, v0, v1, v2, v3)	X(r, 0, v0)
#define WIDE_2(X, r, v0, v1, v2, v3)	WIDE_1(X, r, v0, v1, v2, v3) X(r, 1, v1)
#define WIDE_3(X, r, v0, v1, v2, v3)	WIDE_2(X, r, v0, v1, v2, v3) X(r, 2, v2)
#define WIDE_4(X, r, v0, v1, v2, v3)	WIDE_3(X, r, v0, v1, v2, v3) X(r, 3, v3)
#define ROW_0(X, w)	WIDE_##w(X, 0, 0, 1, 2, 3)
#define ROW_1(X, w)	WIDE_##w(X, 1, 4, 5, 6, 7)
#define ROW_2(X, w)	WIDE_##w(X, 2, 8, 9, 10, 11)
#define ROW_3(X, w)	WIDE_##w(X, 3, 12, 13, 14, 15)
#define ROW_4(X, w)	WIDE_##w(X, 4, 16, 17, 18, 19)
#define ROW_5(X, w)	WIDE_##w(X, 5, 20, 21, 22, 23)
#define FOUR(X, w)	ROW_0(X, w) ROW_1(X, w) ROW_2(X, w) ROW_3(X, w)
#define SIX(X, w)	FOUR(X, w) ROW_4(X, w) ROW_5(X, w)

#define TAKE(at, s)	"vmovups " at STRIP_##s ", %%zmm2" AT_##s "\n\t"
#define TAKE_1(at)	TAKE(at, 0)
#define TAKE_2(at)	TAKE_1(at) TAKE(at, 1)
#define TAKE_3(at)	TAKE_2(at) TAKE(at, 2)
#define TAKE_4(at)	TAKE_3(at) TAKE(at, 3)
#define MEET(r, w, b)	"vbroadcastss " b IN_##r ", %%zmm28\n\t" ROW_##r(FMA, w)
#define STEP_FOUR(w, at, b) \
	TAKE_##w(at) "add %[advance], %[strip]\n\tadd %[advance], %[strip3]\n\t" \
	MEET(0, w, b) MEET(1, w, b) MEET(2, w, b) MEET(3, w, b)
#define STEP_SIX(w, at, b)	STEP_FOUR(w, at, b) MEET(4, w, b) MEET(5, w, b)

#define GROUP(name, ROWS, w, BEGIN) \
	static void name##_##w(const struct group *group) \
	{ \
		const float *in = group->in, *strip = group->strip; \
		const float *in3 = (const void *)((const char *)in + 3 * group->in_step); \
		const float *strip3 = (const void *)((const char *)strip + 3 * group->strip_step); \
		float *out = group->out; \
		float *out3 = (void *)((char *)out + 3 * group->out_step); \
		size_t count = group->count; \
		__asm__ volatile(ROWS(BEGIN, w) \
			".p2align 5\n1:\n\t" \
			STEP_##ROWS(w, "", "0") STEP_##ROWS(w, "", "4") \
			STEP_##ROWS(w, "", "8") STEP_##ROWS(w, "", "12") \
			"add $16, %[in]\n\tadd $16, %[in3]\n\tdec %[count]\n\tjnz 1b\n\t" \
			ROWS(STORE, w) "vzeroupper" \
			: [in] "+r"(in), [in3] "+r"(in3), [strip] "+r"(strip), \
			  [strip3] "+r"(strip3), [count] "+r"(count) \
			: [step] "r"(group->in_step), [to] "r"(group->out_step), [out] "r"(out), \
			  [out3] "r"(out3), [next] "r"(group->strip_step), \
			  [advance] "r"(group->advance) \
			: "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
			  "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
			  "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", \
			  "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", \
			  "xmm28"); \
	}
#define GROUPS(name, ROWS, BEGIN) \
	GROUP(name, ROWS, 1, BEGIN) GROUP(name, ROWS, 2, BEGIN) \
	GROUP(name, ROWS, 3, BEGIN) GROUP(name, ROWS, 4, BEGIN) \
	static void (*const name[])(const struct group *) = { \
		name##_1, name##_2, name##_3, name##_4, \
	};
GROUPS(make_four, FOUR, CLEAR)
GROUPS(make_six, SIX, CLEAR)
GROUPS(add_four, FOUR, LOAD)
GROUPS(add_six, SIX, LOAD)

static struct group group_at(const struct kernels_block *block, const struct kernels_group *rows,
			     uint32_t strip)
{
	return (struct group) {
		.in = block->in + (size_t)rows->row * block->in_step,
		.strip = block->strip + (size_t)strip * block->strip_step,
		.out = block->out + (size_t)rows->row * block->out_step + strip * STRIP,
		.in_step = block->in_step * 4ULL,
		.out_step = block->out_step * 4ULL,
		.strip_step = block->strip_step * 4ULL,
		.advance = block->strip_advance * 4ULL,
		.count = (block->steps + 3) / 4,
	};
}

static void avx512_block_scores(const struct kernels_block *block)
{
	uint32_t strip, g, first, end;

	for (strip = 0; strip < block->strips; strip += STRIPS) {
		for (g = 0; g < block->groups; g++) {
			const struct kernels_group *rows = &block->group[g];
			struct group group;

			first = rows->first / STRIP;
			end = (rows->end + STRIP - 1) / STRIP;
			if (first < strip)
				first = strip;
			if (end > strip + STRIPS)
				end = strip + STRIPS;
			if (first >= end)
				continue;
			group = group_at(block, rows, first);
			(rows->rows > 4 ? make_six : make_four)[end - first - 1](&group);
		}
	}
}

static void avx512_block_values(const struct kernels_block *block)
{
	uint32_t strip, g, n;

	for (strip = 0; strip < block->strips; strip += n) {
		n = block->strips - strip < STRIPS ? block->strips - strip : STRIPS;
		for (g = 0; g < block->groups; g++) {
			const struct kernels_group *rows = &block->group[g];
			uint32_t first = rows->first / 4 * 4;
			struct group group = group_at(block, rows, strip);

			if (rows->first >= rows->end)
				continue;
			group.in += first;
			group.strip += first * (size_t)block->strip_advance;
			group.count = (rows->end - first + 3) / 4;
			(rows->rows > 4 ? add_six : add_four)[n - 1](&group);
		}
	}
}

void kernels_attention_avx512_block(struct kernels_attention *table)
{
	table->pack_keys = avx512_pack_keys;
	table->pack_values = avx512_pack_values;
	table->block_scores = avx512_block_scores;
	table->block_values = avx512_block_values;
	table->is_advance_free = 1;
}

// SPDX-License-Identifier: MIT
/*
 * Level 1: a few queries against keys where they lie. Bound by memory, so while one block of
 * rows is worked on the next one is fetched into the second cache.
 */
#include <immintrin.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx2_load.h"

#define PART	32u	/* keys whose values meet all columns while in the first cache */
#define UNROLL	_Pragma("GCC unroll 8")

/* Sums of the lanes of eight vectors. */
AVX2_INLINE __m256 sums_of(const __m256 *v)
{
	__m256 a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
	__m256 b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));

	return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20),
			     _mm256_permute2f128_ps(a, b, 0x31));
}

/* All lines of what is fetched with row @i. */
AVX2_INLINE void fetch(const struct kernels_attend *attend, uint32_t i)
{
	const char *at = (const char *)kernels_ahead(attend, i), *end;

	if (!at)
		return;
	end = at + attend->ahead_bytes;
	for (; end - at >= 256; at += 256) {
		_mm_prefetch(at, _MM_HINT_T1);
		_mm_prefetch(at + 64, _MM_HINT_T1);
		_mm_prefetch(at + 128, _MM_HINT_T1);
		_mm_prefetch(at + 192, _MM_HINT_T1);
	}
	for (; at < end; at += 64)
		_mm_prefetch(at, _MM_HINT_T1);
}

/* @rows · @keys = 8: the sum of row r and key k is element r · keys + k. */
AVX2_INLINE __m256 meet(const struct kernels_attend *attend, unsigned int type, const float *in,
			uint32_t rows, const uint8_t *const *keys, uint32_t count)
{
	size_t step = attend->in_step;
	uint32_t d, r, k;
	__m256 sum[8];

	UNROLL
	for (r = 0; r < 8; r++)
		sum[r] = _mm256_setzero_ps();
	for (d = 0; d + 8 <= attend->d; d += 8, in += 8) {
		__m256 key[8];

		UNROLL
		for (k = 0; k < count; k++)
			key[k] = avx2_load(type, keys[k], d);
		UNROLL
		for (r = 0; r < rows; r++) {
			__m256 q = _mm256_loadu_ps(in + r * step);

			UNROLL
			for (k = 0; k < count; k++)
				sum[r * count + k] = _mm256_fmadd_ps(q, key[k], sum[r * count + k]);
		}
	}
	return sums_of(sum);
}

/* What the last d % 8 elements add to one sum. */
AVX2_INLINE float meet_rest(const struct kernels_attend *attend, unsigned int type,
			    const float *in, const uint8_t *key)
{
	uint32_t n = attend->d % 8, d = attend->d - n, e;
	float rest[8], sum = 0;

	_mm256_storeu_ps(rest, avx2_load_rest(type, key, d, n));
	for (e = 0; e < n; e++)
		sum += in[d + e] * rest[e];
	return sum;
}

AVX2_INLINE void scores_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			     uint32_t rows, uint32_t first)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	float *out = attend->out + (size_t)row * attend->out_step, sums[8];
	uint32_t count = 8 / rows, i, r, k;

	for (i = first; i < attend->count; i += count) {
		const uint8_t *keys[8];

		UNROLL
		for (k = 0; k < count; k++) {	/* behind the last one: it again */
			keys[k] = attend->keys[i + k < attend->count ? i + k : attend->count - 1];
			if (!row)
				fetch(attend, i + k);
		}
		_mm256_storeu_ps(sums, meet(attend, type, in, rows, keys, count));
		UNROLL
		for (r = 0; r < rows; r++)
			for (k = 0; k < count && i + k < attend->count; k++)
				out[(size_t)r * attend->out_step + i + k] = sums[r * count + k];
		for (r = 0; attend->d % 8 && r < rows; r++)
			for (k = 0; k < count && i + k < attend->count; k++)
				out[(size_t)r * attend->out_step + i + k] += meet_rest(attend, type,
					in + (size_t)r * attend->in_step, keys[k]);
	}
}

/*
 * Four rows and three keys: twelve sums, so that the multipliers always have one that is ready.
 * In assembly: compilers spill them. Ends with the four sums of each key in ymm0, 4, 8, yet in
 * two halves.
 */
#define KEY_F32(k, to)	"vmovups (%[" #k "],%[at]), %%ymm" #to "\n\t"
#define KEY_F16(k, to)	"vcvtph2ps (%[" #k "],%[at]), %%ymm" #to "\n\t"
#define KEY_BF16(k, to) \
	"vpmovzxwd (%[" #k "],%[at]), %%ymm" #to "\n\t" \
	"vpslld $16, %%ymm" #to ", %%ymm" #to "\n\t"
#define ROW(q, a, b, c) \
	"vmovups " q ", %%ymm15\n\t" \
	"vfmadd231ps %%ymm12, %%ymm15, %%ymm" #a "\n\t" \
	"vfmadd231ps %%ymm13, %%ymm15, %%ymm" #b "\n\t" \
	"vfmadd231ps %%ymm14, %%ymm15, %%ymm" #c "\n\t"
#define CLEAR(a)	"vxorps %%xmm" #a ", %%xmm" #a ", %%xmm" #a "\n\t"
#define PAIR(a, b)	"vhaddps %%ymm" #b ", %%ymm" #a ", %%ymm" #a "\n\t"
#define MEET(KEY, bytes) \
	__asm__ volatile( \
		CLEAR(0) CLEAR(1) CLEAR(2) CLEAR(3) CLEAR(4) CLEAR(5) CLEAR(6) CLEAR(7) \
		CLEAR(8) CLEAR(9) CLEAR(10) CLEAR(11) \
		".p2align 5\n1:\n\t" KEY(k0, 12) KEY(k1, 13) KEY(k2, 14) \
		ROW("(%[in])", 0, 4, 8) ROW("(%[in],%[step])", 1, 5, 9) \
		ROW("(%[in],%[step],2)", 2, 6, 10) ROW("(%[in3])", 3, 7, 11) \
		"add $32, %[in]\n\tadd $32, %[in3]\n\tadd $" #bytes ", %[at]\n\t" \
		"dec %[count]\n\tjnz 1b\n\t" \
		PAIR(0, 1) PAIR(2, 3) PAIR(4, 5) PAIR(6, 7) PAIR(8, 9) PAIR(10, 11) \
		PAIR(0, 2) PAIR(4, 6) PAIR(8, 10) \
		: [in] "+r"(in), [in3] "+r"(in3), [at] "+r"(at), [count] "+r"(count), \
		  "=x"(first), "=x"(second), "=x"(third) \
		: [step] "r"(step), [k0] "r"(keys[0]), [k1] "r"(keys[1]), [k2] "r"(keys[2]) \
		: "cc", "memory", "xmm1", "xmm2", "xmm3", "xmm5", "xmm6", "xmm7", "xmm9", "xmm10", \
		  "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

AVX2_INLINE __m128 halves(__m256 x)
{
	return _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
}

AVX2_INLINE void meet_4x3(const struct kernels_attend *attend, unsigned int type, const float *in,
			  const uint8_t *const *keys, float *out)
{
	size_t step = attend->in_step * 4ULL, to = attend->out_step, at = 0, count = attend->d / 8;
	const float *in3 = in + 3 * (size_t)attend->in_step;
	register __m256 first __asm__("ymm0");
	register __m256 second __asm__("ymm4");
	register __m256 third __asm__("ymm8");
	__m128 a, b, c, none = _mm_setzero_ps();

	if (type == MARU_TYPE_F32)
		MEET(KEY_F32, 32);
	else if (type == MARU_TYPE_F16)
		MEET(KEY_F16, 16);
	else
		MEET(KEY_BF16, 16);
	a = halves(first);
	b = halves(second);
	c = halves(third);
	_MM_TRANSPOSE4_PS(a, b, c, none);
	_mm_storeu_ps(out, a);
	_mm_storeu_ps(out + to, b);
	_mm_storeu_ps(out + 2 * to, c);
	_mm_storeu_ps(out + 3 * to, none);
}

/* The first keys in threes, each with a fourth place behind. Return: how many. */
AVX2_INLINE uint32_t scores_threes(const struct kernels_attend *attend, unsigned int type,
				   uint32_t row)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	float *out = attend->out + (size_t)row * attend->out_step;
	uint32_t i;

	if (attend->d % 8)
		return 0;
	for (i = 0; i + 4 <= attend->count; i += 3) {
		if (!row) {
			fetch(attend, i);
			fetch(attend, i + 1);
			fetch(attend, i + 2);
		}
		meet_4x3(attend, type, in, attend->keys + i, out + i);
	}
	return i;
}

AVX2_INLINE void scores(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row = 0;

	for (; row + 4 <= attend->rows; row += 4)
		scores_rows(attend, type, row, 4, scores_threes(attend, type, row));
	for (; row + 2 <= attend->rows; row += 2)
		scores_rows(attend, type, row, 2, 0);
	if (row < attend->rows)
		scores_rows(attend, type, row, 1, 0);
}

static void avx2_scores(const struct kernels_attend *attend)
{
	AVX2_BY_TYPE(attend->type, scores, attend);
}

/*
 * @rows · @vectors ≤ 12: columns from @d on of keys @first to @end - 1. Meanwhile @lines lines
 * from byte @from on of the rows that come next.
 */
AVX2_INLINE void add(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		     uint32_t rows, uint32_t d, uint32_t vectors, uint32_t first, uint32_t end,
		     uint32_t from, uint32_t lines)
{
	float *out = attend->out + (size_t)row * attend->out_step + d;
	const float *in = attend->in + (size_t)row * attend->in_step + first;
	size_t to_step = attend->out_step, step = attend->in_step;
	const uint8_t *const *key = attend->keys + first, *const *last = attend->keys + end;
	uint32_t i = first, r, v;
	__m256 sum[12];

	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			sum[r * vectors + v] = _mm256_loadu_ps(out + r * to_step + v * 8);
	}
	for (; key < last; key++, in++, i++) {
		const char *ahead = lines ? (const char *)kernels_ahead(attend, i) : NULL;
		__m256 value[8];

		if (lines > 0 && ahead)
			_mm_prefetch(ahead + from, _MM_HINT_T1);
		if (lines > 1 && ahead)
			_mm_prefetch(ahead + from + 64, _MM_HINT_T1);
		UNROLL
		for (v = 0; v < vectors; v++)
			value[v] = avx2_load(type, *key, d + v * 8);
		UNROLL
		for (r = 0; r < rows; r++) {
			__m256 w = _mm256_broadcast_ss(in + r * step);

			UNROLL
			for (v = 0; v < vectors; v++)
				sum[r * vectors + v] = _mm256_fmadd_ps(w, value[v],
								       sum[r * vectors + v]);
		}
	}
	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			_mm256_storeu_ps(out + r * to_step + v * 8, sum[r * vectors + v]);
	}
}

AVX2_INLINE void add_fetching(const struct kernels_attend *attend, unsigned int type,
			      uint32_t row, uint32_t rows, uint32_t d, uint32_t vectors,
			      uint32_t first, uint32_t end, uint32_t *from)
{
	uint32_t left = attend->ahead_bytes - *from;

	if (row || *from >= attend->ahead_bytes || !attend->ahead_count) {
		add(attend, type, row, rows, d, vectors, first, end, 0, 0);
	} else if (left > 64 && left * 8 > (attend->d - d) * 64 / vectors) {
		add(attend, type, row, rows, d, vectors, first, end, *from, 2);
		*from += 128;
	} else {
		add(attend, type, row, rows, d, vectors, first, end, *from, 1);
		*from += 64;
	}
}

/* In widths of 3 vectors if the rows are 4, and of no single one where two halves do. */
AVX2_INLINE void values_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			     uint32_t rows, uint32_t first, uint32_t end)
{
	uint32_t d = 0, left, wide = rows == 4 ? 3 : 8 / rows, from = 0;

	while ((left = attend->d - d) >= 8) {
		if (left >= wide * 8 && !(rows == 4 && left == 32)) {
			add_fetching(attend, type, row, rows, d, wide, first, end, &from);
			d += wide * 8;
		} else if (left >= 16) {
			add_fetching(attend, type, row, rows, d, 2, first, end, &from);
			d += 16;
		} else {
			add_fetching(attend, type, row, rows, d, 1, first, end, &from);
			d += 8;
		}
	}
}

AVX2_INLINE void values_rest(const struct kernels_attend *attend, unsigned int type,
			     uint32_t first, uint32_t end)
{
	uint32_t n = attend->d % 8, d = attend->d - n, i, r, e;
	float part[8];

	for (i = first; i < end; i++) {
		_mm256_storeu_ps(part, avx2_load_rest(type, attend->keys[i], d, n));
		for (r = 0; r < attend->rows; r++)
			for (e = 0; e < n; e++)
				attend->out[(size_t)r * attend->out_step + d + e] +=
					attend->in[(size_t)r * attend->in_step + i] * part[e];
	}
}

AVX2_INLINE void values(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row, first, end;

	for (first = 0; first < attend->count; first = end) {
		end = first + PART < attend->count ? first + PART : attend->count;
		for (row = 0; row + 4 <= attend->rows; row += 4)
			values_rows(attend, type, row, 4, first, end);
		for (; row + 2 <= attend->rows; row += 2)
			values_rows(attend, type, row, 2, first, end);
		if (row < attend->rows)
			values_rows(attend, type, row, 1, first, end);
		if (attend->d % 8)
			values_rest(attend, type, first, end);
	}
}

static void avx2_values(const struct kernels_attend *attend)
{
	AVX2_BY_TYPE(attend->type, values, attend);
}

void kernels_attention_avx2_few(struct kernels_attention *table)
{
	table->scores = avx2_scores;
	table->values = avx2_values;
}

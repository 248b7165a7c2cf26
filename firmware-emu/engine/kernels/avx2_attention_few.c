// SPDX-License-Identifier: MIT
/*
 * Level 1: a few queries against keys where they lie. Bound by memory, so while one block of
 * rows is worked on the next one is fetched into the second cache.
 */
#include <immintrin.h>
#include <string.h>

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

/* Bytes @from to @to - 1 of the row that comes @i rows after the first of the next ones. */
AVX2_INLINE void fetch(const struct kernels_attend *attend, uint32_t i, uint32_t from, uint32_t to)
{
	if (i < attend->ahead_count)
		for (; from < to; from += 64)
			_mm_prefetch((const char *)attend->ahead[i] + from, _MM_HINT_T1);
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
			     uint32_t rows)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	float *out = attend->out + (size_t)row * attend->out_step, sums[8];
	uint32_t count = 8 / rows, i, r, k;

	for (i = 0; i < attend->count; i += count) {
		const uint8_t *keys[8];

		UNROLL
		for (k = 0; k < count; k++) {	/* behind the last one: it again */
			keys[k] = attend->keys[i + k < attend->count ? i + k : attend->count - 1];
			if (!row)
				fetch(attend, i + k, 0, attend->ahead_bytes);
		}
		_mm256_storeu_ps(sums, meet(attend, type, in, rows, keys, count));
		UNROLL
		for (r = 0; r < rows; r++)	/* rows have room for whole eights of keys */
			memcpy(out + (size_t)r * attend->out_step + i, sums + r * count,
			       count * sizeof(*out));
		for (r = 0; attend->d % 8 && r < rows; r++)
			for (k = 0; k < count; k++)
				out[(size_t)r * attend->out_step + i + k] += meet_rest(attend, type,
					in + (size_t)r * attend->in_step, keys[k]);
	}
}

AVX2_INLINE void scores(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row = 0;

	for (; row + 4 <= attend->rows; row += 4)
		scores_rows(attend, type, row, 4);
	for (; row + 2 <= attend->rows; row += 2)
		scores_rows(attend, type, row, 2);
	if (row < attend->rows)
		scores_rows(attend, type, row, 1);
}

static void avx2_scores(const struct kernels_attend *attend)
{
	AVX2_BY_TYPE(attend->type, scores, attend);
}

/*
 * @rows · @vectors ≤ 12: columns from @d on of keys @first to @end - 1. Meanwhile bytes @from
 * and on of the rows that come next.
 */
AVX2_INLINE void add(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		     uint32_t rows, uint32_t d, uint32_t vectors, uint32_t first, uint32_t end,
		     uint32_t from, uint32_t to)
{
	float *out = attend->out + (size_t)row * attend->out_step + d;
	const float *in = attend->in + (size_t)row * attend->in_step + first;
	size_t to_step = attend->out_step, step = attend->in_step;
	const uint8_t *const *key = attend->keys + first, *const *last = attend->keys + end;
	uint32_t r, v, i = first;
	__m256 sum[12];

	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			sum[r * vectors + v] = _mm256_loadu_ps(out + r * to_step + v * 8);
	}
	for (; key < last; key++, in++, i++) {
		__m256 value[8];

		fetch(attend, i, from, to);
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

/* In widths of 3 vectors if the rows are 4, and of no single one where two halves do. */
AVX2_INLINE void values_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			     uint32_t rows, uint32_t first, uint32_t end)
{
	uint32_t d = 0, left, wide = rows == 4 ? 3 : 8 / rows, from = 0, to = 0;
	uint32_t bytes = row ? 0 : attend->ahead_bytes, part = bytes;

	if (bytes && attend->d >= wide * 8)	/* lines are spread over the passes */
		part = (bytes + attend->d / (wide * 8) * 64 - 1) / (attend->d / (wide * 8) * 64) * 64;
	for (; (left = attend->d - d) >= 8; from = to) {
		to = from + part < bytes ? from + part : bytes;
		if (left >= wide * 8 && !(rows == 4 && left == 32)) {
			add(attend, type, row, rows, d, wide, first, end, from, to);
			d += wide * 8;
		} else if (left >= 16) {
			add(attend, type, row, rows, d, 2, first, end, from, to);
			d += 16;
		} else {
			add(attend, type, row, rows, d, 1, first, end, from, to);
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

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

AVX2_INLINE void fetch(const struct kernels_attend *attend, uint32_t i, uint32_t from, uint32_t to)
{
	if (i < attend->ahead_count)
		for (; from < to; from += 64)
			_mm_prefetch((const char *)attend->ahead[i] + from, _MM_HINT_T1);
}

/* @rows · @keys = 8; sum of row r and key k is element k · rows + r of @out. */
AVX2_INLINE void meet(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		      uint32_t rows, uint32_t first, uint32_t keys, float *out)
{
	const float *in = attend->in + (size_t)row * attend->in_step;
	uint32_t d, r, k, n = attend->d % 8;
	__m256 sum[8], key[8];

	UNROLL
	for (r = 0; r < 8; r++)
		sum[r] = _mm256_setzero_ps();
	for (d = 0; d + 8 <= attend->d; d += 8) {
		UNROLL
		for (k = 0; k < keys; k++)
			key[k] = avx2_load(type, attend->keys[first + k], d);
		UNROLL
		for (r = 0; r < rows; r++) {
			__m256 q = _mm256_loadu_ps(in + (size_t)r * attend->in_step + d);

			UNROLL
			for (k = 0; k < keys; k++)
				sum[k * rows + r] = _mm256_fmadd_ps(q, key[k], sum[k * rows + r]);
		}
	}
	if (n) {
		for (k = 0; k < keys; k++)
			key[k] = avx2_load_rest(type, attend->keys[first + k], d, n);
		for (r = 0; r < rows; r++) {
			const float *rest = in + (size_t)r * attend->in_step;
			__m256 q = avx2_load_rest(MARU_TYPE_F32, (const uint8_t *)rest, d, n);

			for (k = 0; k < keys; k++)
				sum[k * rows + r] = _mm256_fmadd_ps(q, key[k], sum[k * rows + r]);
		}
	}
	_mm256_storeu_ps(out, sums_of(sum));
}

AVX2_INLINE void scores_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			     uint32_t rows)
{
	uint32_t keys = 8 / rows, i, r, k, bytes = attend->ahead_bytes;
	float *out = attend->out + (size_t)row * attend->out_step, sums[8];

	for (i = 0; i + keys <= attend->count; i += keys) {
		for (k = 0; k < keys && !row; k++)
			fetch(attend, i + k, 0, bytes);
		meet(attend, type, row, rows, i, keys, sums);
		for (r = 0; r < rows; r++)
			for (k = 0; k < keys; k++)
				out[(size_t)r * attend->out_step + i + k] = sums[k * rows + r];
	}
	if (i == attend->count)
		return;
	/* The last keys again with some before them, or none before: one at a time. */
	for (; i < attend->count; i++)
		for (r = 0; r < rows; r++) {
			const uint8_t *same[8];
			struct kernels_attend one = *attend;

			for (k = 0; k < 8; k++)
				same[k] = attend->keys[i];
			one.keys = same;
			meet(&one, type, row + r, 1, 0, 8, sums);
			out[(size_t)r * attend->out_step + i] = sums[0];
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

/* @rows · @vectors ≤ 8: columns from @d on of keys @first to @end - 1. */
AVX2_INLINE void add(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		     uint32_t rows, uint32_t d, uint32_t vectors, uint32_t first, uint32_t end)
{
	float *out = attend->out + (size_t)row * attend->out_step + d;
	const float *in = attend->in + (size_t)row * attend->in_step;
	uint32_t i, r, v;
	__m256 sum[8];

	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			sum[r * vectors + v] =
				_mm256_loadu_ps(out + (size_t)r * attend->out_step + v * 8);
	}
	for (i = first; i < end; i++) {
		__m256 value[8];

		UNROLL
		for (v = 0; v < vectors; v++)
			value[v] = avx2_load(type, attend->keys[i], d + v * 8);
		UNROLL
		for (r = 0; r < rows; r++) {
			__m256 w = _mm256_broadcast_ss(in + (size_t)r * attend->in_step + i);

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
			_mm256_storeu_ps(out + (size_t)r * attend->out_step + v * 8,
					 sum[r * vectors + v]);
	}
}

AVX2_INLINE void values_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			     uint32_t rows, uint32_t first, uint32_t end)
{
	uint32_t d = 0, wide = 8 / rows;

	for (; d + wide * 8 <= attend->d; d += wide * 8)
		add(attend, type, row, rows, d, wide, first, end);
	for (; d + 8 <= attend->d; d += 8)
		add(attend, type, row, rows, d, 1, first, end);
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
	uint32_t row, first, end, i, bytes = attend->ahead_bytes;

	for (first = 0; first < attend->count; first = end) {
		end = first + PART < attend->count ? first + PART : attend->count;
		for (i = first; i < end; i++)
			fetch(attend, i, 0, bytes);
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

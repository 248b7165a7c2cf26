// SPDX-License-Identifier: MIT
/*
 * Level 2: a few queries against keys where they lie. Bound by memory, so while one block of rows
 * is worked on the next one is fetched into the second cache, a line with each of these.
 */
#include <immintrin.h>

#include "firmware-emu/engine/kernels_attention.h"
#include "firmware-emu/engine/kernels/avx512_keys.h"

#define PART	32u	/* keys whose values meet all columns while in the first cache */
#define LINE	64u
#define UNROLL	_Pragma("GCC unroll 16")

/* The line of @row that elements from @d on begin, if they do. */
AVX512_INLINE void fetch(const uint8_t *row, unsigned int type, uint32_t d)
{
	const uint32_t at = d * avx512_row_size(type);

	if (at % LINE == 0)
		_mm_prefetch((const char *)row + at, _MM_HINT_T1);
}

AVX512_INLINE void fetch_some(const uint8_t *row, unsigned int type, uint32_t d, uint32_t vectors)
{
	UNROLL
	for (uint32_t v = 0; v < vectors; v++)
		fetch(row, type, d + v * 16);
}

/* As kernels_ahead(), or what is there already. */
AVX512_INLINE const uint8_t *ahead_or_here(const struct kernels_attend *attend, uint32_t i)
{
	const uint8_t *ahead = kernels_ahead(attend, i);

	return ahead ? ahead : attend->keys[0];
}

/* Where sums_of() wants what belongs into lane @p. */
AVX512_INLINE unsigned int place(unsigned int p)
{
	return (p / 4 == 1 ? 8 : p / 4 == 2 ? 4 : p / 4 * 4) + (p % 4 == 1 ? 2 : p % 4 == 2 ? 1 :
							       p % 4);
}

/* Sums of the lanes of sixteen vectors, each in the same order. */
AVX512_INLINE __m512 sums_of(__m512 *v)
{
	unsigned int i;

	UNROLL
	for (i = 0; i < 8; i++)
		v[i] = _mm512_add_ps(_mm512_shuffle_f32x4(v[i], v[i + 8], 0x44),
				     _mm512_shuffle_f32x4(v[i], v[i + 8], 0xee));
	UNROLL
	for (i = 0; i < 4; i++)
		v[i] = _mm512_add_ps(_mm512_shuffle_f32x4(v[i], v[i + 4], 0x88),
				     _mm512_shuffle_f32x4(v[i], v[i + 4], 0xdd));
	UNROLL
	for (i = 0; i < 2; i++)
		v[i] = _mm512_add_ps(_mm512_shuffle_ps(v[i], v[i + 2], 0x44),
				     _mm512_shuffle_ps(v[i], v[i + 2], 0xee));
	return _mm512_add_ps(_mm512_shuffle_ps(v[0], v[1], 0x88),
			     _mm512_shuffle_ps(v[0], v[1], 0xdd));
}

/* @rows · @keys = 16: the sum of row r and key k is element r · keys + k. */
AVX512_INLINE __m512 meet(const struct kernels_attend *attend, unsigned int type, const float *in,
			  uint32_t rows, const uint8_t *const *keys, uint32_t count,
			  const uint8_t *const *ahead)
{
	const size_t step = attend->in_step;
	__m512 sum[16], key[16], q;
	uint32_t d, r, k, n = attend->d;

	UNROLL
	for (r = 0; r < 16; r++)
		sum[r] = _mm512_setzero_ps();
	for (d = 0; d + 16 <= n; d += 16) {
		UNROLL
		for (k = 0; k < count; k++) {
			if (ahead)
				fetch(ahead[k], type, d);
			key[k] = avx512_row(type, keys[k], d);
		}
		UNROLL
		for (r = 0; r < rows; r++) {
			q = _mm512_loadu_ps(in + r * step + d);
			UNROLL
			for (k = 0; k < count; k++)
				sum[place(r * count + k)] = _mm512_fmadd_ps(q, key[k],
						sum[place(r * count + k)]);
		}
	}
	if (d < n) {
		__mmask16 mask = (__mmask16)((1u << (n - d)) - 1);

		UNROLL
		for (k = 0; k < count; k++)
			key[k] = avx512_row_rest(type, keys[k], d, n - d);
		UNROLL
		for (r = 0; r < rows; r++) {
			q = _mm512_maskz_loadu_ps(mask, in + r * step + d);
			UNROLL
			for (k = 0; k < count; k++)
				sum[place(r * count + k)] = _mm512_fmadd_ps(q, key[k],
						sum[place(r * count + k)]);
		}
	}
	return sums_of(sum);
}

/* Keys @i on; of fewer than 16 / @rows the last one is taken again. */
AVX512_INLINE void scores_step(const struct kernels_attend *attend, unsigned int type,
			       uint32_t row, uint32_t rows, uint32_t i,
			       const uint8_t *const *ahead)
{
	const uint32_t each = 16 / rows, left = attend->count - i < each ? attend->count - i : each;
	const uint8_t *again[16], *const *keys = attend->keys + i;
	float *out = attend->out + (size_t)row * attend->out_step + i;
	float sums[16];
	uint32_t r, k;
	__m512 all;

	if (left < each) {
		for (k = 0; k < each; k++)
			again[k] = keys[k < left ? k : left - 1];
		keys = again;
	}
	all = meet(attend, type, attend->in + (size_t)row * attend->in_step, rows, keys, each,
		   ahead);
	if (left < each) {
		_mm512_storeu_ps(sums, all);
		for (r = 0; r < rows; r++)
			for (k = 0; k < left; k++)
				out[(size_t)r * attend->out_step + k] = sums[r * each + k];
		return;
	}
	if (rows == 1) {
		_mm512_storeu_ps(out, all);
	} else if (rows == 2) {
		_mm256_storeu_ps(out, _mm512_castps512_ps256(all));
		_mm256_storeu_ps(out + attend->out_step, _mm512_extractf32x8_ps(all, 1));
	} else {
		_mm_storeu_ps(out, _mm512_castps512_ps128(all));
		_mm_storeu_ps(out + attend->out_step, _mm512_extractf32x4_ps(all, 1));
		_mm_storeu_ps(out + 2 * (size_t)attend->out_step, _mm512_extractf32x4_ps(all, 2));
		_mm_storeu_ps(out + 3 * (size_t)attend->out_step, _mm512_extractf32x4_ps(all, 3));
	}
}

AVX512_INLINE void scores_rows(const struct kernels_attend *attend, unsigned int type,
			       uint32_t row, uint32_t rows)
{
	const uint32_t each = 16 / rows;
	const uint8_t *ahead[16];
	uint32_t i, k;

	for (i = 0; i < attend->count; i += each) {
		for (k = 0; k < each && !row; k++)
			ahead[k] = ahead_or_here(attend, i + k);
		scores_step(attend, type, row, rows, i, row ? NULL : ahead);
	}
}

AVX512_INLINE void scores(const struct kernels_attend *attend, unsigned int type)
{
	uint32_t row = 0;

	for (; row + 4 <= attend->rows; row += 4)
		scores_rows(attend, type, row, 4);
	for (; row + 2 <= attend->rows; row += 2)
		scores_rows(attend, type, row, 2);
	if (row < attend->rows)
		scores_rows(attend, type, row, 1);
}

static void avx512_scores(const struct kernels_attend *attend)
{
	AVX512_BY_TYPE(attend->type, scores, attend);
}

/* @rows · @vectors ≤ 16: columns from @d on of keys @first to @end - 1. */
AVX512_INLINE void add(const struct kernels_attend *attend, unsigned int type, uint32_t row,
		       uint32_t rows, uint32_t d, uint32_t vectors, uint32_t first, uint32_t end)
{
	float *out = attend->out + (size_t)row * attend->out_step + d;
	const float *in = attend->in + (size_t)row * attend->in_step;
	const size_t to_step = attend->out_step, step = attend->in_step;
	__m512 sum[16] = { 0 }, value[8] = { 0 }, w;	/* zeros: the analyzer unrolls no loops */
	uint32_t i, r, v;

	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			sum[r * vectors + v] = _mm512_loadu_ps(out + r * to_step + v * 16);
	}
	for (i = first; i < end; i++) {
		if (!row)
			fetch_some(ahead_or_here(attend, i), type, d, vectors);
		UNROLL
		for (v = 0; v < vectors; v++)
			value[v] = avx512_row(type, attend->keys[i], d + v * 16);
		UNROLL
		for (r = 0; r < rows; r++) {
			w = _mm512_set1_ps(in[r * step + i]);
			UNROLL
			for (v = 0; v < vectors; v++)
				sum[r * vectors + v] = _mm512_fmadd_ps(w, value[v],
								       sum[r * vectors + v]);
		}
	}
	UNROLL
	for (r = 0; r < rows; r++) {
		UNROLL
		for (v = 0; v < vectors; v++)
			_mm512_storeu_ps(out + r * to_step + v * 16, sum[r * vectors + v]);
	}
}

AVX512_INLINE void values_rows(const struct kernels_attend *attend, unsigned int type, uint32_t row,
			       uint32_t rows, uint32_t first, uint32_t end)
{
	const uint32_t wide = 4 * 16;
	uint32_t d = 0;

	for (; attend->d - d >= wide; d += wide)
		add(attend, type, row, rows, d, 4, first, end);
	for (; attend->d - d >= 16; d += 16)
		add(attend, type, row, rows, d, 1, first, end);
}

AVX512_INLINE void values_rest(const struct kernels_attend *attend, unsigned int type,
			       uint32_t first, uint32_t end)
{
	uint32_t n = attend->d % 16, d = attend->d - n, i, r;
	__mmask16 mask = (__mmask16)((1u << n) - 1);

	for (r = 0; r < attend->rows; r++) {
		float *out = attend->out + (size_t)r * attend->out_step + d;
		__m512 sum = _mm512_maskz_loadu_ps(mask, out);

		for (i = first; i < end; i++)
			sum = _mm512_fmadd_ps(_mm512_set1_ps(attend->in[(size_t)r *
							     attend->in_step + i]),
					      avx512_row_rest(type, attend->keys[i], d, n), sum);
		_mm512_mask_storeu_ps(out, mask, sum);
	}
}

AVX512_INLINE void values(const struct kernels_attend *attend, unsigned int type)
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
		if (attend->d % 16)
			values_rest(attend, type, first, end);
	}
}

static void avx512_values(const struct kernels_attend *attend)
{
	AVX512_BY_TYPE(attend->type, values, attend);
}

void kernels_attention_avx512_few(struct kernels_attention *table)
{
	table->scores = avx512_scores;
	table->values = avx512_values;
}

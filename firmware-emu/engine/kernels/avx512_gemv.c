// SPDX-License-Identifier: MIT
/*
 * Level 2: a few rows of B against weights that are read once, where they lie. Memory is the
 * limit, so lines are fetched ahead.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "uapi/drm/maru_cmd.h"

#define INLINE		static inline __attribute__((always_inline))
#define UNROLL		_Pragma("GCC unroll 16")
#define BLOCK_K		16u	/* k of a panel at a time; more of smaller types */
#define WIDTH_MAX	8u	/* sums of a panel */

/* How weights are made into vectors of floats, or of integers. */
enum form {
	F32_1, F16_1, BF16_1,	/* 16 n */
	F16_2,			/* 8 n × 2 k, with sums of their own */
	BF16_2,			/* 16 n × 2 k, one after the other */
	I8_4,			/* 16 n × 4 k, one after the other, floats */
	I8_INT,			/* 16 n × 4 k, exact */
};

INLINE unsigned int vector_bytes(enum form form)
{
	return form == F16_1 || form == BF16_1 || form == F16_2 ? 32 : 64;
}

/* k of a step. */
INLINE unsigned int form_group(enum form form)
{
	return form >= I8_4 ? 4 : form >= F16_2 ? 2 : 1;
}

/* Vectors and sums of a panel for one step. */
INLINE unsigned int form_width(enum form form)
{
	return form == F16_2 ? 8 : 4;
}

/* Bytes of B for one step. */
INLINE unsigned int form_b_bytes(enum form form)
{
	return form == I8_INT ? 4 : 4 * form_group(form);
}

INLINE __m512 load(const uint8_t *from, enum form form)
{
	__m256i half;

	if (vector_bytes(form) == 64)
		return _mm512_loadu_ps(from);
	half = _mm256_loadu_si256((const __m256i *)(const void *)from);
	if (form != BF16_1)
		return _mm512_cvtph_ps(half);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

INLINE __m512 broadcast(const uint8_t *b)
{
	return _mm512_set1_ps(*(const float *)(const void *)b);
}

INLINE __m512 as_int(__m512 sum, __m512i a, __m512i b)
{
	a = _mm512_xor_si512(a, _mm512_set1_epi8(-128));
	return _mm512_castsi512_ps(_mm512_dpbusd_epi32(_mm512_castps_si512(sum), a, b));
}

/*
 * I8 at bits 0 or 8 of each lane: plus 128 it is put into the mantissa of a float whose unit it
 * is, and the rest of that taken away, which is exact. Two instructions, for any port.
 */
INLINE __m512 float_of(__m512i bits, unsigned int byte)
{
	const int one = byte ? 0x47000000 : 0x4b000000;		/* 2^15, 2^23 */
	const float rest = byte ? 0x1p15f + 128 : 0x1p23f + 128;
	__m512i value = _mm512_ternarylogic_epi32(bits, _mm512_set1_epi32(0xff << 8 * byte),
						  _mm512_set1_epi32(one | 0x80 << 8 * byte), 0x6a);

	return _mm512_sub_ps(_mm512_castsi512_ps(value), _mm512_set1_ps(rest));
}

/* @a as loaded with the values of B of one step. */
INLINE __m512 add_step(__m512 sum, __m512 a, const uint8_t *b, enum form form)
{
	__m512i bits = _mm512_castps_si512(a), high;
	double pair;

	switch (form) {
	case F32_1:
	case F16_1:
	case BF16_1:
		return _mm512_fmadd_ps(broadcast(b), a, sum);
	case F16_2:
		memcpy(&pair, b, sizeof(pair));
		return _mm512_fmadd_ps(_mm512_castpd_ps(_mm512_set1_pd(pair)), a, sum);
	case BF16_2:
		high = _mm512_and_si512(bits, _mm512_set1_epi32(-65536));
		sum = _mm512_fmadd_ps(broadcast(b), _mm512_castsi512_ps(
				_mm512_slli_epi32(bits, 16)), sum);
		return _mm512_fmadd_ps(broadcast(b + 4), _mm512_castsi512_ps(high), sum);
	case I8_4:
		high = _mm512_srli_epi32(bits, 16);
		sum = _mm512_fmadd_ps(broadcast(b), float_of(bits, 0), sum);
		sum = _mm512_fmadd_ps(broadcast(b + 4), float_of(bits, 1), sum);
		sum = _mm512_fmadd_ps(broadcast(b + 8), float_of(high, 0), sum);
		return _mm512_fmadd_ps(broadcast(b + 12), float_of(high, 1), sum);
	case I8_INT:
		break;
	}
	return as_int(sum, bits, _mm512_set1_epi32(*(const int32_t *)(const void *)b));
}

/*
 * With a line of eight pages one of the next eight, of each page in turn: of one place the CPU
 * fetches by itself what follows only up to the end of the page. Into the second cache, since a
 * line that is asked for in the first one holds one of its few misses all the way.
 */
INLINE void fetch(const uint8_t *line)
{
	uintptr_t at = (uintptr_t)line, pages = at & ~(uintptr_t)0x7fff;

	/* Bits 6 … 8, the line, become bits 12 … 14, the page. */
	pages += 0x8000 + ((at & 0x1c0) << 6 | (at & 0x7e00) >> 3);
	_mm_prefetch((const char *)pages, _MM_HINT_T1);
}

/* @rows rows of B with @steps of a panel. */
INLINE void multiply(__m512 *sums, const uint8_t *a, const uint8_t *b, uint64_t b_step,
		     uint32_t steps, unsigned int rows, bool is_first, enum form form)
{
	const unsigned int width = form_width(form), bytes = vector_bytes(form);
	__m512 sum[4 * WIDTH_MAX], weights;
	unsigned int i, r;
	uint32_t s;

	UNROLL
	for (i = 0; i < rows * width; i++)
		sum[i] = sums[i];
	for (s = 0; s < steps; s++, a += width * bytes, b += form_b_bytes(form)) {
		UNROLL
		for (i = 0; i < width; i++) {
			if (is_first && i * bytes % 64 == 0)
				fetch(a + i * bytes);
			weights = load(a + i * bytes, form);
			UNROLL
			for (r = 0; r < rows; r++)
				sum[r * width + i] = add_step(sum[r * width + i], weights,
							      b + r * b_step, form);
		}
	}
	UNROLL
	for (i = 0; i < rows * width; i++)
		sums[i] = sum[i];
}

/* A block of a panel with all rows of B: it is read from memory once. */
INLINE void block(__m512 *sums, const uint8_t *a, const uint8_t *b, const struct kernels_gemv *gemv,
		  uint32_t steps, enum form form)
{
	const unsigned int width = form_width(form), most = form == F16_2 ? 2 : 4;
	uint32_t j = 0;

	for (; most == 4 && j + 4 <= gemv->m; j += 4)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 4, !j,
			 form);
	for (; j + 2 <= gemv->m; j += 2)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 2, !j,
			 form);
	if (j < gemv->m)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 1, !j,
			 form);
}

/* 16 n; neighbours that belong to one n are added. */
INLINE __m512 fold(const __m512 *sums, unsigned int i, enum form form)
{
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26,
					       28, 30);
	const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));

	if (form != F16_2)
		return sums[i];
	return _mm512_add_ps(_mm512_permutex2var_ps(sums[2 * i], even, sums[2 * i + 1]),
			     _mm512_permutex2var_ps(sums[2 * i], odd, sums[2 * i + 1]));
}

INLINE void store(float *out, const __m512 *sums, int add, enum form form)
{
	for (unsigned int i = 0; i < 4; i++) {
		__m512 sum = fold(sums, i, form), old;

		if (add) {
			old = _mm512_loadu_ps(out + i * 16);
			sum = form == I8_INT ? _mm512_castsi512_ps(_mm512_add_epi32(
				_mm512_castps_si512(old), _mm512_castps_si512(sum))) :
				_mm512_add_ps(old, sum);
		}
		_mm512_storeu_ps(out + i * 16, sum);
	}
}

/* Sum of @count I8. */
static int32_t sum_of(const uint8_t *row, uint32_t count)
{
	const __m512i one = _mm512_set1_epi8(1);
	__m512i sum = _mm512_setzero_si512();
	uint32_t i;

	for (i = 0; i + 64 <= count; i += 64)
		sum = _mm512_dpbusd_epi32(sum, one, _mm512_loadu_si512(row + i));
	if (i < count)
		sum = _mm512_dpbusd_epi32(sum, one, _mm512_maskz_loadu_epi8(
			~0ull >> (64 - (count - i)), row + i));
	return _mm512_reduce_add_epi32(sum);
}

/* Where sums begin: weights are taken as A + 128. */
static void starts(const struct kernels_gemv *gemv, int32_t *start)
{
	for (uint32_t j = 0; j < gemv->m; j++)
		start[j] = (int32_t)(0u - 128 * (uint32_t)sum_of((const uint8_t *)gemv->b +
								 j * gemv->b_step, gemv->k));
}

INLINE void panels(const struct kernels_gemv *gemv, enum form form)
{
	const unsigned int width = form_width(form), group = form_group(form);
	const uint32_t step_bytes = width * vector_bytes(form);
	const uint32_t steps = (gemv->k + group - 1) / group;
	const uint32_t per_block = BLOCK_K * 256 / step_bytes;
	__m512 sums[KERNELS_GEMV_ROWS * WIDTH_MAX];
	int32_t start[KERNELS_GEMV_ROWS] = { 0 };
	uint32_t n, s, j, i;

	if (form == I8_INT)
		starts(gemv, start);
	for (n = 0; n < gemv->n; n += 64) {
		const uint8_t *a = (const uint8_t *)gemv->a + n / 64 * gemv->a_step;

		for (j = 0; j < gemv->m; j++)
			for (i = 0; i < width; i++)
				sums[j * width + i] = _mm512_castsi512_ps(
					_mm512_set1_epi32(start[j]));
		for (s = 0; s < steps; s += per_block)
			block(sums, a + (uint64_t)s * step_bytes,
			      (const uint8_t *)gemv->b + (uint64_t)s * form_b_bytes(form),
			      gemv, steps - s < per_block ? steps - s : per_block, form);
		for (j = 0; j < gemv->m; j++)
			store((float *)(void *)((uint8_t *)gemv->out + j * gemv->out_step) + n,
			      sums + j * width, gemv->add, form);
	}
}

/* k of a vector of a row. */
INLINE unsigned int row_each(enum form form)
{
	return form == I8_INT ? 64 : 16;
}

INLINE unsigned int row_size(enum form form)
{
	return form >= I8_4 ? 1 : form == F32_1 ? 4 : 2;
}

INLINE __m512 load_row(const uint8_t *from, enum form form)
{
	if (form == I8_4)
		return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
			_mm_loadu_si128((const __m128i *)(const void *)from)));
	return load(from, form);
}

INLINE __m512 add_row(__m512 sum, __m512 a, const uint8_t *b, enum form form)
{
	if (form == I8_INT)
		return as_int(sum, _mm512_castps_si512(a), _mm512_loadu_si512(b));
	return _mm512_fmadd_ps(_mm512_loadu_ps(b), a, sum);
}

/* The last k of a row, which end inside of a vector: zeros behind. */
INLINE __m512 add_rest(__m512 sum, const uint8_t *a, const uint8_t *b, uint32_t k, enum form form)
{
	uint8_t a_rest[64] = { 0 }, b_rest[64] = { 0 };

	memcpy(a_rest, a, k * row_size(form));
	memcpy(b_rest, b, k * (form == I8_INT ? 1 : 4));
	return add_row(sum, load_row(a_rest, form), b_rest, form);
}

#define ROW_SUMS	4u	/* of a row of B with a row of weights */

INLINE void store_row(float *out, const __m512 *sum, int32_t start, int add, enum form form)
{
	uint32_t total, old;
	__m512 all;

	if (form != I8_INT) {
		all = _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3]));
		*out = _mm512_reduce_add_ps(all) + (add ? *out : 0);
		return;
	}
	total = (uint32_t)start;
	for (unsigned int i = 0; i < ROW_SUMS; i++)
		total += (uint32_t)_mm512_reduce_add_epi32(_mm512_castps_si512(sum[i]));
	memcpy(&old, out, 4);
	total += add ? old : 0;
	memcpy(out, &total, 4);
}

/* One row of weights, k contiguous, with @rows of B. */
INLINE void row(float *out, const uint8_t *a, const uint8_t *b, const struct kernels_gemv *gemv,
		const int32_t *start, unsigned int rows, enum form form)
{
	const unsigned int each = row_each(form), bytes = each * row_size(form);
	const unsigned int b_bytes = form == I8_INT ? 64 : each * 4;
	__m512 sum[4 * ROW_SUMS], weights;
	uint32_t k = gemv->k;
	unsigned int i, r;

	UNROLL
	for (i = 0; i < rows * ROW_SUMS; i++)
		sum[i] = _mm512_setzero_ps();
	for (; k >= each * ROW_SUMS; k -= each * ROW_SUMS) {
		UNROLL
		for (i = 0; i < ROW_SUMS; i++) {
			if (i * bytes % 64 == 0)
				fetch(a + i * bytes);
			weights = load_row(a + i * bytes, form);
			UNROLL
			for (r = 0; r < rows; r++)
				sum[r * ROW_SUMS + i] = add_row(sum[r * ROW_SUMS + i], weights,
					b + r * gemv->b_step + i * b_bytes, form);
		}
		a += ROW_SUMS * bytes;
		b += ROW_SUMS * b_bytes;
	}
	for (; k; k -= i, a += bytes, b += b_bytes) {
		i = k < each ? k : each;
		for (r = 0; r < rows; r++)
			sum[r * ROW_SUMS] = add_rest(sum[r * ROW_SUMS], a, b + r * gemv->b_step, i,
						     form);
	}
	for (r = 0; r < rows; r++)
		store_row((float *)(void *)((uint8_t *)out + r * gemv->out_step),
			  sum + r * ROW_SUMS, start[r], gemv->add, form);
}

INLINE void rows(const struct kernels_gemv *gemv, enum form form)
{
	int32_t start[KERNELS_GEMV_ROWS] = { 0 };
	const uint8_t *b = gemv->b;
	uint32_t n, j;

	if (form == I8_INT)
		starts(gemv, start);
	for (n = 0; n < gemv->n; n++) {
		const uint8_t *a = (const uint8_t *)gemv->a + n * gemv->a_step;
		uint8_t *out = (uint8_t *)gemv->out + (uint64_t)n * 4;

		for (j = 0; j + 4 <= gemv->m; j += 4)
			row((float *)(void *)(out + j * gemv->out_step), a, b + j * gemv->b_step,
			    gemv, start + j, 4, form);
		for (; j + 2 <= gemv->m; j += 2)
			row((float *)(void *)(out + j * gemv->out_step), a, b + j * gemv->b_step,
			    gemv, start + j, 2, form);
		if (j < gemv->m)
			row((float *)(void *)(out + j * gemv->out_step), a, b + j * gemv->b_step,
			    gemv, start + j, 1, form);
	}
}

#define GEMV(form) \
	static void panels_##form(const struct kernels_gemv *gemv) { panels(gemv, form); }
#define GEMV_ROWS(form) \
	static void rows_##form(const struct kernels_gemv *gemv) { rows(gemv, form); }
GEMV(F32_1)
GEMV(F16_1)
GEMV(BF16_1)
GEMV(F16_2)
GEMV(BF16_2)
GEMV(I8_4)
GEMV(I8_INT)
GEMV_ROWS(F32_1)
GEMV_ROWS(F16_1)
GEMV_ROWS(BF16_1)
GEMV_ROWS(I8_4)
GEMV_ROWS(I8_INT)

static void avx512_gemv(const struct kernels_gemv *gemv)
{
	switch (gemv->type) {
	case MARU_TYPE_F32:
		(gemv->group ? panels_F32_1 : rows_F32_1)(gemv);
		return;
	case MARU_TYPE_F16:
		(gemv->group == 2 ? panels_F16_2 : gemv->group ? panels_F16_1 : rows_F16_1)(gemv);
		return;
	case MARU_TYPE_BF16:
		(gemv->group == 2 ? panels_BF16_2 : gemv->group ? panels_BF16_1 :
		 rows_BF16_1)(gemv);
		return;
	}
	if (gemv->b_type == MARU_TYPE_I8)
		(gemv->group ? panels_I8_INT : rows_I8_INT)(gemv);
	else
		(gemv->group ? panels_I8_4 : rows_I8_4)(gemv);
}

void kernels_avx512_gemv(struct kernels *table)
{
	table->gemv = avx512_gemv;
}

// SPDX-License-Identifier: MIT
/*
 * Level 1: a few rows of B against weights that are read once, where they lie. Memory is the
 * limit, so what counts is how they are read: panels in pairs, a block of each in turn. Two
 * streams reach more than one, prefetch instructions and more streams less.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "uapi/drm/maru_cmd.h"

#define INLINE		static inline __attribute__((always_inline))
#define BLOCK_K		16u	/* k of a panel at a time; twice that for I8 */
#define SUMS		8	/* vectors in registers */
#define PAIR		2u	/* panels read in turn */
#define WIDTH_MAX	16u	/* vectors of a panel for one step of k */

/* How a vector of weights is made, and what it is multiplied by. */
enum form {
	F32_1, F16_1, BF16_1,	/* 8 n */
	BF16_2,			/* 8 n × 2 k, which are added one after the other */
	F16_2,			/* 4 n × 2 k */
	I8_4,			/* 8 n × 4 k, one after the other, floats */
	I8_ROWS,		/* 8 k of a row, floats */
	I8_EXACT,		/* 4 n × 4 k as I16 */
	I8_ROUND,		/* 8 n × 4 k, B as I8 without −128 */
};

INLINE unsigned int vector_bytes(enum form form)
{
	return form == F32_1 || form == BF16_2 || form == I8_4 || form == I8_ROUND ? 32 :
	       form == I8_ROWS ? 8 : 16;
}

/* k of a step. */
INLINE unsigned int form_group(enum form form)
{
	return form >= I8_4 ? 4 : form >= BF16_2 ? 2 : 1;
}

/* Vectors of a panel for one step. */
INLINE unsigned int form_width(enum form form)
{
	return form_group(form) * 64 * (form >= I8_4 ? 1 : form == F32_1 ? 4 : 2) /
	       vector_bytes(form);
}

/* Bytes of B for one step. */
INLINE unsigned int form_b_bytes(enum form form)
{
	return form == I8_ROUND ? 4 : form == I8_EXACT ? 8 : 4 * form_group(form);
}

INLINE bool is_integer(enum form form)
{
	return form >= I8_EXACT;
}

INLINE __m256 load(const uint8_t *from, enum form form)
{
	__m128i half;

	switch (form) {
	case F32_1:
	case BF16_2:
	case I8_4:
	case I8_ROUND:
		return _mm256_loadu_ps((const float *)(const void *)from);
	case F16_1:
	case F16_2:
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)from));
	case BF16_1:
		half = _mm_loadu_si128((const __m128i *)(const void *)from);
		return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
	case I8_ROWS:
		half = _mm_loadl_epi64((const __m128i *)(const void *)from);
		return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(half));
	case I8_EXACT:
		break;
	}
	half = _mm_loadu_si128((const __m128i *)(const void *)from);
	return _mm256_castsi256_ps(_mm256_cvtepi8_epi16(half));
}

/* The values of B of one step, as often as they fit. */
INLINE __m256 spread(const uint8_t *b, enum form form)
{
	if (form_b_bytes(form) == 4)
		return _mm256_broadcast_ss((const float *)(const void *)b);
	if (form == I8_4)
		return _mm256_broadcast_ps((const __m128 *)(const void *)b);
	return _mm256_castpd_ps(_mm256_broadcast_sd((const double *)(const void *)b));
}

/* Both k of a pair: shifted up, and with what stands below masked away. */
INLINE __m256 add_pair(__m256 sum, __m256 a, __m256 b)
{
	__m256 low = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(a), 16));
	__m256 high = _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-65536)));

	sum = _mm256_fmadd_ps(_mm256_moveldup_ps(b), low, sum);
	return _mm256_fmadd_ps(_mm256_movehdup_ps(b), high, sum);
}

INLINE __m256 add_i8(__m256 sum, __m256i a, __m256 b)
{
	__m256i k[4] = { _mm256_slli_epi32(a, 24), _mm256_slli_epi32(a, 16),
			 _mm256_slli_epi32(a, 8), a };
	const __m256 by[4] = { _mm256_permute_ps(b, 0x00), _mm256_permute_ps(b, 0x55),
			       _mm256_permute_ps(b, 0xaa), _mm256_permute_ps(b, 0xff) };

	for (unsigned int i = 0; i < 4; i++)
		sum = _mm256_fmadd_ps(by[i], _mm256_cvtepi32_ps(_mm256_srai_epi32(k[i], 24)), sum);
	return sum;
}

/*
 * |a| · (b with a's sign): the 16-bit sums of two are at most 2 · 128 · 127 and do not saturate.
 */
INLINE __m256i product_i8(__m256i a, __m256i b)
{
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));

	return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

INLINE __m256 add_product(__m256 sum, __m256 a, __m256 b, enum form form)
{
	__m256i whole;

	if (form == BF16_2)
		return add_pair(sum, a, b);
	if (form == I8_4)
		return add_i8(sum, _mm256_castps_si256(a), b);
	if (!is_integer(form))
		return _mm256_fmadd_ps(b, a, sum);
	whole = form == I8_ROUND ?
		product_i8(_mm256_castps_si256(a), _mm256_castps_si256(b)) :
		_mm256_madd_epi16(_mm256_castps_si256(a), _mm256_castps_si256(b));
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), whole));
}

/* @rows rows of B with @steps of a panel; SUMS / @rows vectors at a time. */
INLINE void multiply(__m256 *sums, const uint8_t *a, const uint8_t *b, uint64_t b_step,
		     uint32_t steps, unsigned int rows, enum form form)
{
	const unsigned int count = SUMS / rows, width = form_width(form);
	const unsigned int bytes = vector_bytes(form);
	const unsigned int b_bytes = form_b_bytes(form);
	__m256 sum[SUMS], by[4], weights;
	unsigned int v, i, r;
	uint32_t s;

	for (v = 0; v < width; v += count) {
		const uint8_t *from = a + v * bytes;

		for (r = 0; r < rows; r++)
			for (i = 0; i < count; i++)
				sum[r * count + i] = sums[r * width + v + i];
		for (s = 0; s < steps; s++, from += width * bytes) {
			for (r = 0; r < rows; r++)
				by[r] = spread(b + r * b_step + s * b_bytes, form);
			for (i = 0; i < count; i++) {
				weights = load(from + i * bytes, form);
				for (r = 0; r < rows; r++)
					sum[r * count + i] = add_product(sum[r * count + i],
									 weights, by[r], form);
			}
		}
		for (r = 0; r < rows; r++)
			for (i = 0; i < count; i++)
				sums[r * width + v + i] = sum[r * count + i];
	}
}

/* A block of a panel with all rows of B: it is read from memory once. */
INLINE void block(__m256 *sums, const uint8_t *a, const uint8_t *b, const struct kernels_gemv *gemv,
		  uint32_t steps, enum form form)
{
	const unsigned int width = form_width(form);
	uint32_t j = 0;

	for (; j + 4 <= gemv->m; j += 4)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 4, form);
	for (; j + 2 <= gemv->m; j += 2)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 2, form);
	if (j < gemv->m)
		multiply(sums + j * width, a, b + j * gemv->b_step, gemv->b_step, steps, 1, form);
}

/* Neighbours in a vector that belong to one n are added: 2 vectors to one of 8 n. */
INLINE __m256 fold(const __m256 *sums, enum form form)
{
	if (form_width(form) == 8)
		return sums[0];
	if (form == I8_EXACT)
		return _mm256_castsi256_ps(_mm256_permute4x64_epi64(
			_mm256_hadd_epi32(_mm256_castps_si256(sums[0]),
					  _mm256_castps_si256(sums[1])), 0xd8));
	return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(
		_mm256_hadd_ps(sums[0], sums[1])), 0xd8));
}

INLINE void store(float *out, const __m256 *sums, int add, enum form form)
{
	const unsigned int each = form_width(form) / 8;

	for (unsigned int i = 0; i < 8; i++) {
		__m256 sum = fold(sums + i * each, form), old;

		if (add) {
			old = _mm256_loadu_ps(out + i * 8);
			sum = is_integer(form) ? _mm256_castsi256_ps(_mm256_add_epi32(
				_mm256_castps_si256(old), _mm256_castps_si256(sum))) :
				_mm256_add_ps(old, sum);
		}
		_mm256_storeu_ps(out + i * 8, sum);
	}
}

INLINE void panels(const struct kernels_gemv *gemv, enum form form)
{
	const unsigned int width = form_width(form), group = form_group(form);
	const unsigned int b_bytes = form_b_bytes(form);
	const uint32_t step_bytes = width * vector_bytes(form);
	const uint32_t steps = (gemv->k + group - 1) / group;
	const uint32_t per_block = (form == I8_4 || is_integer(form) ? 2 : 1) * BLOCK_K / group;
	const uint32_t count = (gemv->n + 63) / 64;
	__m256 sums[PAIR][KERNELS_GEMV_ROWS * WIDTH_MAX];
	uint32_t first, s, p, pair, j;

	for (first = 0; first < count; first += pair) {
		const uint8_t *a = (const uint8_t *)gemv->a + first * gemv->a_step;

		pair = count - first < PAIR ? count - first : PAIR;
		for (p = 0; p < pair; p++)
			memset(sums[p], 0, gemv->m * width * sizeof(sums[p][0]));
		for (s = 0; s < steps; s += per_block)
			for (p = 0; p < pair; p++)
				block(sums[p], a + p * gemv->a_step + (uint64_t)s * step_bytes,
				      (const uint8_t *)gemv->b + (uint64_t)s * b_bytes, gemv,
				      steps - s < per_block ? steps - s : per_block, form);
		for (p = 0; p < pair; p++)
			for (j = 0; j < gemv->m; j++)
				store((float *)(void *)((uint8_t *)gemv->out + j * gemv->out_step) +
				      (first + p) * 64, sums[p] + j * width, gemv->add, form);
	}
}

/* The sums of a row of weights are spread over vectors: added in a fixed order. */
INLINE void store_row(float *out, __m256 *sum, unsigned int count, int add, enum form form)
{
	int32_t whole[8];
	__m128 x;

	for (; count > 1; count /= 2)
		for (unsigned int i = 0; i < count / 2; i++)
			sum[i] = is_integer(form) ? _mm256_castsi256_ps(_mm256_add_epi32(
				_mm256_castps_si256(sum[i]),
				_mm256_castps_si256(sum[i + count / 2]))) :
				_mm256_add_ps(sum[i], sum[i + count / 2]);
	if (is_integer(form)) {
		uint32_t total = 0, old;

		_mm256_storeu_ps((float *)(void *)whole, sum[0]);
		for (unsigned int i = 0; i < 8; i++)
			total += (uint32_t)whole[i];
		memcpy(&old, out, 4);
		total += add ? old : 0;
		memcpy(out, &total, 4);
		return;
	}
	x = _mm_add_ps(_mm256_castps256_ps128(sum[0]), _mm256_extractf128_ps(sum[0], 1));
	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	*out = _mm_cvtss_f32(x) + (add ? *out : 0);
}

/* k of a vector of a row. */
INLINE unsigned int form_each(enum form form)
{
	return form == I8_ROUND ? 32 : form == I8_EXACT ? 16 : 8;
}

INLINE void row_steps(__m256 *sum, const uint8_t *a, const uint8_t *b, uint64_t b_step, uint32_t k,
		      unsigned int rows, enum form form)
{
	const unsigned int each = form_each(form), count = SUMS / rows;
	unsigned int i, r;
	__m256 weights;

	for (; k; k -= each * count) {
		for (i = 0; i < count; i++) {
			weights = load(a + i * vector_bytes(form), form);
			for (r = 0; r < rows; r++)
				sum[r * count + i] = add_product(sum[r * count + i], weights,
					_mm256_loadu_ps((const float *)(const void *)
							(b + r * b_step + i * 32)), form);
		}
		a += count * vector_bytes(form);
		b += count * 32;
	}
}

/* One row of weights, k contiguous, with @rows of B. What is left of k is filled with zeros. */
INLINE void row(float *out, uint64_t out_step, const uint8_t *a, const uint8_t *b, uint64_t b_step,
		uint32_t k, unsigned int rows, int add, enum form form)
{
	const unsigned int each = form_each(form), count = SUMS / rows;
	const unsigned int a_size = vector_bytes(form) / each, b_size = 32 / each;
	uint32_t whole = k / (each * count) * (each * count), rest = k - whole;
	__m256 sum[SUMS];
	unsigned int r;

	for (r = 0; r < SUMS; r++)
		sum[r] = _mm256_setzero_ps();
	row_steps(sum, a, b, b_step, whole, rows, form);
	if (rest) {
		uint8_t a_rest[SUMS * 32] = { 0 }, b_rest[4 * SUMS * 32] = { 0 };

		memcpy(a_rest, a + (uint64_t)whole * a_size, rest * a_size);
		for (r = 0; r < rows; r++)
			memcpy(b_rest + r * count * 32, b + r * b_step + (uint64_t)whole * b_size,
			       rest * b_size);
		row_steps(sum, a_rest, b_rest, count * 32, each * count, rows, form);
	}
	for (r = 0; r < rows; r++)
		store_row((float *)(void *)((uint8_t *)out + r * out_step), sum + r * count, count,
			  add, form);
}

INLINE void rows(const struct kernels_gemv *gemv, enum form form)
{
	uint64_t b_step = gemv->b_step, out_step = gemv->out_step;
	const uint8_t *b = gemv->b;
	uint32_t n, j;

	for (n = 0; n < gemv->n; n++) {
		const uint8_t *a = (const uint8_t *)gemv->a + n * gemv->a_step;
		uint8_t *out = (uint8_t *)gemv->out + (uint64_t)n * 4;

		for (j = 0; j + 4 <= gemv->m; j += 4)
			row((float *)(void *)(out + j * out_step), out_step, a, b + j * b_step,
			    b_step, gemv->k, 4, gemv->add, form);
		for (; j + 2 <= gemv->m; j += 2)
			row((float *)(void *)(out + j * out_step), out_step, a, b + j * b_step,
			    b_step, gemv->k, 2, gemv->add, form);
		if (j < gemv->m)
			row((float *)(void *)(out + j * out_step), out_step, a, b + j * b_step,
			    b_step, gemv->k, 1, gemv->add, form);
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
GEMV(I8_EXACT)
GEMV(I8_ROUND)
GEMV_ROWS(F32_1)
GEMV_ROWS(F16_1)
GEMV_ROWS(BF16_1)
GEMV_ROWS(I8_ROWS)
GEMV_ROWS(I8_EXACT)
GEMV_ROWS(I8_ROUND)

static void avx2_gemv(const struct kernels_gemv *gemv)
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
		(gemv->group ? panels_I8_ROUND : rows_I8_ROUND)(gemv);
	else if (gemv->b_type == MARU_TYPE_I16)
		(gemv->group ? panels_I8_EXACT : rows_I8_EXACT)(gemv);
	else
		(gemv->group ? panels_I8_4 : rows_I8_ROWS)(gemv);
}

void kernels_avx2_gemv(struct kernels *table)
{
	table->gemv = avx2_gemv;
}

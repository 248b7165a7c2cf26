// SPDX-License-Identifier: MIT
/* ROPE at level 1 of kernels_rows.h. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "firmware-emu/engine/kernels/avx2_load.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels_rows.h"

#define INLINE	AVX2_INLINE

/*
 * An angle is brought into ±π/4 by π/2 in three parts, exact enough up to 2^31 quarters; then
 * Taylor sums: the first terms left out are below 2^-44 and 2^-41. What is larger or no number
 * goes the slow way.
 */
#define PAIR(step)	EACH_OF(2, step)

INLINE void reduce(__m256d x[2], __m256d quarter[2])
{
	PAIR(x[v] = _mm256_fnmadd_pd(quarter[v], _mm256_set1_pd(0x1.921fb54442d18p+0), x[v]));
	PAIR(x[v] = _mm256_fnmadd_pd(quarter[v], _mm256_set1_pd(0x1.1a62633145c07p-54), x[v]));
	PAIR(x[v] = _mm256_fnmadd_pd(quarter[v], _mm256_set1_pd(-0x1.f1976b7ed8fbcp-110), x[v]));
}

INLINE void taylor(__m256d p[2], const __m256d square[2], const double *terms, unsigned int count)
{
	PAIR(p[v] = _mm256_set1_pd(terms[0]));
	for (unsigned int i = 1; i < count; i++)
		PAIR(p[v] = _mm256_fmadd_pd(p[v], square[v], _mm256_set1_pd(terms[i])));
}

/* ±1 as the bit number 62 of @number has it. */
INLINE __m256d signed_by(__m256d x, __m256i number)
{
	__m256d sign = _mm256_castsi256_pd(_mm256_slli_epi64(number, 62));

	return _mm256_xor_pd(x, _mm256_and_pd(sign, _mm256_set1_pd(-0.0)));
}

/* Eight angles at once; returns whether all were small enough. */
INLINE bool turn_eight(float *cosine, float *sine, const double *turn, __m256d pos, __m256d scale)
{
	static const double odd[] = { -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120,
				      -1.0 / 6 };
	static const double even[] = { 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720,
				       1.0 / 24, -0.5, 1 };
	const __m256d magic = _mm256_set1_pd(0x1.8p52), sign = _mm256_set1_pd(-0.0);
	__m256d x[2], quarter[2], square[2], s[2], c[2], size;
	__m256i number[2], one = _mm256_set1_epi64x(1);

	PAIR(x[v] = _mm256_mul_pd(_mm256_loadu_pd(turn + 4 * v), pos));
	size = _mm256_max_pd(_mm256_andnot_pd(sign, x[0]), _mm256_andnot_pd(sign, x[1]));
	size = _mm256_and_pd(_mm256_cmp_pd(size, _mm256_set1_pd(0x1p31), _CMP_LT_OQ),
			     _mm256_cmp_pd(x[0], x[0], _CMP_ORD_Q));
	if (_mm256_movemask_pd(size) != 15)
		return false;
	PAIR(quarter[v] = _mm256_fmadd_pd(x[v], _mm256_set1_pd(0x1.45f306dc9c883p-1), magic));
	PAIR(number[v] = _mm256_castpd_si256(quarter[v]));
	PAIR(quarter[v] = _mm256_sub_pd(quarter[v], magic));
	reduce(x, quarter);
	PAIR(square[v] = _mm256_mul_pd(x[v], x[v]));
	taylor(s, square, odd, 5);
	taylor(c, square, even, 7);
	PAIR(s[v] = _mm256_fmadd_pd(_mm256_mul_pd(s[v], square[v]), x[v], x[v]));
	/* Odd quarters exchange them; sin is negative in quarters 2, 3, cos in 1, 2. */
	PAIR(quarter[v] = _mm256_castsi256_pd(_mm256_slli_epi64(number[v], 63)));
	PAIR(x[v] = _mm256_blendv_pd(s[v], c[v], quarter[v]));
	PAIR(c[v] = _mm256_blendv_pd(c[v], s[v], quarter[v]));
	PAIR(x[v] = signed_by(x[v], number[v]));
	PAIR(c[v] = signed_by(c[v], _mm256_add_epi64(number[v], one)));
	PAIR(_mm_storeu_ps(cosine + 4 * v, _mm256_cvtpd_ps(_mm256_mul_pd(c[v], scale))));
	PAIR(_mm_storeu_ps(sine + 4 * v, _mm256_cvtpd_ps(_mm256_mul_pd(x[v], scale))));
	return true;
}

static void avx2_turn(float *cosine, float *sine, const double *turn, double pos, double scale,
		      size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i += 8) {
		if (i + 8 <= n && turn_eight(cosine + i, sine + i, turn + i, _mm256_set1_pd(pos),
					     _mm256_set1_pd(scale)))
			continue;
		for (j = i; j < i + 8 && j < n; j++) {
			double s, c;

			sincos(turn[j] * pos, &s, &c);
			cosine[j] = (float)(c * scale);
			sine[j] = (float)(s * scale);
		}
	}
}

static void avx2_spread(float *cosine2, float *sine2, const float *cosine, const float *sine,
			size_t n)
{
	const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
	const __m256 even = _mm256_setr_ps(-0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f, 0);
	size_t i;

	for (i = 0; i + 4 <= n; i += 4) {
		__m256 c = _mm256_castps128_ps256(_mm_loadu_ps(cosine + i));
		__m256 s = _mm256_castps128_ps256(_mm_loadu_ps(sine + i));

		_mm256_storeu_ps(cosine2 + 2 * i, _mm256_permutevar8x32_ps(c, twice));
		s = _mm256_permutevar8x32_ps(s, twice);
		_mm256_storeu_ps(sine2 + 2 * i, _mm256_xor_ps(s, even));
	}
	for (; i < n; i++) {
		cosine2[2 * i] = cosine2[2 * i + 1] = cosine[i];
		sine2[2 * i] = -sine[i];
		sine2[2 * i + 1] = sine[i];
	}
}

INLINE __m256 turned(__m256 x, __m256 c, __m256 s)
{
	return _mm256_fmadd_ps(x, c, _mm256_mul_ps(_mm256_permute_ps(x, 0xb1), s));
}

INLINE void pairs_step(unsigned int type, void *to, const void *from, const float *c,
		       const float *s, bool is_streamed)
{
	__m256 x[2];

	avx2_load16(type, from, x);
	EACH_OF(2, x[v] = turned(x[v], _mm256_loadu_ps(c + 8 * v), _mm256_loadu_ps(s + 8 * v)));
	avx2_store16(type, to, x, is_streamed);
}

/* The parts of the pairs lie @apart. */
INLINE void halves_step(unsigned int type, uint8_t *to, const uint8_t *from, size_t apart,
			 const float *c, const float *s, bool is_streamed)
{
	__m256 x[2], y[2], z[2];

	avx2_load16(type, from, x);
	avx2_load16(type, from + apart, y);
	EACH_OF(2, {
		__m256 cosine = _mm256_loadu_ps(c + 8 * v), sine = _mm256_loadu_ps(s + 8 * v);

		z[v] = _mm256_fmsub_ps(x[v], cosine, _mm256_mul_ps(y[v], sine));
		y[v] = _mm256_fmadd_ps(y[v], cosine, _mm256_mul_ps(x[v], sine));
	});
	avx2_store16(type, to, z, is_streamed);
	avx2_store16(type, to + apart, y, is_streamed);
}

/* What is left of a head, fewer than sixteen. */
static __attribute__((noinline)) void pairs_rest(unsigned int type, void *to, const void *from,
						 const float *c, const float *s, size_t n)
{
	size_t bytes = n * element_bytes(type);
	float rest[4][16] = { { 0 } };

	memcpy(rest[0], from, bytes);
	memcpy(rest[1], c, n * 4);
	memcpy(rest[2], s, n * 4);
	pairs_step(type, rest[3], rest[0], rest[1], rest[2], false);
	memcpy(to, rest[3], bytes);
}

static __attribute__((noinline)) void halves_rest(unsigned int type, uint8_t *to,
						  const uint8_t *from, size_t apart,
						  const float *c, const float *s, size_t n)
{
	size_t bytes = n * element_bytes(type);
	float rest[2][16] = { { 0 } };
	uint8_t parts[128] = { 0 };

	memcpy(parts, from, bytes);
	memcpy(parts + 64, from + apart, bytes);
	memcpy(rest[0], c, n * 4);
	memcpy(rest[1], s, n * 4);
	halves_step(type, parts, parts, 64, rest[0], rest[1], false);
	memcpy(to, parts, bytes);
	memcpy(to + apart, parts + 64, bytes);
}

INLINE void pairs_all(const struct kernels_turn *turn, unsigned int type)
{
	bool is_streamed = turn->is_streamed && avx2_is_aligned(turn->to) &&
			   turn->to_step % 32 == 0;
	size_t size = element_bytes(type), n = 2 * turn->n, i;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (i = 0; i < n * size; i += 64)
			_mm_prefetch((const char *)from + i + KERNELS_TURN_AHEAD, _MM_HINT_T0);
		for (i = 0; i + 16 <= n; i += 16)
			pairs_step(type, to + i * size, from + i * size, turn->cosine + i,
				   turn->sine + i, is_streamed);
		if (i < n)
			pairs_rest(type, to + i * size, from + i * size, turn->cosine + i,
				   turn->sine + i, n - i);
	}
}

INLINE void halves_all(const struct kernels_turn *turn, unsigned int type)
{
	size_t size = element_bytes(type), n = turn->n, i;
	bool is_streamed = turn->is_streamed && avx2_is_aligned(turn->to) &&
			   turn->to_step % 32 == 0 && n % 16 == 0;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (i = 0; i < 2 * n * size; i += 64)
			_mm_prefetch((const char *)from + i + KERNELS_TURN_AHEAD, _MM_HINT_T0);
		for (i = 0; i + 16 <= n; i += 16)
			halves_step(type, to + i * size, from + i * size, n * size,
				    turn->cosine + i, turn->sine + i, is_streamed);
		if (i < n)
			halves_rest(type, to + i * size, from + i * size, n * size,
				    turn->cosine + i, turn->sine + i, n - i);
	}
}

static void avx2_turn_pairs(const struct kernels_turn *turn)
{
	AVX2_BY_TYPE(turn->type, pairs_all, turn);
}

static void avx2_turn_halves(const struct kernels_turn *turn)
{
	AVX2_BY_TYPE(turn->type, halves_all, turn);
}

void kernels_rope_avx2(struct kernels_rows *table)
{
	table->turn = avx2_turn;
	table->spread = avx2_spread;
	table->turn_pairs = avx2_turn_pairs;
	table->turn_halves = avx2_turn_halves;
}

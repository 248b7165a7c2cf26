// SPDX-License-Identifier: MIT
/* Level 1 of kernels_rows.h: AVX2 and FMA. Rests of a row are done under a mask. */
#include <math.h>
#include <stdint.h>

#include "firmware-emu/engine/kernels_rows.h"
#include "firmware-emu/engine/kernels/avx2_math.h"

#define INLINE	static inline __attribute__((always_inline))

INLINE __m256d low(__m256 x)
{
	return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}

INLINE __m256d high(__m256 x)
{
	return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}

INLINE __m256 narrow(__m256d a, __m256d b)
{
	return _mm256_set_m128(_mm256_cvtpd_ps(b), _mm256_cvtpd_ps(a));
}

INLINE void store(float *to, __m256 x, bool is_streamed)
{
	if (is_streamed)
		_mm256_stream_ps(to, x);
	else
		_mm256_storeu_ps(to, x);
}

/* May these rows be streamed: are all eights of a row aligned? */
INLINE bool is_aligned(const float *to)
{
	return !((uintptr_t)to & 31);
}

static double avx2_sum_of(const float *x, size_t n)
{
	__m256d a = _mm256_setzero_pd(), b = a, c = a, d = a;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m256 u = _mm256_loadu_ps(x + i), v = _mm256_loadu_ps(x + i + 8);

		a = _mm256_add_pd(a, low(u));
		b = _mm256_add_pd(b, high(u));
		c = _mm256_add_pd(c, low(v));
		d = _mm256_add_pd(d, high(v));
	}
	for (; i < n; i += 8) {
		__m256 u = _mm256_maskload_ps(x + i, avx2_mask(n - i < 8 ? (unsigned int)(n - i) : 8));

		a = _mm256_add_pd(a, low(u));
		b = _mm256_add_pd(b, high(u));
	}
	return avx2_sum(_mm256_add_pd(_mm256_add_pd(a, c), _mm256_add_pd(b, d)));
}

INLINE __m256d add_square(__m256d sum, __m256d x, __m256d mean)
{
	x = _mm256_sub_pd(x, mean);
	return _mm256_fmadd_pd(x, x, sum);
}

static double avx2_sum_squares(const float *x, double mean_, size_t n)
{
	__m256d mean = _mm256_set1_pd(mean_);
	__m256d a = _mm256_setzero_pd(), b = a, c = a, d = a;
	double sum;
	size_t i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m256 u = _mm256_loadu_ps(x + i), v = _mm256_loadu_ps(x + i + 8);

		a = add_square(a, low(u), mean);
		b = add_square(b, high(u), mean);
		c = add_square(c, low(v), mean);
		d = add_square(d, high(v), mean);
	}
	sum = avx2_sum(_mm256_add_pd(_mm256_add_pd(a, c), _mm256_add_pd(b, d)));
	for (; i < n; i++) {
		double far = x[i] - mean_;

		sum += far * far;
	}
	return sum;
}

INLINE __m256 normed(__m256 x, __m256d mean, __m256d factor)
{
	return narrow(_mm256_mul_pd(_mm256_sub_pd(low(x), mean), factor),
		      _mm256_mul_pd(_mm256_sub_pd(high(x), mean), factor));
}

INLINE void norm_all(const struct kernels_norm *norm, bool has_mul, bool has_add,
		     bool is_streamed)
{
	__m256d mean = _mm256_set1_pd(norm->mean), factor = _mm256_set1_pd(norm->factor);
	size_t i, n = norm->n;

	for (i = 0; i + 8 <= n; i += 8) {
		__m256 y = normed(_mm256_loadu_ps(norm->from + i), mean, factor);

		if (has_mul)
			y = _mm256_mul_ps(y, _mm256_loadu_ps(norm->mul + i));
		if (has_add)
			y = _mm256_add_ps(y, _mm256_loadu_ps(norm->add + i));
		store(norm->to + i, y, is_streamed);
	}
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));
		__m256 y = normed(_mm256_maskload_ps(norm->from + i, mask), mean, factor);

		if (has_mul)
			y = _mm256_mul_ps(y, _mm256_maskload_ps(norm->mul + i, mask));
		if (has_add)
			y = _mm256_add_ps(y, _mm256_maskload_ps(norm->add + i, mask));
		_mm256_maskstore_ps(norm->to + i, mask, y);
	}
}

static void avx2_norm(const struct kernels_norm *norm)
{
	bool is_streamed = norm->is_streamed && is_aligned(norm->to);

	if (norm->mul && norm->add)
		norm_all(norm, true, true, is_streamed);
	else if (norm->add)
		norm_all(norm, false, true, is_streamed);
	else if (norm->mul && is_streamed)
		norm_all(norm, true, false, true);
	else if (norm->mul)
		norm_all(norm, true, false, false);
	else
		norm_all(norm, false, false, is_streamed);
}

/*
 * An angle is brought into ±π/4 by π/2 in three parts, exact enough up to 2^31 quarters; then
 * Taylor sums: the first terms left out are below 2^-44 and 2^-41. What is larger or no number
 * goes the slow way.
 */
INLINE __m256d reduce(__m256d x, __m256d quarter)
{
	x = _mm256_fnmadd_pd(quarter, _mm256_set1_pd(0x1.921fb54442d18p+0), x);
	x = _mm256_fnmadd_pd(quarter, _mm256_set1_pd(0x1.1a62633145c07p-54), x);
	return _mm256_fnmadd_pd(quarter, _mm256_set1_pd(-0x1.f1976b7ed8fbcp-110), x);
}

INLINE __m256d sine_of(__m256d x, __m256d square)
{
	__m256d p = _mm256_set1_pd(-1.0 / 39916800);

	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(1.0 / 362880));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(-1.0 / 5040));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(1.0 / 120));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(-1.0 / 6));
	return _mm256_fmadd_pd(_mm256_mul_pd(p, square), x, x);
}

INLINE __m256d cosine_of(__m256d square)
{
	__m256d p = _mm256_set1_pd(1.0 / 479001600);

	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(-1.0 / 3628800));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(1.0 / 40320));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(-1.0 / 720));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(1.0 / 24));
	p = _mm256_fmadd_pd(p, square, _mm256_set1_pd(-0.5));
	return _mm256_fmadd_pd(p, square, _mm256_set1_pd(1));
}

/* Four angles at once; returns whether all were small enough. */
INLINE bool turn_four(float *cosine, float *sine, __m256d angle, __m256d scale)
{
	const __m256d magic = _mm256_set1_pd(0x1.8p52), sign = _mm256_set1_pd(-0.0);
	__m256d size = _mm256_andnot_pd(sign, angle), quarter, x, square, s, c, odd;
	__m256i number;

	if (_mm256_movemask_pd(_mm256_cmp_pd(size, _mm256_set1_pd(0x1p31), _CMP_LT_OQ)) != 15)
		return false;
	quarter = _mm256_fmadd_pd(angle, _mm256_set1_pd(0x1.45f306dc9c883p-1), magic);
	number = _mm256_castpd_si256(quarter);
	x = reduce(angle, _mm256_sub_pd(quarter, magic));
	square = _mm256_mul_pd(x, x);
	s = sine_of(x, square);
	c = cosine_of(square);
	/* Odd quarters exchange them; sin is negative in quarters 2, 3, cos in 1, 2. */
	odd = _mm256_castsi256_pd(_mm256_slli_epi64(number, 63));
	x = _mm256_blendv_pd(s, c, odd);
	c = _mm256_blendv_pd(c, s, odd);
	x = _mm256_xor_pd(x, _mm256_and_pd(sign, _mm256_castsi256_pd(
			_mm256_slli_epi64(number, 62))));
	c = _mm256_xor_pd(c, _mm256_and_pd(sign, _mm256_castsi256_pd(
			_mm256_slli_epi64(_mm256_add_epi64(number, _mm256_set1_epi64x(1)), 62))));
	_mm_storeu_ps(cosine, _mm256_cvtpd_ps(_mm256_mul_pd(c, scale)));
	_mm_storeu_ps(sine, _mm256_cvtpd_ps(_mm256_mul_pd(x, scale)));
	return true;
}

static void avx2_turn(float *cosine, float *sine, const double *turn, double pos, double scale,
		      size_t n)
{
	size_t i = 0, j;

	while (i < n) {
		size_t end = i + 4 <= n ? i + 4 : n;

		if (end == i + 4 &&
		    turn_four(cosine + i, sine + i,
			      _mm256_mul_pd(_mm256_loadu_pd(turn + i), _mm256_set1_pd(pos)),
			      _mm256_set1_pd(scale))) {
			i = end;
			continue;
		}
		for (j = i; j < end; j++) {
			double s, c;

			sincos(turn[j] * pos, &s, &c);
			cosine[j] = (float)(c * scale);
			sine[j] = (float)(s * scale);
		}
		i = end;
	}
}

INLINE __m256 turned(__m256 x, __m256 c, __m256 s)
{
	return _mm256_fmadd_ps(x, c, _mm256_mul_ps(_mm256_permute_ps(x, 0xb1), s));
}

INLINE void pairs_all(float *to, const float *from, const float *c, const float *s, size_t n,
		      bool is_streamed)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		store(to + i, turned(_mm256_loadu_ps(from + i), _mm256_loadu_ps(c + i),
				     _mm256_loadu_ps(s + i)), is_streamed);
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));

		_mm256_maskstore_ps(to + i, mask, turned(_mm256_maskload_ps(from + i, mask),
							 _mm256_maskload_ps(c + i, mask),
							 _mm256_maskload_ps(s + i, mask)));
	}
}

static void avx2_turn_pairs(float *to, const float *from, const float *cosine,
			    const float *sine, size_t n, bool is_streamed)
{
	if (is_streamed && is_aligned(to))
		pairs_all(to, from, cosine, sine, 2 * n, true);
	else
		pairs_all(to, from, cosine, sine, 2 * n, false);
}

INLINE void halves_all(float *to, const float *from, const float *cosine, const float *sine,
		       size_t n, bool is_streamed)
{
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		__m256 x = _mm256_loadu_ps(from + i), y = _mm256_loadu_ps(from + n + i);
		__m256 c = _mm256_loadu_ps(cosine + i), s = _mm256_loadu_ps(sine + i);

		store(to + i, _mm256_fmsub_ps(x, c, _mm256_mul_ps(y, s)), is_streamed);
		store(to + n + i, _mm256_fmadd_ps(y, c, _mm256_mul_ps(x, s)), is_streamed);
	}
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));
		__m256 x = _mm256_maskload_ps(from + i, mask);
		__m256 y = _mm256_maskload_ps(from + n + i, mask);
		__m256 c = _mm256_maskload_ps(cosine + i, mask);
		__m256 s = _mm256_maskload_ps(sine + i, mask);

		_mm256_maskstore_ps(to + i, mask, _mm256_fmsub_ps(x, c, _mm256_mul_ps(y, s)));
		_mm256_maskstore_ps(to + n + i, mask, _mm256_fmadd_ps(y, c, _mm256_mul_ps(x, s)));
	}
}

static void avx2_turn_halves(float *to, const float *from, const float *cosine,
			     const float *sine, size_t n, bool is_streamed)
{
	if (is_streamed && is_aligned(to) && n % 8 == 0)
		halves_all(to, from, cosine, sine, n, true);
	else
		halves_all(to, from, cosine, sine, n, false);
}

INLINE __m256 scaled(__m256 x, __m256 scale, __m256 mask, __m256 slope)
{
	return _mm256_add_ps(_mm256_mul_ps(x, scale), _mm256_mul_ps(mask, slope));
}

static void avx2_scale_mask(float *to, const float *from, const float *mask, float scale_,
			    float slope_, size_t n)
{
	__m256 scale = _mm256_set1_ps(scale_), slope = _mm256_set1_ps(slope_);
	size_t i;

	if (!mask) {
		for (i = 0; i + 8 <= n; i += 8)
			_mm256_storeu_ps(to + i, _mm256_mul_ps(_mm256_loadu_ps(from + i), scale));
		for (; i < n; i++)
			to[i] = scale_ * from[i];
		return;
	}
	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(to + i, scaled(_mm256_loadu_ps(from + i), scale,
						_mm256_loadu_ps(mask + i), slope));
	for (; i < n; i++)
		to[i] = scale_ * from[i] + slope_ * mask[i];
}

static float avx2_max(const float *x, size_t n)
{
	__m256 a = _mm256_set1_ps(-INFINITY), b = a;
	float lanes[8], max = -INFINITY;
	size_t i, j;

	/* A NaN is the first operand, so what was found stays. */
	for (i = 0; i + 16 <= n; i += 16) {
		a = _mm256_max_ps(_mm256_loadu_ps(x + i), a);
		b = _mm256_max_ps(_mm256_loadu_ps(x + i + 8), b);
	}
	_mm256_storeu_ps(lanes, _mm256_max_ps(a, b));
	for (j = 0; j < 8; j++)
		max = lanes[j] > max ? lanes[j] : max;
	for (; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

static double avx2_exp_sum(float *to, const float *from, float max_, size_t n)
{
	__m256 max = _mm256_set1_ps(max_), x;
	__m256d a = _mm256_setzero_pd(), b = a;
	size_t i;

	for (i = 0; i + 8 <= n; i += 8) {
		x = avx2_exp(_mm256_sub_ps(_mm256_loadu_ps(from + i), max));
		_mm256_storeu_ps(to + i, x);
		a = _mm256_add_pd(a, low(x));
		b = _mm256_add_pd(b, high(x));
	}
	if (i < n) {
		__m256i mask = avx2_mask((unsigned int)(n - i));

		x = avx2_exp(_mm256_sub_ps(_mm256_maskload_ps(from + i, mask), max));
		_mm256_maskstore_ps(to + i, mask, x);
		x = _mm256_and_ps(x, _mm256_castsi256_ps(mask));
		a = _mm256_add_pd(a, low(x));
		b = _mm256_add_pd(b, high(x));
	}
	return avx2_sum(_mm256_add_pd(a, b));
}

static void avx2_scale(float *to, const float *from, float by_, size_t n, bool is_streamed)
{
	__m256 by = _mm256_set1_ps(by_);
	size_t i = 0;

	if (is_streamed && is_aligned(to))
		for (; i + 8 <= n; i += 8)
			_mm256_stream_ps(to + i, _mm256_mul_ps(_mm256_loadu_ps(from + i), by));
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(to + i, _mm256_mul_ps(_mm256_loadu_ps(from + i), by));
	for (; i < n; i++)
		to[i] = from[i] * by_;
}

void kernels_rows_avx2(struct kernels_rows *table)
{
	*table = (struct kernels_rows) {
		.sum = avx2_sum_of,
		.sum_squares = avx2_sum_squares,
		.norm = avx2_norm,
		.turn = avx2_turn,
		.turn_pairs = avx2_turn_pairs,
		.turn_halves = avx2_turn_halves,
		.scale_mask = avx2_scale_mask,
		.max = avx2_max,
		.exp = avx2_exp_sum,
		.scale = avx2_scale,
	};
}

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

/* Vectors whose steps alternate: one alone waits for itself. */
#define EACH_OF(count, step)	do { for (int v = 0; v < (count); v++) step; } while (0)

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

/* Four floats in memory as doubles: half the work of eight in a register. */
INLINE __m256d four(const float *x)
{
	return _mm256_cvtps_pd(_mm_loadu_ps(x));
}

/* Sum, or sum of squares, in four times four lanes. */
struct lanes {
	__m256d sum[4];
};

INLINE void lanes_add(struct lanes *lanes, const float *x, bool squares)
{
	EACH_OF(4, {
		__m256d y = four(x + 4 * v);

		lanes->sum[v] = squares ? _mm256_fmadd_pd(y, y, lanes->sum[v]) :
				_mm256_add_pd(lanes->sum[v], y);
	});
}

INLINE double lanes_end(const struct lanes *lanes, const float *x, size_t i, size_t n,
			bool squares)
{
	double sum = avx2_sum(_mm256_add_pd(_mm256_add_pd(lanes->sum[0], lanes->sum[2]),
					    _mm256_add_pd(lanes->sum[1], lanes->sum[3])));

	for (; i < n; i++)
		sum += squares ? (double)x[i] * x[i] : x[i];
	return sum;
}

INLINE double lanes_all(const float *x, size_t n, bool squares)
{
	struct lanes lanes = { 0 };
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		lanes_add(&lanes, x + i, squares);
	return lanes_end(&lanes, x, i, n, squares);
}

static double avx2_sum_of(const float *x, size_t n)
{
	return lanes_all(x, n, false);
}

static double avx2_sum_squares(const float *x, double mean_, size_t n)
{
	__m256d mean = _mm256_set1_pd(mean_);
	struct lanes lanes = { 0 };
	double sum;
	size_t i;

	if (mean_ == 0)
		return lanes_all(x, n, true);
	for (i = 0; i + 16 <= n; i += 16)
		EACH_OF(4, {
			__m256d y = _mm256_sub_pd(four(x + i + 4 * v), mean);

			lanes.sum[v] = _mm256_fmadd_pd(y, y, lanes.sum[v]);
		});
	sum = lanes_end(&lanes, x, n, n, true);
	for (; i < n; i++)
		sum += (x[i] - mean_) * (x[i] - mean_);
	return sum;
}

/* What a loop of norm is made for: constants, so that each has its own. */
struct norm_loop {
	bool has_mean;
	bool has_mul;
	bool has_add;
	bool is_streamed;
	bool has_next;
};

INLINE void norm_run(struct kernels_norm *norm, const struct norm_loop loop)
{
	float mean_ = (float)norm->mean, factor_ = (float)norm->factor;
	__m256 mean = _mm256_set1_ps(mean_), factor = _mm256_set1_ps(factor_);
	__m256 rest = _mm256_set1_ps((float)(norm->mean - mean_));
	const float *from = norm->from, *mul = norm->mul, *add = norm->add;
	size_t i, j, n = norm->n & ~(size_t)15;
	struct lanes lanes = { 0 };
	float *to = norm->to;

	for (i = 0; i < n; i += 16) {
		if (loop.has_next)
			lanes_add(&lanes, norm->next + i, !loop.has_mean);
		/* The row behind comes in the meantime. */
		_mm_prefetch((const char *)((loop.has_next ? norm->next : from) + norm->n + i),
			     _MM_HINT_T1);
		for (j = i; j < i + 16; j += 8) {
			__m256 y = _mm256_loadu_ps(from + j);

			if (loop.has_mean)
				y = _mm256_sub_ps(_mm256_sub_ps(y, mean), rest);
			y = _mm256_mul_ps(y, factor);
			if (loop.has_mul)
				y = _mm256_mul_ps(y, _mm256_loadu_ps(mul + j));
			if (loop.has_add)
				y = _mm256_add_ps(y, _mm256_loadu_ps(add + j));
			store(to + j, y, loop.is_streamed);
		}
	}
	if (loop.has_next)
		norm->next_sum = lanes_end(&lanes, norm->next, n, norm->n, !loop.has_mean);
}

#define NORM_RUN(mul, add) \
	(norm->has_mean ? norm_run(norm, (struct norm_loop) { true, mul, add, streamed, next }) : \
	 norm_run(norm, (struct norm_loop) { false, mul, add, streamed, next }))

INLINE void norm_operands(struct kernels_norm *norm, const bool streamed, const bool next)
{
	if (norm->mul && norm->add)
		NORM_RUN(true, true);
	else if (norm->mul)
		NORM_RUN(true, false);
	else if (norm->add)
		NORM_RUN(false, true);
	else
		NORM_RUN(false, false);
}

static void avx2_norm(struct kernels_norm *norm)
{
	size_t done = norm->n & ~(size_t)15;
	struct kernels_norm rest = *norm;

	if (norm->is_wide || (norm->next && !is_aligned(norm->to))) {
		done = 0;
		if (norm->next)
			norm->next_sum = lanes_all(norm->next, norm->n, !norm->has_mean);
	} else if (norm->next) {
		norm_operands(norm, true, true);
	} else if (norm->is_streamed && is_aligned(norm->to)) {
		norm_operands(norm, true, false);
	} else {
		norm_operands(norm, false, false);
	}
	rest.n -= done;
	rest.to += done;
	rest.from += done;
	rest.mul = norm->mul ? norm->mul + done : NULL;
	rest.add = norm->add ? norm->add + done : NULL;
	rest.next = NULL;
	if (rest.n)
		kernels_rows_norm(&rest);
}

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

INLINE __m256 exponent(const struct kernels_soft *soft, size_t i, bool has_mask)
{
	__m256 t = _mm256_mul_ps(_mm256_set1_ps(soft->scale), _mm256_loadu_ps(soft->x + i));

	if (has_mask)
		t = _mm256_add_ps(t, _mm256_mul_ps(_mm256_set1_ps(soft->slope),
						   _mm256_loadu_ps(soft->mask + i)));
	return t;
}

/* Up to eight at the end of a row; lanes that do not exist are −Inf. */
INLINE __m256 exponent_rest(const struct kernels_soft *soft, size_t i, bool has_mask)
{
	size_t left = soft->n - i;
	const __m256i mask = avx2_mask(left < 8 ? (unsigned int)left : 8);
	__m256 t = _mm256_mul_ps(_mm256_set1_ps(soft->scale),
				 _mm256_maskload_ps(soft->x + i, mask));

	if (has_mask)
		t = _mm256_add_ps(t, _mm256_mul_ps(_mm256_set1_ps(soft->slope),
						   _mm256_maskload_ps(soft->mask + i, mask)));
	return _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), t, _mm256_castsi256_ps(mask));
}

INLINE float max_all(const struct kernels_soft *soft, bool has_mask)
{
	__m256 a = _mm256_set1_ps(-INFINITY), b = a;
	float lanes[8], max = -INFINITY;
	size_t i, j, n = soft->n;

	/* A NaN is the first operand, so what was found stays. */
	for (i = 0; i + 16 <= n; i += 16) {
		a = _mm256_max_ps(exponent(soft, i, has_mask), a);
		b = _mm256_max_ps(exponent(soft, i + 8, has_mask), b);
	}
	for (; i < n; i += 8)
		a = _mm256_max_ps(exponent_rest(soft, i, has_mask), a);
	_mm256_storeu_ps(lanes, _mm256_max_ps(a, b));
	for (j = 0; j < 8; j++)
		max = lanes[j] > max ? lanes[j] : max;
	return max;
}

static float avx2_max(const struct kernels_soft *soft)
{
	return soft->mask ? max_all(soft, true) : max_all(soft, false);
}

#define TOGETHER	4
#define EACH(step)	EACH_OF(TOGETHER, step)

/*
 * e^t for t ≤ 0 or NaN: what softmax needs, with less than avx2_exp() does. The polynomial is
 * within 2^-28 of e^r in ± ln 2 / 2; 2^n is 0 for n = −127, the smallest that is left.
 */
INLINE void exp_or_zero(__m256 t[TOGETHER])
{
	const __m256 round = _mm256_set1_ps(12582912.0f), one = _mm256_set1_ps(1.0f);
	__m256 n[TOGETHER], p[TOGETHER];

	EACH(t[v] = _mm256_max_ps(_mm256_set1_ps(-88.0f), t[v]));	/* a NaN, second, stays */
	EACH(n[v] = _mm256_fmadd_ps(t[v], _mm256_set1_ps(1.44269504088896341f), round));
	EACH(p[v] = _mm256_sub_ps(n[v], round));
	EACH(t[v] = _mm256_fnmadd_ps(p[v], _mm256_set1_ps(0.693359375f), t[v]));
	EACH(t[v] = _mm256_fnmadd_ps(p[v], _mm256_set1_ps(-2.12194440e-4f), t[v]));
	EACH(p[v] = _mm256_fmadd_ps(t[v], _mm256_set1_ps(0.0013814601f),
				    _mm256_set1_ps(0.0083687156f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.041668389f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.16666521f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], t[v], _mm256_set1_ps(0.49999994f)));
	EACH(p[v] = _mm256_fmadd_ps(p[v], _mm256_mul_ps(t[v], t[v]), t[v]));
	EACH(n[v] = _mm256_castsi256_ps(_mm256_add_epi32(
			_mm256_slli_epi32(_mm256_castps_si256(n[v]), 23),
			_mm256_castps_si256(one))));
	EACH(t[v] = _mm256_mul_ps(_mm256_add_ps(p[v], one), n[v]));
}

INLINE double exp_all(float *to, const struct kernels_soft *soft, float max_, bool has_mask)
{
	__m256 max = _mm256_set1_ps(max_), x[TOGETHER], all;
	__m256d a = _mm256_setzero_pd(), b = a;
	size_t i, n = soft->n;

	for (i = 0; i + 8 * TOGETHER <= n; i += 8 * TOGETHER) {
		/* The next row comes while this one is computed. */
		_mm_prefetch((const char *)(soft->x + n + i), _MM_HINT_T0);
		_mm_prefetch((const char *)(soft->x + n + i + 16), _MM_HINT_T0);
		EACH(x[v] = _mm256_sub_ps(exponent(soft, i + 8 * (size_t)v, has_mask), max));
		exp_or_zero(x);
		EACH(_mm256_storeu_ps(to + i + 8 * v, x[v]));
		all = _mm256_add_ps(_mm256_add_ps(x[0], x[1]), _mm256_add_ps(x[2], x[3]));
		a = _mm256_add_pd(a, low(all));
		b = _mm256_add_pd(b, high(all));
	}
	for (; i < n; i += 8) {
		__m256i mask = avx2_mask(n - i < 8 ? (unsigned int)(n - i) : 8);

		EACH(x[v] = _mm256_sub_ps(exponent_rest(soft, i, has_mask), max));
		exp_or_zero(x);
		_mm256_maskstore_ps(to + i, mask, x[0]);
		all = _mm256_and_ps(x[0], _mm256_castsi256_ps(mask));
		a = _mm256_add_pd(a, low(all));
		b = _mm256_add_pd(b, high(all));
	}
	return avx2_sum(_mm256_add_pd(a, b));
}

static double avx2_exp_sum(float *to, const struct kernels_soft *soft, float max)
{
	return soft->mask ? exp_all(to, soft, max, true) : exp_all(to, soft, max, false);
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
		.spread = avx2_spread,
		.turn_pairs = avx2_turn_pairs,
		.turn_halves = avx2_turn_halves,
		.max = avx2_max,
		.exp = avx2_exp_sum,
		.scale = avx2_scale,
	};
}

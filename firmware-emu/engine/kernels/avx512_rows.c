// SPDX-License-Identifier: MIT
/* NORM and ROPE at level 2 of kernels_rows.h. Rests of a row are done under masks. */
#include "firmware-emu/engine/kernels/avx512_load.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels_rows.h"

#define INLINE	AVX512_INLINE
#define EACH(...)	do { for (int v = 0; v < 4; v++) __VA_ARGS__; } while (0)
#define BOTH	AVX512_BOTH

static struct kernels_rows below;	/* the level that this one stands on */

/* Sum, or sum of squares, in four times eight lanes. */
struct lanes {
	__m512d sum[4];
};

/* @n ≤ 32 elements; F32 come from memory four by four, which is half the work. */
INLINE void lanes_add(struct lanes *lanes, unsigned int type, const void *x, size_t n,
		      bool squares, double mean)
{
	__m512d y[4];
	__m512 both[2];

	if (type == MARU_TYPE_F32 && n == 32) {
		EACH(y[v] = _mm512_cvtps_pd(_mm256_loadu_ps((const float *)x + 8 * v)));
	} else {
		avx512_load_part(type, x, n, both);
		EACH(y[v] = _mm512_cvtps_pd(v % 2 ? _mm512_extractf32x8_ps(both[v / 2], 1) :
					    _mm512_castps512_ps256(both[v / 2])));
	}
	if (mean != 0)
		EACH({
			__mmask8 mask = (__mmask8)(avx512_lanes(n, v / 2) >> v % 2 * 8);

			y[v] = _mm512_maskz_sub_pd(mask, y[v], _mm512_set1_pd(mean));
		});
	EACH(lanes->sum[v] = squares ? _mm512_fmadd_pd(y[v], y[v], lanes->sum[v]) :
			     _mm512_add_pd(lanes->sum[v], y[v]));
}

INLINE double lanes_sum(const struct lanes *lanes)
{
	return _mm512_reduce_add_pd(_mm512_add_pd(_mm512_add_pd(lanes->sum[0], lanes->sum[2]),
						  _mm512_add_pd(lanes->sum[1], lanes->sum[3])));
}

INLINE double lanes_all(unsigned int type, const void *x_, size_t n, bool squares, double mean)
{
	const uint8_t *x = x_;
	struct lanes lanes = { 0 };
	size_t i, size = element_bytes(type);

	for (i = 0; i + 32 <= n; i += 32)
		lanes_add(&lanes, type, x + i * size, 32, squares, mean);
	if (i < n)
		lanes_add(&lanes, type, x + i * size, n - i, squares, mean);
	return lanes_sum(&lanes);
}

static double avx512_sum(unsigned int type, const void *x, size_t n)
{
	double sum = 0;

#define SUM(x, type)	(sum = lanes_all(type, x, n, false, 0))
	AVX512_BY_TYPE(type, SUM, x);
	return sum;
}

static double avx512_sum_squares(unsigned int type, const void *x, double mean, size_t n)
{
	double sum = 0;

#define SQUARES(x, type)	(sum = lanes_all(type, x, n, true, 0))
#define FAR(x, type)		(sum = lanes_all(type, x, n, true, mean))
	if (mean == 0)
		AVX512_BY_TYPE(type, SQUARES, x);
	else
		AVX512_BY_TYPE(type, FAR, x);
	return sum;
}

/* @n ≤ 32 elements from number @i on. */
INLINE void norm_step(const struct kernels_norm *norm, unsigned int from_type,
		      unsigned int to_type, size_t i, size_t n, const __m512 by[3])
{
	const void *from = (const uint8_t *)norm->from + i * element_bytes(from_type);
	__m512 y[2], more[2];

	avx512_load_part(from_type, from, n, y);
	if (norm->has_mean)
		BOTH(y[v] = _mm512_sub_ps(_mm512_sub_ps(y[v], by[1]), by[2]));
	BOTH(y[v] = _mm512_mul_ps(y[v], by[0]));
	if (norm->mul) {
		avx512_load_part(MARU_TYPE_F32, norm->mul + i, n, more);
		BOTH(y[v] = _mm512_mul_ps(y[v], more[v]));
	}
	if (norm->add) {
		avx512_load_part(MARU_TYPE_F32, norm->add + i, n, more);
		BOTH(y[v] = _mm512_add_ps(y[v], more[v]));
	}
	avx512_store_part(to_type, (uint8_t *)norm->to + i * element_bytes(to_type), y, n,
			  norm->is_streamed);
}

INLINE void next_step(const struct kernels_norm *norm, unsigned int type, struct lanes *lanes,
		      size_t i, size_t n)
{
	const void *next = (const uint8_t *)norm->next + i * element_bytes(type);

	if (norm->has_mean)
		lanes_add(lanes, type, next, n, false, 0);
	else
		lanes_add(lanes, type, next, n, true, 0);
}

INLINE void norm_run(struct kernels_norm *norm_, unsigned int from_type, unsigned int to_type,
		     const bool has_next)
{
	const struct kernels_norm norm = *norm_;
	const float mean = (float)norm.mean;
	const __m512 by[3] = { _mm512_set1_ps((float)norm.factor), _mm512_set1_ps(mean),
			       _mm512_set1_ps((float)(norm.mean - mean)) };
	size_t i, n = norm.n, size = element_bytes(from_type);
	struct lanes lanes = { 0 };

	for (i = 0; i + 32 <= n; i += 32) {
		/* What is summed soon comes in the meantime. */
		const char *behind = has_next ? (const char *)norm.next + KERNELS_NORM_AHEAD :
				     (const char *)norm.from + n * size;

		_mm_prefetch(behind + i * size, _MM_HINT_T1);
		if (size == 4)
			_mm_prefetch(behind + i * size + 64, _MM_HINT_T1);
		if (has_next)
			next_step(&norm, from_type, &lanes, i, 32);
		norm_step(&norm, from_type, to_type, i, 32, by);
	}
	if (i < n) {
		if (has_next)
			next_step(&norm, from_type, &lanes, i, n - i);
		norm_step(&norm, from_type, to_type, i, n - i, by);
	}
	if (has_next)
		norm_->next_sum = lanes_sum(&lanes);
}

INLINE void norm_from(struct kernels_norm *norm, unsigned int from_type)
{
#define NORM_TO(norm, type) \
	(norm->next ? norm_run(norm, from_type, type, true) : \
	 norm_run(norm, from_type, type, false))
	AVX512_BY_TYPE(norm->to_type, NORM_TO, norm);
}

static void avx512_norm(struct kernels_norm *norm)
{
	struct kernels_norm wide = *norm;

	norm->is_streamed &= avx512_is_aligned(norm->to);
	if (!norm->is_wide) {
		AVX512_BY_TYPE(norm->from_type, norm_from, norm);
		return;
	}
	wide.next = NULL;
	kernels_rows_norm(&wide);
	if (norm->next)
		norm->next_sum = norm->has_mean ?
				 avx512_sum(norm->from_type, norm->next, norm->n) :
				 avx512_sum_squares(norm->from_type, norm->next, 0, norm->n);
}

/* avx2_rope.c says how; two vectors whose steps alternate. */
INLINE void taylor(__m512d p[2], const __m512d square[2], const double *terms, unsigned int count)
{
	BOTH(p[v] = _mm512_set1_pd(terms[0]));
	for (unsigned int i = 1; i < count; i++)
		BOTH(p[v] = _mm512_fmadd_pd(p[v], square[v], _mm512_set1_pd(terms[i])));
}

/* Sixteen angles at once; returns whether all were small enough. */
INLINE bool turn_sixteen(float *cosine, float *sine, const double *turn, __m512d pos,
			 __m512d scale)
{
	static const double odd[] = { -1.0 / 39916800, 1.0 / 362880, -1.0 / 5040, 1.0 / 120,
				      -1.0 / 6 };
	static const double even[] = { 1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720,
				       1.0 / 24, -0.5, 1 };
	const __m512d magic = _mm512_set1_pd(0x1.8p52), sign = _mm512_set1_pd(-0.0);
	__m512d x[2], quarter[2], square[2], s[2], c[2];
	__m512i number[2];
	__mmask8 small[2];

	BOTH(x[v] = _mm512_mul_pd(_mm512_loadu_pd(turn + 8 * v), pos));
	BOTH(small[v] = _mm512_cmp_pd_mask(_mm512_abs_pd(x[v]), _mm512_set1_pd(0x1p31),
					   _CMP_LT_OQ));
	if ((small[0] & small[1]) != 0xff)
		return false;
	BOTH(quarter[v] = _mm512_fmadd_pd(x[v], _mm512_set1_pd(0x1.45f306dc9c883p-1), magic));
	BOTH(number[v] = _mm512_castpd_si512(quarter[v]));
	BOTH(quarter[v] = _mm512_sub_pd(quarter[v], magic));
	BOTH(x[v] = _mm512_fnmadd_pd(quarter[v], _mm512_set1_pd(0x1.921fb54442d18p+0), x[v]));
	BOTH(x[v] = _mm512_fnmadd_pd(quarter[v], _mm512_set1_pd(0x1.1a62633145c07p-54), x[v]));
	BOTH(x[v] = _mm512_fnmadd_pd(quarter[v], _mm512_set1_pd(-0x1.f1976b7ed8fbcp-110), x[v]));
	BOTH(square[v] = _mm512_mul_pd(x[v], x[v]));
	taylor(s, square, odd, 5);
	taylor(c, square, even, 7);
	BOTH(s[v] = _mm512_fmadd_pd(_mm512_mul_pd(s[v], square[v]), x[v], x[v]));
	/* Odd quarters exchange them; sin is negative in quarters 2, 3, cos in 1, 2. */
	BOTH({
		const __m512i one = _mm512_set1_epi64(1);
		__mmask8 is_odd = _mm512_test_epi64_mask(number[v], one);
		__m512i up = _mm512_add_epi64(number[v], one);

		x[v] = _mm512_mask_blend_pd(is_odd, s[v], c[v]);
		c[v] = _mm512_mask_blend_pd(is_odd, c[v], s[v]);
		x[v] = _mm512_xor_pd(x[v], _mm512_and_pd(sign, _mm512_castsi512_pd(
				     _mm512_slli_epi64(number[v], 62))));
		c[v] = _mm512_xor_pd(c[v], _mm512_and_pd(sign, _mm512_castsi512_pd(
				     _mm512_slli_epi64(up, 62))));
	});
	BOTH(_mm256_storeu_ps(cosine + 8 * v, _mm512_cvtpd_ps(_mm512_mul_pd(c[v], scale))));
	BOTH(_mm256_storeu_ps(sine + 8 * v, _mm512_cvtpd_ps(_mm512_mul_pd(x[v], scale))));
	return true;
}

static void avx512_turn(float *cosine, float *sine, const double *turn, double pos, double scale,
			size_t n)
{
	__m512d all_pos = _mm512_set1_pd(pos), all_scale = _mm512_set1_pd(scale);
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		if (!turn_sixteen(cosine + i, sine + i, turn + i, all_pos, all_scale))
			break;
	if (i < n)
		below.turn(cosine + i, sine + i, turn + i, pos, scale, n - i);
}

/* @n ≤ 32 elements. */
INLINE void pairs_step(unsigned int type, void *to, const void *from, const float *cosine,
		       const float *sine, size_t n, bool is_streamed)
{
	__m512 x[2], c[2], s[2];

	avx512_load_part(type, from, n, x);
	avx512_load_part(MARU_TYPE_F32, cosine, n, c);
	avx512_load_part(MARU_TYPE_F32, sine, n, s);
	BOTH(s[v] = _mm512_mul_ps(_mm512_permute_ps(x[v], 0xb1), s[v]));
	BOTH(x[v] = _mm512_fmadd_ps(x[v], c[v], s[v]));
	avx512_store_part(type, to, x, n, is_streamed);
}

/* @n ≤ 32 pairs whose parts lie @apart. */
INLINE void halves_step(unsigned int type, uint8_t *to, const uint8_t *from, size_t apart,
			const float *cosine, const float *sine, size_t n, bool is_streamed)
{
	__m512 x[2], y[2], c[2], s[2], z[2];

	avx512_load_part(type, from, n, x);
	avx512_load_part(type, from + apart, n, y);
	avx512_load_part(MARU_TYPE_F32, cosine, n, c);
	avx512_load_part(MARU_TYPE_F32, sine, n, s);
	BOTH(z[v] = _mm512_fmsub_ps(x[v], c[v], _mm512_mul_ps(y[v], s[v])));
	BOTH(y[v] = _mm512_fmadd_ps(y[v], c[v], _mm512_mul_ps(x[v], s[v])));
	avx512_store_part(type, to, z, n, is_streamed);
	avx512_store_part(type, to + apart, y, n, is_streamed);
}

INLINE void pairs_all(const struct kernels_turn *turn, unsigned int type)
{
	bool is_streamed = turn->is_streamed && avx512_is_aligned(turn->to) &&
			   turn->to_step % 64 == 0;
	size_t size = element_bytes(type), n = 2 * turn->n, i;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (i = 0; i < n * size; i += 64)
			_mm_prefetch((const char *)from + i + KERNELS_TURN_AHEAD, _MM_HINT_T1);
		for (i = 0; i + 32 <= n; i += 32)
			pairs_step(type, to + i * size, from + i * size, turn->cosine + i,
				   turn->sine + i, 32, is_streamed);
		if (i < n)
			pairs_step(type, to + i * size, from + i * size, turn->cosine + i,
				   turn->sine + i, n - i, false);
	}
}

INLINE void halves_all(const struct kernels_turn *turn, unsigned int type)
{
	size_t size = element_bytes(type), n = turn->n, i;
	bool is_streamed = turn->is_streamed && avx512_is_aligned(turn->to) &&
			   turn->to_step % 64 == 0 && n % 32 == 0;

	for (size_t head = 0; head < turn->count; head++) {
		const uint8_t *from = turn->from + head * turn->from_step;
		uint8_t *to = turn->to + head * turn->to_step;

		for (i = 0; i < 2 * n * size; i += 64)
			_mm_prefetch((const char *)from + i + KERNELS_TURN_AHEAD, _MM_HINT_T1);
		for (i = 0; i + 32 <= n; i += 32)
			halves_step(type, to + i * size, from + i * size, n * size,
				    turn->cosine + i, turn->sine + i, 32, is_streamed);
		if (i < n)
			halves_step(type, to + i * size, from + i * size, n * size,
				    turn->cosine + i, turn->sine + i, n - i, false);
	}
}

static void avx512_turn_pairs(const struct kernels_turn *turn)
{
	AVX512_BY_TYPE(turn->type, pairs_all, turn);
}

static void avx512_turn_halves(const struct kernels_turn *turn)
{
	AVX512_BY_TYPE(turn->type, halves_all, turn);
}

#ifndef KERNELS_ROWS
#define KERNELS_ROWS	kernels_rows_avx512
#endif

void KERNELS_ROWS(struct kernels_rows *table)
{
	below = *table;
	table->sum = avx512_sum;
	table->sum_squares = avx512_sum_squares;
	table->norm = avx512_norm;
	table->turn = avx512_turn;
	table->turn_pairs = avx512_turn_pairs;
	table->turn_halves = avx512_turn_halves;
}

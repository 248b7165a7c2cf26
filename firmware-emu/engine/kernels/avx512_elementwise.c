// SPDX-License-Identifier: MIT
/*
 * ELEMENTWISE at level 2, as avx2_elementwise.c does it. The exponential of gates is of its own, so
 * the loops over F32 make those codes with it too: the same bits on every path.
 */
#include <immintrin.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels/avx512_exp.h"
#include "firmware-emu/engine/kernels/avx512_load.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels/elementwise.h"
#include "firmware-emu/engine/kernels_elementwise.h"

#define INLINE	AVX512_INLINE

KERNELS_ACTIVATE(other_activate)
KERNELS_UNARY(other_unary, other_activate)
KERNELS_BINARY(other_binary)
KERNELS_INTEGER(avx512_integer)

#define EACH	AVX512_EACH

/* x / (1 + e^(sign · t)) */
INLINE void gate(__m512 x[AVX512_TOGETHER], __m512 t[AVX512_TOGETHER], float sign)
{
	EACH(t[v] = _mm512_range_ps(t[v], _mm512_set1_ps(AVX512_EXP_MAX), 2));	/* nearer to 0 */
	avx512_exp(t, sign);
	EACH(t[v] = _mm512_add_ps(t[v], _mm512_set1_ps(1.0f)));
	EACH(x[v] = _mm512_div_ps(x[v], t[v]));
}

INLINE void silu(__m512 x[AVX512_TOGETHER])
{
	__m512 t[AVX512_TOGETHER];

	EACH(t[v] = x[v]);
	gate(x, t, -1);
}

/* act_gelu() of activate.h; the constant is −2 · 0.797… */
INLINE void gelu(__m512 x[AVX512_TOGETHER])
{
	__m512 t[AVX512_TOGETHER];

	EACH(t[v] = _mm512_mul_ps(_mm512_set1_ps(0.044715f), x[v]));
	EACH(t[v] = _mm512_mul_ps(_mm512_mul_ps(t[v], x[v]), x[v]));
	EACH(t[v] = _mm512_add_ps(t[v], x[v]));
	EACH(t[v] = _mm512_mul_ps(_mm512_set1_ps(-1.59576912160573071176f), t[v]));
	gate(x, t, 1);
}

INLINE void apply(unsigned int code, const float *p, __m512 x[AVX512_TOGETHER],
		  const __m512 y[AVX512_TOGETHER])
{
	switch (code) {
	case MARU_CODE_ADD:
		EACH(x[v] = _mm512_add_ps(x[v], y[v]));
		break;
	case MARU_CODE_SUB:
		EACH(x[v] = _mm512_sub_ps(x[v], y[v]));
		break;
	case MARU_CODE_MUL:
		EACH(x[v] = _mm512_mul_ps(x[v], y[v]));
		break;
	case MARU_CODE_DIV:
		EACH(x[v] = _mm512_div_ps(x[v], y[v]));
		break;
	case MARU_CODE_SILU:
	case MARU_CODE_SWIGLU:
		silu(x);
		break;
	case MARU_CODE_GELU:
	case MARU_CODE_GEGLU:
		gelu(x);
		break;
	default:	/* SCALE */
		EACH(x[v] = _mm512_add_ps(_mm512_mul_ps(_mm512_set1_ps(p[0]), x[v]),
					  _mm512_set1_ps(p[1])));
	}
	if (code == MARU_CODE_SWIGLU || code == MARU_CODE_GEGLU)
		EACH(x[v] = _mm512_mul_ps(x[v], y[v]));
}

INLINE size_t pass(unsigned int code, unsigned int type, const struct kernels_pass *pass,
		   size_t n, int is_one, int is_stream)
{
	size_t size = type == MARU_TYPE_F32 ? 4 : 2, i;
	const uint8_t *a = pass->a, *b = pass->b;
	__m512 one = _mm512_setzero_ps();
	uint8_t *to = pass->to;

	if (is_one && b)
		one = _mm512_set1_ps(element_load(type, b, 0));
	for (i = 0; i + 64 <= n; i += 64) {
		__m512 x[AVX512_TOGETHER], y[AVX512_TOGETHER] = { one, one, one, one };

		avx512_load(type, a + i * size, x);
		avx512_load(type, a + (i + 32) * size, x + 2);
		if (!is_one) {
			avx512_load(type, b + i * size, y);
			avx512_load(type, b + (i + 32) * size, y + 2);
		}
		apply(code, pass->p, x, y);
		avx512_store(type, to + i * size, x, is_stream);
		avx512_store(type, to + (i + 32) * size, x + 2, is_stream);
	}
	return i;
}

#include "firmware-emu/engine/kernels/pass.h"

/* The same codes on F32 in the caches. */
INLINE void each(unsigned int code, float *values, const float *right, size_t n)
{
	for (size_t i = 0; i < n; i += 64) {
		__m512 x[AVX512_TOGETHER], y[AVX512_TOGETHER] = { _mm512_setzero_ps() };
		__mmask16 mask[AVX512_TOGETHER];

		EACH(mask[v] = avx512_lanes(n - i, v));
		EACH(x[v] = _mm512_maskz_loadu_ps(mask[v], values + i + 16 * v));
		if (right)
			EACH(y[v] = _mm512_maskz_loadu_ps(mask[v], right + i + 16 * v));
		apply(code, NULL, x, y);
		EACH(_mm512_mask_storeu_ps(values + i + 16 * v, mask[v], x[v]));
	}
}

static void avx512_activate(unsigned int act, float *values, size_t n)
{
	if (act == MARU_ACT_SILU)
		each(MARU_CODE_SILU, values, NULL, n);
	else if (act == MARU_ACT_GELU)
		each(MARU_CODE_GELU, values, NULL, n);
	else
		other_activate(act, values, n);
}

static void avx512_unary(unsigned int code, const float *p, float *values, size_t n)
{
	if (code == MARU_CODE_SILU || code == MARU_CODE_GELU)
		avx512_activate(code + 1, values, n);
	else
		other_unary(code, p, values, n);
}

static void avx512_binary(unsigned int code, const float *p, float *restrict values,
			  const float *restrict right, size_t n)
{
	if (code == MARU_CODE_SWIGLU)
		each(MARU_CODE_SWIGLU, values, right, n);
	else if (code == MARU_CODE_GEGLU)
		each(MARU_CODE_GEGLU, values, right, n);
	else
		other_binary(code, p, values, right, n);
}

/* Any NaN, made quiet. */
INLINE __m512 quiet(__m512 x)
{
	__m512i bits = _mm512_castps_si512(x);
	__mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);

	return _mm512_castsi512_ps(_mm512_mask_or_epi32(bits, nan, bits,
							_mm512_set1_epi32(0x400000)));
}

INLINE size_t stream(uint8_t *to, const uint8_t *from, size_t n, const uint8_t *next,
		     unsigned int to_type, unsigned int from_type)
{
	size_t size = element_bytes(to_type), from_size = element_bytes(from_type), i;

	for (i = 0; i + 32 <= n; i += 32) {
		__m512 x[2];

		_mm_prefetch((const char *)next + i * from_size, _MM_HINT_T0);
		if (from_size == 4)
			_mm_prefetch((const char *)next + i * 4 + 64, _MM_HINT_T0);
		if (to_type == from_type) {
			avx512_put(to + i * size, _mm512_loadu_si512(from + i * size), 1);
			if (size == 4)
				avx512_put(to + i * size + 64,
					   _mm512_loadu_si512(from + i * size + 64), 1);
			continue;
		}
		avx512_load(from_type, from + i * from_size, x);
		AVX512_BOTH(x[v] = quiet(x[v]));
		avx512_store(to_type, to + i * size, x, 1);
	}
	return i;
}

INLINE size_t stream_from(unsigned int to_type, void *to, const void *from, size_t n,
			  const void *next, unsigned int from_type)
{
	size_t done = 0;

#define STREAM_TO(to, type)	(done = stream(to, from, n, next, type, from_type))
	AVX512_BY_TYPE(to_type, STREAM_TO, to);
	return done;
}

static size_t avx512_stream(unsigned int to_type, unsigned int from_type, void *to,
			    const void *from, size_t n, const void *next)
{
	size_t done = 0;

#define STREAM_FROM(to, type)	(done = stream_from(to_type, to, from, n, next, type))
	AVX512_BY_TYPE(from_type, STREAM_FROM, to);
	return done;
}

#ifndef KERNELS_ELEMENTWISE
#define KERNELS_ELEMENTWISE	kernels_elementwise_avx512

void kernels_avx512_activate(struct kernels *table)
{
	table->activate = avx512_activate;
}
#endif

void KERNELS_ELEMENTWISE(struct kernels_elementwise *table)
{
	*table = (struct kernels_elementwise) {
		.unary = avx512_unary, .binary = avx512_binary, .integer = avx512_integer,
		.pass = pass_any, .stream = avx512_stream,
	};
}

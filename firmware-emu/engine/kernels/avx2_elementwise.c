// SPDX-License-Identifier: MIT
/*
 * ELEMENTWISE at level 1. The frequent codes with all operands of one type go from memory to
 * memory in one pass, and past the caches when they are large; same bits as the loops of
 * elementwise.h, operation by operation.
 */
#include <immintrin.h>
#include <string.h>

#include "firmware-emu/engine/kernels/avx2_load.h"
#include "firmware-emu/engine/kernels/element.h"
#include "firmware-emu/engine/kernels/elementwise.h"
#include "firmware-emu/engine/kernels_elementwise.h"

#define INLINE	AVX2_INLINE

KERNELS_ACTIVATE(avx2_activate)
KERNELS_UNARY(avx2_unary, avx2_activate)
KERNELS_BINARY(avx2_binary)
KERNELS_INTEGER(avx2_integer)

/*
 * Sixteen elements as two vectors: the first eight and the last, but of BF16 those at even and at
 * odd places, which lie in the lower and upper halves of words.
 */
struct pair {
	__m256 a, b;
};

INLINE struct pair load16(unsigned int type, const void *from)
{
	const float *wide = from;
	__m256i both;

	if (type == MARU_TYPE_F32)
		return (struct pair) { _mm256_loadu_ps(wide), _mm256_loadu_ps(wide + 8) };
	both = _mm256_loadu_si256(from);
	if (type == MARU_TYPE_F16)
		return (struct pair) { _mm256_cvtph_ps(_mm256_castsi256_si128(both)),
				       _mm256_cvtph_ps(_mm256_extracti128_si256(both, 1)) };
	return (struct pair) {
		_mm256_castsi256_ps(_mm256_slli_epi32(both, 16)),
		_mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000u))),
	};
}

INLINE void store16(unsigned int type, void *to, struct pair x, int is_stream)
{
	if (type == MARU_TYPE_F32) {
		avx2_put(to, _mm256_castps_si256(x.a), is_stream);
		avx2_put((float *)to + 8, _mm256_castps_si256(x.b), is_stream);
	} else if (type == MARU_TYPE_F16) {
		avx2_put(to, avx2_narrow16(type, (__m256[2]) { x.a, x.b }), is_stream);
	} else {
		avx2_put(to, _mm256_blend_epi16(_mm256_srli_epi32(avx2_round_bf16(x.a), 16),
						avx2_round_bf16(x.b), 0xaa), is_stream);
	}
}

/*
 * x / (1 + act_exp(t)), the same bits with fewer steps: what is below e^−86 is nothing beside 1,
 * and above that one of the powers of two goes into the sum, so that the rest is no infinity.
 */
INLINE __m256 gate8(__m256 x, __m256 t)
{
	const __m256 round = _mm256_set1_ps(12582912.0f), one = _mm256_set1_ps(1.0f);
	__m256 n, r, p;
	__m256i power;

	t = _mm256_min_ps(_mm256_set1_ps(89.0f), t);
	t = _mm256_max_ps(_mm256_set1_ps(-86.0f), t);
	n = _mm256_fmadd_ps(t, _mm256_set1_ps(1.44269504088896341f), round);
	power = _mm256_slli_epi32(_mm256_castps_si256(n), 23);	/* round has no low bits */
	n = _mm256_sub_ps(n, round);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), t);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
	p = _mm256_set1_ps(1.9875691500e-4f);
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.3981999507e-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(8.3334519073e-3f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(4.1665795894e-2f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.6666665459e-1f));
	p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(5.0000001201e-1f));
	p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), one);
	power = _mm256_add_epi32(power, _mm256_set1_epi32((int)0xff800000u));
	p = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
	return _mm256_div_ps(x, _mm256_fmadd_ps(p, _mm256_set1_ps(2.0f), one));
}

INLINE __m256 silu8(__m256 x)
{
	return gate8(x, _mm256_xor_ps(x, _mm256_set1_ps(-0.0f)));
}

/* act_gelu() of activate.h, step by step. */
INLINE __m256 gelu8(__m256 x)
{
	__m256 u = _mm256_mul_ps(_mm256_set1_ps(0.044715f), x);

	u = _mm256_mul_ps(_mm256_mul_ps(u, x), x);
	u = _mm256_mul_ps(_mm256_set1_ps(0.79788456080286535588f), _mm256_add_ps(x, u));
	return gate8(x, _mm256_mul_ps(_mm256_set1_ps(-2.0f), u));
}

INLINE __m256 apply8(unsigned int code, const float *p, __m256 x, __m256 y)
{
	switch (code) {
	case MARU_CODE_ADD:
		return _mm256_add_ps(x, y);
	case MARU_CODE_SUB:
		return _mm256_sub_ps(x, y);
	case MARU_CODE_MUL:
		return _mm256_mul_ps(x, y);
	case MARU_CODE_DIV:
		return _mm256_div_ps(x, y);
	case MARU_CODE_SILU:
		return silu8(x);
	case MARU_CODE_SWIGLU:
		return _mm256_mul_ps(silu8(x), y);
	case MARU_CODE_GELU:
		return gelu8(x);
	case MARU_CODE_GEGLU:
		return _mm256_mul_ps(gelu8(x), y);
	default:	/* SCALE */
		return _mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(p[0]), x),
				     _mm256_set1_ps(p[1]));
	}
}

INLINE size_t pass(unsigned int code, unsigned int type, const struct kernels_pass *pass,
		   size_t n, int is_one, int is_stream)
{
	size_t size = type == MARU_TYPE_F32 ? 4 : 2, i;
	const uint8_t *a = pass->a, *b = pass->b;
	__m256 one = _mm256_setzero_ps();
	uint8_t *to = pass->to;

	if (is_one && b)
		one = _mm256_set1_ps(element_load(type, b, 0));
	for (i = 0; i + 16 <= n; i += 16) {
		struct pair x = load16(type, a + i * size);
		struct pair y = { one, one };

		if (!is_one)
			y = load16(type, b + i * size);
		x.a = apply8(code, pass->p, x.a, y.a);
		x.b = apply8(code, pass->p, x.b, y.b);
		store16(type, to + i * size, x, is_stream);
	}
	return i;
}

#include "firmware-emu/engine/kernels/pass.h"

/* Any NaN of @x, made quiet. */
INLINE __m256 quiet(__m256 x)
{
	__m256 bit = _mm256_castsi256_ps(_mm256_set1_epi32(0x400000));

	return _mm256_or_ps(x, _mm256_and_ps(_mm256_cmp_ps(x, x, _CMP_UNORD_Q), bit));
}

INLINE size_t stream(uint8_t *to, const uint8_t *from, size_t n, const uint8_t *next,
		     unsigned int to_type, unsigned int from_type)
{
	size_t size = element_bytes(to_type), from_size = element_bytes(from_type), i;

	for (i = 0; i + 32 <= n; i += 32) {
		_mm_prefetch((const char *)next + i * from_size, _MM_HINT_T0);
		if (from_size == 4)
			_mm_prefetch((const char *)next + i * 4 + 64, _MM_HINT_T0);
		EACH_OF(2, {
			const size_t at = i + 16 * (size_t)v;
			__m256 x[2];

			if (to_type == from_type) {
				memcpy(x, from + at * size, 16 * size);
				avx2_put(to + at * size, _mm256_castps_si256(x[0]), 1);
				if (size == 4)
					avx2_put(to + at * size + 32, _mm256_castps_si256(x[1]),
						 1);
				continue;
			}
			avx2_load16(from_type, from + at * from_size, x);
			x[0] = quiet(x[0]);
			x[1] = quiet(x[1]);
			avx2_store16(to_type, to + at * size, x, 1);
		});
	}
	return i;
}

INLINE size_t stream_from(unsigned int to_type, void *to, const void *from, size_t n,
			  const void *next, unsigned int from_type)
{
	size_t done = 0;

#define STREAM_TO(to, type)	(done = stream(to, from, n, next, type, from_type))
	AVX2_BY_TYPE(to_type, STREAM_TO, to);
	return done;
}

static size_t avx2_stream(unsigned int to_type, unsigned int from_type, void *to, const void *from,
			  size_t n, const void *next)
{
	size_t done = 0;

#define STREAM_FROM(to, type)	(done = stream_from(to_type, to, from, n, next, type))
	AVX2_BY_TYPE(from_type, STREAM_FROM, to);
	return done;
}

void kernels_elementwise_avx2(struct kernels_elementwise *table)
{
	*table = (struct kernels_elementwise) {
		.unary = avx2_unary, .binary = avx2_binary, .integer = avx2_integer,
		.pass = pass_any, .stream = avx2_stream,
	};
}

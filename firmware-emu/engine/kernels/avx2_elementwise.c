// SPDX-License-Identifier: MIT
/*
 * ELEMENTWISE at level 1. The frequent codes with all operands of one type go from memory to
 * memory in one pass, and past the caches when they are large; same bits as the loops of
 * elementwise.h, operation by operation.
 */
#include <immintrin.h>

#include "firmware-emu/engine/kernels/elementwise.h"
#include "firmware-emu/engine/kernels_elementwise.h"

#define INLINE	static inline __attribute__((always_inline))

KERNELS_ACTIVATE(avx2_activate)
KERNELS_UNARY(avx2_unary, avx2_activate)
KERNELS_BINARY(avx2_binary)
KERNELS_INTEGER(avx2_integer)

INLINE __m256 load8(unsigned int type, const void *from)
{
	__m128i half;

	if (type == MARU_TYPE_F32)
		return _mm256_loadu_ps(from);
	half = _mm_loadu_si128(from);
	if (type == MARU_TYPE_F16)
		return _mm256_cvtph_ps(half);
	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

INLINE __m256 load1(unsigned int type, const void *from)
{
	if (type == MARU_TYPE_F32)
		return _mm256_set1_ps(*(const float *)from);
	if (type == MARU_TYPE_F16)
		return _mm256_set1_ps(numeric_from_f16(*(const uint16_t *)from));
	return _mm256_set1_ps(numeric_from_bf16(*(const uint16_t *)from));
}

INLINE __m256i round8(__m256 x)
{
	__m256i bits = _mm256_castps_si256(x), high = _mm256_srli_epi32(bits, 16);
	__m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
	__m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
	__m256i value = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
	__m256i quiet = _mm256_or_si256(high, _mm256_set1_epi32(0x40));

	return _mm256_blendv_epi8(value, quiet,
				  _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)));
}

INLINE __m256i narrow16(unsigned int type, __m256 low, __m256 high)
{
	if (type == MARU_TYPE_F16)
		return _mm256_setr_m128i(_mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT),
					 _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT));
	return _mm256_permute4x64_epi64(_mm256_packus_epi32(round8(low), round8(high)), 0xd8);
}

INLINE void put(void *to, __m256i bits, int is_stream)
{
	if (is_stream)
		_mm256_stream_si256(to, bits);
	else
		_mm256_storeu_si256(to, bits);
}

INLINE void store16(unsigned int type, void *to, __m256 low, __m256 high, int is_stream)
{
	if (type != MARU_TYPE_F32) {
		put(to, narrow16(type, low, high), is_stream);
		return;
	}
	put(to, _mm256_castps_si256(low), is_stream);
	put((float *)to + 8, _mm256_castps_si256(high), is_stream);
}

/* act_exp() of activate.h, step by step. */
INLINE __m256 exp8(__m256 x)
{
	const __m256 round = _mm256_set1_ps(12582912.0f), one = _mm256_set1_ps(1.0f);
	const __m256i bias = _mm256_set1_epi32(127);
	__m256 n, r, p;
	__m256i whole, half;

	x = _mm256_min_ps(_mm256_set1_ps(89.0f), x);
	x = _mm256_max_ps(_mm256_set1_ps(-104.0f), x);
	n = _mm256_add_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504088896341f)), round);
	whole = _mm256_sub_epi32(_mm256_castps_si256(n), _mm256_set1_epi32(0x4b400000));
	n = _mm256_sub_ps(n, round);
	r = _mm256_sub_ps(x, _mm256_mul_ps(n, _mm256_set1_ps(0.693359375f)));
	r = _mm256_sub_ps(r, _mm256_mul_ps(n, _mm256_set1_ps(-2.12194440e-4f)));
	p = _mm256_set1_ps(1.9875691500e-4f);
	p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(1.3981999507e-3f));
	p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(8.3334519073e-3f));
	p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(4.1665795894e-2f));
	p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(1.6666665459e-1f));
	p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(5.0000001201e-1f));
	p = _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(p, _mm256_mul_ps(r, r)), r), one);
	half = _mm256_srai_epi32(whole, 1);
	whole = _mm256_add_epi32(_mm256_sub_epi32(whole, half), bias);
	half = _mm256_add_epi32(half, bias);
	p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(half, 23)));
	return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(whole, 23)));
}

INLINE __m256 silu8(__m256 x)
{
	const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);

	return _mm256_div_ps(x, _mm256_add_ps(one, exp8(_mm256_xor_ps(x, sign))));
}

INLINE __m256 apply8(unsigned int code, __m256 x, __m256 y)
{
	switch (code) {
	case MARU_CODE_ADD:
		return _mm256_add_ps(x, y);
	case MARU_CODE_SUB:
		return _mm256_sub_ps(x, y);
	case MARU_CODE_MUL:
		return _mm256_mul_ps(x, y);
	default:
		return _mm256_mul_ps(silu8(x), y);
	}
}

INLINE size_t pass(unsigned int code, unsigned int type, const struct kernels_pass *pass,
		   size_t n, int is_one, int is_stream)
{
	size_t size = type == MARU_TYPE_F32 ? 4 : 2, i;
	const uint8_t *a = pass->a, *b = pass->b;
	__m256 one = _mm256_setzero_ps();
	uint8_t *to = pass->to;

	if (is_one)
		one = load1(type, b);
	for (i = 0; i + 16 <= n; i += 16) {
		__m256 low = load8(type, a + i * size), high = load8(type, a + (i + 8) * size);

		low = apply8(code, low, is_one ? one : load8(type, b + i * size));
		high = apply8(code, high, is_one ? one : load8(type, b + (i + 8) * size));
		store16(type, to + i * size, low, high, is_stream);
	}
	return i;
}

INLINE size_t pass_type(unsigned int code, unsigned int type, const struct kernels_pass *p,
			size_t n)
{
	if (p->is_one)
		return p->is_stream ? pass(code, type, p, n, 1, 1) : pass(code, type, p, n, 1, 0);
	return p->is_stream ? pass(code, type, p, n, 0, 1) : pass(code, type, p, n, 0, 0);
}

INLINE size_t pass_code(unsigned int code, const struct kernels_pass *p, size_t n)
{
	switch (p->type) {
	case MARU_TYPE_F32:
		return pass_type(code, MARU_TYPE_F32, p, n);
	case MARU_TYPE_F16:
		return pass_type(code, MARU_TYPE_F16, p, n);
	default:
		return pass_type(code, MARU_TYPE_BF16, p, n);
	}
}

static size_t avx2_pass(const struct kernels_pass *p, size_t n)
{
	switch (p->code) {
	case MARU_CODE_ADD:
		return pass_code(MARU_CODE_ADD, p, n);
	case MARU_CODE_SUB:
		return pass_code(MARU_CODE_SUB, p, n);
	case MARU_CODE_MUL:
		return pass_code(MARU_CODE_MUL, p, n);
	case MARU_CODE_SWIGLU:
		return pass_code(MARU_CODE_SWIGLU, p, n);
	}
	return 0;
}

static size_t avx2_stream(unsigned int type, void *to, const float *from, size_t n)
{
	size_t size = type == MARU_TYPE_F32 ? 4 : 2, i;

	for (i = 0; i + 16 <= n; i += 16) {
		__m256 low = _mm256_loadu_ps(from + i), high = _mm256_loadu_ps(from + i + 8);

		if (type == MARU_TYPE_F32)
			store16(MARU_TYPE_F32, (uint8_t *)to + i * size, low, high, 1);
		else
			put((uint8_t *)to + i * size, narrow16(type, low, high), 1);
	}
	return i;
}

void kernels_elementwise_avx2(struct kernels_elementwise *table)
{
	*table = (struct kernels_elementwise) {
		.unary = avx2_unary, .binary = avx2_binary, .integer = avx2_integer,
		.pass = avx2_pass, .stream = avx2_stream,
	};
}

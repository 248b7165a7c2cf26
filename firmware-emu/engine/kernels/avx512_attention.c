// SPDX-License-Identifier: MIT
/* Level 2: the running softmax. */
#include <immintrin.h>
#include <math.h>

#include "firmware-emu/engine/kernels_attention.h"

#define FOUR	4u	/* sums, so that one need not wait for another */
#define UNROLL	_Pragma("GCC unroll 4")
#define INLINE	static inline __attribute__((always_inline))

/* 2^x for x up to about 0; 0 below -126.5; NaN stays. */
INLINE __m512 power(__m512 x)
{
	__mmask16 seen = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-126.5f), _CMP_NLT_UQ);
	__m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m512 r = _mm512_sub_ps(x, n), p;

	p = _mm512_set1_ps(0x1.5bba12p-10f);
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.3cea88p-7f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.c6b752p-5f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.ebf9bcp-3f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0x1.62e42ap-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
	return _mm512_maskz_scalef_ps(seen, p, n);
}

INLINE __mmask16 mask_of(size_t n)
{
	return (__mmask16)((1u << n) - 1);
}

/* Of two the second is taken when one is NaN: a NaN score does not stay. */
static float avx512_largest(const float *x, size_t n, float factor, float max)
{
	__m512 scale = _mm512_set1_ps(factor), most = _mm512_set1_ps(max), other = most;
	size_t i;

	for (i = 0; i + 32 <= n; i += 32) {
		most = _mm512_max_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), scale), most);
		other = _mm512_max_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i + 16), scale), other);
	}
	for (; i < n; i += 16) {
		__mmask16 mask = n - i < 16 ? mask_of(n - i) : 0xffff;

		most = _mm512_mask_max_ps(most, mask, _mm512_mul_ps(
				_mm512_maskz_loadu_ps(mask, x + i), scale), most);
	}
	return _mm512_reduce_max_ps(_mm512_max_ps(most, other));
}

static float avx512_softmax(float *x, size_t n, float scale, float most, float *max, float *sum)
{
	const __m512 wide = _mm512_set1_ps(scale);
	float base = most == -INFINITY ? 0 : most, factor;
	__m512 low = _mm512_set1_ps(base), added = _mm512_setzero_ps(), p;
	__m512 four[FOUR] = { added, added, added, added };
	size_t i, v;

	for (i = 0; i + FOUR * 16 <= n; i += FOUR * 16) {
		UNROLL
		for (v = 0; v < FOUR; v++) {
			p = power(_mm512_fmsub_ps(_mm512_loadu_ps(x + i + v * 16), wide, low));
			four[v] = _mm512_add_ps(four[v], p);
			_mm512_storeu_ps(x + i + v * 16, p);
		}
	}
	added = _mm512_add_ps(_mm512_add_ps(four[0], four[1]), _mm512_add_ps(four[2], four[3]));
	for (; i + 16 <= n; i += 16) {
		p = power(_mm512_fmsub_ps(_mm512_loadu_ps(x + i), wide, low));
		added = _mm512_add_ps(added, p);
		_mm512_storeu_ps(x + i, p);
	}
	if (i < n) {
		__mmask16 mask = mask_of(n - i);

		p = power(_mm512_fmsub_ps(_mm512_maskz_loadu_ps(mask, x + i), wide, low));
		added = _mm512_mask_add_ps(added, mask, added, p);
		_mm512_mask_storeu_ps(x + i, mask, p);
	}
	factor = most == *max ? 1.0f : _mm512_cvtss_f32(power(_mm512_set1_ps(*max - base)));
	*sum = *sum * factor + _mm512_reduce_add_ps(added);
	*max = most;
	return factor;
}

static void avx512_scale(float *x, size_t n, float factor)
{
	const __m512 wide = _mm512_set1_ps(factor);
	size_t i;

	for (i = 0; i + 16 <= n; i += 16)
		_mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), wide));
	for (; i < n; i++)
		x[i] *= factor;
}

void kernels_attention_avx512(struct kernels_attention *table)
{
	kernels_attention_avx512_block(table);
	kernels_attention_avx512_few(table);
	table->largest = avx512_largest;
	table->softmax = avx512_softmax;
	table->scale = avx512_scale;
}

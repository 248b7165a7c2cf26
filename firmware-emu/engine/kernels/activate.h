/* SPDX-License-Identifier: MIT */
/*
 * Activations in f32, as loops that the compiler turns into vectors: each level includes this
 * under its own flags, never with contraction. The exponential is made with FMA where a level
 * has it.
 */
#ifndef MARU_ACTIVATE_H
#define MARU_ACTIVATE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "firmware-emu/engine/numeric.h"
#include "uapi/drm/maru_cmd.h"

#ifdef __FMA__
#define ACT_FMA(a, b, c)	__builtin_fmaf(a, b, c)
#else
#define ACT_FMA(a, b, c)	((a) * (b) + (c))
#endif

/* e^x: |error| < 2 ulp, 0 and Inf outside the range, NaN stays. */
static inline float act_exp(float x)
{
	const float round = 12582912.0f;	/* 1.5 · 2^23 */
	float n, r, p;
	int32_t whole, half;

	x = x > 89.0f ? 89.0f : x;
	x = x < -104.0f ? -104.0f : x;
	n = ACT_FMA(x, 1.44269504088896341f, round);
	whole = (int32_t)(numeric_f32_bits(n) - 0x4b400000u);
	n -= round;
	r = ACT_FMA(-n, 0.693359375f, x);
	r = ACT_FMA(-n, -2.12194440e-4f, r);
	p = 1.9875691500e-4f;
	p = ACT_FMA(p, r, 1.3981999507e-3f);
	p = ACT_FMA(p, r, 8.3334519073e-3f);
	p = ACT_FMA(p, r, 4.1665795894e-2f);
	p = ACT_FMA(p, r, 1.6666665459e-1f);
	p = ACT_FMA(p, r, 5.0000001201e-1f);
	p = ACT_FMA(p, r * r, r) + 1.0f;
	half = whole >> 1;
	return p * numeric_f32((uint32_t)(half + 127) << 23) *
	       numeric_f32((uint32_t)(whole - half + 127) << 23);
}

static inline float act_sigmoid(float x)
{
	return 1.0f / (1.0f + act_exp(-x));
}

static inline float act_tanh(float x)
{
	float a = fabsf(x), z = x * x, small, large;

	small = -5.70498872745e-3f;
	small = small * z + 2.06390887954e-2f;
	small = small * z - 5.37397155531e-2f;
	small = small * z + 1.33314422036e-1f;
	small = small * z - 3.33332819422e-1f;
	small = small * z * x + x;
	large = 1.0f - 2.0f / (act_exp(2.0f * a) + 1.0f);
	large = copysignf(large, x);
	return a < 0.625f ? small : large;
}

static inline float act_gelu(float x)
{
	float u = 0.79788456080286535588f * (x + 0.044715f * x * x * x);

	return x / (1.0f + act_exp(-2.0f * u));
}

static inline float act_sixth(float x)
{
	float y = (x + 3.0f) / 6.0f;

	y = y < 0.0f ? 0.0f : y;
	return y > 1.0f ? 1.0f : y;
}

static inline float act_sign(float x)
{
	float y = x > 0.0f ? 1.0f : x;

	return x < 0.0f ? -1.0f : y;
}

#define ACT_EACH(expression) \
	do { \
		for (size_t i = 0; i < n; i++) { \
			float x = values[i]; \
			values[i] = (expression); \
		} \
	} while (0)

#define KERNELS_ACTIVATE(name) \
	static void name(unsigned int act, float *values, size_t n) \
	{ \
		switch (act) { \
		case 1: ACT_EACH(fabsf(x)); break; \
		case 2: ACT_EACH(act_sign(x)); break; \
		case 3: ACT_EACH(-x); break; \
		case 4: ACT_EACH(x > 0.0f ? 1.0f : x != x ? x : 0.0f); break; \
		case MARU_ACT_TANH: ACT_EACH(act_tanh(x)); break; \
		case 6: ACT_EACH(x > 0.0f ? x : expm1f(x)); break; \
		case MARU_ACT_RELU: ACT_EACH(x < 0.0f ? 0.0f : x); break; \
		case MARU_ACT_SIGMOID: ACT_EACH(act_sigmoid(x)); break; \
		case MARU_ACT_GELU: ACT_EACH(act_gelu(x)); break; \
		case MARU_ACT_GELU_QUICK: ACT_EACH(x / (1.0f + act_exp(-1.702f * x))); break; \
		case MARU_ACT_SILU: ACT_EACH(x / (1.0f + act_exp(-x))); break; \
		case 12: ACT_EACH(x * act_sixth(x)); break; \
		case 13: ACT_EACH(act_sixth(x)); break; \
		case 14: ACT_EACH(act_exp(x)); break; \
		case 15: ACT_EACH(expm1f(x)); break; \
		case 16: ACT_EACH(x > 20.0f ? x : log1pf(expf(x))); break; \
		case MARU_ACT_GELU_ERF: \
			ACT_EACH(0.5f * x * erfcf(-0.70710678118654752440f * x)); break; \
		case 19: ACT_EACH(floorf(x)); break; \
		case 20: ACT_EACH(ceilf(x)); break; \
		case 21: ACT_EACH(roundf(x)); break; \
		case 22: ACT_EACH(truncf(x)); break; \
		} \
	}

#endif

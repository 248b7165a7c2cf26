/* SPDX-License-Identifier: MIT */
/*
 * ELEMENTWISE in f32, as activate.h does it: each level includes this under its own flags,
 * never with contraction, so the bits are the same at every level.
 */
#ifndef MARU_ELEMENTWISE_LOOPS_H
#define MARU_ELEMENTWISE_LOOPS_H

#include "firmware-emu/engine/kernels/activate.h"

/* NaN stays. */
static inline float el_clamp(float x, float low, float high)
{
	x = x < low ? low : x;
	return x > high ? high : x;
}

static inline float el_most(float x, float high)
{
	return x > high ? high : x;
}

static inline float el_xielu(float x, const float *p)
{
	if (x > 0.0f)
		return p[1] * x * x + p[2] * x;
	return (expm1f(el_most(x, p[3])) - x) * p[0] + p[2] * x;
}

#define KERNELS_UNARY(name, activate) \
	static void name(unsigned int code, const float *p, float *values, size_t n) \
	{ \
		float p0 = p[0], p1 = p[1]; \
		switch (code) { \
		case MARU_CODE_SQR: ACT_EACH(x * x); break; \
		case MARU_CODE_SQRT: ACT_EACH(sqrtf(x)); break; \
		case MARU_CODE_LOG: ACT_EACH((float)log((double)x)); break; \
		case MARU_CODE_SIN: ACT_EACH((float)sin((double)x)); break; \
		case MARU_CODE_COS: ACT_EACH((float)cos((double)x)); break; \
		case MARU_CODE_LEAKY_RELU: ACT_EACH(x < 0.0f ? p0 * x : x); break; \
		case MARU_CODE_SCALE: ACT_EACH(p0 * x + p1); break; \
		case MARU_CODE_CLAMP: ACT_EACH(el_clamp(x, p0, p1)); break; \
		case MARU_CODE_XIELU: ACT_EACH(el_xielu(x, p)); break; \
		default: activate(code + 1, values, n); break; \
		} \
	}

#define EL_EACH(type, expression) \
	do { \
		for (size_t i = 0; i < n; i++) { \
			type x = values[i], y = right[i]; \
			values[i] = (expression); \
		} \
	} while (0)

#define KERNELS_BINARY(name) \
	static void name(unsigned int code, const float *p, float *restrict values, \
			 const float *restrict right, size_t n) \
	{ \
		float p0 = p[0], p1 = p[1]; \
		switch (code) { \
		case MARU_CODE_ADD: EL_EACH(float, x + y); break; \
		case MARU_CODE_SUB: EL_EACH(float, x - y); break; \
		case MARU_CODE_MUL: EL_EACH(float, x * y); break; \
		case MARU_CODE_DIV: EL_EACH(float, x / y); break; \
		case MARU_CODE_MIN: EL_EACH(float, y < x || y != y ? y : x); break; \
		case MARU_CODE_MAX: EL_EACH(float, y > x || y != y ? y : x); break; \
		case MARU_CODE_REGLU: EL_EACH(float, (x < 0.0f ? 0.0f : x) * y); break; \
		case MARU_CODE_GEGLU: EL_EACH(float, act_gelu(x) * y); break; \
		case MARU_CODE_SWIGLU: EL_EACH(float, x / (1.0f + act_exp(-x)) * y); break; \
		case MARU_CODE_SWIGLU_OAI: \
			EL_EACH(float, el_most(x, p1) / \
				(1.0f + act_exp(-(p0 * el_most(x, p1)))) * \
				(el_clamp(y, -p1, p1) + 1.0f)); \
			break; \
		case MARU_CODE_GEGLU_ERF: \
			EL_EACH(float, 0.5f * x * erfcf(-0.70710678118654752440f * x) * y); \
			break; \
		case MARU_CODE_GEGLU_QUICK: \
			EL_EACH(float, x / (1.0f + act_exp(-1.702f * x)) * y); \
			break; \
		case MARU_CODE_SWIGLU_CLAMP: \
			EL_EACH(float, el_most(x, p1) / (1.0f + act_exp(-el_most(x, p1))) * \
				el_clamp(y, -p1, p1)); \
			break; \
		} \
	}

/* Sums and products modulo 2^32. */
#define KERNELS_INTEGER(name) \
	static void name(unsigned int code, int32_t *restrict values, \
			 const int32_t *restrict right, size_t n) \
	{ \
		switch (code) { \
		case MARU_CODE_ADD: EL_EACH(uint32_t, (int32_t)(x + y)); break; \
		case MARU_CODE_SUB: EL_EACH(uint32_t, (int32_t)(x - y)); break; \
		case MARU_CODE_MUL: EL_EACH(uint32_t, (int32_t)(x * y)); break; \
		case MARU_CODE_MIN: EL_EACH(int32_t, y < x ? y : x); break; \
		case MARU_CODE_MAX: EL_EACH(int32_t, y > x ? y : x); break; \
		} \
	}

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>

#include "selftests/ref/ref_data.h"

#define UNIT	0x1p-24L	/* half an ulp of f32, relative */
#define TINY	0x1p-120L	/* a function may lose what is smaller */

struct wide {
	long double value;
	long double bound;
};

/* Half an ulp for one more rounding. */
static struct wide rounded(long double value, long double bound)
{
	return (struct wide) { value, bound + UNIT * fabsl(value) + 0x1p-150L };
}

static struct wide exact(long double value)
{
	return (struct wide) { value, 0 };
}

/* @steep: by what a relative error of the argument grows. */
static struct wide function(long double value, long double steep)
{
	return (struct wide) { value, (16 + 4 * steep) * UNIT * fabsl(value) + TINY };
}

static long double sigmoid(long double x)
{
	return 1 / (1 + expl(-x));
}

static struct wide gelu(long double x)
{
	long double u = sqrtl(2 / M_PIl) * (x + 0.044715L * x * x * x);

	return function(x * sigmoid(2 * u), x < 0 ? 2 * x * x : 0);
}

static struct wide gelu_erf(long double x)
{
	return function(x * erfcl(-x / sqrtl(2)) / 2, x < 0 ? 2 * x * x : 0);
}

static struct wide gelu_quick(long double x)
{
	return function(x * sigmoid(1.702L * x), fabsl(x));
}

static struct wide silu(long double x)
{
	return function(x * sigmoid(x), 0);
}

static struct wide times(struct wide f, long double b)
{
	return rounded(f.value * b, f.bound * fabsl(b));
}

static long double clamp(long double x, long double low, long double high)
{
	x = x < low ? low : x;
	return x > high ? high : x;
}

static struct wide oai(long double a, long double b, const float p[4])
{
	long double x = a > p[1] ? p[1] : a, z = clamp(b, -p[1], p[1]);
	struct wide f = function(x * sigmoid(p[0] * x), fabsl(p[0] * x));

	f = times(f, z + 1);
	f.bound += UNIT * fabsl(f.value);
	return f;
}

/* What the exponential, the difference and the products are off, each by half an ulp. */
static struct wide xielu(long double a, const float p[4])
{
	struct wide e = function(expm1l(a < p[3] ? a : p[3]), 0);

	if (a > 0)
		return rounded(p[1] * a * a + p[2] * a,
			       UNIT * (2 * fabsl(p[1] * a * a) + fabsl(p[2] * a)));
	return rounded((e.value - a) * p[0] + p[2] * a,
		       fabsl(p[0]) * (e.bound + 2 * UNIT * fabsl(e.value - a)) +
		       UNIT * fabsl(p[2] * a));
}

static struct wide unary(unsigned int code, const float p[4], long double a)
{
	long double sixth = clamp((a + 3) / 6, 0, 1);

	switch (code) {
	case MARU_CODE_ABS:
		return exact(fabsl(a));
	case MARU_CODE_SGN:
		return exact((a > 0) - (a < 0));
	case MARU_CODE_NEG:
		return exact(-a);
	case MARU_CODE_STEP:
		return exact(a > 0);
	case MARU_CODE_TANH:
		return function(tanhl(a), 0);
	case MARU_CODE_ELU:
		return a > 0 ? exact(a) : function(expm1l(a), 0);
	case MARU_CODE_RELU:
		return exact(a < 0 ? 0 : a);
	case MARU_CODE_SIGMOID:
		return function(sigmoid(a), 0);
	case MARU_CODE_GELU:
		return gelu(a);
	case MARU_CODE_GELU_QUICK:
		return gelu_quick(a);
	case MARU_CODE_SILU:
		return silu(a);
	case MARU_CODE_HARDSWISH:	/* the sum a + 3 may cancel */
		return (struct wide) { a * sixth, 4 * UNIT * fabsl(a) + 0x1p-148L };
	case MARU_CODE_HARDSIGMOID:
		return (struct wide) { sixth, 4 * UNIT };
	case MARU_CODE_EXP:
		return function(expl(a), 0);
	case MARU_CODE_EXPM1:
		return function(expm1l(a), 0);
	case MARU_CODE_SOFTPLUS:
		return function(a > 20 ? a : log1pl(expl(a)), 0);
	case MARU_CODE_GELU_ERF:
		return gelu_erf(a);
	case MARU_CODE_XIELU:
		return xielu(a, p);
	case MARU_CODE_FLOOR:
		return exact(floorl(a));
	case MARU_CODE_CEIL:
		return exact(ceill(a));
	case MARU_CODE_ROUND:
		return exact(roundl(a));
	case MARU_CODE_TRUNC:
		return exact(truncl(a));
	case MARU_CODE_SQR:
		return rounded(a * a, 0);
	case MARU_CODE_SQRT:
		return rounded(sqrtl(a), 0);
	case MARU_CODE_LOG:
		return rounded(logl(a), 0x1p-50L * fabsl(logl(a)));
	case MARU_CODE_SIN:
		return rounded(sinl(a), 0x1p-50L);
	case MARU_CODE_COS:
		return rounded(cosl(a), 0x1p-50L);
	case MARU_CODE_LEAKY_RELU:
		return a < 0 ? rounded(p[0] * a, 0) : exact(a);
	case MARU_CODE_SCALE:
		return rounded((long double)p[0] * a + p[1], UNIT * fabsl(p[0] * a));
	case MARU_CODE_CLAMP:
		return exact(clamp(a, p[0], p[1]));
	}
	return exact(NAN);
}

static struct wide binary(unsigned int code, const float p[4], long double a, long double b)
{
	switch (code) {
	case MARU_CODE_ADD:
		return rounded(a + b, 0);
	case MARU_CODE_SUB:
		return rounded(a - b, 0);
	case MARU_CODE_MUL:
		return rounded(a * b, 0);
	case MARU_CODE_DIV:
		return rounded(a / b, 0);
	case MARU_CODE_MIN:
		return exact(isnan(a) || isnan(b) ? NAN : b < a ? b : a);
	case MARU_CODE_MAX:
		return exact(isnan(a) || isnan(b) ? NAN : b > a ? b : a);
	case MARU_CODE_REGLU:
		return rounded((a < 0 ? 0 : a) * b, 0);
	case MARU_CODE_GEGLU:
		return times(gelu(a), b);
	case MARU_CODE_SWIGLU:
		return times(silu(a), b);
	case MARU_CODE_SWIGLU_OAI:
		return oai(a, b, p);
	case MARU_CODE_GEGLU_ERF:
		return times(gelu_erf(a), b);
	case MARU_CODE_GEGLU_QUICK:
		return times(gelu_quick(a), b);
	case MARU_CODE_SWIGLU_CLAMP:
		return times(silu(a > p[1] ? p[1] : a), clamp(b, -p[1], p[1]));
	}
	return exact(NAN);
}

struct ref_element ref_elementwise(unsigned int code, const float p[4], double a, double b)
{
	struct wide result = code < MARU_CODE_ADD ? unary(code, p, a) : binary(code, p, a, b);

	return (struct ref_element) { (double)result.value, (double)result.bound };
}

int32_t ref_integer(unsigned int code, int32_t a, int32_t b)
{
	int64_t x = a, y = b;

	switch (code) {
	case MARU_CODE_ADD:
		x += y;
		break;
	case MARU_CODE_SUB:
		x -= y;
		break;
	case MARU_CODE_MUL:
		x *= y;
		break;
	case MARU_CODE_MIN:
		x = y < x ? y : x;
		break;
	case MARU_CODE_MAX:
		x = y > x ? y : x;
		break;
	}
	return (int32_t)(uint32_t)((uint64_t)x & 0xffffffff);
}

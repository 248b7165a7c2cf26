// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <string.h>

#include "selftests/ref/ref.h"

struct format {
	int digits;	/* of the mantissa, the hidden one included */
	int least;	/* exponent of the smallest denormal */
	int most;	/* 2^most is beyond */
};

static struct format format_of(unsigned int type)
{
	switch (type) {
	case MARU_TYPE_F16:
		return (struct format) { 11, -24, 16 };
	case MARU_TYPE_BF16:
		return (struct format) { 8, -133, 128 };
	case MARU_TYPE_F32:
		return (struct format) { 24, -149, 128 };
	default:
		return (struct format) { 53, -1074, 1024 };
	}
}

/* 2^exponent; ldexpl() is most of the time of a test otherwise. */
static long double power(int exponent)
{
	uint64_t bits = (uint64_t)(exponent + 1023) << 52;
	double x;

	if (exponent < -1022 || exponent > 1023)
		return ldexpl(1, exponent);
	memcpy(&x, &bits, sizeof(x));
	return x;
}

static long double load_small(unsigned int type, uint16_t bits)
{
	int fraction_bits = type == MARU_TYPE_F16 ? 10 : 7;
	int bias = type == MARU_TYPE_F16 ? 15 : 127;
	int exponent = (bits & 0x7fff) >> fraction_bits;
	long double fraction = bits & ((1 << fraction_bits) - 1), value;

	if (exponent == 2 * bias + 1)
		value = fraction != 0 ? NAN : INFINITY;
	else if (!exponent)
		value = fraction * power(1 - bias - fraction_bits);
	else
		value = (fraction + (1 << fraction_bits)) * power(exponent - bias - fraction_bits);
	return copysignl(value, bits & 0x8000 ? -1.0L : 1.0L);
}

#define LOAD(ctype) ({ ctype x_; memcpy(&x_, from, sizeof(x_)); (long double)x_; })

long double ref_load(unsigned int type, const void *from)
{
	uint16_t bits;

	switch (type) {
	case MARU_TYPE_F32:
		return LOAD(float);
	case MARU_TYPE_F64:
		return LOAD(double);
	case MARU_TYPE_I8:
		return LOAD(int8_t);
	case MARU_TYPE_I16:
		return LOAD(int16_t);
	case MARU_TYPE_I32:
		return LOAD(int32_t);
	case MARU_TYPE_I64:
		return LOAD(int64_t);
	case MARU_TYPE_U8:
		return LOAD(uint8_t);
	case MARU_TYPE_U64:
		return LOAD(uint64_t);
	}
	memcpy(&bits, from, 2);
	return load_small(type, bits);
}

long double ref_ulp(unsigned int type, long double value)
{
	struct format format = format_of(type);
	int exponent;

	if (value == 0 || !isfinite(value))
		return power(format.least);
	frexpl(value, &exponent);
	exponent -= format.digits;
	return power(exponent < format.least ? format.least : exponent);
}

static long double round_float(unsigned int type, long double value)
{
	long double ulp;

	if (value == 0 || !isfinite(value))
		return value;
	if (type == MARU_TYPE_F32 || type == MARU_TYPE_F64)
		return type == MARU_TYPE_F32 ? (long double)(float)value : (double)value;
	ulp = ref_ulp(type, value);
	value = copysignl(rintl(value / ulp) * ulp, value);	/* nearest even */
	if (fabsl(value) >= power(format_of(type).most))
		return copysignl(INFINITY, value);
	return value;
}

static long double round_integer(long double value, long double low, long double high)
{
	if (isnan(value))
		return 0;
	value = truncl(value);
	return value < low ? low : value > high ? high : value;
}

long double ref_round(unsigned int type, long double value)
{
	switch (type) {
	case MARU_TYPE_I8:
		return round_integer(value, -128, 127);
	case MARU_TYPE_I16:
		return round_integer(value, -32768, 32767);
	case MARU_TYPE_I32:
		return round_integer(value, INT32_MIN, INT32_MAX);
	case MARU_TYPE_I64:
		return round_integer(value, INT64_MIN, INT64_MAX);
	case MARU_TYPE_U8:
		return round_integer(value, 0, 255);
	case MARU_TYPE_U64:
		return round_integer(value, 0, UINT64_MAX);
	}
	return round_float(type, value);
}

static uint16_t store_small(unsigned int type, long double value)
{
	int fraction_bits = type == MARU_TYPE_F16 ? 10 : 7;
	int bias = type == MARU_TYPE_F16 ? 15 : 127, exponent;
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	uint16_t top = (uint16_t)((2 * bias + 1) << fraction_bits);
	long double size = fabsl(value);

	if (isnan(value))
		return (uint16_t)(sign | top | 1 << (fraction_bits - 1));
	if (isinf(value))
		return sign | top;
	frexpl(size, &exponent);
	exponent += bias - 1;
	if (size == 0 || exponent <= 0)
		return (uint16_t)(sign | (int)(size * power(bias - 1 + fraction_bits)));
	return (uint16_t)(sign | exponent << fraction_bits |
			  ((int)(size * power(bias - exponent + fraction_bits)) &
			   ((1 << fraction_bits) - 1)));
}

#define STORE(ctype) \
	do { ctype x_ = (ctype)value; memcpy(to, &x_, sizeof(x_)); return; } while (0)

void ref_store(unsigned int type, void *to, long double value)
{
	uint16_t bits;

	value = ref_round(type, value);
	switch (type) {
	case MARU_TYPE_F32:
		STORE(float);
	case MARU_TYPE_F64:
		STORE(double);
	case MARU_TYPE_I8:
		STORE(int8_t);
	case MARU_TYPE_I16:
		STORE(int16_t);
	case MARU_TYPE_I32:
		STORE(int32_t);
	case MARU_TYPE_I64:
		STORE(int64_t);
	case MARU_TYPE_U8:
		STORE(uint8_t);
	case MARU_TYPE_U64:
		STORE(uint64_t);
	}
	bits = store_small(type, value);
	memcpy(to, &bits, 2);
}

void *ref_at(const struct maru_operand *desc, uint64_t i0, uint64_t i1, uint64_t i2, uint64_t i3)
{
	return (void *)(uintptr_t)(desc->va + i0 * desc->stride[0] + i1 * desc->stride[1] +
				   i2 * desc->stride[2] + i3 * desc->stride[3]);
}

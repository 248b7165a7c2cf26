/* SPDX-License-Identifier: MIT */
/* One value of a plain type to another, by integer arithmetic where rounding matters. */
#ifndef MARU_NUMERIC_H
#define MARU_NUMERIC_H

#include <stdint.h>
#include <string.h>

static inline uint64_t numeric_f64_bits(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, 8);
	return bits;
}

static inline double numeric_f64(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, 8);
	return x;
}

static inline uint32_t numeric_f32_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, 4);
	return bits;
}

static inline float numeric_f32(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, 4);
	return x;
}

/*
 * numeric_narrow() - Round a double once, to nearest even, to a 16-bit format with @mantissa
 * stored bits and exponent bias @bias. NaN keeps sign and leading payload and becomes quiet.
 */
static inline uint16_t numeric_narrow(double x, unsigned int mantissa, int bias)
{
	uint64_t bits = numeric_f64_bits(x), value, half, rest;
	uint16_t sign = (uint16_t)(bits >> 48 & 0x8000);
	uint16_t inf = (uint16_t)(((1u << (15 - mantissa)) - 1) << mantissa);
	int exponent = (int)(bits >> 52 & 0x7ff) - 1023 + bias;
	unsigned int drop = 52 - mantissa;

	bits &= 0xfffffffffffffULL;
	if (exponent == 1024 + bias)
		return (uint16_t)(sign | inf | (bits ? bits >> drop | 1u << (mantissa - 1) : 0));
	value = bits | 1ULL << 52;
	if (exponent <= 0) {		/* denormal there, or zero */
		if (exponent < -(int)mantissa - 1)
			return sign;
		drop += (unsigned int)(1 - exponent);
		exponent = 0;
	} else {
		value &= ~(1ULL << 52);
	}
	half = 1ULL << (drop - 1);
	rest = value & ((1ULL << drop) - 1);
	value = (value >> drop) + ((uint64_t)(unsigned int)exponent << mantissa);
	value += rest > half || (rest == half && (value & 1));
	return (uint16_t)(sign | (value > inf ? inf : value));
}

static inline uint16_t numeric_to_f16(double x)
{
	return numeric_narrow(x, 10, 15);
}

static inline uint16_t numeric_to_bf16(double x)
{
	return numeric_narrow(x, 7, 127);
}

static inline float numeric_from_bf16(uint16_t bits)
{
	uint32_t wide = (uint32_t)bits << 16;

	if ((wide & 0x7fffffff) > 0x7f800000)
		wide |= 0x400000;
	return numeric_f32(wide);
}

static inline float numeric_from_f16(uint16_t bits)
{
	uint32_t sign = (uint32_t)(bits & 0x8000) << 16, rest = bits & 0x7fff;

	if (rest > 0x7c00)
		rest |= 0x200;
	if (rest >= 0x7c00)
		return numeric_f32(sign | 0x7f800000 | (rest & 0x3ff) << 13);
	if (rest < 0x400) {	/* zero and denormals: exact product */
		float value = (float)rest * 0x1p-24f;

		return sign ? -value : value;
	}
	return numeric_f32(sign | (rest + (112 << 10)) << 13);
}

/*
 * A 64-bit integer as a double that rounds further as the integer would: what a double can not
 * hold is kept as a sticky last bit.
 */
static inline double numeric_sticky(uint64_t x)
{
	if (x >> 53)
		return (double)(x >> 11 | ((x & 0x7ff) != 0)) * 2048;
	return (double)x;
}

#endif

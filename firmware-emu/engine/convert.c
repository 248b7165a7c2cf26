// SPDX-License-Identifier: MIT
#include <stdbool.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/kernels_elementwise.h"
#include "firmware-emu/engine/numeric.h"
#include "uapi/drm/maru_cmd.h"

/*
 * Each source is read as one of three wide kinds that hold it exactly: D double, S int64,
 * U uint64. Each destination is written from each kind.
 */
#define TYPES(X, ...) \
	X(F32, float, __VA_ARGS__) X(F16, uint16_t, __VA_ARGS__) X(I8, int8_t, __VA_ARGS__) \
	X(I16, int16_t, __VA_ARGS__) X(I32, int32_t, __VA_ARGS__) X(I64, int64_t, __VA_ARGS__) \
	X(F64, double, __VA_ARGS__) X(BF16, uint16_t, __VA_ARGS__) X(U8, uint8_t, __VA_ARGS__) \
	X(U64, uint64_t, __VA_ARGS__)

#define WIDE_F32	double
#define WIDE_F16	double
#define WIDE_BF16	double
#define WIDE_F64	double
#define WIDE_I8		int64_t
#define WIDE_I16	int64_t
#define WIDE_I32	int64_t
#define WIDE_I64	int64_t
#define WIDE_U8		int64_t
#define WIDE_U64	uint64_t

static inline double wide_F32(float x) { return x; }
static inline double wide_F16(uint16_t x) { return numeric_from_f16(x); }
static inline double wide_BF16(uint16_t x) { return numeric_from_bf16(x); }
static inline double wide_F64(double x) { return x; }
static inline int64_t wide_I8(int8_t x) { return x; }
static inline int64_t wide_I16(int16_t x) { return x; }
static inline int64_t wide_I32(int32_t x) { return x; }
static inline int64_t wide_I64(int64_t x) { return x; }
static inline int64_t wide_U8(uint8_t x) { return x; }
static inline uint64_t wide_U64(uint64_t x) { return x; }

static inline double sticky_s(int64_t x)
{
	return x < 0 ? -numeric_sticky(-(uint64_t)x) : numeric_sticky((uint64_t)x);
}

#define NARROW(type, x, from_d, from_s, from_u) \
	_Generic((x), double: from_d, int64_t: from_s, uint64_t: from_u)(x)

static inline float f32_d(double x) { return (float)x; }
static inline float f32_s(int64_t x) { return (float)x; }
static inline float f32_u(uint64_t x) { return (float)x; }
static inline double f64_d(double x) { return x; }
static inline double f64_s(int64_t x) { return (double)x; }
static inline double f64_u(uint64_t x) { return (double)x; }
static inline uint16_t f16_d(double x) { return numeric_to_f16(x); }
static inline uint16_t f16_s(int64_t x) { return numeric_to_f16(sticky_s(x)); }
static inline uint16_t f16_u(uint64_t x) { return numeric_to_f16(numeric_sticky(x)); }
static inline uint16_t bf16_d(double x) { return numeric_to_bf16(x); }
static inline uint16_t bf16_s(int64_t x) { return numeric_to_bf16(sticky_s(x)); }
static inline uint16_t bf16_u(uint64_t x) { return numeric_to_bf16(numeric_sticky(x)); }

/* Towards zero; what lies outside becomes the nearest end, NaN becomes 0. */
#define INTEGER(name, type, low, high) \
	static inline type name##_d(double x) \
	{ \
		if (x != x) \
			return 0; \
		if (x <= (double)(low)) \
			return low; \
		return x >= (double)(high) ? (high) : (type)x; \
	} \
	static inline type name##_s(int64_t x) \
	{ \
		if (x < (int64_t)(low)) \
			return low; \
		return (uint64_t)(high) <= INT64_MAX && x > (int64_t)(high) ? (high) : (type)x; \
	} \
	static inline type name##_u(uint64_t x) \
	{ \
		return x > (uint64_t)(high) ? (high) : (type)x; \
	}

INTEGER(i8, int8_t, INT8_MIN, INT8_MAX)
INTEGER(i16, int16_t, INT16_MIN, INT16_MAX)
INTEGER(i32, int32_t, INT32_MIN, INT32_MAX)
INTEGER(i64, int64_t, INT64_MIN, INT64_MAX)
INTEGER(u8, uint8_t, 0, UINT8_MAX)
INTEGER(u64, uint64_t, 0, UINT64_MAX)

#define TO_F32(x)	NARROW(float, x, f32_d, f32_s, f32_u)
#define TO_F16(x)	NARROW(uint16_t, x, f16_d, f16_s, f16_u)
#define TO_BF16(x)	NARROW(uint16_t, x, bf16_d, bf16_s, bf16_u)
#define TO_F64(x)	NARROW(double, x, f64_d, f64_s, f64_u)
#define TO_I8(x)	NARROW(int8_t, x, i8_d, i8_s, i8_u)
#define TO_I16(x)	NARROW(int16_t, x, i16_d, i16_s, i16_u)
#define TO_I32(x)	NARROW(int32_t, x, i32_d, i32_s, i32_u)
#define TO_I64(x)	NARROW(int64_t, x, i64_d, i64_s, i64_u)
#define TO_U8(x)	NARROW(uint8_t, x, u8_d, u8_s, u8_u)
#define TO_U64(x)	NARROW(uint64_t, x, u64_d, u64_s, u64_u)

#define LOOP(from, from_type, to, to_type) \
	static void convert_##from##_##to(void *to_, uint64_t to_step, const void *from_, \
					  uint64_t from_step, uint64_t n) \
	{ \
		const uint8_t *source = from_; \
		uint8_t *target = to_; \
		for (uint64_t i = 0; i < n; i++) { \
			const void *at = source + i * from_step; \
			WIDE_##from wide = wide_##from(*(const from_type *)at); \
			*(to_type *)(void *)(target + i * to_step) = TO_##to(wide); \
		} \
	}
#define LOOPS_TO(to, to_type, ...)	TYPES_FROM(LOOP, to, to_type)
/* The preprocessor expands no macro inside itself: the inner list has a name of its own. */
#define TYPES_FROM(X, ...) \
	X(F32, float, __VA_ARGS__) X(F16, uint16_t, __VA_ARGS__) X(I8, int8_t, __VA_ARGS__) \
	X(I16, int16_t, __VA_ARGS__) X(I32, int32_t, __VA_ARGS__) X(I64, int64_t, __VA_ARGS__) \
	X(F64, double, __VA_ARGS__) X(BF16, uint16_t, __VA_ARGS__) X(U8, uint8_t, __VA_ARGS__) \
	X(U64, uint64_t, __VA_ARGS__)

TYPES(LOOPS_TO)

enum {
#define INDEX(type, ctype, ...)	INDEX_##type,
	TYPES(INDEX)
	INDEX_COUNT
};

#define ENTRY(from, from_type, to, to_type) [INDEX_##to][INDEX_##from] = convert_##from##_##to,
#define ENTRIES(to, to_type, ...)	TYPES_FROM(ENTRY, to, to_type)
static const convert_fn loops[INDEX_COUNT][INDEX_COUNT] = { TYPES(ENTRIES) };

static unsigned int index_of(unsigned int type)
{
	switch (type) {
#define INDEX_CASE(type, ctype, ...)	case MARU_TYPE_##type: return INDEX_##type;
	TYPES(INDEX_CASE)
	}
	return INDEX_COUNT;
}

#define BITS_LOOP(name, type) \
	static void name(void *to_, uint64_t to_step, const void *from_, uint64_t from_step, \
			 uint64_t n) \
	{ \
		const uint8_t *source = from_; \
		uint8_t *target = to_; \
		if (to_step == sizeof(type) && from_step == sizeof(type)) { \
			memcpy(target, source, n * sizeof(type)); \
			return; \
		} \
		for (uint64_t i = 0; i < n; i++) \
			*(type *)(void *)(target + i * to_step) = \
				*(const type *)(const void *)(source + i * from_step); \
	}
BITS_LOOP(bits_1, uint8_t)
BITS_LOOP(bits_2, uint16_t)
BITS_LOOP(bits_4, uint32_t)
BITS_LOOP(bits_8, uint64_t)

convert_fn convert_scalar(unsigned int to, unsigned int from)
{
	if (to != from)
		return loops[index_of(to)][index_of(from)];
	switch (maru_type_bytes(to)) {
	case 1:
		return bits_1;
	case 2:
		return bits_2;
	case 4:
		return bits_4;
	}
	return bits_8;
}

#define FAST(name, to_type, from_type, to, from) \
	static void fast_##name(void *to_, uint64_t to_step, const void *from_, \
				uint64_t from_step, uint64_t n) \
	{ \
		if (to_step == sizeof(to_type) && from_step == sizeof(from_type)) \
			kernels.name(to_, from_, n); \
		else \
			loops[INDEX_##to][INDEX_##from](to_, to_step, from_, from_step, n); \
	}
FAST(f32_to_bf16, uint16_t, float, BF16, F32)
FAST(f32_to_f16, uint16_t, float, F16, F32)
FAST(bf16_to_f32, float, uint16_t, F32, BF16)
FAST(f16_to_f32, float, uint16_t, F32, F16)

convert_fn convert_lookup(unsigned int to, unsigned int from)
{
	if (from == MARU_TYPE_F32 && to == MARU_TYPE_BF16)
		return fast_f32_to_bf16;
	if (from == MARU_TYPE_F32 && to == MARU_TYPE_F16)
		return fast_f32_to_f16;
	if (from == MARU_TYPE_BF16 && to == MARU_TYPE_F32)
		return fast_bf16_to_f32;
	if (from == MARU_TYPE_F16 && to == MARU_TYPE_F32)
		return fast_f16_to_f32;
	return convert_scalar(to, from);
}

static bool is_float(unsigned int type)
{
	return type == MARU_TYPE_F32 || type == MARU_TYPE_F16 || type == MARU_TYPE_BF16;
}

void convert_stream(unsigned int to_type, unsigned int from_type, void *to_, const void *from_,
		    uint64_t n, const void *next)
{
	uint64_t size = maru_type_bytes(to_type), from_size = maru_type_bytes(from_type);
	convert_fn convert = convert_lookup(to_type, from_type);
	uint64_t done = (-(uintptr_t)to_ & 63) / size;
	const uint8_t *from = from_;
	uint8_t *to = to_;

	if (to_type == from_type && size == 4)
		to_type = from_type = MARU_TYPE_F32;	/* any four bytes */
	if (!is_float(to_type) || !is_float(from_type) || done > n) {
		convert(to, size, from, from_size, n);
		return;
	}
	convert(to, size, from, from_size, done);
	done += kernels_elementwise.stream(to_type, from_type, to + done * size,
					   from + done * from_size, n - done, next);
	convert(to + done * size, size, from + done * from_size, from_size, n - done);
}

// SPDX-License-Identifier: GPL-2.0-only
/* Conversion between all plain types against extended precision: docs/card.md [CNV-1] … */
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/convert.h"
#include "firmware-emu/engine/kernels.h"
#include "selftests/host/engine_case.h"
#include "selftests/ref/ref.h"

static const unsigned int types[] = {
	MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_I8, MARU_TYPE_I16, MARU_TYPE_I32,
	MARU_TYPE_I64, MARU_TYPE_F64, MARU_TYPE_BF16, MARU_TYPE_U8, MARU_TYPE_U64,
};

static bool is_float(unsigned int type)
{
	return type == MARU_TYPE_F32 || type == MARU_TYPE_F16 || type == MARU_TYPE_F64 ||
	       type == MARU_TYPE_BF16;
}

static bool is_nan_type(unsigned int type, const void *at)
{
	return is_float(type) && isnan((double)ref_load(type, at));
}

static void check_one(unsigned int to, unsigned int from, const void *source, const void *target)
{
	uint8_t want[8] = { 0 };
	unsigned int size = maru_type_bytes(to);
	uint64_t bits = 0;

	ref_store(to, want, ref_load(from, source));
	if (is_nan_type(from, source) && is_float(to)) {
		assert_true(is_nan_type(to, target));
		return;
	}
	if (!memcmp(want, target, size))
		return;
	memcpy(&bits, source, maru_type_bytes(from));
	print_error("type %u to %u: %#llx: got %02x%02x.. want %02x%02x..\n", from, to,
		    (unsigned long long)bits, ((const uint8_t *)target)[0],
		    ((const uint8_t *)target)[1], want[0], want[1]);
	fail();
}

/* Values near where rounding, overflow and denormals of some type turn. */
static double interesting(uint64_t *seed)
{
	uint64_t r = case_random(seed);
	double x;

	switch (r % 5) {
	case 0:		/* every exponent a double has */
		r = case_random(seed);
		memcpy(&x, &r, 8);
		return x;
	case 1:		/* near ties of the small formats */
		x = ldexp(1 + (double)(r >> 8 & 0x1fff) / 8192, (int)(r >> 33) % 160 - 150);
		return x + ldexp((double)((int)(r >> 24 & 3) - 1), -190 + (int)(r >> 40 & 127));
	case 2:
		return ldexp((double)(r >> 8 & 0xfff), -36 + (int)(r >> 32 & 15));
	case 3:
		return (double)(int64_t)(r >> (r & 63)) * (r & 64 ? 0.5 : -1);
	default:
		return ldexp((double)(r >> 40), (int)(r & 63) - 40) * (r & 64 ? 1 : -1);
	}
}

static void fill(unsigned int type, uint8_t *at, uint64_t n, uint64_t *seed)
{
	unsigned int size = maru_type_bytes(type);
	uint64_t i, bits;
	double x;

	for (i = 0; i < n; i++) {
		bits = case_random(seed);
		if (bits & 1 && type != MARU_TYPE_F32 && type != MARU_TYPE_F64) {
			bits = case_random(seed) >> (case_random(seed) & 63);
			bits ^= case_random(seed) & 1 ? ~0ULL : 0;
			memcpy(at + i * size, &bits, size);
			continue;
		}
		x = interesting(seed);
		ref_store(type, at + i * size, x);
	}
}

/* [CNV-1] [CNV-2] [CNV-3] [CNV-4] [CNV-5] every pair, contiguous and with steps. */
static void pairs(void **state)
{
	enum { N = 4099 };
	uint8_t *source = case_memory(N * 8 * 3), *target = case_memory(N * 8 * 3);
	unsigned int i, j;
	uint64_t seed = 1, e;

	(void)state;
	for (i = 0; i < 10; i++)
		for (j = 0; j < 10; j++) {
			unsigned int from = types[i], to = types[j];
			uint64_t a = maru_type_bytes(from), b = maru_type_bytes(to);

			fill(from, source, N, &seed);
			convert_lookup(to, from)(target, b, source, a, N);
			for (e = 0; e < N; e++)
				check_one(to, from, source + e * a, target + e * b);
			convert_lookup(to, from)(target, 3 * b, source, 2 * a, N / 2);
			for (e = 0; e < N / 2; e++)
				check_one(to, from, source + 2 * e * a, target + 3 * e * b);
		}
}

/* [CNV-2] all values of the 16-bit types, widened and back. */
static void small_floats(void **state)
{
	static const unsigned int small[] = { MARU_TYPE_F16, MARU_TYPE_BF16 };
	uint16_t *source = case_memory(131072), *back = case_memory(131072);
	uint8_t *wide = case_memory(524288);
	unsigned int i, j, e;

	(void)state;
	for (e = 0; e < 65536; e++)
		source[e] = (uint16_t)e;
	for (i = 0; i < 2; i++)
		for (j = 0; j < 10; j++) {
			uint64_t size = maru_type_bytes(types[j]);

			convert_lookup(types[j], small[i])(wide, size, source, 2, 65536);
			for (e = 0; e < 65536; e++)
				check_one(types[j], small[i], source + e, wide + e * size);
			if (types[j] != MARU_TYPE_F32 && types[j] != MARU_TYPE_F64)
				continue;
			convert_lookup(small[i], types[j])(back, 2, wide, size, 65536);
			for (e = 0; e < 65536; e++)
				if (!is_nan_type(small[i], source + e))
					assert_int_equal(back[e], e);
		}
}

/* [CNV-3] single rounding from F64: a value that rounds wrongly by way of F32. */
static void single_rounding(void **state)
{
	const double x = 1 + 0x1p-11 + 0x1p-40, y = 1 + 0x1p-8 + 0x1p-40;
	uint16_t got;

	(void)state;
	convert_lookup(MARU_TYPE_F16, MARU_TYPE_F64)(&got, 2, &x, 8, 1);
	assert_int_equal(got, 0x3c01);
	convert_lookup(MARU_TYPE_BF16, MARU_TYPE_F64)(&got, 2, &y, 8, 1);
	assert_int_equal(got, 0x3f81);
}

/* [CNV-5] towards zero, the nearest end, NaN to 0. */
static void saturation(void **state)
{
	static const float in[] = { 1.9f, -1.9f, 300, -300, INFINITY, -INFINITY, NAN, -0.5f };
	static const int8_t want_i8[] = { 1, -1, 127, -128, 127, -128, 0, 0 };
	static const uint8_t want_u8[] = { 1, 0, 255, 0, 255, 0, 0, 0 };
	static const int32_t wide[] = { 127, 128, -129, INT32_MAX };
	static const int8_t narrow[] = { 127, 127, -128, 127 };
	uint8_t got[8];

	(void)state;
	convert_lookup(MARU_TYPE_I8, MARU_TYPE_F32)(got, 1, in, 4, 8);
	assert_memory_equal(got, want_i8, 8);
	convert_lookup(MARU_TYPE_U8, MARU_TYPE_F32)(got, 1, in, 4, 8);
	assert_memory_equal(got, want_u8, 8);
	convert_lookup(MARU_TYPE_I8, MARU_TYPE_I32)(got, 1, wide, 4, 4);
	assert_memory_equal(got, narrow, 4);
}

/* [CNV-6] NaN: quiet, sign and leading payload kept, the same at every level and step. */
static void nans(void **state)
{
	static const struct { uint32_t from; uint16_t f16, bf16; } cases[] = {
		{ 0x7f800001, 0x7e00, 0x7fc0 }, { 0xffc00000, 0xfe00, 0xffc0 },
		{ 0x7fa00000, 0x7f00, 0x7fe0 }, { 0xff912000, 0xfe89, 0xffd1 },
	};
	unsigned int i, n;

	(void)state;
	for (i = 0; i < 4; i++) {
		uint32_t in[33], wide[33];
		uint16_t out[33];

		for (n = 0; n < 33; n++)
			in[n] = cases[i].from;
		convert_lookup(MARU_TYPE_F16, MARU_TYPE_F32)(out, 2, in, 4, 33);
		for (n = 0; n < 33; n++)
			assert_int_equal(out[n], cases[i].f16);
		convert_lookup(MARU_TYPE_F32, MARU_TYPE_F16)(wide, 4, out, 2, 33);
		for (n = 0; n < 33; n++)
			assert_int_equal(wide[n], (cases[i].f16 & 0x8000u) << 16 | 0x7f800000 |
					 (cases[i].f16 & 0x3ffu) << 13);
		convert_lookup(MARU_TYPE_BF16, MARU_TYPE_F32)(out, 2, in, 4, 33);
		for (n = 0; n < 33; n++)
			assert_int_equal(out[n], cases[i].bf16);
		for (n = 0; n < 33; n++)
			out[n] = 0xff81;	/* signalling */
		convert_lookup(MARU_TYPE_F32, MARU_TYPE_BF16)(wide, 4, out, 2, 33);
		for (n = 0; n < 33; n++)
			assert_int_equal(wide[n], 0xffc10000);
	}
}

/* [CNV-7] each level agrees with scalar code, through the caches and past them. */
static void levels(void **state)
{
	static const unsigned int kinds[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16,
					      MARU_TYPE_I32 };
	enum { N = (1 << 18) + 37, LEVELS = 4 };
	uint32_t *source = case_memory(N * 4), *fast = case_memory(N * 4 + 8);
	uint32_t *slow = case_memory(N * 4);
	unsigned int i, level;
	uint64_t seed = 3, e;

	(void)state;
	for (e = 0; e < N; e++)
		source[e] = (uint32_t)case_random(&seed);
	for (i = 0; i < 10; i++) {
		unsigned int to = kinds[i < 9 ? i / 3 : 3], from = kinds[i < 9 ? i % 3 : 3];
		uint64_t a = maru_type_bytes(from), b = maru_type_bytes(to);

		convert_scalar(to, from)(slow, b, source, a, N);
		for (level = 0; level < LEVELS; level++) {
			kernels_init(level);
			convert_lookup(to, from)(fast, b, source, a, N);
			assert_memory_equal(fast, slow, N * b);
			memset(fast, 0, N * b);
			convert_stream(to, from, fast + 2, source, N, source);
			assert_memory_equal(fast + 2, slow, N * b);
		}
	}
	kernels_init(~0u);
}

static int set_level(void **state)
{
	(void)state;
	kernels_init(KERNELS_PLAIN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs), cmocka_unit_test(small_floats),
		cmocka_unit_test(single_rounding), cmocka_unit_test(saturation),
		cmocka_unit_test(nans), cmocka_unit_test(levels),
		cmocka_unit_test_setup(pairs, set_level), cmocka_unit_test(nans),
	};

	kernels_init(~0u);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("convert", tests, NULL, case_free_all);
}

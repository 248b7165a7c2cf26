// SPDX-License-Identifier: GPL-2.0-only
/* ELEMENTWISE against extended precision: docs/card.md [ELE-1] … */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "selftests/host/data_case.h"
#include "selftests/ref/ref_data.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

static const uint8_t codes[] = {
	0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,
	0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47,
	0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6,
};
static const unsigned int floats[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16 };

#define CODES	sizeof(codes)

static struct engine_case c;
static struct maru_operand *dst, *left, *right;

static unsigned int parameters(unsigned int code)
{
	switch (code) {
	case 0x45:
		return 1;
	case 0x46:
	case 0x47:
	case 0xc3:
	case 0xc6:
		return 2;
	case 0x11:
		return 4;
	}
	return 0;
}

static void set_code(unsigned int code)
{
	static const float p[4] = { -0.75f, 1.5f, 0.5f, -0.125f };

	case_init(&c, MARU_OP_ELEMENTWISE);
	c.header.elementwise.code = (uint16_t)code;
	memcpy(c.header.elementwise.p, p, 4 * parameters(code));
	right = NULL;
}

static void get_parameters(float p[4])
{
	memcpy(p, c.header.elementwise.p, 16);
}

static bool is_near(const struct ref_element *want, unsigned int type, long double got)
{
	long double bound = want->bound, size = fabs(want->value);

	if (isnan(want->value) || isnan((double)got))
		return isnan(want->value) && isnan((double)got);
	if (type != MARU_TYPE_F32)
		bound += ref_ulp(type, want->value) * 0.5001L;
	/* What lies within the bound of the largest number may become infinite. */
	if (isinf((double)got) || isinf(want->value))
		return signbit((double)got) == signbit(want->value) &&
		       isinf((double)ref_round(type, want->value + (want->value < 0 ? -bound :
								     bound)));
	return fabsl(got - want->value) <= bound + size * 0x1p-60L;
}

static void check_element(const uint64_t i[4], long double got)
{
	float p[4];
	double a = (double)ref_load(left->type, ref_at(left, i[0], i[1], i[2], i[3])), b = 0;
	struct ref_element want;

	get_parameters(p);
	if (right)
		b = (double)ref_load(right->type,
				     ref_at(right, i[0] % right->dim[0], i[1] % right->dim[1],
					    i[2] % right->dim[2], i[3] % right->dim[3]));
	if (dst->type == MARU_TYPE_I32) {
		want.value = ref_integer(c.header.elementwise.code, (int32_t)a, (int32_t)b);
		want.bound = 0;
	} else {
		want = ref_elementwise(c.header.elementwise.code, p, a, b);
	}
	if (is_near(&want, dst->type == MARU_TYPE_I32 ? MARU_TYPE_F32 : dst->type, got))
		return;
	print_error("code %#x of %.9g, %.9g: %.9Lg instead of %.9g, off %.3Lg, bound %.3g\n",
		    c.header.elementwise.code, a, b, got, want.value,
		    fabsl(got - want.value), want.bound);
	fail();
}

static void check_all(void)
{
	uint64_t i[4];

	for (i[3] = 0; i[3] < dst->dim[3]; i[3]++)
		for (i[2] = 0; i[2] < dst->dim[2]; i[2]++)
			for (i[1] = 0; i[1] < dst->dim[1]; i[1]++)
				for (i[0] = 0; i[0] < dst->dim[0]; i[0]++)
					check_element(i, ref_load(dst->type,
								  ref_at(dst, i[0], i[1], i[2],
									 i[3])));
}

/* Values of every magnitude, and those where functions bend. */
static void interesting(struct maru_operand *desc, uint64_t *seed)
{
	static const float bends[] = {
		0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 2.5f, -2.5f, 3.0f, -3.0f, 0.625f, 20.0f,
		20.00001f, -20.0f, 88.7f, -88.7f, 89.5f, -89.5f, -103.9f, 104.5f, 1e-30f, -1e-38f,
		1e-42f, 1e10f, -1e10f, 3e38f, -3e38f, 8388607.5f, -8388607.5f, 16777216.0f,
	};
	uint64_t n = desc->dim[0], i;
	float *values = (float *)(uintptr_t)desc->va;

	for (i = 0; i < n; i++) {
		if (i < sizeof(bends) / 4)
			values[i] = bends[i];
		else if (i % 4)
			values[i] = case_float(seed) * 12;
		else
			values[i] = ldexpf(case_float(seed), (int)(case_random(seed) % 250) - 140);
	}
}

/* Where the result is not a number in the reference, or a step overflows. */
static void keep_domain(unsigned int code)
{
	float *a = (float *)(uintptr_t)left->va, *b = right ? (void *)(uintptr_t)right->va : a;
	uint64_t i;

	for (i = 0; i < left->dim[0]; i++) {
		if (code == 0x43 || code == 0x44)
			a[i] = fmodf(a[i], 1e6f);
		if (code == 0xc3)
			a[i] = fmaxf(a[i], -60);
		if (code >= 0xc0 && fabsf(b[i]) > 1e10f)
			b[i] = 1;
		if ((code == 0x0b || code == 0x0d || code >= 0xc0) && fabsf(a[i]) > 1e20f)
			a[i] = 2;
	}
}

/* [ELE-1] [ELE-2] [ELE-3] [ELE-11] each code on values of every magnitude. */
static void values(void **state)
{
	const uint32_t dim[4] = { 20000, 1, 1, 1 };
	uint64_t seed = 77;
	unsigned int i;

	(void)state;
	for (i = 0; i < CODES; i++) {
		set_code(codes[i]);
		dst = data_add(&c, 0, MARU_TYPE_F32, dim, false, &seed);
		left = data_add(&c, 1, MARU_TYPE_F32, dim, false, &seed);
		interesting(left, &seed);
		if (codes[i] >= 0x80) {
			right = data_add(&c, 2, MARU_TYPE_F32, dim, false, &seed);
			interesting(right, &seed);
			((float *)(uintptr_t)right->va)[1] = 7;
		}
		keep_domain(codes[i]);
		assert_int_equal(case_run(&c), 0);
		check_all();
		case_free_all(NULL);
	}
}

/* [ELE-1] [ELE-4] types, strides, shared b. */
static void shapes(void **state)
{
	uint64_t seed = 78;
	unsigned int round, d;

	(void)state;
	for (round = 0; round < 600; round++) {
		unsigned int code = codes[case_random(&seed) % CODES];
		bool is_integer = round % 10 == 0;
		unsigned int same = floats[case_random(&seed) % 3];
		uint32_t dim[4], share[4];

		for (d = 0; d < 4; d++) {
			share[d] = 1 + case_random(&seed) % (d ? 3 : 200);
			dim[d] = share[d] * (case_random(&seed) & 1 ? 1 :
					     1 + (uint32_t)case_random(&seed) % 3);
		}
		if (is_integer)
			code = (unsigned int[]){ 0x80, 0x81, 0x82, 0x84, 0x85 }[round / 10 % 5];
		set_code(code);
		dst = data_add(&c, 0, is_integer ? MARU_TYPE_I32 : round & 1 ? same :
			       floats[case_random(&seed) % 3], dim, case_random(&seed) & 1, &seed);
		left = data_add(&c, 1, is_integer ? MARU_TYPE_I32 : round & 1 ? same :
				floats[case_random(&seed) % 3], dim, case_random(&seed) & 1, &seed);
		if (code >= 0x80)
			right = data_add(&c, 2, is_integer ? MARU_TYPE_I32 : round & 1 ? same :
					 floats[case_random(&seed) % 3], share,
					 case_random(&seed) & 1, &seed);
		assert_int_equal(case_run(&c), 0);
		check_all();
		case_free_all(NULL);
	}
}

/* Runs the packet in a shape that no fast path takes; dst as one row. */
static void run_slowly(uint32_t n, void *result)
{
	unsigned int size = maru_type_bytes(dst->type);
	struct engine_case fast = c;
	uint64_t seed = 1;
	uint32_t i;

	for (i = 0; i < 3 && (i < 2 || right); i++) {
		struct maru_operand *desc = (struct maru_operand *)(c.bytes + 64 * (i + 1));
		uint8_t *from = (uint8_t *)(uintptr_t)desc->va, *to;
		bool is_one = desc->dim[0] == 1;
		uint32_t j;

		desc->dim[0] = is_one ? 1 : 10;
		desc->dim[1] = is_one ? 1 : n / 10;
		desc->stride[1] = 12 * size;
		to = case_memory(n / 10 * 12 * size);
		for (j = 0; j < n / 10 && !is_one; j++)
			memcpy(to + j * 12 * size, from + j * 10 * size, 10 * size);
		if (!is_one)
			desc->va = (uint64_t)(uintptr_t)to;
	}
	assert_int_equal(case_run_shuffled(&c, 2, seed), 0);
	for (i = 0; i < n / 10; i++)
		memcpy((uint8_t *)result + i * 10 * size,
		       (uint8_t *)(uintptr_t)dst->va + i * 12 * size, 10 * size);
	c = fast;
}

/* [ELE-5] every path gives the same bits: one pass, chunks, past the caches, in place. */
static void same_bits(void **state)
{
	static const uint32_t lengths[] = { 640, 25010, 4300010 };
	uint64_t seed = 79;
	unsigned int i, type, round;

	(void)state;
	for (i = 0; i < CODES; i++)
		for (type = 0; type < 3; type++)
			for (round = 0; round < 6; round++) {
				uint32_t n = lengths[round % 3];
				uint64_t bytes = (uint64_t)n * maru_type_bytes(floats[type]);
				void *slow;

				if (n > 1000000 && codes[i] != MARU_CODE_ADD &&
				    codes[i] != MARU_CODE_SWIGLU && codes[i] != MARU_CODE_SCALE)
					continue;
				set_code(codes[i]);
				dst = data_add_noise(&c, 0, floats[type], n, &seed);
				left = data_add_noise(&c, 1, floats[type], n, &seed);
				if (codes[i] >= 0x80)
					right = data_add_noise(&c, 2, floats[type],
							       round < 3 ? n : 1, &seed);
				dst->va += round < 3 ? 4 : 0;
				slow = case_memory(bytes);
				run_slowly(n, slow);
				assert_int_equal(case_run_shuffled(&c, 2, seed), 0);
				assert_memory_equal((void *)(uintptr_t)dst->va, slow, bytes);
				dst->va = left->va;
				assert_int_equal(case_run(&c), 0);
				assert_memory_equal((void *)(uintptr_t)dst->va, slow, bytes);
				case_free_all(NULL);
			}
}

/* [ELE-6] MATMUL's activations have the bits of the codes. */
static void as_activation(void **state)
{
	const uint32_t n = 5000;
	uint64_t seed = 80;
	unsigned int i;

	(void)state;
	for (i = 0; codes[i] < 0x40; i++) {
		static struct engine_case m;
		const uint32_t dim[4] = { n, 1, 1, 1 };
		float one = 1, *got = case_memory(n * 4), scale = 1;
		struct maru_operand *a;

		if (parameters(codes[i]))
			continue;
		set_code(codes[i]);
		dst = data_add(&c, 0, MARU_TYPE_F32, dim, false, &seed);
		left = data_add(&c, 1, MARU_TYPE_F32, dim, false, &seed);
		assert_int_equal(case_run(&c), 0);
		case_init(&m, MARU_OP_MATMUL);
		m.header.matmul.b_as = MARU_TYPE_NONE;
		m.header.matmul.act = codes[i] + 1;
		memcpy(&m.header.matmul.scale, &scale, 4);
		case_add(&m, 0, got, MARU_TYPE_F32, n, 1, 1, 1);
		a = case_add(&m, 1, (void *)(uintptr_t)left->va, MARU_TYPE_F32, 1, n, 1, 1);
		(void)a;
		case_add(&m, 2, &one, MARU_TYPE_F32, 1, 1, 1, 1);
		assert_int_equal(case_run(&m), 0);
		assert_memory_equal(got, (void *)(uintptr_t)dst->va, n * 4);
		case_free_all(NULL);
	}
}

static float run_two(unsigned int code, float a, float b)
{
	const uint32_t dim[4] = { 1, 1, 1, 1 };
	uint64_t seed = 1;
	float result;

	set_code(code);
	dst = data_add(&c, 0, MARU_TYPE_F32, dim, false, &seed);
	left = data_add(&c, 1, MARU_TYPE_F32, dim, false, &seed);
	*(float *)(uintptr_t)left->va = a;
	if (code >= 0x80) {
		right = data_add(&c, 2, MARU_TYPE_F32, dim, false, &seed);
		*(float *)(uintptr_t)right->va = b;
	}
	assert_int_equal(case_run(&c), 0);
	result = *(float *)(uintptr_t)dst->va;
	case_free_all(NULL);
	return result;
}

/* [ELE-7] NaN, infinities, signs of zero. */
static void specials(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < CODES; i++) {
		assert_true(isnan(run_two(codes[i], NAN, 1)));
		assert_true(codes[i] < 0x80 || isnan(run_two(codes[i], 1, NAN)));
	}
	assert_true(signbit(run_two(MARU_CODE_MIN, -0.0f, 0.0f)));
	assert_false(signbit(run_two(MARU_CODE_MIN, 0.0f, -0.0f)));
	assert_true(signbit(run_two(MARU_CODE_MAX, -0.0f, 0.0f)));
	assert_true(signbit(run_two(MARU_CODE_RELU, -0.0f, 0)));
	assert_true(signbit(run_two(MARU_CODE_SGN, -0.0f, 0)));
	assert_true(isnan(run_two(MARU_CODE_SILU, -INFINITY, 0)));
	assert_true(isinf(run_two(MARU_CODE_SILU, INFINITY, 0)));
	assert_true(run_two(MARU_CODE_SIGMOID, -INFINITY, 0) == 0);
	assert_true(run_two(MARU_CODE_TANH, INFINITY, 0) == 1);
	assert_true(run_two(MARU_CODE_EXP, -INFINITY, 0) == 0);
	assert_true(isinf(run_two(MARU_CODE_EXP, 100, 0)));
	assert_true(isnan(run_two(MARU_CODE_SQRT, -1, 0)));
	assert_true(isinf(run_two(MARU_CODE_LOG, 0, 0)));
	assert_true(isinf(run_two(MARU_CODE_DIV, 1, 0)));
	assert_true(isnan(run_two(MARU_CODE_MUL, INFINITY, 0)));
	assert_true(run_two(MARU_CODE_CLAMP, INFINITY, 0) == 1.5f);
}

/* [ELE-8] I32 wraps. */
static void integers(void **state)
{
	static const unsigned int some[] = { 0x80, 0x81, 0x82, 0x84, 0x85 };
	const uint32_t dim[4] = { 3000, 1, 1, 1 };
	uint64_t seed = 81;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 5; i++) {
		set_code(some[i]);
		dst = data_add(&c, 0, MARU_TYPE_I32, dim, false, &seed);
		left = data_add(&c, 1, MARU_TYPE_I32, dim, false, &seed);
		right = data_add(&c, 2, MARU_TYPE_I32, dim, false, &seed);
		for (j = 0; j < dim[0]; j++) {
			((int32_t *)(uintptr_t)left->va)[j] = (int32_t)case_random(&seed);
			((int32_t *)(uintptr_t)right->va)[j] = (int32_t)case_random(&seed);
		}
		assert_int_equal(case_run(&c), 0);
		check_all();
	}
}

/* [ELE-9] without elements nothing happens. */
static void empty(void **state)
{
	static const uint32_t dim[4] = { 4, 0, 1, 1 };
	uint64_t seed = 1;

	(void)state;
	set_code(MARU_CODE_ADD);
	data_add(&c, 0, MARU_TYPE_F32, dim, false, &seed);
	data_add(&c, 1, MARU_TYPE_F32, dim, false, &seed);
	data_add(&c, 2, MARU_TYPE_F32, dim, false, &seed);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
}

static void build(unsigned int code, bool has_right)
{
	static const uint32_t dim[4] = { 4, 3, 2, 1 };
	uint64_t seed = 1;

	set_code(code);
	dst = data_add(&c, 0, MARU_TYPE_F32, dim, false, &seed);
	left = data_add(&c, 1, MARU_TYPE_F32, dim, false, &seed);
	if (has_right)
		right = data_add(&c, 2, MARU_TYPE_F32, dim, false, &seed);
}

/* [ELE-10] what is refused, and where. */
static void refused(void **state)
{
	unsigned int code, i;

	(void)state;
	for (code = 0; code <= 0xc6; code++) {
		bool is_known = false;

		for (i = 0; i < CODES; i++)
			is_known |= codes[i] == code;
		build(code, code >= 0x80);
		if (!is_known)
			case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 16);
		for (i = parameters(code); i < 4 && is_known; i++) {
			c.header.elementwise.p[i] = 0x3f800000;
			case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20 + 4 * i);
			c.header.elementwise.p[i] = 0;
		}
		case_free_all(NULL);
	}
	build(MARU_CODE_ADD, false);
	case_refused(&c, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	build(MARU_CODE_CLAMP, true);
	case_refused(&c, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	build(MARU_CODE_ADD, true);
	right->dim[1] = 2;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	build(MARU_CODE_ADD, true);
	right->type = MARU_TYPE_I32;
	case_refused(&c, MARU_ERR_UNSUPPORTED, 2, MARU_FIELD_TYPE);
	left->type = MARU_TYPE_I32;
	case_refused(&c, MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_TYPE);
	dst->type = MARU_TYPE_I32;
	assert_int_equal(case_run(&c), 0);
	c.header.elementwise.code = MARU_CODE_DIV;
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(values, case_free_all),
		cmocka_unit_test_teardown(shapes, case_free_all),
		cmocka_unit_test_teardown(same_bits, case_free_all),
		cmocka_unit_test_teardown(as_activation, case_free_all),
		cmocka_unit_test_teardown(specials, case_free_all),
		cmocka_unit_test_teardown(integers, case_free_all),
		cmocka_unit_test_teardown(empty, case_free_all),
		cmocka_unit_test_teardown(refused, case_free_all),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("elementwise", tests, NULL, case_free_all);
}

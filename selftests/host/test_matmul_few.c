// SPDX-License-Identifier: GPL-2.0-only
/* MATMUL with scales of A, and with few rows of B. */
#include <math.h>
#include <string.h>

#include "selftests/host/matmul_case.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

/* [MM-11] [MM-12] I8 weights with a scale for each row; B as floats, or rounded by rows. */
static void scaled(void **state)
{
	static const struct { uint32_t n, m, k; } sizes[] = {
		{ 1, 1, 1 }, { 63, 7, 5 }, { 65, 13, 1031 }, { 130, 1, 4099 }, { 200, 8, 257 },
		{ 72, 70, 64 },
	};
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 6; i++)
		for (j = 0; j < 24; j++)
			matmul_run(&(struct product) { .n = sizes[i].n, .m = sizes[i].m,
						.k = sizes[i].k, .a = I8,
						.b = matmul_floats[j % 3],
						.dst = matmul_floats[j / 3 % 3],
						.is_a_scaled = true,
						.b_as = j & 1 ? I8 : 0,
						.layout = j & 2 ? MARU_LAYOUT_K16N64K4 : 0,
						.is_a_transposed = j & 4, .is_b_transposed = j & 8,
						.act = j % 5 ? 0 : MARU_ACT_SILU,
						.bias = j % 3 ? 0 : 1 + F32,
						.residual = j % 4 ? 0 : 1 + BF16,
						.scale = 0.5f, .d2 = 2, .a2 = 1 + j % 2,
						.pad = j % 3 }, i * 24 + j);
}

/* [MM-12] [MM-13] ties, the largest magnitude, rows of zeros, of denormals, of NaN and Inf. */
static void row_rounding(void **state)
{
	const struct product p = { .n = 1, .m = 8, .k = 40, .a = I8, .b = F32, .dst = F32,
				   .is_a_scaled = true, .b_as = I8 };
	static const float want[] = { 0, 2, 2, -2, -127 };
	float *b, *dst;
	unsigned int i;

	(void)state;
	matmul_build(&p, 3);
	b = matmul_floats_of(2);
	dst = matmul_floats_of(0);
	memset(b, 0, sizeof(*b) * 8 * 40);
	memset((void *)(uintptr_t)matmul_operand(1)->va, 0, 40);
	((int8_t *)(uintptr_t)matmul_operand(1)->va)[39] = 1;
	matmul_floats_of(5)[0] = 1;
	for (i = 0; i < 5; i++) {
		static const float values[] = { 0.5f, 1.5f, 2.5f, -2.5f, -127 };

		b[i * 40] = 127;
		b[i * 40 + 39] = values[i];
	}
	b[6 * 40 + 39] = 0x1p-149f * 200;	/* its scale is a denormal, rounded */
	b[7 * 40 + 3] = INFINITY;
	assert_int_equal(case_run(&matmul_case), 0);
	for (i = 0; i < 5; i++)
		assert_true(dst[i] == want[i]);
	assert_true(dst[5] == 0);
	assert_true(dst[6] == 0x1p-149f * 2 * 100);
	assert_true(isnan(dst[7]));
	b[7 * 40 + 3] = NAN;
	assert_int_equal(case_run(&matmul_case), 0);
	assert_true(isnan(dst[7]) && dst[5] == 0);
	case_free_all(NULL);
}

/* [MM-14] what does not go with scales of A. */
static void scaled_refused(void **state)
{
	struct product p = { .n = 6, .m = 4, .k = 8, .a = F32, .b = F32, .dst = F32,
			     .is_a_scaled = true };

	(void)state;
	matmul_build(&p, 1);
	case_refused(&matmul_case, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	p.a = I8;
	p.b_as = BF16;
	matmul_build(&p, 1);
	case_refused(&matmul_case, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16);
	p.b_as = 0;
	p.b = I8;
	matmul_build(&p, 1);
	case_refused(&matmul_case, MARU_ERR_UNSUPPORTED, MARU_ROLE_B, MARU_FIELD_TYPE);
	p.b = F32;
	p.dst = I32;
	matmul_build(&p, 1);
	case_refused(&matmul_case, MARU_ERR_UNSUPPORTED, MARU_ROLE_DST, MARU_FIELD_TYPE);
	p.dst = F32;
	matmul_build(&p, 1);
	((struct maru_operand *)(uintptr_t)matmul_operand(5))->dim[0] = 5;
	case_refused(&matmul_case, MARU_ERR_BAD_SHAPE, MARU_ROLE_A_SCALE, MARU_FIELD_DIM(0));
	p.is_a_scaled = false;
	matmul_build(&p, 1);
	case_refused(&matmul_case, MARU_ERR_UNSUPPORTED, MARU_ROLE_B, MARU_FIELD_TYPE);
	case_free_all(NULL);
}

static const struct product kinds[] = {
	{ .a = F32 }, { .a = F16 }, { .a = BF16 },
	{ .a = F32, .layout = MARU_LAYOUT_K16N64 },
	{ .a = F16, .layout = MARU_LAYOUT_K16N64 },
	{ .a = BF16, .layout = MARU_LAYOUT_K16N64 },
	{ .a = F16, .layout = MARU_LAYOUT_K16N64K2 },
	{ .a = BF16, .layout = MARU_LAYOUT_K16N64K2 },
	{ .a = I8, .is_a_scaled = true },
	{ .a = I8, .is_a_scaled = true, .layout = MARU_LAYOUT_K16N64K4 },
	{ .a = I8, .is_a_scaled = true, .b_as = I8 },
	{ .a = I8, .is_a_scaled = true, .b_as = I8, .layout = MARU_LAYOUT_K16N64K4 },
	{ .a = I8, .b = I8, .dst = I32 },
	{ .a = I8, .b = I8, .dst = I32, .layout = MARU_LAYOUT_K16N64K4 },
};

/* [MM-3] [MM-7] the code for few rows of B: every kind of weights, tails of n and k, parts. */
static void few_rows(void **state)
{
	static const uint32_t ks[] = { 1, 15, 34, 129, 260, 1031 }, ns[] = { 1, 64, 130 };
	unsigned int i, j, m;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct product p = kinds[i];

		for (m = 1; m <= 9; m++)
			for (j = (m + m / 3 + i) % 3; j < 18; j += 3) {
				p.m = m;
				p.n = ns[j % 3];
				p.k = ks[j / 3];
				p.pad = j % 2;
				p.b = kinds[i].b == I8 ? I8 : matmul_floats[(j + m) % 3];
				matmul_run(&p, i * 1000 + m * 100 + j);
			}
		p.m = 2;
		p.n = 66;
		p.k = 65601;
		matmul_run(&p, i);
	}
}

/* [DET-1] the same bits in any order of tiles on any number of threads. */
static void determinism(void **state)
{
	unsigned int i, m, round;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (m = 1; m <= 20; m += m < 3 ? 1 : 17) {
			struct product p = kinds[i];
			const struct maru_operand *dst;
			uint64_t bytes;
			void *first;

			p.n = 1000;
			p.m = m;
			p.k = 777;
			p.b = p.b == I8 ? I8 : F32;
			matmul_build(&p, i);
			dst = matmul_operand(0);
			bytes = dst->stride[2];
			first = case_memory(bytes);
			assert_int_equal(case_run(&matmul_case), 0);
			memcpy(first, (void *)(uintptr_t)dst->va, bytes);
			for (round = 0; round < 2; round++) {
				memset((void *)(uintptr_t)dst->va, 0xee, (uint64_t)p.n * p.m * 4);
				assert_int_equal(case_run_shuffled(&matmul_case, 1 + round, i), 0);
				assert_memory_equal(first, (void *)(uintptr_t)dst->va,
						    (uint64_t)p.n * p.m * 4);
			}
			case_free_all(NULL);
		}
}

/* Rows @first … @first + @count - 1 of B, and what is beside them, as a packet of its own. */
static void take_rows(uint32_t first, uint32_t count)
{
	static const unsigned int roles[] = { 0, MARU_ROLE_B, MARU_ROLE_RESIDUAL };

	for (unsigned int i = 0; i < 3; i++) {
		struct maru_operand *desc = (struct maru_operand *)(uintptr_t)
					    matmul_operand(roles[i]);

		if (!desc)
			continue;
		desc->va += first * desc->stride[1];
		desc->dim[1] = count;
	}
}

/* [DET-4] the bits of a row do not depend on the rows beside it: eight as one, and in parts. */
static void rows_alone(void **state)
{
	static const struct { uint32_t first, count; } parts[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 1 }, { 3, 1 }, { 4, 1 }, { 5, 1 }, { 6, 1 }, { 7, 1 },
		{ 2, 3 }, { 4, 4 }, { 1, 6 },
	};
	unsigned int i, j, k;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (j = 0; j < (kinds[i].layout ? 3 : 0); j++) {
			struct product p = kinds[i];
			struct engine_case eight;
			uint64_t step;
			uint8_t *dst;
			void *first;

			p.n = 330;
			p.m = 8;
			p.k = j ? 1031 : 257;
			p.b = p.b == I8 ? I8 : matmul_floats[j];
			p.act = p.dst == I32 ? 0 : MARU_ACT_SILU;
			p.bias = p.dst == I32 ? 0 : 1 + F32;
			p.residual = p.dst == I32 ? 0 : 1 + F32;
			matmul_build(&p, i * 3 + j);
			eight = matmul_case;
			dst = (uint8_t *)(uintptr_t)matmul_operand(0)->va;
			step = matmul_operand(0)->stride[1];
			first = case_memory(8 * step);
			assert_int_equal(case_run(&matmul_case), 0);
			memcpy(first, dst, 8 * step);
			for (k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
				matmul_case = eight;
				take_rows(parts[k].first, parts[k].count);
				memset(dst, 0xee, 8 * step);
				assert_int_equal(case_run(&matmul_case), 0);
				for (uint32_t row = parts[k].first;
				     row < parts[k].first + parts[k].count; row++)
					assert_memory_equal(dst + row * step,
							    (uint8_t *)first + row * step,
							    p.n * 4ull);
			}
			case_free_all(NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scaled), cmocka_unit_test(row_rounding),
		cmocka_unit_test(scaled_refused), cmocka_unit_test(few_rows),
		cmocka_unit_test(determinism), cmocka_unit_test(rows_alone),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("matmul_few", tests, NULL, NULL);
}

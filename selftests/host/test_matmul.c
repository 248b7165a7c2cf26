// SPDX-License-Identifier: GPL-2.0-only
/* MATMUL against double precision: docs/card.md [MM-1] … */
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "selftests/host/matmul_case.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

/* [MM-1] every pair of float types, every dst, odd sizes. */
static void types(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 27; i++)
		matmul_run(&(struct product) { .n = 67, .m = 13, .k = 37, .a = matmul_floats[i % 3],
					.b = matmul_floats[i / 3 % 3], .dst = matmul_floats[i / 9],
					.pad = i % 4 },
		    i);
}

/* [MM-2] rows along either direction, rows apart, batches, shared A. */
static void strides(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 48; i++)
		matmul_run(&(struct product) { .n = 33, .m = 70, .k = 65, .a = matmul_floats[i % 3],
					.b = matmul_floats[i / 3 % 3], .dst = F32, .d2 = 4, .d3 = 2,
					.a2 = i & 1 ? 2 : 1, .a3 = i & 2 ? 1 : 2, .pad = i % 5,
					.is_a_transposed = i & 4, .is_b_transposed = i & 8 }, i);
}

/* [MM-3] prepared weights of each layout and type. */
static void prepared(void **state)
{
	static const struct { unsigned int layout, type; } kinds[] = {
		{ MARU_LAYOUT_K16N64, F32 }, { MARU_LAYOUT_K16N64, F16 },
		{ MARU_LAYOUT_K16N64, BF16 }, { MARU_LAYOUT_K16N64K2, F16 },
		{ MARU_LAYOUT_K16N64K2, BF16 },
	};
	static const struct { uint32_t n, m, k; } sizes[] = {
		{ 1, 1, 1 }, { 64, 4, 16 }, { 130, 9, 47 }, { 200, 33, 300 }, { 65, 3, 2100 },
		{ 257, 2, 4097 },
	};
	unsigned int i, j, b;

	(void)state;
	for (i = 0; i < 5; i++)
		for (j = 0; j < 6; j++)
			for (b = 0; b < 3; b++)
				matmul_run(&(struct product) { .n = sizes[j].n, .m = sizes[j].m,
							.k = sizes[j].k, .a = kinds[i].type,
							.b = matmul_floats[b], .dst = F32,
							.d2 = 2, .a2 = 1,
							.layout = kinds[i].layout, .pad = b }, i);
}

/* [MM-4] B, and A with it, rounded to a type first. */
static void rounded_first(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 36; i++)
		matmul_run(&(struct product) { .n = 70, .m = 11, .k = 90, .a = matmul_floats[i % 3],
					.b = matmul_floats[i / 3 % 3], .dst = F32,
					.b_as = i & 1 ? F16 : BF16, .is_a_transposed = i & 2,
					.is_b_transposed = i & 4 }, i);
}

/* [MM-5] scale, bias, every activation, residual, also in place. */
static void epilogues(void **state)
{
	unsigned int act;

	(void)state;
	for (act = 0; act <= 22; act++) {
		if (act == 18)
			continue;
		matmul_run(&(struct product) { .n = 300, .m = 5, .k = 24, .a = F32, .b = F32,
					.dst = matmul_floats[act % 3], .act = act, .scale = 0.75f,
					.bias = 1 + matmul_floats[act / 3 % 3], .pad = 3,
					.residual = 1 + matmul_floats[act % 3],
					.is_residual_dst = act & 1 }, act);
		matmul_run(&(struct product) { .n = 20, .m = 7, .k = 16, .a = BF16, .b = F16,
					.dst = F32, .act = act, .scale = -3, .d2 = 2,
					.residual = act & 1 ? 1 + F16 : 0 }, act);
	}
}

/* [MM-6] [DET-3] I8 × I8 is exact in I32, and rounds once into floats. */
static void integers(void **state)
{
	static const struct { uint32_t n, m, k; } sizes[] = {
		{ 1, 1, 1 }, { 8, 6, 4 }, { 63, 7, 5 }, { 65, 13, 1031 }, { 130, 20, 2055 },
		{ 72, 300, 64 }, { 300, 1, 4100 },
	};
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 7; i++)
		for (j = 0; j < 16; j++)
			matmul_run(&(struct product) { .n = sizes[i].n, .m = sizes[i].m,
						.k = sizes[i].k,
						.a = I8, .b = I8, .dst = j & 8 ? F32 : I32,
						.layout = j & 1 ? MARU_LAYOUT_K16N64K4 : 0,
						.is_a_transposed = j & 2, .is_b_transposed = j & 4,
						.scale = j & 8 ? 0.01f : 0, .d2 = 2, .pad = j % 3 },
			    i * 16 + j);
}

/* [MM-6] the extremes that saturating instructions get wrong. */
static void integer_extremes(void **state)
{
	uint32_t i, k = 1000;
	const struct product p = { .n = 70, .m = 14, .k = k, .a = I8, .b = I8, .dst = I32 };

	(void)state;
	matmul_build(&p, 1);
	memset((void *)(uintptr_t)matmul_operand(1)->va, -128, (size_t)70 * k);
	memset((void *)(uintptr_t)matmul_operand(2)->va, -128, (size_t)14 * k);
	assert_int_equal(case_run(&matmul_case), 0);
	for (i = 0; i < 70 * 14; i++)
		assert_int_equal(((int32_t *)(uintptr_t)matmul_operand(0)->va)[i], 16384 * k);
	memset((void *)(uintptr_t)matmul_operand(2)->va, 127, (size_t)14 * k);
	assert_int_equal(case_run(&matmul_case), 0);
	for (i = 0; i < 70 * 14; i++)
		assert_int_equal(((int32_t *)(uintptr_t)matmul_operand(0)->va)[i], -16256 * (int)k);
	case_free_all(NULL);
}

/* [MM-7] sums longer than a part, several tiles, edges. */
static void large(void **state)
{
	static const struct product list[] = {
		{ .n = 3, .m = 9, .k = 20000, .a = F32, .b = F32, .dst = F32 },
		{ .n = 3, .m = 9, .k = 20000, .a = BF16, .b = BF16, .dst = F32 },
		{ .n = 600, .m = 530, .k = 70, .a = F32, .b = F32, .dst = F32 },
		{ .n = 530, .m = 600, .k = 70, .a = BF16, .b = F32, .dst = BF16,
		  .layout = MARU_LAYOUT_K16N64 },
		{ .n = 400, .m = 300, .k = 2500, .a = F16, .b = F32, .dst = F32,
		  .layout = MARU_LAYOUT_K16N64, .bias = 1 + F32 },
		{ .n = 70000, .m = 1, .k = 3, .a = F32, .b = F32, .dst = F32 },
		{ .n = 1, .m = 70000, .k = 3, .a = F32, .b = F32, .dst = F32 },
		{ .n = 2, .m = 3, .k = 4, .d2 = 60, .d3 = 50, .a = F32, .b = F32, .dst = F32 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		matmul_run(&list[i], 1 + i);
}

/* Bytes between the rows of dst keep their value, whatever code makes the rows. */
static void gaps(void **state)
{
	static const struct product list[] = {
		{ .n = 1, .m = 9, .k = 15, .a = F32, .b = F32, .dst = F32 },
		{ .n = 57, .m = 9, .k = 16, .a = F32, .b = F32, .dst = F32 },
		{ .n = 257, .m = 16, .k = 40, .a = F32, .b = F32, .dst = F32 },
		{ .n = 121, .m = 300, .k = 2500, .a = F32, .b = F32, .dst = F32 },
		{ .n = 121, .m = 300, .k = 1000, .a = F32, .b = F32, .dst = F32,
		  .is_a_transposed = true },
		{ .n = 121, .m = 20, .k = 100, .a = BF16, .b = BF16, .dst = F32 },
		{ .n = 121, .m = 20, .k = 100, .a = F16, .b = F32, .dst = F32,
		  .layout = MARU_LAYOUT_K16N64 },
		{ .n = 121, .m = 20, .k = 100, .a = I8, .b = I8, .dst = I32 },
		{ .n = 121, .m = 3, .k = 100, .a = I8, .b = I8, .dst = I32 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct product p = list[i];
		const struct maru_operand *dst;
		uint32_t m, at;

		p.pad = 5;
		matmul_build(&p, 1 + i);
		dst = matmul_operand(0);
		memset((void *)(uintptr_t)dst->va, 0x5a, dst->stride[2]);
		assert_int_equal(case_run(&matmul_case), 0);
		matmul_check(NULL);
		for (m = 0; m < p.m; m++)
			for (at = 0; at < p.pad; at++)
				assert_int_equal(((uint32_t *)(uintptr_t)(dst->va + m *
					dst->stride[1]))[p.n + at], 0x5a5a5a5a);
		case_free_all(NULL);
	}
}

/* [MM-8] k = 0 is a sum of nothing; no rows or columns is no effect. */
static void empty(void **state)
{
	(void)state;
	matmul_run(&(struct product) { .n = 9, .m = 4, .k = 0, .a = F32, .b = F32, .dst = F32,
				.bias = 1 + F32, .act = MARU_ACT_SIGMOID }, 1);
	matmul_run(&(struct product) { .n = 9, .m = 4, .k = 0, .a = I8, .b = I8, .dst = I32 }, 1);
	matmul_run(&(struct product) { .n = 0, .m = 4, .k = 5, .a = F32, .b = F32, .dst = F32 }, 1);
	matmul_run(&(struct product) { .n = 4, .m = 0, .k = 5, .a = F32, .b = F32, .dst = F32 }, 1);
}

/* [MM-9] NaN and Inf reach exactly the elements whose sum they are in. */
static void specials(void **state)
{
	const struct product p = { .n = 67, .m = 9, .k = 40, .a = F32, .b = F32, .dst = F32 };
	unsigned int n, m;

	(void)state;
	matmul_build(&p, 5);
	matmul_floats_of(1)[3 * 40 + 7] = NAN;		/* k 7, n 3 */
	matmul_floats_of(1)[66 * 40 + 39] = INFINITY;	/* k 39, n 66 */
	matmul_floats_of(2)[4 * 40 + 39] = 0;		/* m 4: Inf · 0 */
	matmul_floats_of(2)[5 * 40] = -INFINITY;	/* m 5 */
	assert_int_equal(case_run(&matmul_case), 0);
	for (m = 0; m < 9; m++)
		for (n = 0; n < 67; n++) {
			float got = matmul_floats_of(0)[m * 67 + n];

			if (n == 3 || (n == 66 && m == 4))
				assert_true(isnan(got));
			else if (n != 66 && m != 5)
				assert_true(isfinite(got));
			else
				assert_false(isfinite(got));
		}
	case_free_all(NULL);
}

/* [MM-9] denormals of the operands and of the result count. */
static void denormals(void **state)
{
	const struct product p = { .n = 2, .m = 2, .k = 8, .a = F32, .b = F32, .dst = F32 };
	unsigned int i;

	(void)state;
	matmul_build(&p, 5);
	for (i = 0; i < 16; i++) {
		matmul_floats_of(1)[i] = 0x1p-140f;
		matmul_floats_of(2)[i] = i < 8 ? 1 : 0x1p20f;
	}
	assert_int_equal(case_run(&matmul_case), 0);
	assert_true(matmul_floats_of(0)[0] == 0x1p-137f && matmul_floats_of(0)[3] == 0x1p-117f);
	case_free_all(NULL);
}

/* [MM-9] the instructions from level 3 on take BF16 denormals for zeros, no other code does. */
static void denormal_halves(void **state)
{
	static const unsigned int layouts[] = { 0, MARU_LAYOUT_K16N64K2, MARU_LAYOUT_K16N64 };
	unsigned int i, l, rows;
	float got, want = 0x1p-130f * 8;
	const struct maru_operand *image;
	uint64_t bytes;

	(void)state;
	for (l = 0; l < 3; l++)
		for (rows = 2; rows <= 20; rows += 18) {
			const struct product p = { .n = 2, .m = rows, .k = 8, .a = BF16, .b = BF16,
						   .dst = F32, .layout = layouts[l] };
			bool is_exact = engine_profile(NULL) < 3 || rows <= 8 || l == 2;

			matmul_build(&p, 5);
			for (i = 0; i < 8 * rows; i++)
				((uint16_t *)(uintptr_t)matmul_operand(2)->va)[i] = 0x3f80;
			image = matmul_operand(1);
			bytes = layouts[l] ? maru_layout_bytes(layouts[l], BF16, image->dim) : 32;
			for (i = 0; i < bytes / 2; i++)		/* 2^-130 */
				((uint16_t *)(uintptr_t)image->va)[i] = 0x0008;
			assert_int_equal(case_run(&matmul_case), 0);
			got = matmul_floats_of(0)[2 * rows - 1];
			assert_true(is_exact ? got == want : got == want || got == 0);
			case_free_all(NULL);
		}
}

/* [DET-1] the same bits in any order of tiles on any number of threads. */
static void determinism(void **state)
{
	static const struct product list[] = {
		{ .n = 600, .m = 500, .k = 600, .a = F32, .b = F32, .dst = F32 },
		{ .n = 600, .m = 500, .k = 600, .a = BF16, .b = F32, .dst = F32,
		  .layout = MARU_LAYOUT_K16N64 },
		{ .n = 5000, .m = 1, .k = 2500, .a = F16, .b = F32, .dst = F32 },
		{ .n = 300, .m = 300, .k = 300, .a = I8, .b = I8, .dst = F16, .scale = 0.01f },
		{ .n = 40, .m = 20, .k = 33, .d2 = 70, .d3 = 30, .a = F32, .b = BF16, .dst = F32 },
	};
	unsigned int i, round;

	(void)state;
	for (i = 0; i < 5; i++) {
		const struct maru_operand *dst;
		uint64_t bytes;
		void *first;

		matmul_build(&list[i], i);
		dst = matmul_operand(0);
		bytes = dst->stride[3] * dst->dim[3];
		first = case_memory(bytes);
		memset((void *)(uintptr_t)dst->va, 0xee, bytes);
		assert_int_equal(case_run(&matmul_case), 0);
		memcpy(first, (void *)(uintptr_t)dst->va, bytes);
		for (round = 0; round < 4; round++) {
			memset((void *)(uintptr_t)dst->va, 0xee, bytes);
			assert_int_equal(case_run_shuffled(&matmul_case, 1 + round, round), 0);
			assert_memory_equal(first, (void *)(uintptr_t)dst->va, bytes);
		}
		case_free_all(NULL);
	}
}

/* [MM-10] sources are only read: a read-only mapping will do, padding included. */
static void read_only(void **state)
{
	const struct product p = { .n = 70, .m = 5, .k = 20, .a = F32, .b = F32, .dst = F32,
				   .layout = MARU_LAYOUT_K16N64 };
	struct maru_operand *a;
	uint64_t bytes;
	void *page;

	(void)state;
	matmul_build(&p, 1);
	a = (struct maru_operand *)(uintptr_t)matmul_operand(1);
	bytes = maru_layout_bytes(a->layout, a->type, a->dim);
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page, (void *)(uintptr_t)a->va, bytes);
	assert_int_equal(mprotect(page, bytes, PROT_READ), 0);
	a->va = (uint64_t)(uintptr_t)page;
	assert_int_equal(case_run(&matmul_case), 0);
	matmul_check(NULL);
	munmap(page, bytes);
	case_free_all(NULL);
}

/* [DET-2] a tile with several parts of k leaves between them and has written nothing. */
static void stop(void **state)
{
	static const struct product list[] = {
		{ .n = 8, .m = 20, .k = 17000, .a = F32, .b = F32, .dst = F32 },
		{ .n = 70, .m = 20, .k = 17000, .a = BF16, .b = F32, .dst = F32,
		  .layout = MARU_LAYOUT_K16N64 },
		{ .n = 8, .m = 20, .k = 17000, .a = I8, .b = I8, .dst = I32 },
		{ .n = 8, .m = 8, .k = 70000, .a = F32, .b = F32, .dst = F32 },
	};
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	const volatile uint32_t one = 1;
	struct engine_error error;
	unsigned int i, j;

	(void)state;
	for (j = 0; j < 4; j++) {
		const struct maru_operand *dst;
		uint64_t bytes;
		uint8_t *at;

		matmul_build(&list[j], 1);
		dst = matmul_operand(0);
		at = (uint8_t *)(uintptr_t)dst->va;
		bytes = dst->stride[3] * dst->dim[3];
		memset(at, 0x5a, bytes);
		scratch.base = case_memory(scratch.bytes);
		assert_int_equal(engine_begin(&matmul_case.op, NULL, 0, matmul_case.bytes,
					      matmul_case.header.bytes), 0);
		matmul_case.op.stop = &one;
		assert_int_equal(engine_tile(&matmul_case.op, 0, &scratch, &error), -22);
		assert_int_equal(MARU_ERROR_CODE(error.word), MARU_ERR_CANCELLED);
		engine_end(&matmul_case.op);
		for (i = 0; i < bytes; i++)
			assert_int_equal(at[i], 0x5a);
		case_free_all(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types), cmocka_unit_test(strides), cmocka_unit_test(prepared),
		cmocka_unit_test(rounded_first), cmocka_unit_test(epilogues),
		cmocka_unit_test(integers), cmocka_unit_test(integer_extremes),
		cmocka_unit_test(large), cmocka_unit_test(gaps), cmocka_unit_test(empty),
		cmocka_unit_test(specials),
		cmocka_unit_test(denormals), cmocka_unit_test(denormal_halves),
		cmocka_unit_test(determinism),
		cmocka_unit_test(read_only), cmocka_unit_test(stop),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("matmul", tests, NULL, NULL);
}

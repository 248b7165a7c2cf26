// SPDX-License-Identifier: GPL-2.0-only
/* SORT against a merge sort: docs/card.md [SRT-1] … */
#include <math.h>
#include <string.h>
#include <time.h>

#include "selftests/host/data_case.h"
#include "selftests/ref/ref_data.h"

static struct engine_case c;
static struct maru_operand *dst, *x, *values;
static int32_t order[MARU_SORT_MAX];
static float row[MARU_SORT_MAX];

static void build(uint32_t k, const uint32_t dims[4], bool is_gapped, bool has_values,
		  uint64_t *seed)
{
	const uint32_t out[4] = { k, dims[1], dims[2], dims[3] };

	case_init(&c, MARU_OP_SORT);
	c.header.sort.descending = case_random(seed) & 1;
	dst = data_add(&c, 0, MARU_TYPE_I32, out, is_gapped, seed);
	x = data_add(&c, 1, MARU_TYPE_F32, dims, is_gapped, seed);
	values = has_values ? data_add(&c, 2, MARU_TYPE_F32, out, is_gapped, seed) : NULL;
}

static void check_row(uint64_t i1, uint64_t i2, uint64_t i3)
{
	uint32_t i, n = x->dim[0];

	for (i = 0; i < n; i++)
		memcpy(&row[i], ref_at(x, i, i1, i2, i3), 4);
	ref_sort(row, n, c.header.sort.descending, order);
	for (i = 0; i < dst->dim[0]; i++) {
		assert_int_equal(*(int32_t *)ref_at(dst, i, i1, i2, i3), order[i]);
		if (values)
			assert_memory_equal(ref_at(values, i, i1, i2, i3), &row[order[i]], 4);
	}
}

static void run_and_check(void)
{
	uint64_t i1, i2, i3;
	unsigned int round;

	for (round = 0; round < 2; round++) {
		memset((void *)(uintptr_t)dst->va, 0x55, data_bytes(dst));
		assert_int_equal(round ? case_run_shuffled(&c, 2, 3) : case_run(&c), 0);
		for (i3 = 0; i3 < dst->dim[3]; i3++)
			for (i2 = 0; i2 < dst->dim[2]; i2++)
				for (i1 = 0; i1 < dst->dim[1]; i1++)
					check_row(i1, i2, i3);
	}
}

/* Ties, both zeros, NaN of all kinds, infinities, denormals. */
static void sprinkle(uint64_t *seed)
{
	static const uint32_t bits[] = { 0, 0x80000000, 0x7fc00000, 0xffc00001, 0x7f800001,
					 0x7f800000, 0xff800000, 1, 0x80000001, 0x3f800000 };
	uint64_t n = data_bytes(x) / 4, i;
	uint32_t *at = (uint32_t *)(uintptr_t)x->va;

	for (i = 0; i < n; i++)
		if (case_random(seed) % 3 == 0)
			at[i] = bits[case_random(seed) % 10];
}

/* [SRT-1] [SRT-2] [SRT-3] rows of every length, all and the first of them, both directions. */
static void random_rows(void **state)
{
	uint64_t seed = 41;
	unsigned int round;

	(void)state;
	for (round = 0; round < 500; round++) {
		uint32_t n = 1 + case_random(&seed) % (round % 2 ? 40 : 700);
		const uint32_t dims[4] = { n, 1 + case_random(&seed) % 5,
					   1 + case_random(&seed) % 3, 1 + case_random(&seed) % 2 };

		build(round % 3 ? 1 + case_random(&seed) % n : n, dims, case_random(&seed) & 1,
		      case_random(&seed) & 1, &seed);
		if (round % 2)
			sprinkle(&seed);
		run_and_check();
		case_free_all(NULL);
	}
}

/* [SRT-4] the longest rows; a tile takes no more than 20 ms. */
static void large(void **state)
{
	static const uint32_t firsts[] = { MARU_SORT_MAX, 1000, 64, 1 };
	const uint32_t dims[4] = { MARU_SORT_MAX, 2, 1, 1 };
	uint64_t seed = 42;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct timespec start, end;

		build(firsts[i], dims, false, true, &seed);
		for (j = 0; j < dims[0] && i == 2; j++)	/* the worst order for a heap */
			((float *)(uintptr_t)x->va)[j] = c.header.sort.descending ? (float)j :
							 -(float)j;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
		assert_int_equal(case_run(&c), 0);
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
		print_message("# the first %u of 2^19: %.1f ms a row\n", firsts[i],
			      ((double)(end.tv_sec - start.tv_sec) * 1e3 +
			       (double)(end.tv_nsec - start.tv_nsec) * 1e-6) / 2);
		run_and_check();
		case_free_all(NULL);
	}
}

/* [SRT-3] many short rows. */
static void many(void **state)
{
	const uint32_t dims[4] = { 64, 3000, 2, 1 };
	uint64_t seed = 43;

	(void)state;
	build(8, dims, true, true, &seed);
	run_and_check();
	assert_true(c.op.tiles > 1);
}

/* [SRT-5] of nothing, and nothing wanted. */
static void empty(void **state)
{
	const uint32_t dims[4] = { 5, 3, 1, 1 }, none[4] = { 0, 3, 1, 1 };
	uint64_t seed = 44;

	(void)state;
	build(0, dims, false, true, &seed);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
	build(0, none, false, false, &seed);
	assert_int_equal(case_run(&c), 0);
}

/* [SRT-6] what is refused, and where; [PKT-8] both destinations. */
static void refused(void **state)
{
	const uint32_t dims[4] = { 8, 3, 2, 1 };
	uint64_t seed = 45;
	struct engine_case good;

	(void)state;
	build(4, dims, false, true, &seed);
	good = c;
	c.header.sort.descending = 2;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 16);
	c = good;
	x->dim[0] = MARU_SORT_MAX + 1;
	case_refused(&c, MARU_ERR_TOO_LARGE, 1, MARU_FIELD_DIM(0));
	c = good;
	x->dim[0] = 3;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 0, MARU_FIELD_DIM(0));
	c = good;
	x->dim[1] = 2;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(1));
	c = good;
	values->dim[0] = 3;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	c = good;
	values->va = x->va;
	case_refused(&c, MARU_ERR_OVERLAP, 1, MARU_FIELD_VA);
	values->va = dst->va;
	case_refused(&c, MARU_ERR_OVERLAP, 2, MARU_FIELD_VA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_rows, case_free_all),
		cmocka_unit_test_teardown(large, case_free_all),
		cmocka_unit_test_teardown(many, case_free_all),
		cmocka_unit_test_teardown(empty, case_free_all),
		cmocka_unit_test_teardown(refused, case_free_all),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sort", tests, NULL, case_free_all);
}

// SPDX-License-Identifier: GPL-2.0-only
/* SCATTER against loops over elements: docs/card.md [SCA-1] … */
#include <string.h>

#include "selftests/host/index_case.h"
#include "selftests/ref/ref.h"

static struct index_case t;

static void build(unsigned int to, unsigned int from, unsigned int number, const uint32_t dim[4],
		  uint32_t rows, const uint32_t share[2], uint64_t *seed)
{
	const uint32_t target[4] = { dim[0], rows, dim[2], dim[3] };
	const uint32_t numbers[4] = { dim[1], share[0], share[1], 1 };

	index_build(&t, MARU_OP_SCATTER, (struct index_types) { to, from, number }, target, dim,
		    numbers, seed);
}

/* [SCA-1] [SCA-2] [SCA-3] all types, strides, shared numbers; equal numbers are frequent. */
static void random_rows(void **state)
{
	static const unsigned int from[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16 };
	static const unsigned int to[] = {
		MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16, MARU_TYPE_I8, MARU_TYPE_I16,
		MARU_TYPE_I32, MARU_TYPE_I64, MARU_TYPE_F64, MARU_TYPE_U8, MARU_TYPE_U64,
	};
	uint64_t seed = 31;
	unsigned int round;

	(void)state;
	for (round = 0; round < 400; round++) {
		uint32_t dim[4] = { 1 + case_random(&seed) % 200, 1 + case_random(&seed) % 20,
				    1 + case_random(&seed) % 4, 1 + case_random(&seed) % 3 };
		uint32_t share[2] = { case_random(&seed) & 1 ? dim[2] : 1,
				      case_random(&seed) & 1 ? dim[3] : 1 };

		build(to[case_random(&seed) % 10], from[case_random(&seed) % 3],
		      case_random(&seed) & 1 ? MARU_TYPE_I32 : MARU_TYPE_I64, dim,
		      1 + case_random(&seed) % 20, share, &seed);
		index_run(&t, 3, seed);
		case_free_all(NULL);
	}
}

/* [SCA-2] the last of equal rows wins in tiles of columns too, and past the caches. */
static void large(void **state)
{
	static const uint32_t dims[][4] = {
		{ 1500, 1500, 1, 1 }, { 1, 300000, 1, 1 }, { 300000, 2, 1, 1 }, { 5, 3, 90, 70 },
		{ 1500, 1500, 1, 1 },
	};
	static const uint32_t rows[] = { 100, 50000, 3, 4, 100 };
	static const unsigned int types[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_F64,
					      MARU_TYPE_F16, MARU_TYPE_I32 };
	uint64_t seed = 6;
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		const uint32_t share[2] = { dims[i][2], 1 };

		build(types[i], i ? MARU_TYPE_F16 : MARU_TYPE_F32, MARU_TYPE_I64, dims[i],
		      rows[i], share, &seed);
		index_run(&t, 3, seed);
		case_free_all(NULL);
	}
}

/* [SCA-4] numbers out of range name themselves, before and after the look. */
static void bad_numbers(void **state)
{
	const uint32_t dim[4] = { 4, 3, 2, 2 }, share[2] = { 2, 1 };
	struct engine_scratch scratch = { 0 };
	uint64_t seed = 3;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32, dim, 7, share, &seed);
	t.c.header.scatter.skip_neg = 0;
	memset((void *)(uintptr_t)t.idx->va, 0, data_bytes(t.idx));
	ref_store(t.idx->type, ref_at(t.idx, 2, 1, 0, 0), 7);
	case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
	assert_int_equal(t.c.op.error.value, 5);
	ref_store(t.idx->type, ref_at(t.idx, 2, 1, 0, 0), -1);
	case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
	t.c.header.scatter.skip_neg = 1;
	assert_int_equal(engine_begin(&t.c.op, NULL, 0, t.c.bytes, t.c.header.bytes), 0);
	ref_store(t.idx->type, ref_at(t.idx, 2, 1, 0, 0), 8);
	assert_int_equal(engine_tile(&t.c.op, 0, &scratch, &t.c.error), -22);
	assert_int_equal(t.c.error.word, MARU_ERROR(MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA));
	assert_int_equal(t.c.error.value, 5);
	engine_end(&t.c.op);
}

/* [SCA-5] a dst without rows takes only what is skipped; a src without elements does nothing. */
static void empty(void **state)
{
	const uint32_t dim[4] = { 4, 3, 1, 1 }, share[2] = { 1, 1 };
	uint64_t seed = 4;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_I32, dim, 1, share, &seed);
	t.c.header.scatter.skip_neg = 1;
	memset((void *)(uintptr_t)t.idx->va, 0xff, data_bytes(t.idx));
	t.dst->dim[1] = 0;
	assert_int_equal(case_run(&t.c), 0);
	data_index(t.idx, 0, 0);
	case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
	t.dst->dim[1] = 1;
	t.src->dim[1] = 0;
	t.idx->dim[0] = 0;
	assert_int_equal(case_run(&t.c), 0);
	assert_int_equal(t.c.op.bytes.written[0] + t.c.op.bytes.written[1], 0);
}

/* [SCA-6] the bytes charged are those of the rows that are written. */
static void charged(void **state)
{
	const uint32_t dim[4] = { 64, 5, 4, 1 }, share[2] = { 1, 1 };
	uint64_t seed = 4;
	unsigned int i;

	(void)state;
	build(MARU_TYPE_F16, MARU_TYPE_F32, MARU_TYPE_I32, dim, 1000, share, &seed);
	t.c.header.scatter.skip_neg = 1;
	for (i = 0; i < 5; i++)
		data_index(t.idx, i, i == 3 ? -1 : (int)i);
	assert_int_equal(case_run(&t.c), 0);
	assert_int_equal(t.c.op.bytes.written[0] + t.c.op.bytes.written[1], 4 * 4 * 64 * 2);
}

/* [DET-2] a long tile is left when the packet is to end, and done again it is right. */
static void stopped(void **state)
{
	const uint32_t dim[4] = { 1, 300000, 1, 1 }, share[2] = { 1, 1 };
	struct engine_scratch scratch = { 0 };
	uint64_t seed = 4;
	uint32_t stop = 1;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32, dim, 1000, share, &seed);
	assert_int_equal(engine_begin(&t.c.op, NULL, 0, t.c.bytes, t.c.header.bytes), 0);
	t.c.op.stop = &stop;
	assert_int_equal(engine_tile(&t.c.op, 0, &scratch, &t.c.error), -22);
	assert_int_equal(MARU_ERROR_CODE(t.c.error.word), MARU_ERR_CANCELLED);
	engine_end(&t.c.op);
	index_run(&t, 3, seed);
}

/* [SCA-7] columns of many rows are cut, to 64; a stop is seen within 4 MiB and 65,536 rows. */
static void stop_latency(void **state)
{
	static const struct { uint32_t columns, rows, tile_columns; } list[] = {
		{ 1024, 1u << 14, 1024 }, { 1024, 1u << 16, 256 }, { 256, 1u << 19, 64 },
		{ 1, 1u << 24, 1 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		uint64_t row = list[i].columns * 4ull, pace = (4u << 20) / 4 / list[i].tile_columns;

		if (pace > 1u << 16)
			pace = 1u << 16;
		case_init(&t.c, MARU_OP_SCATTER);
		case_add(&t.c, 0, case_memory(4 * row), MARU_TYPE_F32, list[i].columns, 4, 1, 1);
		t.src = case_add(&t.c, 1, NULL, MARU_TYPE_F32, list[i].columns, list[i].rows, 1, 1);
		case_add(&t.c, 2, case_memory(list[i].rows * 4ull), MARU_TYPE_I32, list[i].rows, 1,
			 1, 1);
		data_trap(t.src, list[i].rows / 2 * row, (pace + 1) * row / 4096 * 4096 + 4096);
		assert_int_equal(engine_begin(&t.c.op, NULL, 0, t.c.bytes, t.c.header.bytes), 0);
		assert_int_equal(t.c.op.tiles, list[i].columns / list[i].tile_columns);
		t.c.op.stop = &data_trap_stop;
		assert_int_equal(engine_tile(&t.c.op, 0, NULL, &t.c.error), -22);
		assert_int_equal(MARU_ERROR_CODE(t.c.error.word), MARU_ERR_CANCELLED);
		engine_end(&t.c.op);
		data_trap_end();
		case_free_all(NULL);
	}
}

static void refused(void **state)
{
	const uint32_t dim[4] = { 4, 3, 2, 2 }, share[2] = { 2, 1 };
	struct engine_case good;
	uint64_t seed = 8;
	unsigned int d;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32, dim, 5, share, &seed);
	memset((void *)(uintptr_t)t.idx->va, 0, data_bytes(t.idx));
	good = t.c;
	for (d = 0; d < 4; d++) {
		t.c = good;
		t.src->dim[d]++;
		case_refused(&t.c, MARU_ERR_BAD_SHAPE, d == 1 ? 2 : 1,
			     MARU_FIELD_DIM(d == 1 ? 0 : d));
	}
	t.c = good;
	t.idx->dim[2] = 3;
	case_refused(&t.c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(2));
	t.c = good;
	t.idx->dim[3] = 2;
	case_refused(&t.c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_rows, case_free_all),
		cmocka_unit_test_teardown(large, case_free_all),
		cmocka_unit_test_teardown(bad_numbers, case_free_all),
		cmocka_unit_test_teardown(empty, case_free_all),
		cmocka_unit_test_teardown(charged, case_free_all),
		cmocka_unit_test_teardown(stopped, case_free_all),
		cmocka_unit_test_teardown(stop_latency, case_free_all),
		cmocka_unit_test_teardown(refused, case_free_all),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("scatter", tests, NULL, case_free_all);
}

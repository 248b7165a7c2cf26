// SPDX-License-Identifier: GPL-2.0-only
/* GATHER against loops over elements: docs/card.md [GAT-1] … */
#include <string.h>

#include "selftests/host/index_case.h"
#include "selftests/ref/ref.h"

static struct index_case t;

static void build(unsigned int to, unsigned int from, unsigned int number, const uint32_t dim[4],
		  uint32_t rows, const uint32_t share[2], uint64_t *seed)
{
	const uint32_t source[4] = { dim[0], rows, share[0], share[1] };
	const uint32_t numbers[4] = { dim[1], dim[2], dim[3], 1 };

	index_build(&t, MARU_OP_GATHER, (struct index_types) { to, from, number }, dim, source,
		    numbers, seed);
}

/* [GAT-1] [GAT-2] [GAT-3] any types, strides, shared matrices; negative numbers skipped. */
static void random_rows(void **state)
{
	static const unsigned int floats[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16 };
	uint64_t seed = 21;
	unsigned int round;

	(void)state;
	for (round = 0; round < 400; round++) {
		bool is_integer = round % 8 == 0;
		uint32_t dim[4] = { 1 + case_random(&seed) % 90, 1 + case_random(&seed) % 9,
				    1 + case_random(&seed) % 4, 1 + case_random(&seed) % 3 };
		uint32_t share[2] = { case_random(&seed) & 1 ? dim[2] : 1,
				      case_random(&seed) & 1 ? dim[3] : 1 };

		build(is_integer ? MARU_TYPE_I32 : floats[case_random(&seed) % 3],
		      is_integer ? MARU_TYPE_I32 : floats[case_random(&seed) % 3],
		      case_random(&seed) & 1 ? MARU_TYPE_I32 : MARU_TYPE_I64, dim,
		      1 + case_random(&seed) % 70, share, &seed);
		index_run(&t, 2, seed);
		case_free_all(NULL);
	}
}

static void prepare(struct maru_operand *matrix, unsigned int layout)
{
	static struct engine_case p;
	struct maru_operand image = *matrix, *line;

	case_prepared(&image, layout);
	image.va = (uint64_t)(uintptr_t)case_memory(data_bytes(&image));
	case_init(&p, MARU_OP_PREPARE);
	line = case_add(&p, 0, NULL, image.type, 1, 1, 1, 1);
	*line = image;
	line = case_add(&p, 1, NULL, image.type, 1, 1, 1, 1);
	*line = *matrix;
	assert_int_equal(case_run(&p), 0);
	*matrix = image;
}

/* [GAT-4] rows of a prepared matrix are those of the plain one. */
static void prepared(void **state)
{
	static const struct { unsigned int type, layout; } kinds[] = {
		{ MARU_TYPE_F32, MARU_LAYOUT_K16N64 }, { MARU_TYPE_F16, MARU_LAYOUT_K16N64 },
		{ MARU_TYPE_BF16, MARU_LAYOUT_K16N64 }, { MARU_TYPE_F16, MARU_LAYOUT_K16N64K2 },
		{ MARU_TYPE_BF16, MARU_LAYOUT_K16N64K2 },
	};
	uint64_t seed = 5;
	unsigned int round;

	(void)state;
	for (round = 0; round < 100; round++) {
		uint32_t dim[4] = { 1 + case_random(&seed) % 90, 1 + case_random(&seed) % 9,
				    1 + case_random(&seed) % 3, 1 + case_random(&seed) % 3 };
		uint32_t share[2] = { case_random(&seed) & 1 ? dim[2] : 1,
				      case_random(&seed) & 1 ? dim[3] : 1 };

		build(round & 1 ? MARU_TYPE_F32 : kinds[round % 5].type, kinds[round % 5].type,
		      MARU_TYPE_I32, dim, 1 + case_random(&seed) % 200, share, &seed);
		prepare(t.src, kinds[round % 5].layout);
		index_run(&t, 2, seed);
		case_free_all(NULL);
	}
}

/* [GAT-5] numbers out of range name themselves, before and after the look. */
static void bad_numbers(void **state)
{
	static const int64_t wrong[] = { 7, 8, -1, INT32_MAX, INT32_MIN };
	const uint32_t dim[4] = { 4, 3, 2, 1 }, share[2] = { 1, 1 };
	struct engine_scratch scratch = { 0 };
	uint64_t seed = 3;
	unsigned int i;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I64, dim, 7, share, &seed);
	t.c.header.gather.skip_neg = 0;
	for (i = 0; i < 3; i++) {
		data_index(t.idx, i, 0);
		ref_store(t.idx->type, ref_at(t.idx, i, 1, 0, 0), 6);
	}
	for (i = 0; i < 5; i++) {
		ref_store(t.idx->type, ref_at(t.idx, 1, 1, 0, 0), wrong[i]);
		case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
		assert_int_equal(t.c.op.error.value, 4);
	}
	ref_store(t.idx->type, ref_at(t.idx, 1, 1, 0, 0), INT64_MIN);
	case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
	ref_store(t.idx->type, ref_at(t.idx, 1, 1, 0, 0), 6);
	assert_int_equal(engine_begin(&t.c.op, NULL, 0, t.c.bytes, t.c.header.bytes), 0);
	data_index(t.idx, 2, 7);
	assert_int_equal(engine_tile(&t.c.op, 0, &scratch, &t.c.error), -22);
	assert_int_equal(t.c.error.word, MARU_ERROR(MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA));
	assert_int_equal(t.c.error.value, 2);
	assert_int_equal(t.c.error.tag, t.c.header.tag);
	engine_end(&t.c.op);
}

/* [GAT-6] without rows each number is wrong but those that are skipped; no element, no look. */
static void empty(void **state)
{
	const uint32_t dim[4] = { 4, 3, 1, 1 }, share[2] = { 1, 1 };
	uint64_t seed = 4;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_I32, dim, 1, share, &seed);
	t.c.header.gather.skip_neg = 1;
	memset((void *)(uintptr_t)t.idx->va, 0xff, data_bytes(t.idx));
	t.src->dim[1] = 0;
	index_run(&t, 2, seed);
	data_index(t.idx, 2, 0);
	case_refused(&t.c, MARU_ERR_BAD_INDEX, 2, MARU_FIELD_VA);
	t.src->dim[0] = 0;
	t.dst->dim[0] = 0;
	assert_int_equal(case_run(&t.c), 0);
	assert_int_equal(t.c.op.tiles, 0);
}

/* [GAT-7] the bytes charged are those of the rows that are read. */
static void charged(void **state)
{
	const uint32_t dim[4] = { 64, 5, 1, 1 }, share[2] = { 1, 1 };
	uint64_t seed = 4, read;
	unsigned int i;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32, dim, 1000, share, &seed);
	t.c.header.gather.skip_neg = 1;
	for (i = 0; i < 5; i++)
		data_index(t.idx, i, i == 3 ? -1 : (int)i);
	assert_int_equal(case_run(&t.c), 0);
	read = t.c.op.bytes.read[0] + t.c.op.bytes.read[1];
	assert_int_equal(read, 4 * 64 * 4 + data_bytes(t.idx));
}

/* [GAT-1] many rows, rows longer than a tile; what is larger than 8 MiB goes past the caches. */
static void large(void **state)
{
	static const uint32_t dims[][4] = { { 3, 200000, 1, 1 }, { 1100000, 2, 1, 1 },
					    { 1000, 2200, 1, 1 } };
	static const struct index_types types[] = {
		{ MARU_TYPE_BF16, MARU_TYPE_BF16, MARU_TYPE_I32 },
		{ MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32 },
		{ MARU_TYPE_F32, MARU_TYPE_BF16, MARU_TYPE_I64 },
	};
	const uint32_t share[2] = { 1, 1 };
	uint64_t seed = 6;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		build(types[i].dst, types[i].src, types[i].idx, dims[i], 3, share, &seed);
		index_run(&t, 2, seed);
		assert_true(t.c.op.tiles > 1);
		case_free_all(NULL);
	}
}

static void refused(void **state)
{
	const uint32_t dim[4] = { 4, 3, 2, 2 }, share[2] = { 2, 1 };
	struct engine_case good;
	uint64_t seed = 8;

	(void)state;
	build(MARU_TYPE_F32, MARU_TYPE_F32, MARU_TYPE_I32, dim, 5, share, &seed);
	memset((void *)(uintptr_t)t.idx->va, 0, data_bytes(t.idx));
	good = t.c;
	t.c.header.gather.mode = 1;
	case_refused(&t.c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 16);
	t.c = good;
	t.src->dim[2] = 3;
	case_refused(&t.c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	t.c = good;
	t.src->dim[0] = 3;
	case_refused(&t.c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(0));
	t.c = good;
	t.idx->dim[1] = 1;
	case_refused(&t.c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	t.c = good;
	t.src->type = MARU_TYPE_I32;
	case_refused(&t.c, MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_TYPE);
	t.c = good;
	t.dst->type = MARU_TYPE_I32;
	case_refused(&t.c, MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_TYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_rows, case_free_all),
		cmocka_unit_test_teardown(prepared, case_free_all),
		cmocka_unit_test_teardown(bad_numbers, case_free_all),
		cmocka_unit_test_teardown(empty, case_free_all),
		cmocka_unit_test_teardown(charged, case_free_all),
		cmocka_unit_test_teardown(large, case_free_all),
		cmocka_unit_test_teardown(refused, case_free_all),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("gather", tests, NULL, case_free_all);
}

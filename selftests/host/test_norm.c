// SPDX-License-Identifier: GPL-2.0-only
/* NORM against extended precision: docs/card.md [NRM-1] … */
#include <float.h>
#include <math.h>
#include <string.h>

#include "selftests/host/rows_case.h"

static struct engine_case c;

static void refer(struct engine_case *packet, const uint64_t row[3], struct ref_value *out)
{
	ref_norm(&packet->header.norm, rows_operand(packet, 0), rows_operand(packet, 1),
		 rows_operand(packet, 2), rows_operand(packet, 3), row, out);
}

static void start(unsigned int kind, float eps)
{
	case_init(&c, MARU_OP_NORM);
	c.header.norm.kind = (uint8_t)kind;
	c.header.norm.eps = rows_bits(eps);
}

static const unsigned int kinds[] = { MARU_NORM_RMS, MARU_NORM_LAYER, MARU_NORM_L2,
				      MARU_NORM_SUM };

/* Dims that divide those of dst. */
static void divide(uint32_t out[4], const uint32_t dim[4], uint64_t *seed)
{
	for (unsigned int d = 0; d < 4; d++) {
		uint32_t by = 1 + case_random(seed) % 4;

		out[d] = dim[d] % by || (!d && by != 1 && case_random(seed) % 2) ? dim[d] :
			 dim[d] / by;
		if (case_random(seed) % 3 == 0)
			out[d] = d ? 1 : dim[d];
	}
}

/* [NRM-1] [NRM-2] [NRM-4] all kinds and types, mul and add of all shapes, odd sizes, gaps. */
static void random_norms(void **state)
{
	uint64_t seed = 41;
	unsigned int round;

	(void)state;
	for (round = 0; round < ROWS_ROUNDS; round++) {
		uint32_t dim[4], part[4];
		unsigned int d;

		for (d = 0; d < 4; d++)
			dim[d] = 1 + case_random(&seed) % (d ? 5 : 300);
		start(kinds[round % 4], round % 3 ? 1e-5f : 0.01f);
		rows_add(&c, 0, rows_type(&seed), dim, case_random(&seed) % 4, &seed);
		rows_add(&c, 1, rows_type(&seed), dim, case_random(&seed) % 4, &seed);
		if (round & 4) {
			divide(part, dim, &seed);
			rows_add(&c, 2, rows_type(&seed), part, case_random(&seed) % 4, &seed);
		}
		if (round & 8) {
			divide(part, dim, &seed);
			rows_add(&c, 3, rows_type(&seed), part, case_random(&seed) % 4, &seed);
		}
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

/* [NRM-1] rows of more than a chunk, in place and not; more than a tile of them. */
static void long_rows(void **state)
{
	static const uint32_t shapes[][4] = { { 20001, 3, 1, 1 }, { 4096, 40, 1, 1 },
					      { 300001, 1, 1, 1 }, { 64, 3000, 1, 1 },
					      { 1003, 2200, 1, 1 }, { 1008, 2200, 1, 1 },
					      { 2080, 2100, 1, 1 } };
	uint64_t seed = 5;
	unsigned int i, kind;

	(void)state;
	for (i = 0; i < 7; i++)
		for (kind = 0; kind < 4; kind++) {
			const uint32_t row[4] = { shapes[i][0], 1, 1, 1 };
			/* The last ones go past the caches, if they are not in place. */
			unsigned int type = i < 4 ? rows_type(&seed) : i < 6 ? F32 :
					    kind & 1 ? F16 : BF16;
			struct maru_operand *dst, *x;

			start(kinds[kind], 1e-6f);
			dst = rows_add(&c, 0, type, shapes[i], 0, &seed);
			x = rows_add(&c, 1, kind & 1 || i >= 4 ? type : rows_type(&seed),
				     shapes[i], 0, &seed);
			rows_add(&c, 2, rows_type(&seed), row, 0, &seed);
			if (kind & 1 && i < 4)		/* in place */
				dst->va = x->va;
			rows_run(&c, refer);
			case_free_all(NULL);
		}
}

/* [NRM-3] add may be dst: a residual that grows. */
static void add_is_dst(void **state)
{
	const uint32_t dim[4] = { 96, 7, 2, 1 }, row[4] = { 96, 1, 1, 1 };
	uint64_t seed = 77;
	unsigned int type;

	(void)state;
	for (type = 0; type < 6; type++) {
		struct maru_operand *dst, *add;
		unsigned int kind = rows_type(&seed);

		start(MARU_NORM_RMS, 1e-5f);
		dst = rows_add(&c, 0, kind, dim, 2, &seed);
		rows_add(&c, 1, rows_type(&seed), dim, 0, &seed);
		rows_add(&c, 2, rows_type(&seed), row, 0, &seed);
		add = rows_add(&c, 3, kind, dim, 2, &seed);
		dst->va = add->va;
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

static long double one_row(unsigned int kind, float eps, const float *values, uint32_t n,
			   uint32_t element)
{
	const uint32_t dim[4] = { n, 1, 1, 1 };
	uint64_t seed = 1;
	struct maru_operand *x;
	uint32_t i;

	start(kind, eps);
	rows_add(&c, 0, F32, dim, 0, &seed);
	x = rows_add(&c, 1, F32, dim, 0, &seed);
	for (i = 0; i < n; i++)
		rows_set(x, i, 0, values[i]);
	assert_int_equal(case_run(&c), 0);
	return rows_get(&c, element, 0);
}

/* [NRM-5] zeros, infinities, NaN. [NRM-2] the smallest and largest numbers. */
static void special_rows(void **state)
{
	const float zero[9] = { 0 }, inf[9] = { 1, 2, -3, INFINITY, 4, 5, 6, 7, 8 };
	const float nan[9] = { 1, 2, NAN, 4, 5, 6, 7, 8, 9 };
	const float tiny[2] = { 0x1p-149f, -0x1p-149f }, huge[2] = { 0x1p127f, -0x1p127f };
	float far[100];
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		far[i] = i ? -FLT_MAX : FLT_MAX;
	assert_true(fabsl(one_row(MARU_NORM_LAYER, 0, far, 100, 0) - sqrtl(99)) < 1e-5);
	for (i = 0; i < 4; i++) {
		bool is_sum = kinds[i] == MARU_NORM_SUM, is_layer = kinds[i] == MARU_NORM_LAYER;

		if (!is_sum)
			assert_true(one_row(kinds[i], 1e-5f, zero, 9, 8) == 0);
		assert_true(isnan(one_row(kinds[i], 0, zero, 9, 0)));
		assert_true(isnan(one_row(kinds[i], 1e-5f, nan, 9, 8)));
		assert_true(isnan(one_row(kinds[i], 1e-5f, inf, 9, 3)));
		if (is_layer)
			assert_true(isnan(one_row(kinds[i], 1e-5f, inf, 9, 8)));
		else
			assert_true(one_row(kinds[i], 1e-5f, inf, 9, 8) == 0);
	}
	assert_true(one_row(MARU_NORM_RMS, 0, tiny, 2, 1) == -1);
	assert_true(one_row(MARU_NORM_LAYER, 0, huge, 2, 0) == 1);
	assert_true(one_row(MARU_NORM_RMS, 0, huge, 2, 1) == -1);
	case_free_all(NULL);
}

/* [NRM-6] what is refused. */
static void refused(void **state)
{
	const uint32_t dim[4] = { 12, 4, 2, 1 }, part[4] = { 5, 1, 1, 1 };
	uint64_t seed = 3;

	(void)state;
	start(MARU_NORM_GROUP, 0);
	rows_add(&c, 0, F32, dim, 0, &seed);
	rows_add(&c, 1, F32, dim, 0, &seed);
	c.header.norm.groups = 2;
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16);
	c.header.norm.groups = 0;
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16);
	c.header.norm.kind = 5;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 16);
	c.header.norm.kind = MARU_NORM_RMS;
	c.header.norm.eps = rows_bits(-1e-9f);
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20);
	c.header.norm.eps = rows_bits(-0.0f);
	assert_int_equal(case_run(&c), 0);
	c.header.norm.groups = 1;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 24);
	c.header.norm.groups = 0;
	rows_operand(&c, 1)->dim[2] = 1;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	rows_operand(&c, 1)->dim[2] = 2;
	rows_add(&c, 2, F32, part, 0, &seed);
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	rows_operand(&c, 2)->dim[0] = 4;
	rows_operand(&c, 2)->va = rows_operand(&c, 0)->va;
	case_refused(&c, MARU_ERR_OVERLAP, 2, MARU_FIELD_VA);
	case_free_all(NULL);
}

/* [NRM-7] nothing to do is nothing done; a long row is left for a stop. */
static void empty_and_stopped(void **state)
{
	const uint32_t none[4] = { 0, 4, 1, 1 }, dim[4] = { 1u << 20, 1, 1, 1 };
	static const uint32_t stop = 1;
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	struct engine_error error;
	uint64_t seed = 3;

	(void)state;
	start(MARU_NORM_RMS, 0);
	rows_add(&c, 0, F32, none, 0, &seed);
	rows_add(&c, 1, F32, none, 0, &seed);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
	start(MARU_NORM_RMS, 0);
	rows_add(&c, 0, F32, dim, 0, &seed);
	rows_add(&c, 1, F32, dim, 0, &seed);
	assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, c.header.bytes), 0);
	c.op.stop = &stop;
	scratch.base = case_memory(scratch.bytes);
	assert_int_not_equal(engine_tile(&c.op, 0, &scratch, &error), 0);
	assert_int_equal(error.word, MARU_ERROR(MARU_ERR_CANCELLED, MARU_ROLE_NONE, 0));
	assert_int_equal(error.tag, c.header.tag);
	assert_memory_equal((void *)(uintptr_t)rows_operand(&c, 0)->va, "\x55\x55\x55\x55", 4);
	engine_end(&c.op);
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_norms), cmocka_unit_test(long_rows),
		cmocka_unit_test(add_is_dst), cmocka_unit_test(special_rows),
		cmocka_unit_test(refused), cmocka_unit_test(empty_and_stopped),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("norm", tests, NULL, NULL);
}

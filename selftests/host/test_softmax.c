// SPDX-License-Identifier: GPL-2.0-only
/* SOFTMAX against extended precision: docs/card.md [SMX-1] … */
#include <math.h>
#include <string.h>

#include "selftests/host/rows_case.h"

static struct engine_case c;

static void refer(struct engine_case *packet, const uint64_t row[3], struct ref_value *out)
{
	ref_softmax(&packet->header.softmax, rows_operand(packet, 0), rows_operand(packet, 1),
		    rows_operand(packet, 2), row, out);
}

static void start(const uint32_t dim[4], float scale, float max_bias, bool in_place,
		  uint64_t *seed)
{
	unsigned int pad = case_random(seed) % 3;
	struct maru_operand *dst, *x;

	case_init(&c, MARU_OP_SOFTMAX);
	c.header.softmax.scale = rows_bits(scale);
	c.header.softmax.max_bias = rows_bits(max_bias);
	dst = rows_add(&c, 0, F32, dim, pad, seed);
	x = rows_add(&c, 1, F32, dim, in_place ? pad : case_random(seed) % 3, seed);
	if (in_place)
		dst->va = x->va;
}

/* −Inf on about a third of the keys but key 0. */
static void cut(const struct maru_operand *mask, uint64_t *seed)
{
	uint64_t i[4];

	for (i[3] = 0; i[3] < mask->dim[3]; i[3]++)
		for (i[2] = 0; i[2] < mask->dim[2]; i[2]++)
			for (i[1] = 0; i[1] < mask->dim[1]; i[1]++)
				for (i[0] = 1; i[0] < mask->dim[0]; i[0]++)
					if (case_random(seed) % 3 == 0)
						ref_store(mask->type, ref_at(mask, i[0], i[1],
									     i[2], i[3]),
							  -INFINITY);
}

/* [SMX-1] [SMX-2] [SMX-3] scale, masks of all types and shapes, slopes, in place. */
static void random_rows(void **state)
{
	static const float scales[] = { 1, 0.125f, 30, -4, 200 };
	uint64_t seed = 43;
	unsigned int round;

	(void)state;
	for (round = 0; round < ROWS_ROUNDS; round++) {
		uint32_t dim[4] = { 1 + case_random(&seed) % 400, 1 + case_random(&seed) % 6,
				    1 + case_random(&seed) % 12, 1 + case_random(&seed) % 3 };
		uint32_t part[4] = { dim[0], dim[1] + case_random(&seed) % 3, 1, 1 };
		bool has_mask = round % 3 != 0;

		if (round & 1)
			part[2] = dim[2] % 2 ? dim[2] : dim[2] / 2;
		if (round & 2)
			part[3] = dim[3];
		start(dim, scales[round % 5], has_mask && round & 4 ? 8 : 0, round % 7 == 0,
		      &seed);
		if (has_mask)
			cut(rows_add(&c, 2, rows_type(&seed), part, case_random(&seed) % 3,
				     &seed), &seed);
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

/* [SMX-1] more than a chunk, more than the scratch holds, more rows than a tile. */
static void long_rows(void **state)
{
	static const uint32_t shapes[][4] = { { 131072, 2, 1, 1 }, { (1u << 20) + 5, 1, 1, 1 },
					      { 9000, 30, 1, 1 }, { 40, 5000, 1, 1 },
					      { 48, 45000, 1, 1 }, { 4100, 520, 1, 1 } };
	uint64_t seed = 47;
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {	/* the last ones go past the caches */
		start(shapes[i / 2], i & 1 ? 1 : 0.5f, 0, i & 1 && i < 8, &seed);
		if (!(i & 1))
			cut(rows_add(&c, 2, i < 8 ? F16 : F32, shapes[i / 2], 0, &seed),
			    &seed);
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

/* [SMX-2] the slopes of 8 and of 12 heads: 2^-1, 2^-2, …; those beyond 8 lie between. */
static void slopes(void **state)
{
	static const uint32_t counts[] = { 8, 12 };
	uint64_t seed = 1;
	unsigned int i, h;

	(void)state;
	for (i = 0; i < 2; i++) {
		const uint32_t dim[4] = { 2, 1, counts[i], 1 }, row[4] = { 2, 1, 1, 1 };
		struct maru_operand *mask;

		start(dim, 0, 8, false, &seed);
		mask = rows_add(&c, 2, F32, row, 0, &seed);
		rows_set(mask, 0, 0, 0);
		rows_set(mask, 1, 0, -1);
		assert_int_equal(case_run(&c), 0);
		for (h = 0; h < counts[i]; h++) {
			double slope = h < 8 ? exp2(-1.0 - h) : exp2(-0.5 - (h - 8));
			const float *y = ref_at(rows_operand(&c, 0), 0, 0, h, 0);

			assert_true(fabs(y[1] / y[0] - exp(-slope)) < 1e-6);
		}
		case_free_all(NULL);
	}
}

static void one_row(const float *x, const float *mask, uint32_t n)
{
	const uint32_t dim[4] = { n, 1, 1, 1 };
	uint64_t seed = 1;
	uint32_t i;

	case_free_all(NULL);
	start(dim, 1, 0, false, &seed);
	for (i = 0; i < n; i++)
		rows_set(rows_operand(&c, 1), i, 0, x[i]);
	if (mask) {
		rows_add(&c, 2, F32, dim, 0, &seed);
		for (i = 0; i < n; i++)
			rows_set(rows_operand(&c, 2), i, 0, mask[i]);
	}
	assert_int_equal(case_run(&c), 0);
}

/* [SMX-4] masked keys, masked rows, NaN and infinities. */
static void special_rows(void **state)
{
	const float m = -INFINITY, none[9] = { m, m, m, m, m, m, m, m, m };
	const float but_one[9] = { m, m, m, m, m, m, m, m, 0 };
	const float x[9] = { 1, 2, 3, 4, 5, 6, 7, 8, -1e30f };
	const float nan[9] = { 1, 2, 3, 4, 5, 6, 7, NAN, 9 };
	const float inf[9] = { 1, 2, 3, 4, INFINITY, 6, 7, 8, 9 };
	const float far[9] = { 0, -87, -104, -200, m, -1e30f, -88, -1, -0.0f };
	unsigned int i;

	(void)state;
	one_row(x, none, 9);
	for (i = 0; i < 9; i++)
		assert_true(isnan(rows_get(&c, i, 0)));
	one_row(x, but_one, 9);
	for (i = 0; i < 9; i++)
		assert_true(rows_get(&c, i, 0) == (i == 8));
	one_row(nan, NULL, 9);
	for (i = 0; i < 9; i++)
		assert_true(isnan(rows_get(&c, i, 0)));
	one_row(inf, NULL, 9);
	for (i = 0; i < 9; i++)
		assert_true(isnan(rows_get(&c, i, 0)));
	one_row(far, NULL, 9);
	assert_true(fabsl(rows_get(&c, 1, 0) / 6.8e-39L - 1) < 0.1);
	for (i = 2; i < 6; i++)
		assert_true(rows_get(&c, i, 0) == 0);
	assert_true(rows_get(&c, 0, 0) == rows_get(&c, 8, 0));
	one_row(x, NULL, 1);
	assert_true(rows_get(&c, 0, 0) == 1);
	case_free_all(NULL);
}

/* [SMX-3] e^x over the whole range: two keys, one of them at 0. */
static void exponential(void **state)
{
	const uint32_t dim[4] = { 2, 60000, 1, 1 };
	uint64_t seed = 1;
	uint32_t i;

	(void)state;
	start(dim, 1, 0, false, &seed);
	for (i = 0; i < dim[1]; i++) {
		rows_set(rows_operand(&c, 1), 0, i, 0);
		rows_set(rows_operand(&c, 1), 1, i, -105.0L * i / dim[1]);
	}
	rows_run(&c, refer);
	case_free_all(NULL);
}

/* [SMX-5] what is refused, what is nothing. */
static void refused(void **state)
{
	const uint32_t dim[4] = { 8, 4, 6, 2 }, none[4] = { 8, 0, 6, 2 };
	struct maru_operand *mask;
	uint64_t seed = 3;

	(void)state;
	start(dim, 1, -1, false, &seed);
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20);
	c.header.softmax.max_bias = rows_bits(8);
	case_refused(&c, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	c.header.softmax.scale = 0x7f800000;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 16);
	c.header.softmax.scale = rows_bits(1);
	mask = rows_add(&c, 2, F16, dim, 0, &seed);
	mask->dim[0] = 4;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	mask->dim[0] = 8;
	mask->dim[1] = 3;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	mask->dim[1] = 4;
	mask->dim[2] = 4;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(2));
	mask->dim[2] = 3;
	assert_int_equal(case_run(&c), 0);
	rows_operand(&c, 0)->type = BF16;
	case_refused(&c, MARU_ERR_BAD_TYPE, 0, MARU_FIELD_TYPE);
	case_free_all(NULL);
	start(none, 1, 0, false, &seed);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_rows), cmocka_unit_test(long_rows),
		cmocka_unit_test(slopes), cmocka_unit_test(special_rows),
		cmocka_unit_test(exponential), cmocka_unit_test(refused),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("softmax", tests, NULL, NULL);
}

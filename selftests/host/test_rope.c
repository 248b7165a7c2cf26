// SPDX-License-Identifier: GPL-2.0-only
/* ROPE against extended precision: docs/card.md [ROP-1] … */
#include <math.h>
#include <string.h>

#include "selftests/host/rows_case.h"

static struct engine_case c;

static void refer(struct engine_case *packet, const uint64_t row[3], struct ref_value *out)
{
	ref_rope(&packet->header.rope, rows_operand(packet, 0), rows_operand(packet, 1),
		 rows_operand(packet, 2), rows_operand(packet, 3), row, out);
}

static void start(unsigned int mode, unsigned int n_dims, unsigned int n_offs)
{
	struct maru_params_rope *rope = &c.header.rope;

	case_init(&c, MARU_OP_ROPE);
	rope->mode = (uint8_t)mode;
	rope->n_dims = (uint16_t)n_dims;
	rope->n_offs = (uint16_t)n_offs;
	rope->base = rows_bits(10000);
	rope->freq_scale = rows_bits(1);
	rope->attn_factor = rows_bits(1);
}

/* [-limit, limit], with its ends. */
static void positions(const struct maru_operand *pos, int64_t limit, uint64_t *seed)
{
	uint32_t t;

	for (t = 0; t < pos->dim[0]; t++)
		rows_set(pos, t, 0, t == 0 ? limit : t == 1 ? -limit : t == 2 ? 0 :
			 (int64_t)(case_random(seed) % (2 * (uint64_t)limit + 1)) - limit);
}

static void operands(const uint32_t dim[4], unsigned int to, unsigned int from, bool in_place,
		     int64_t limit, uint64_t *seed)
{
	const uint32_t tokens[4] = { dim[2], 1, 1, 1 };
	unsigned int pad = case_random(seed) % 3;
	struct maru_operand *dst, *x;

	dst = rows_add(&c, 0, to, dim, pad, seed);
	x = rows_add(&c, 1, from, dim, in_place ? pad : 0, seed);
	if (in_place)
		dst->va = x->va;
	positions(rows_add(&c, 2, I32, tokens, 0, seed), limit, seed);
}

static void add_factors(uint64_t *seed)
{
	const uint32_t dim[4] = { c.header.rope.n_dims / 2u, 1, 1, 1 };
	struct maru_operand *factors = rows_add(&c, 3, F32, dim, 0, seed);
	uint32_t i;

	for (i = 0; i < dim[0]; i++)
		rows_set(factors, i, 0, 1 + (case_random(seed) % 100) / 10.0L);
}

/* [ROP-1] [ROP-2] [ROP-4] [ROP-6] both modes, types, parts of heads, factors, inverse. */
static void random_ropes(void **state)
{
	static const uint32_t sizes[] = { 64, 80, 96, 128, 6, 18, 256 };
	uint64_t seed = 17;
	unsigned int round;

	(void)state;
	for (round = 0; round < ROWS_ROUNDS; round++) {
		uint32_t dim[4] = { sizes[case_random(&seed) % 7], 1 + case_random(&seed) % 9,
				    1 + case_random(&seed) % 7, 1 + case_random(&seed) % 3 };
		uint32_t n_dims = dim[0], n_offs = 0;
		unsigned int type = rows_type(&seed);
		bool in_place = round % 5 == 0;

		if (round & 2) {
			n_dims = (uint32_t)(case_random(&seed) % (dim[0] / 2 + 1)) * 2;
			n_offs = (uint32_t)(case_random(&seed) % ((dim[0] - n_dims) / 2 + 1)) * 2;
		}
		start(round & 1 ? MARU_ROPE_NEOX : MARU_ROPE_NORMAL, n_dims, n_offs);
		c.header.rope.inverse = round % 7 == 0;
		c.header.rope.base = rows_bits(round % 3 ? 10000 : 1e6f);
		c.header.rope.freq_scale = rows_bits(round & 8 ? 0.25f : 1);
		c.header.rope.attn_factor = rows_bits(round & 16 ? 1.25f : 1);
		operands(dim, type, in_place ? type : rows_type(&seed), in_place, 5000, &seed);
		if (round & 4)
			add_factors(&seed);
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

/* [ROP-3] angles of any size: all positions that there are. */
static void large_positions(void **state)
{
	static const int64_t limits[] = { 100000, 1 << 24, INT32_MAX };
	const uint32_t dim[4] = { 64, 2, 40, 1 };
	uint64_t seed = 23;
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		start(i & 1 ? MARU_ROPE_NEOX : MARU_ROPE_NORMAL, 64, 0);
		operands(dim, F32, F32, false, limits[i / 2], &seed);
		rows_run(&c, refer);
		c.header.rope.freq_scale = rows_bits(1e9f);	/* far beyond 2^31 quarters */
		assert_int_equal(case_run(&c), 0);
		case_free_all(NULL);
	}
}

/* [ROP-3] exact where the angle is: pair 0 turns by the position itself. */
static void known_angles(void **state)
{
	static const int32_t known[] = { 0, 1, -1, 355, 710, 2147483647, -2147483647 - 1 };
	const uint32_t dim[4] = { 16, 1, 7, 1 };
	uint64_t seed = 1;
	unsigned int i;

	(void)state;
	start(MARU_ROPE_NORMAL, 16, 0);
	operands(dim, F32, F32, false, 1, &seed);
	for (i = 0; i < 7; i++) {
		float *x = ref_at(rows_operand(&c, 1), 0, 0, i, 0);

		x[0] = 1;
		x[1] = 0;
		rows_set(rows_operand(&c, 2), i, 0, known[i]);
	}
	assert_int_equal(case_run(&c), 0);
	for (i = 0; i < 7; i++) {
		const float *y = ref_at(rows_operand(&c, 0), 0, 0, i, 0);

		assert_true(fabs(y[0] - cos(known[i])) <= 0x1p-24 * fabs(cos(known[i])));
		assert_true(fabs(y[1] - sin(known[i])) <= 0x1p-24 * fabs(sin(known[i])));
	}
	case_free_all(NULL);
}

/* [ROP-5] YaRN. */
static void yarn(void **state)
{
	static const float scales[] = { 0.25f, 0.025f, 1 };
	const uint32_t dim[4] = { 128, 3, 9, 1 };
	uint64_t seed = 29;
	unsigned int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		struct maru_params_rope *rope = &c.header.rope;

		start(i & 1 ? MARU_ROPE_NEOX : MARU_ROPE_NORMAL, i & 2 ? 64 : 128, 0);
		rope->n_ctx = i & 4 ? 4096 : 32768;
		rope->ext_factor = rows_bits(i & 8 ? 0.5f : 1);
		rope->freq_scale = rows_bits(scales[i % 3]);
		rope->attn_factor = rows_bits(0.9f);
		rope->beta_fast = rows_bits(32);
		rope->beta_slow = rows_bits(1);
		operands(dim, F32, F32, false, 20000, &seed);
		if (i & 1)
			add_factors(&seed);
		rows_run(&c, refer);
		case_free_all(NULL);
	}
}

/* [ROP-6] more positions than a tile, and one position of more heads than a tile. */
static void large(void **state)
{
	static const uint32_t shapes[][4] = { { 128, 32, 200, 1 }, { 64, 3000, 2, 2 },
					      { 2048, 300, 1, 1 }, { 128, 64, 600, 1 } };
	uint64_t seed = 31;
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {	/* the last ones go past the caches */
		start(i & 1 ? MARU_ROPE_NEOX : MARU_ROPE_NORMAL, i < 6 ? 64 : 128, 0);
		operands(shapes[i / 2], i & 1 ? BF16 : F32, i == 7 ? BF16 : F32, false, 4096,
			 &seed);
		rows_run(&c, refer);
		assert_true(c.op.tiles > 1);
		case_free_all(NULL);
	}
}

/* [ROP-7] what is refused. */
static void refused(void **state)
{
	const uint32_t dim[4] = { 64, 2, 3, 2 };
	struct maru_params_rope *rope = &c.header.rope;
	uint64_t seed = 3;

	(void)state;
	start(MARU_ROPE_NORMAL, 64, 0);
	operands(dim, F32, F32, false, 10, &seed);
	for (unsigned int mode = 0; mode < 256; mode++) {
		bool is_kept = mode == MARU_ROPE_MROPE || mode == MARU_ROPE_VISION ||
			       mode == MARU_ROPE_IMROPE;

		if (mode == MARU_ROPE_NORMAL || mode == MARU_ROPE_NEOX)
			continue;
		rope->mode = (uint8_t)mode;
		rope->sect[3] = is_kept;	/* part of a right packet there */
		case_refused(&c, is_kept ? MARU_ERR_UNSUPPORTED : MARU_ERR_BAD_PARAM,
			     MARU_ROLE_NONE, 16);
	}
	rope->sect[3] = 0;
	rope->mode = MARU_ROPE_NEOX;
	rope->n_dims = 63;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20);
	rope->n_dims = 62;
	rope->n_offs = 1;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 22);
	rope->n_offs = 4;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 22);
	rope->n_offs = 2;
	rope->base = rows_bits(0);
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 36);
	rope->base = rows_bits(-1);
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 36);
	rope->base = rows_bits(10000);
	rope->inverse = 2;
	case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 17);
	rope->inverse = 0;
	for (unsigned int i = 0; i < 4; i++) {
		rope->sect[i] = 0x100;
		case_refused(&c, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 24 + 2 * i);
		rope->sect[i] = 0;
	}
	rows_operand(&c, 2)->dim[0] = 4;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	rows_operand(&c, 2)->dim[0] = 3;
	rows_operand(&c, 2)->dim[1] = 2;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	rows_operand(&c, 2)->dim[1] = 1;
	add_factors(&seed);
	rows_operand(&c, 3)->dim[0] = 32;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 3, MARU_FIELD_DIM(0));
	rows_operand(&c, 3)->dim[0] = 31;
	assert_int_equal(case_run(&c), 0);
	rows_operand(&c, 0)->dim[1] = rows_operand(&c, 1)->dim[1] = 0;
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ropes), cmocka_unit_test(large_positions),
		cmocka_unit_test(known_angles), cmocka_unit_test(yarn), cmocka_unit_test(large),
		cmocka_unit_test(refused),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rope", tests, NULL, NULL);
}

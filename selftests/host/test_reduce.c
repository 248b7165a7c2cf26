// SPDX-License-Identifier: GPL-2.0-only
/* REDUCE against extended precision: docs/card.md [RED-1] … */
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "selftests/host/data_case.h"
#include "selftests/ref/ref_data.h"

static const unsigned int floats[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16 };

static struct engine_case c;
static struct maru_operand *dst, *x, *add;

static void check_element(const struct maru_operand *before, const uint64_t i[4])
{
	unsigned int kind = c.header.reduce.kind;
	struct ref_element want = ref_reduce(kind, c.header.reduce.dim, x, i);
	long double got = ref_load(dst->type, ref_at(dst, i[0], i[1], i[2], i[3]));

	if (add) {
		long double more = ref_load(MARU_TYPE_F32, ref_at(before, i[0], i[1], i[2], i[3]));

		want.value += more;
		want.bound += fabs(want.value) * 0x1p-24 + 0x1p-150;
	}
	if (isnan(want.value) ? isnan((double)got) : got == want.value ||
	    fabsl(got - want.value) <= want.bound)
		return;
	print_error("kind %u dim %u of %u: %.9Lg instead of %.9g, bound %.3g\n", kind,
		    c.header.reduce.dim, x->dim[c.header.reduce.dim], got, want.value, want.bound);
	fail();
}

static void run_and_check(void)
{
	struct maru_operand before = { 0 }, first;
	uint64_t i[4];

	if (add)
		data_copy(add, &before);
	assert_int_equal(case_run(&c), 0);
	for (i[3] = 0; i[3] < dst->dim[3]; i[3]++)
		for (i[2] = 0; i[2] < dst->dim[2]; i[2]++)
			for (i[1] = 0; i[1] < dst->dim[1]; i[1]++)
				for (i[0] = 0; i[0] < dst->dim[0]; i[0]++)
					check_element(&before, i);
	if (add && add->va == dst->va)
		return;
	data_copy(dst, &first);
	assert_int_equal(case_run_shuffled(&c, 2, 7), 0);
	assert_memory_equal((void *)(uintptr_t)dst->va, (void *)(uintptr_t)first.va,
			    data_bytes(dst));
}

static void build(unsigned int kind, unsigned int dim, unsigned int type, const uint32_t dims[4],
		  unsigned int how, uint64_t *seed)
{
	unsigned int to = kind >= MARU_REDUCE_ARGMAX ? MARU_TYPE_I32 : MARU_TYPE_F32;
	uint32_t out[4];

	memcpy(out, dims, sizeof(out));
	out[dim] = 1;
	case_init(&c, MARU_OP_REDUCE);
	c.header.reduce.kind = (uint8_t)kind;
	c.header.reduce.dim = (uint8_t)dim;
	dst = data_add(&c, 0, to, out, how & 1, seed);
	x = data_add(&c, 1, type, dims, how & 2, seed);
	add = NULL;
	if (how & 4 && kind < MARU_REDUCE_ARGMAX)
		add = data_add(&c, 2, to, out, how & 8, seed);
	if (add && how & 16)
		*add = *dst;
}

/* [RED-1] [RED-2] [RED-3] each kind over each dim, any strides, with add and in place. */
static void shapes(void **state)
{
	uint64_t seed = 61;
	unsigned int round, d;

	(void)state;
	for (round = 0; round < 420; round++) {
		uint32_t dims[4];

		for (d = 0; d < 4; d++)
			dims[d] = 1 + case_random(&seed) % (d ? 6 : 1500);
		if (round % 3 == 0)
			dims[1 + round % 2] = 1 + case_random(&seed) % 200;
		dims[0] = round % 3 == 0 ? 1 + dims[0] % 20 : dims[0];
		build(round % 7, round / 7 % 4, floats[case_random(&seed) % 3], dims,
		      (unsigned int)case_random(&seed), &seed);
		run_and_check();
		case_free_all(NULL);
	}
}

/* [RED-1] more than a tile. */
static void large(void **state)
{
	static const uint32_t dims[][4] = {
		{ 1100000, 2, 1, 1 }, { 5, 220000, 1, 1 }, { 70000, 16, 1, 1 }, { 3, 2, 40000, 3 },
	};
	static const uint8_t over[] = { 0, 1, 1, 0 };
	uint64_t seed = 62;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		build(i % 2 ? MARU_REDUCE_ARGMAX : MARU_REDUCE_MEAN, over[i], MARU_TYPE_F32,
		      dims[i], 0, &seed);
		run_and_check();
		assert_true(c.op.tiles > 1 || i == 1);	/* one long line */
		case_free_all(NULL);
	}
}

static float run_values(unsigned int kind, unsigned int dim, const float *values, uint32_t n)
{
	const uint32_t dims[4] = { dim ? 1 : n, dim ? n : 1, 1, 1 };
	uint64_t seed = 1;
	float result;

	build(kind, dim, MARU_TYPE_F32, dims, 0, &seed);
	if (n)
		memcpy((void *)(uintptr_t)x->va, values, n * 4);
	assert_int_equal(case_run(&c), 0);
	if (kind >= MARU_REDUCE_ARGMAX)
		result = (float)*(int32_t *)(uintptr_t)dst->va;
	else
		result = *(float *)(uintptr_t)dst->va;
	case_free_all(NULL);
	return result;
}

/* [RED-4] ties, NaN, infinities; both ways of reducing. */
static void specials(void **state)
{
	static const float ties[] = { 1, 3, NAN, 3, -2, -2, 0 };
	static const float none[] = { NAN, NAN, NAN };
	static const float low[] = { NAN, -INFINITY, NAN, -INFINITY };
	static const float ends[] = { 1, INFINITY, -INFINITY };
	static const float zeros[] = { -0.0f, 0.0f };
	unsigned int dim;

	(void)state;
	for (dim = 0; dim < 2; dim++) {
		assert_true(run_values(MARU_REDUCE_ARGMAX, dim, ties, 7) == 1);
		assert_true(run_values(MARU_REDUCE_ARGMIN, dim, ties, 7) == 4);
		assert_true(run_values(MARU_REDUCE_MAX, dim, ties, 7) == 3);
		assert_true(run_values(MARU_REDUCE_MIN, dim, ties, 7) == -2);
		assert_true(isnan(run_values(MARU_REDUCE_SUM, dim, ties, 7)));
		assert_true(run_values(MARU_REDUCE_ARGMAX, dim, none, 3) == 0);
		assert_true(run_values(MARU_REDUCE_ARGMIN, dim, none, 3) == 0);
		assert_true(isnan(run_values(MARU_REDUCE_MAX, dim, none, 3)));
		assert_true(isnan(run_values(MARU_REDUCE_MIN, dim, none, 3)));
		assert_true(run_values(MARU_REDUCE_ARGMAX, dim, low, 4) == 1);
		assert_true(run_values(MARU_REDUCE_MAX, dim, low, 4) == -INFINITY);
		assert_true(isnan(run_values(MARU_REDUCE_SUM, dim, ends, 3)));
		assert_true(run_values(MARU_REDUCE_SUMSQ, dim, ends, 3) == INFINITY);
		assert_true(signbit(run_values(MARU_REDUCE_MAX, dim, zeros, 2)));
		assert_true(signbit(run_values(MARU_REDUCE_MIN, dim, zeros, 2)));
		assert_true(run_values(MARU_REDUCE_ARGMIN, dim, zeros, 2) == 0);
	}
}

/* [RED-5] of nothing. */
static void empty(void **state)
{
	const uint32_t dims[4] = { 0, 3, 1, 1 };
	uint64_t seed = 1;
	unsigned int dim;

	(void)state;
	for (dim = 0; dim < 2; dim++) {
		assert_true(run_values(MARU_REDUCE_SUM, dim, NULL, 0) == 0);
		assert_true(run_values(MARU_REDUCE_SUMSQ, dim, NULL, 0) == 0);
		assert_true(isnan(run_values(MARU_REDUCE_MEAN, dim, NULL, 0)));
		assert_true(run_values(MARU_REDUCE_MAX, dim, NULL, 0) == -INFINITY);
		assert_true(run_values(MARU_REDUCE_MIN, dim, NULL, 0) == INFINITY);
		assert_true(run_values(MARU_REDUCE_ARGMAX, dim, NULL, 0) == -1);
		assert_true(run_values(MARU_REDUCE_ARGMIN, dim, NULL, 0) == -1);
	}
	build(MARU_REDUCE_SUM, 1, MARU_TYPE_F32, dims, 0, &seed);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
}

/* [RED-2] sums in f64: what f32 would lose stays. */
static void precision(void **state)
{
	float values[] = { 1, 0x1p30f, 1, -0x1p30f, 1 };

	(void)state;
	assert_true(run_values(MARU_REDUCE_SUM, 0, values, 5) == 3);
	assert_true(run_values(MARU_REDUCE_SUM, 1, values, 5) == 3);
}

/* [RED-2] the order of a row's sum: 16 lanes, the upper half onto the lower one. */
static void ordered(void **state)
{
	const uint32_t dims[4] = { 5003, 1, 1, 1 };
	double lanes[16] = { 0 };
	uint64_t seed = 63;
	const float *values;
	unsigned int half;
	uint32_t i;
	float want;

	(void)state;
	build(MARU_REDUCE_SUM, 0, MARU_TYPE_F32, dims, 0, &seed);
	values = (const float *)(uintptr_t)x->va;
	for (i = 0; i < dims[0]; i++)
		((float *)(uintptr_t)x->va)[i] *= i % 2 ? 0x1p60f : -0x1p-30f;
	assert_int_equal(case_run(&c), 0);
	for (i = 0; i < dims[0]; i++)
		lanes[i % 16] += values[i];
	for (half = 8; half; half /= 2)
		for (i = 0; i < half; i++)
			lanes[i] += lanes[i + half];
	want = (float)lanes[0];
	assert_memory_equal((void *)(uintptr_t)dst->va, &want, 4);
}

/* [RED-2] [DET-3] the bits of each level that the machine has are those of plain C. */
static void levels(void **state)
{
	static const uint32_t dims[][4] = { { 4099, 21, 2, 1 }, { 17, 9, 5, 3 },
					    { 2050, 8, 1, 1 } };
	uint64_t seed = 64;
	unsigned int i, level;

	(void)state;
	for (i = 0; i < 3 * 7 * 2; i++) {
		struct maru_operand first;

		build(i % 7, i / 7 % 2, floats[i % 3], dims[i / 14], i & 7, &seed);
		for (level = 0; level < KERNELS_LEVELS; level++) {
			kernels_init(level);
			assert_int_equal(case_run(&c), 0);
			if (!level)
				data_copy(dst, &first);
			assert_memory_equal((void *)(uintptr_t)dst->va,
					    (void *)(uintptr_t)first.va, data_bytes(dst));
		}
		case_free_all(NULL);
	}
	kernels_init(~0u);
}

/* [DET-2] a long row is left when the packet is to end, with dst as it was. */
static void stopped(void **state)
{
	const uint32_t dims[4] = { 1100000, 1, 1, 1 };
	struct engine_scratch scratch = { 0 };
	uint64_t seed = 1;
	uint32_t stop = 1, before;

	(void)state;
	build(MARU_REDUCE_SUM, 0, MARU_TYPE_F32, dims, 0, &seed);
	scratch.base = case_memory(ENGINE_SCRATCH_BYTES);
	memcpy(&before, (void *)(uintptr_t)dst->va, 4);
	assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, c.header.bytes), 0);
	c.op.stop = &stop;
	assert_int_equal(engine_tile(&c.op, 0, &scratch, &c.error), -22);
	assert_int_equal(MARU_ERROR_CODE(c.error.word), MARU_ERR_CANCELLED);
	assert_memory_equal((void *)(uintptr_t)dst->va, &before, 4);
	engine_end(&c.op);
}

/*
 * [RED-7] a row is one tile however long, and so are 64 columns: a stop is seen within 2,048
 * elements of a row, within 8 rows.
 */
static void stop_latency(void **state)
{
	static const struct {
		uint32_t dims[4];
		unsigned int dim, type;
		uint64_t at, more;	/* where the stop comes, and what may be read behind */
	} list[] = {
		{ { 1u << 23, 1, 1, 1 }, 0, MARU_TYPE_F32, 1u << 24, 2048 * 4 },
		{ { 1u << 24, 1, 1, 1 }, 0, MARU_TYPE_BF16, 1u << 24, 2048 * 2 },
		{ { 1024, 1u << 17, 1, 1 }, 1, MARU_TYPE_F32, 1u << 28, 8 * 4096 },
		{ { 1024, 1u << 17, 1, 1 }, 1, MARU_TYPE_F16, 1u << 27, 8 * 2048 },
	};
	struct engine_scratch scratch = { 0 };
	unsigned int i, kind;
	uint32_t before = 0x55555555;

	(void)state;
	for (i = 0; i < 4; i++)
		for (kind = MARU_REDUCE_SUM; kind <= MARU_REDUCE_MAX; kind += 2) {
			uint32_t out[4] = { list[i].dims[0], 1, 1, 1 };

			out[list[i].dim] = 1;
			case_init(&c, MARU_OP_REDUCE);
			c.header.reduce.kind = (uint8_t)kind;
			c.header.reduce.dim = (uint8_t)list[i].dim;
			dst = case_add(&c, 0, case_memory(4096), MARU_TYPE_F32, out[0], out[1], 1,
				       1);
			memcpy((void *)(uintptr_t)dst->va, &before, 4);
			x = case_add(&c, 1, NULL, list[i].type, list[i].dims[0], list[i].dims[1],
				     1, 1);
			data_trap(x, list[i].at, list[i].more);
			scratch.base = case_memory(ENGINE_SCRATCH_BYTES);
			assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, c.header.bytes), 0);
			c.op.stop = &data_trap_stop;
			assert_int_equal(engine_tile(&c.op, 0, &scratch, &c.error), -22);
			assert_int_equal(MARU_ERROR_CODE(c.error.word), MARU_ERR_CANCELLED);
			assert_memory_equal((void *)(uintptr_t)dst->va, &before, 4);
			engine_end(&c.op);
			data_trap_end();
			case_free_all(NULL);
		}
}

/* [RED-2] [RED-7] columns of many terms are cut to 64 at least; each is summed in order still. */
static void tall(void **state)
{
	static const struct { uint32_t n, width, tiles; } list[] = {
		{ 8192, 1500, 1 }, { 8193, 1500, 2 }, { 300000, 150, 3 },
	};
	uint64_t seed = 65;
	unsigned int i;
	uint32_t j, k;

	(void)state;
	for (i = 0; i < 3; i++) {
		const uint32_t dims[4] = { list[i].width, list[i].n, 1, 1 };
		const float *values, *sums;

		build(MARU_REDUCE_SUM, 1, MARU_TYPE_F32, dims, 0, &seed);
		assert_int_equal(case_run(&c), 0);
		assert_int_equal(c.op.tiles, list[i].tiles);
		values = (const float *)(uintptr_t)x->va;
		sums = (const float *)(uintptr_t)dst->va;
		for (j = 0; j < list[i].width; j++) {
			double sum = 0;

			for (k = 0; k < list[i].n; k++)
				sum += values[(uint64_t)k * list[i].width + j];
			assert_true(sums[j] == (float)sum);
		}
		case_free_all(NULL);
	}
}

/* [RED-6] what is refused, and where. */
static void refused(void **state)
{
	const uint32_t dims[4] = { 4, 3, 2, 1 };
	uint64_t seed = 1;

	(void)state;
	build(MARU_REDUCE_SUM, 1, MARU_TYPE_F32, dims, 4, &seed);
	c.header.reduce.kind = MARU_REDUCE_ARGMAX;
	case_refused(&c, MARU_ERR_BAD_TYPE, 0, MARU_FIELD_TYPE);
	dst->type = MARU_TYPE_I32;
	case_refused(&c, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	c.header.reduce.kind = MARU_REDUCE_SUM;
	case_refused(&c, MARU_ERR_BAD_TYPE, 0, MARU_FIELD_TYPE);
	dst->type = MARU_TYPE_F32;
	add->type = MARU_TYPE_I32;
	case_refused(&c, MARU_ERR_BAD_TYPE, 2, MARU_FIELD_TYPE);
	add->type = MARU_TYPE_F32;
	c.header.reduce.dim = 2;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(1));
	c.header.reduce.dim = 0;
	case_refused(&c, MARU_ERR_BAD_SHAPE, 0, MARU_FIELD_DIM(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(shapes, case_free_all),
		cmocka_unit_test_teardown(large, case_free_all),
		cmocka_unit_test_teardown(specials, case_free_all),
		cmocka_unit_test_teardown(empty, case_free_all),
		cmocka_unit_test_teardown(precision, case_free_all),
		cmocka_unit_test_teardown(ordered, case_free_all),
		cmocka_unit_test_teardown(levels, case_free_all),
		cmocka_unit_test_teardown(stopped, case_free_all),
		cmocka_unit_test_teardown(stop_latency, case_free_all),
		cmocka_unit_test_teardown(tall, case_free_all),
		cmocka_unit_test_teardown(refused, case_free_all),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("reduce", tests, NULL, case_free_all);
}

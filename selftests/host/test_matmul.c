// SPDX-License-Identifier: GPL-2.0-only
/* MATMUL against double precision: docs/card.md [MM-1] … */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "selftests/host/engine_case.h"
#include "selftests/ref/ref.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

#define F32	MARU_TYPE_F32
#define F16	MARU_TYPE_F16
#define BF16	MARU_TYPE_BF16
#define I8	MARU_TYPE_I8
#define I32	MARU_TYPE_I32

/* One product: everything else about it is made from this and a seed. */
struct product {
	uint32_t n, m, k;
	uint32_t d2, d3;		/* of dst and B */
	uint32_t a2, a3;		/* of A, 0: as dst */
	unsigned int a, b, dst;		/* types */
	unsigned int layout;		/* of A */
	bool is_a_transposed, is_b_transposed;
	unsigned int pad;		/* elements between rows */
	unsigned int b_as, act, bias, residual;	/* types + 1 for the last two */
	bool is_residual_dst;
	bool is_a_scaled;
	float scale;
};

static struct engine_case c;
static struct maru_operand strided_a;

static void *make(const struct product *p, struct maru_operand *desc, unsigned int type,
		  const uint32_t dim[4], bool is_transposed, uint64_t *seed)
{
	unsigned int size = maru_type_bytes(type), inner = is_transposed, outer = !inner;
	uint64_t row = (dim[inner] + p->pad) * (uint64_t)size, bytes, i;
	uint8_t *memory;

	(void)p;
	memset(desc, 0, sizeof(*desc));
	desc->type = (uint8_t)type;
	memcpy(desc->dim, dim, 16);
	desc->stride[inner] = size;
	desc->stride[outer] = row;
	desc->stride[2] = row * (dim[outer] + 1);
	desc->stride[3] = desc->stride[2] * (dim[2] ? dim[2] : 1);
	bytes = desc->stride[3] * (dim[3] ? dim[3] : 1) + row;
	memory = case_memory(bytes);
	for (i = 0; i < bytes / size; i++) {
		if (type == I8)
			memory[i] = (uint8_t)case_random(seed);
		else if (type == F32)
			((float *)(void *)memory)[i] = case_float(seed);
		else if (type != I32)
			ref_store(type, memory + i * size, case_float(seed));
	}
	desc->va = (uint64_t)(uintptr_t)memory;
	return memory;
}

static void add(unsigned int role, const struct maru_operand *desc)
{
	struct maru_operand *line = case_add(&c, role, NULL, desc->type, 1, 1, 1, 1);

	*line = *desc;
}

/* Packs A with a PREPARE packet and puts the image in its place. */
static void prepare(struct maru_operand *a, unsigned int layout)
{
	static struct engine_case p;
	struct maru_operand image = *a, *line;
	uint64_t bytes = maru_layout_bytes(layout, a->type, a->dim);

	image.va = (uint64_t)(uintptr_t)case_memory(bytes);
	case_prepared(&image, layout);
	case_init(&p, MARU_OP_PREPARE);
	line = case_add(&p, 0, NULL, a->type, 1, 1, 1, 1);
	*line = image;
	line = case_add(&p, 1, NULL, a->type, 1, 1, 1, 1);
	*line = *a;
	assert_int_equal(case_run(&p), 0);
	*a = image;
}

static void build(const struct product *p, uint64_t seed)
{
	uint32_t d2 = p->d2 ? p->d2 : 1, d3 = p->d3 ? p->d3 : 1;
	const uint32_t a_dim[4] = { p->k, p->n, p->a2 ? p->a2 : d2, p->a3 ? p->a3 : d3 };
	const uint32_t b_dim[4] = { p->k, p->m, d2, d3 }, dst_dim[4] = { p->n, p->m, d2, d3 };
	const uint32_t row_dim[4] = { p->n, 1, 1, 1 };
	struct maru_operand dst, a, b, bias, residual, a_scale;
	float scale = p->scale == 0 ? 1 : p->scale;

	case_init(&c, MARU_OP_MATMUL);
	memcpy(&c.header.matmul.scale, &scale, 4);
	c.header.matmul.act = (uint8_t)p->act;
	c.header.matmul.b_as = (uint8_t)(p->b_as ? p->b_as : MARU_TYPE_NONE);
	make(p, &dst, p->dst, dst_dim, false, &seed);
	make(p, &a, p->a, a_dim, p->is_a_transposed, &seed);
	make(p, &b, p->b, b_dim, p->is_b_transposed, &seed);
	strided_a = a;
	if (p->layout)
		prepare(&a, p->layout);
	add(0, &dst);
	add(1, &a);
	add(2, &b);
	if (p->bias) {
		make(p, &bias, p->bias - 1, row_dim, false, &seed);
		add(3, &bias);
	}
	if (p->residual) {
		make(p, &residual, p->residual - 1, dst_dim, false, &seed);
		add(4, p->is_residual_dst ? &dst : &residual);
	}
	if (p->is_a_scaled) {
		make(p, &a_scale, F32, row_dim, false, &seed);
		add(5, &a_scale);
	}
}

static const struct maru_operand *operand(unsigned int role)
{
	unsigned int index = (unsigned int)__builtin_popcount(c.header.roles & ((1u << role) - 1));

	if (!(c.header.roles & 1u << role))
		return NULL;
	return (const struct maru_operand *)(c.bytes + MARU_LINE_BYTES * (1 + index));
}

static void check_element(const struct maru_operand *residual, const uint64_t i[4])
{
	const struct maru_operand *dst = operand(0);
	double got = (double)ref_load(dst->type, ref_at(dst, i[0], i[1], i[2], i[3]));
	const struct ref_product product = { &c.header.matmul, dst, &strided_a, operand(2),
					     operand(3), residual, operand(5) };
	struct ref_element want = ref_matmul(&product, i);

	if (fabs(got - want.value) <= want.bound)
		return;
	print_error("types %u %u layout %u k %u\n", strided_a.type, operand(2)->type,
		    operand(1)->layout, strided_a.dim[0]);
	print_error("element %llu %llu %llu %llu: got %.9g want %.9g ± %.3g\n",
		    (unsigned long long)i[0], (unsigned long long)i[1], (unsigned long long)i[2],
		    (unsigned long long)i[3], got, want.value, want.bound);
	fail();
}

/* Checks all elements, or about 1,000 of them. */
static void check(const struct maru_operand *residual)
{
	const struct maru_operand *dst = operand(0);
	uint64_t total = (uint64_t)dst->dim[0] * dst->dim[1] * dst->dim[2] * dst->dim[3];
	uint64_t step = 1 + total / 1000, e, i[4];

	step |= 1;
	for (e = 0; e < total; e += step) {
		i[0] = e % dst->dim[0];
		i[1] = e / dst->dim[0] % dst->dim[1];
		i[2] = e / dst->dim[0] / dst->dim[1] % dst->dim[2];
		i[3] = e / dst->dim[0] / dst->dim[1] / dst->dim[2];
		check_element(residual, i);
	}
}

static void run(const struct product *p, uint64_t seed)
{
	const struct maru_operand *residual;
	struct maru_operand before;
	uint32_t word;

	build(p, seed);
	residual = operand(4);
	if (residual && p->is_residual_dst) {	/* keep what the run overwrites */
		uint64_t bytes = residual->stride[3] * residual->dim[3] + residual->stride[1];

		for (uint64_t i = 0; i < bytes / maru_type_bytes(residual->type); i++)
			ref_store(residual->type, (uint8_t *)(uintptr_t)residual->va +
				  i * maru_type_bytes(residual->type), case_float(&seed));
		before = *residual;
		before.va = (uint64_t)(uintptr_t)case_memory(bytes);
		memcpy((void *)(uintptr_t)before.va, (void *)(uintptr_t)residual->va, bytes);
		residual = &before;
	}
	word = case_run(&c);
	if (word)
		print_error("error %#x n %u m %u k %u types %u %u %u\n", word, p->n, p->m, p->k,
			    p->a, p->b, p->dst);
	assert_int_equal(word, 0);
	check(residual);
	case_free_all(NULL);
}

static const unsigned int floats[] = { F32, F16, BF16 };

/* [MM-1] every pair of float types, every dst, odd sizes. */
static void types(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 27; i++)
		run(&(struct product) { .n = 67, .m = 13, .k = 37, .a = floats[i % 3],
					.b = floats[i / 3 % 3], .dst = floats[i / 9],
					.pad = i % 4 },
		    i);
}

/* [MM-2] rows along either direction, rows apart, batches, shared A. */
static void strides(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 48; i++)
		run(&(struct product) { .n = 33, .m = 70, .k = 65, .a = floats[i % 3],
					.b = floats[i / 3 % 3], .dst = F32, .d2 = 4, .d3 = 2,
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
				run(&(struct product) { .n = sizes[j].n, .m = sizes[j].m,
							.k = sizes[j].k, .a = kinds[i].type,
							.b = floats[b], .dst = F32,
							.d2 = 2, .a2 = 1,
							.layout = kinds[i].layout, .pad = b }, i);
}

/* [MM-4] B, and A with it, rounded to a type first. */
static void rounded_first(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 36; i++)
		run(&(struct product) { .n = 70, .m = 11, .k = 90, .a = floats[i % 3],
					.b = floats[i / 3 % 3], .dst = F32,
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
		run(&(struct product) { .n = 300, .m = 5, .k = 24, .a = F32, .b = F32,
					.dst = floats[act % 3], .act = act, .scale = 0.75f,
					.bias = 1 + floats[act / 3 % 3], .pad = 3,
					.residual = 1 + floats[act % 3],
					.is_residual_dst = act & 1 }, act);
		run(&(struct product) { .n = 20, .m = 7, .k = 16, .a = BF16, .b = F16,
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
			run(&(struct product) { .n = sizes[i].n, .m = sizes[i].m, .k = sizes[i].k,
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
	build(&p, 1);
	memset((void *)(uintptr_t)operand(1)->va, -128, (size_t)70 * k);
	memset((void *)(uintptr_t)operand(2)->va, -128, (size_t)14 * k);
	assert_int_equal(case_run(&c), 0);
	for (i = 0; i < 70 * 14; i++)
		assert_int_equal(((int32_t *)(uintptr_t)operand(0)->va)[i], 16384 * k);
	memset((void *)(uintptr_t)operand(2)->va, 127, (size_t)14 * k);
	assert_int_equal(case_run(&c), 0);
	for (i = 0; i < 70 * 14; i++)
		assert_int_equal(((int32_t *)(uintptr_t)operand(0)->va)[i], -16256 * (int)k);
	case_free_all(NULL);
}

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
			run(&(struct product) { .n = sizes[i].n, .m = sizes[i].m, .k = sizes[i].k,
						.a = I8, .b = floats[j % 3],
						.dst = floats[j / 3 % 3], .is_a_scaled = true,
						.b_as = j & 1 ? I8 : 0,
						.layout = j & 2 ? MARU_LAYOUT_K16N64K4 : 0,
						.is_a_transposed = j & 4, .is_b_transposed = j & 8,
						.act = j % 5 ? 0 : MARU_ACT_SILU,
						.bias = j % 3 ? 0 : 1 + F32,
						.residual = j % 4 ? 0 : 1 + BF16,
						.scale = 0.5f, .d2 = 2, .a2 = 1 + j % 2,
						.pad = j % 3 }, i * 24 + j);
}

static float *floats_of(unsigned int role)
{
	return (float *)(uintptr_t)operand(role)->va;
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
	build(&p, 3);
	b = floats_of(2);
	dst = floats_of(0);
	memset(b, 0, sizeof(*b) * 8 * 40);
	memset((void *)(uintptr_t)operand(1)->va, 0, 40);
	((int8_t *)(uintptr_t)operand(1)->va)[39] = 1;
	floats_of(5)[0] = 1;
	for (i = 0; i < 5; i++) {
		static const float values[] = { 0.5f, 1.5f, 2.5f, -2.5f, -127 };

		b[i * 40] = 127;
		b[i * 40 + 39] = values[i];
	}
	b[6 * 40 + 39] = 0x1p-149f * 200;	/* its scale is a denormal, rounded */
	b[7 * 40 + 3] = INFINITY;
	assert_int_equal(case_run(&c), 0);
	for (i = 0; i < 5; i++)
		assert_true(dst[i] == want[i]);
	assert_true(dst[5] == 0);
	assert_true(dst[6] == 0x1p-149f * 2 * 100);
	assert_true(isnan(dst[7]));
	b[7 * 40 + 3] = NAN;
	assert_int_equal(case_run(&c), 0);
	assert_true(isnan(dst[7]) && dst[5] == 0);
	case_free_all(NULL);
}

/* [MM-14] what does not go with scales of A. */
static void scaled_refused(void **state)
{
	struct product p = { .n = 6, .m = 4, .k = 8, .a = F32, .b = F32, .dst = F32,
			     .is_a_scaled = true };

	(void)state;
	build(&p, 1);
	case_refused(&c, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	p.a = I8;
	p.b_as = BF16;
	build(&p, 1);
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 16);
	p.b_as = 0;
	p.b = I8;
	build(&p, 1);
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_B, MARU_FIELD_TYPE);
	p.b = F32;
	p.dst = I32;
	build(&p, 1);
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_DST, MARU_FIELD_TYPE);
	p.dst = F32;
	build(&p, 1);
	((struct maru_operand *)(uintptr_t)operand(5))->dim[0] = 5;
	case_refused(&c, MARU_ERR_BAD_SHAPE, MARU_ROLE_A_SCALE, MARU_FIELD_DIM(0));
	p.is_a_scaled = false;
	build(&p, 1);
	case_refused(&c, MARU_ERR_UNSUPPORTED, MARU_ROLE_B, MARU_FIELD_TYPE);
	case_free_all(NULL);
}

/* [MM-7] sums longer than a part, several tiles, edges. */
static void large(void **state)
{
	(void)state;
	run(&(struct product) { .n = 3, .m = 2, .k = 20000, .a = F32, .b = F32, .dst = F32 }, 1);
	run(&(struct product) { .n = 3, .m = 2, .k = 20000, .a = BF16, .b = BF16, .dst = F32 }, 2);
	run(&(struct product) { .n = 600, .m = 530, .k = 70, .a = F32, .b = F32, .dst = F32 }, 3);
	run(&(struct product) { .n = 530, .m = 600, .k = 70, .a = BF16, .b = F32, .dst = BF16,
				.layout = MARU_LAYOUT_K16N64 }, 4);
	run(&(struct product) { .n = 400, .m = 300, .k = 2500, .a = F16, .b = F32, .dst = F32,
				.layout = MARU_LAYOUT_K16N64, .bias = 1 + F32 }, 5);
	run(&(struct product) { .n = 70000, .m = 1, .k = 3, .a = F32, .b = F32, .dst = F32 }, 6);
	run(&(struct product) { .n = 1, .m = 70000, .k = 3, .a = F32, .b = F32, .dst = F32 }, 7);
	run(&(struct product) { .n = 2, .m = 3, .k = 4, .d2 = 60, .d3 = 50, .a = F32, .b = F32,
				.dst = F32 }, 8);
}

/* [MM-8] k = 0 is a sum of nothing; no rows or columns is no effect. */
static void empty(void **state)
{
	(void)state;
	run(&(struct product) { .n = 9, .m = 4, .k = 0, .a = F32, .b = F32, .dst = F32,
				.bias = 1 + F32, .act = MARU_ACT_SIGMOID }, 1);
	run(&(struct product) { .n = 9, .m = 4, .k = 0, .a = I8, .b = I8, .dst = I32 }, 1);
	run(&(struct product) { .n = 0, .m = 4, .k = 5, .a = F32, .b = F32, .dst = F32 }, 1);
	run(&(struct product) { .n = 4, .m = 0, .k = 5, .a = F32, .b = F32, .dst = F32 }, 1);
}

/* [MM-9] NaN and Inf reach exactly the elements whose sum they are in. */
static void specials(void **state)
{
	const struct product p = { .n = 67, .m = 9, .k = 40, .a = F32, .b = F32, .dst = F32 };
	unsigned int n, m;

	(void)state;
	build(&p, 5);
	floats_of(1)[3 * 40 + 7] = NAN;		/* k 7, n 3 */
	floats_of(1)[66 * 40 + 39] = INFINITY;	/* k 39, n 66 */
	floats_of(2)[4 * 40 + 39] = 0;		/* m 4: Inf · 0 */
	floats_of(2)[5 * 40] = -INFINITY;	/* m 5 */
	assert_int_equal(case_run(&c), 0);
	for (m = 0; m < 9; m++)
		for (n = 0; n < 67; n++) {
			float got = floats_of(0)[m * 67 + n];

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
	build(&p, 5);
	for (i = 0; i < 16; i++) {
		floats_of(1)[i] = 0x1p-140f;
		floats_of(2)[i] = i < 8 ? 1 : 0x1p20f;
	}
	assert_int_equal(case_run(&c), 0);
	assert_true(floats_of(0)[0] == 0x1p-137f && floats_of(0)[3] == 0x1p-117f);
	case_free_all(NULL);
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

		build(&list[i], i);
		dst = operand(0);
		bytes = dst->stride[3] * dst->dim[3];
		first = case_memory(bytes);
		memset((void *)(uintptr_t)dst->va, 0xee, bytes);
		assert_int_equal(case_run(&c), 0);
		memcpy(first, (void *)(uintptr_t)dst->va, bytes);
		for (round = 0; round < 4; round++) {
			memset((void *)(uintptr_t)dst->va, 0xee, bytes);
			assert_int_equal(case_run_shuffled(&c, 1 + round, round), 0);
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
	build(&p, 1);
	a = (struct maru_operand *)(uintptr_t)operand(1);
	bytes = maru_layout_bytes(a->layout, a->type, a->dim);
	page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	memcpy(page, (void *)(uintptr_t)a->va, bytes);
	assert_int_equal(mprotect(page, bytes, PROT_READ), 0);
	a->va = (uint64_t)(uintptr_t)page;
	assert_int_equal(case_run(&c), 0);
	check(NULL);
	munmap(page, bytes);
	case_free_all(NULL);
}

/* [DET-2] a tile with several parts of k leaves between them and has written nothing. */
static void stop(void **state)
{
	const struct product p = { .n = 8, .m = 8, .k = 9000, .a = F32, .b = F32, .dst = F32 };
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	const volatile uint32_t one = 1;
	struct engine_error error;
	unsigned int i;

	(void)state;
	build(&p, 1);
	scratch.base = case_memory(scratch.bytes);
	assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, c.header.bytes), 0);
	c.op.stop = &one;
	assert_int_equal(engine_tile(&c.op, 0, &scratch, &error), -22);
	assert_int_equal(MARU_ERROR_CODE(error.word), MARU_ERR_CANCELLED);
	engine_end(&c.op);
	for (i = 0; i < 64; i++)
		assert_true(floats_of(0)[i] == 0 || fabsf(floats_of(0)[i]) <= 1);
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types), cmocka_unit_test(strides), cmocka_unit_test(prepared),
		cmocka_unit_test(rounded_first), cmocka_unit_test(epilogues),
		cmocka_unit_test(integers), cmocka_unit_test(integer_extremes),
		cmocka_unit_test(scaled), cmocka_unit_test(row_rounding),
		cmocka_unit_test(scaled_refused),
		cmocka_unit_test(large), cmocka_unit_test(empty), cmocka_unit_test(specials),
		cmocka_unit_test(denormals), cmocka_unit_test(determinism),
		cmocka_unit_test(read_only), cmocka_unit_test(stop),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("matmul", tests, NULL, NULL);
}

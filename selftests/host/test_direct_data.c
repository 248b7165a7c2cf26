// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations on elements and by row numbers, and products of prepared weights, in their variants,
 * once each through a real card by the direct way, against the references of the engines' tests.
 */
#include <math.h>

#include "selftests/host/direct_twin.h"
#include "selftests/ref/ref_data.h"

#define NONE	ACCEL_TYPE_NONE

static void test_gather(void **state)
{
	static const struct {
		const char *name;
		enum accel_type src, dst, idx;
		enum accel_layout layout;
	} gathers[] = {
		{ "F32 by I64", F32, F32, I64, 0 }, { "I32 by I32", I32, I32, I32, 0 },
		{ "BF16 to F32 by I64", BF16, F32, I64, 0 }, { "F16 by I32", F16, F16, I32, 0 },
		{ "prepared BF16", BF16, F32, I32, ACCEL_LAYOUT_K16N64K2 },
		{ "prepared F32", F32, F32, I64, ACCEL_LAYOUT_K16N64 },
	};
	const int32_t numbers[5] = { 69, -1, 0, 69, -300 };

	(void)state;
	for (size_t n = 0; n < sizeof(gathers) / sizeof(gathers[0]); n++) {
		struct twin src = SOME(gathers[n].src, 70, 33), dst = MAKE(gathers[n].dst, 5, 33);
		struct twin idx = GIVEN(gathers[n].idx, numbers, 5);
		struct accel_tensor from = src.card;

		twin_variant = gathers[n].name;
		if (gathers[n].layout) {
			OK(accel_tensor_create_prepared(twin_case.card, ACCEL_TIER_HBM,
							gathers[n].src, gathers[n].layout, 2,
							SHAPE(70, 33), &from));
			OK(accel_cmd_prepare(twin_case.cmd, from, src.card));
		}
		OK(accel_cmd_gather(twin_case.cmd, dst.card, from, idx.card, ACCEL_SKIP_NEGATIVE));
		twin_run(&dst);
		EACH(i, dst, 0) {
			int32_t row = numbers[i[1]];

			twin_expect(&dst, i, row < 0 ? 0 :
				    twin_at(&src, (uint64_t[]){ i[0], (uint64_t)row, 0, 0 }), 0);
		}
	}
}

static void test_scatter(void **state)
{
	static const enum accel_type types[] = { F32, F16, BF16, F32 };
	static const enum accel_type ids[] = { I64, I32, I64, I32 };
	const int32_t numbers[5] = { 6, -1, 0, 6, -9 };

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		struct twin src = SOME(F32, 2, 5, 33), dst = SOME(types[n], 2, 7, 33);
		struct twin idx = GIVEN(ids[n], numbers, 5), old = MAKE(types[n], 2, 7, 33);

		twin_variant = ids[n] == I64 ? "by I64" : "by I32";
		memcpy((void *)(uintptr_t)old.host.va, (void *)(uintptr_t)dst.host.va,
		       old.host.stride[3]);
		OK(accel_cmd_scatter(twin_case.cmd, dst.card, src.card, idx.card,
				     ACCEL_SKIP_NEGATIVE));
		twin_run(&dst);
		EACH(i, dst, 0) {
			long double want = twin_at(&old, i);

			for (uint64_t r = 0; r < 5; r++) {
				if (numbers[r] == (int32_t)i[1])
					want = ref_round(types[n], twin_at(&src, (uint64_t[]){
						i[0], r, i[2], 0 }));
			}
			twin_expect(&dst, i, want, 0);
		}
	}
}

/* With what dst's type rounds. */
static void check_code(const struct twin *dst, const struct twin *a, const struct twin *b,
		       unsigned int code, const float *p)
{
	EACH(i, *dst, 0) {
		uint64_t at[4];
		struct ref_element want;

		for (int d = 0; d < 4; d++)
			at[d] = b ? i[d] % b->host.dim[d] : 0;
		want = ref_elementwise(code, p, (double)twin_at(a, i),
				       b ? (double)twin_at(b, at) : 0);
		if (dst->host.type != F32 && isfinite(want.value))
			want.bound += (double)ref_ulp(dst->host.type, fabs(want.value) +
						      want.bound) / 2;
		twin_expect(dst, i, want.value, want.bound);
	}
}

static void test_unary(void **state)
{
	static const enum accel_unary codes[] = {
		ACCEL_UNARY_ABS, ACCEL_UNARY_SGN, ACCEL_UNARY_NEG, ACCEL_UNARY_STEP,
		ACCEL_UNARY_TANH, ACCEL_UNARY_ELU, ACCEL_UNARY_RELU, ACCEL_UNARY_SIGMOID,
		ACCEL_UNARY_GELU, ACCEL_UNARY_GELU_QUICK, ACCEL_UNARY_SILU, ACCEL_UNARY_HARDSWISH,
		ACCEL_UNARY_HARDSIGMOID, ACCEL_UNARY_EXP, ACCEL_UNARY_EXPM1, ACCEL_UNARY_SOFTPLUS,
		ACCEL_UNARY_GELU_ERF, ACCEL_UNARY_XIELU, ACCEL_UNARY_FLOOR, ACCEL_UNARY_CEIL,
		ACCEL_UNARY_ROUND,
		ACCEL_UNARY_TRUNC, ACCEL_UNARY_SQR, ACCEL_UNARY_SQRT, ACCEL_UNARY_LOG,
		ACCEL_UNARY_SIN, ACCEL_UNARY_COS, ACCEL_UNARY_LEAKY_RELU, ACCEL_UNARY_SCALE,
		ACCEL_UNARY_CLAMP,
	};
	static const enum accel_type types[] = { F32, BF16, F16 };

	(void)state;
	for (size_t n = 0; n < 3 * sizeof(codes) / sizeof(codes[0]); n++) {
		enum accel_unary code = codes[n / 3];
		struct accel_elementwise_desc desc = ACCEL_ELEMENTWISE_DESC_INIT;
		struct twin a = SOME(types[n % 3], 3, 70), dst = MAKE(types[n % 3], 3, 70);
		char name[40];

		snprintf(name, sizeof(name), "code %#x, type %u", code, types[n % 3]);
		twin_variant = name;
		if (code == ACCEL_UNARY_XIELU)
			desc = (struct accel_elementwise_desc){ sizeof(desc), { 0.5f, 0.75f, 0.5f,
									       -1e-6f } };
		if (code >= ACCEL_UNARY_LEAKY_RELU)
			desc.p[0] = -0.75f;
		if (code > ACCEL_UNARY_LEAKY_RELU)
			desc.p[1] = 0.5f;
		OK(accel_cmd_unary(twin_case.cmd, code, dst.card, a.card, &desc));
		twin_run(&dst);
		check_code(&dst, &a, NULL, code, desc.p);
	}
}

static void test_binary(void **state)
{
	static const uint32_t shapes[][3] = { { 2, 3, 70 }, { 1, 1, 70 }, { 2, 1, 1 },
					      { 1, 3, 35 } };

	(void)state;
	for (unsigned int code = ACCEL_BINARY_ADD; code <= ACCEL_BINARY_MAX; code++) {
		struct twin a = SOME(F32, 2, 3, 70), dst = MAKE(BF16, 2, 3, 70);
		struct twin ia = SOME(I32, 2, 3, 70), ib = SOME(I32, 3, 1);
		struct twin id = MAKE(I32, 2, 3, 70);

		for (int n = 0; n < 4; n++) {
			struct twin b = twin_some(n % 2 ? F16 : F32, 3, shapes[n]);

			twin_variant = "F32 with F32 or F16";
			OK(accel_cmd_binary(twin_case.cmd, code, dst.card, a.card, b.card));
			twin_run(&dst);
			check_code(&dst, &a, &b, code, NULL);
		}
		if (code == ACCEL_BINARY_DIV)
			continue;
		twin_variant = "I32";
		OK(accel_cmd_binary(twin_case.cmd, code, id.card, ia.card, ib.card));
		twin_run(&id);
		EACH(i, id, 0)
			twin_expect(&id, i, ref_integer(code, (int32_t)twin_at(&ia, i), (int32_t)
				    twin_at(&ib, (uint64_t[]){ 0, i[1], 0, 0 })), 0);
	}
}

/* A half of the innermost axis. */
static struct twin half_of(const struct twin *t, uint32_t start, uint32_t count)
{
	struct twin half = *t;

	half.card = accel_tensor_slice(t->card, 1, start, count);
	half.host.va += start * half.host.stride[0];
	half.host.dim[0] = count;
	return half;
}

/* Gate and value in tensors of their own, and as halves of one, either first. */
static void test_glu(void **state)
{
	static const enum accel_type types[] = { F32, BF16, F16 };

	(void)state;
	for (unsigned int code = ACCEL_GLU_REGLU; code <= ACCEL_GLU_SWIGLU_CLAMP; code++)
	for (int n = 0; n < 9; n++) {
		struct accel_elementwise_desc desc = ACCEL_ELEMENTWISE_DESC_INIT;
		struct twin both = SOME(types[n % 3], 3, 140), dst = MAKE(types[n % 3], 3, 70);
		struct twin gate = SOME(types[n % 3], 3, 70), value = SOME(types[n % 3], 3, 70);
		static const char *const forms[] = { "apart", "gate first", "value first" };

		twin_variant = forms[n / 3];
		if (code == ACCEL_GLU_SWIGLU_OAI)
			desc.p[0] = 1.702f;
		if (code == ACCEL_GLU_SWIGLU_OAI || code == ACCEL_GLU_SWIGLU_CLAMP)
			desc.p[1] = 1.5f;
		if (n / 3) {
			gate = half_of(&both, n / 3 == 1 ? 0 : 70, 70);
			value = half_of(&both, n / 3 == 1 ? 70 : 0, 70);
		}
		OK(accel_cmd_glu(twin_case.cmd, code, dst.card, gate.card, value.card, &desc));
		twin_run(&dst);
		check_code(&dst, &gate, &value, code, desc.p);
	}
}

static void test_reduce(void **state)
{
	static const enum accel_type types[] = { F32, F16, BF16 };
	uint32_t shape[3];

	(void)state;
	for (unsigned int kind = 0; kind <= ACCEL_REDUCE_ARGMIN; kind++)
	for (unsigned int axis = 0; axis < 3; axis++) {
		int is_index = kind >= ACCEL_REDUCE_ARGMAX;
		struct twin x = SOME(types[axis], 4, 5, 300), dst, add;

		memcpy(shape, SHAPE(4, 5, 300), sizeof(shape));
		shape[axis] = 1;
		dst = twin_make(is_index ? I32 : F32, 3, shape);
		add = twin_some(F32, 3, shape);
		for (int with = 0; with < (is_index ? 1 : 2); with++) {
			twin_variant = with ? "and add" : "alone";
			OK(accel_cmd_reduce(twin_case.cmd, kind, dst.card, x.card, axis,
					    with ? &add.card : NULL));
			twin_run(&dst);
			EACH(i, dst, 0) {
				struct ref_element want = ref_reduce(kind, 2 - axis, &x.host, i);

				if (with) {
					want.value += (double)twin_at(&add, i);
					want.bound += fabs(want.value) * 0x1p-24;
				}
				twin_expect(&dst, i, want.value, want.bound);
			}
		}
	}
}

static void test_order(void **state)
{
	static int32_t order[1000];

	(void)state;
	for (int way = 0; way < 4; way++) {	/* rising, falling, top-k, argmax */
		uint32_t k = way == 3 ? 1 : way == 2 ? 64 : 1000;
		struct twin x = SOME(F32, 3, 1000), values = MAKE(F32, 3, k), dst = MAKE(I32, 3, k);

		twin_variant = way == 3 ? "argmax" : way == 2 ? "top-k" : "sort";
		EACH(i, x, 0) {		/* with equal ones */
			float *at = ref_at(&x.host, i[0], i[1], 0, 0);

			*at = roundf(*at * 50);
		}
		twin_upload(&x);
		if (way == 3)
			OK(accel_cmd_argmax(twin_case.cmd, dst.card, x.card));
		else if (way == 2)
			OK(accel_cmd_top_k(twin_case.cmd, dst.card, x.card, &values.card));
		else
			OK(accel_cmd_sort(twin_case.cmd, dst.card, x.card, &values.card,
					  way ? ACCEL_SORT_DESCENDING : 0));
		twin_run(&dst);
		OK(accel_tensor_download(values.card, ref_at(&values.host, 0, 0, 0, 0),
					 values.host.stride[3]));
		EACH(i, dst, 0) {
			uint64_t at[4] = { 0, i[1], 0, 0 };

			ref_sort(ref_at(&x.host, 0, i[1], 0, 0), 1000, way > 0, order);
			at[0] = (uint64_t)order[i[0]];
			twin_expect(&dst, i, order[i[0]], 0);
			if (way < 3)
				twin_expect(&values, i, twin_at(&x, at), 0);
		}
	}
}

struct product {
	const char *name;
	enum accel_type a, b, dst;
	enum accel_layout layout;
	enum accel_type b_as;
	int has_scale, has_rest;
};

static const struct product products[] = {
	{ "F32", F32, F32, F32, ACCEL_LAYOUT_K16N64, NONE, 0, 0 },
	{ "F16", F16, F32, F16, ACCEL_LAYOUT_K16N64, NONE, 0, 1 },
	{ "F16, pairs", F16, F16, F32, ACCEL_LAYOUT_K16N64K2, NONE, 0, 0 },
	{ "BF16", BF16, F32, F32, ACCEL_LAYOUT_K16N64, NONE, 0, 1 },
	{ "BF16, pairs", BF16, BF16, F32, ACCEL_LAYOUT_K16N64K2, NONE, 0, 1 },
	{ "BF16, B as BF16", BF16, F32, BF16, ACCEL_LAYOUT_K16N64K2, BF16, 0, 0 },
	{ "I8", I8, I8, I32, ACCEL_LAYOUT_K16N64K4, NONE, 0, 0 },
	{ "I8 with scales", I8, F32, F32, ACCEL_LAYOUT_K16N64K4, NONE, 1, 1 },
	{ "I8 with scales, B as I8", I8, F32, F32, ACCEL_LAYOUT_K16N64K4, I8, 1, 0 },
};

/* Of @m rows of B. */
static void multiply(const struct product *p, uint32_t m)
{
	enum { N = 70, K = 129 };
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	struct twin a = SOME(p->a, N, K), b = SOME(p->b, m, K), dst = MAKE(p->dst, m, N);
	struct twin bias = SOME(F32, N), residual = SOME(F32, m, N), scale = SOME(F32, N);
	struct maru_params_matmul params = { .b_as = (uint8_t)p->b_as, .scale = twin_bits(1) };
	struct ref_product ref = { .params = &params, .dst = &dst.host, .a = &a.host,
				   .b = &b.host };
	struct accel_tensor image;

	if (p->has_rest) {
		desc.bias = &bias.card, desc.residual = &residual.card;
		ref.bias = &bias.host, ref.residual = &residual.host;
		desc.act = ACCEL_ACT_SILU, params.act = ACCEL_ACT_SILU;
		desc.scale = 0.5f, params.scale = twin_bits(0.5f);
	}
	if (p->has_scale)
		desc.a_scale = &scale.card, ref.a_scale = &scale.host;
	desc.b_as = p->b_as;
	OK(accel_tensor_create_prepared(twin_case.card, ACCEL_TIER_HBM, p->a, p->layout, 2,
					SHAPE(N, K), &image));
	OK(accel_cmd_prepare(twin_case.cmd, image, a.card));
	OK(accel_cmd_matmul(twin_case.cmd, dst.card, image, b.card, &desc));
	twin_run(&dst);
	EACH(i, dst, 0) {
		struct ref_element want = ref_matmul(&ref, i);

		twin_expect(&dst, i, want.value, p->dst == I32 ? 0 : want.bound);
	}
}

static void test_prepared(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(products) / sizeof(products[0]); n++) {
		twin_variant = products[n].name;
		multiply(&products[n], 1);
		multiply(&products[n], 20);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, twin_open, twin_close)
	static const struct CMUnitTest tests[] = {
		TEST(test_gather), TEST(test_scatter), TEST(test_unary), TEST(test_binary),
		TEST(test_glu), TEST(test_reduce), TEST(test_order), TEST(test_prepared),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

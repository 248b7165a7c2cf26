// SPDX-License-Identifier: GPL-2.0-only
/*
 * PREPARE against its formula, against golden bytes and against oneDNN's own reorder:
 * docs/card.md [PRE-1] …
 */
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/host/engine_case.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

static const struct {
	unsigned int layout, type, group;
	dnnl_format_tag_t tag;
	dnnl_data_type_t library_type;
} kinds[] = {
	{ MARU_LAYOUT_K16N64, MARU_TYPE_F32, 1, dnnl_BA16a64b, dnnl_f32 },
	{ MARU_LAYOUT_K16N64, MARU_TYPE_F16, 1, dnnl_BA16a64b, dnnl_f16 },
	{ MARU_LAYOUT_K16N64, MARU_TYPE_BF16, 1, dnnl_BA16a64b, dnnl_bf16 },
	{ MARU_LAYOUT_K16N64K2, MARU_TYPE_F16, 2, dnnl_BA16a64b2a, dnnl_f16 },
	{ MARU_LAYOUT_K16N64K2, MARU_TYPE_BF16, 2, dnnl_BA16a64b2a, dnnl_bf16 },
	{ MARU_LAYOUT_K16N64K4, MARU_TYPE_I8, 4, dnnl_BA16a64b4a, dnnl_s8 },
};

static const uint32_t sizes[][2] = {	/* k, n */
	{ 1, 1 }, { 16, 64 }, { 17, 65 }, { 63, 130 }, { 100, 63 }, { 257, 200 }, { 3, 500 },
};

static struct engine_case c;

/* Small numbers that every type holds, all different nearby; never zero. */
static void pattern(uint8_t *at, unsigned int type, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (type == MARU_TYPE_I8)
			at[i] = (uint8_t)(1 + i % 251);
		else if (type == MARU_TYPE_F32)
			((float *)(void *)at)[i] = (float)(1 + i % 8191);
		else	/* finite bits of either 16-bit type */
			((uint16_t *)(void *)at)[i] = (uint16_t)(0x3000 + i % 4099);
	}
}

static void prepare(void *to, const void *from, unsigned int type, unsigned int to_layout,
		    unsigned int from_layout, const uint32_t dim[4], bool is_transposed)
{
	struct maru_operand *desc[2];
	unsigned int i;

	case_init(&c, MARU_OP_PREPARE);
	desc[0] = case_add(&c, 0, to, type, dim[0], dim[1], dim[2], dim[3]);
	desc[1] = case_add(&c, 1, from, type, dim[0], dim[1], dim[2], dim[3]);
	for (i = 0; i < 2; i++) {
		if (i ? from_layout : to_layout) {
			case_prepared(desc[i], i ? from_layout : to_layout);
		} else if (is_transposed) {
			desc[i]->stride[1] = maru_type_bytes(type);
			desc[i]->stride[0] = desc[i]->stride[1] * dim[1];
		}
	}
	assert_int_equal(case_run_shuffled(&c, 2, 7), 0);
}

/* [PRE-1] the formula; [PRE-2] padding is zeros; [PRE-3] back byte for byte. */
static void formula(void **state)
{
	unsigned int i, j, t;

	(void)state;
	for (i = 0; i < 6; i++)
		for (j = 0; j < 7; j++)
			for (t = 0; t < 2; t++) {
				const uint32_t dim[4] = { sizes[j][0], sizes[j][1], 2, 1 };
				uint64_t k = dim[0], n = dim[1], g = kinds[i].group;
				uint64_t k_pad = (k + 16 * g - 1) / (16 * g) * (16 * g);
				uint64_t n_pad = (n + 63) / 64 * 64, e, matrix = k_pad * n_pad;
				unsigned int size = maru_type_bytes(kinds[i].type);
				uint8_t *from = case_memory(2 * k * n * size);
				uint8_t *image = case_memory(2 * matrix * size);
				uint8_t *back = case_memory(2 * k * n * size), zero[4] = { 0 };

				assert_int_equal(maru_layout_bytes(kinds[i].layout, kinds[i].type,
								   dim), 2 * matrix * size);
				memset(image, 0xee, 2 * matrix * size);
				pattern(from, kinds[i].type, 2 * k * n);
				prepare(image, from, kinds[i].type, kinds[i].layout, 0, dim, t);
				for (e = 0; e < 2 * matrix; e++) {
					uint64_t in = e % matrix, panel = in / (k_pad * 64);
					uint64_t row = in % (k_pad * 64) / (64 * g);
					uint64_t col = in % (64 * g) / g + panel * 64;
					uint64_t kk = row * g + in % g, at;
					const uint8_t *want = zero;

					at = e / matrix * k * n + (t ? kk * n + col : col * k + kk);
					if (kk < k && col < n)
						want = from + at * size;
					assert_memory_equal(image + e * size, want, size);
				}
				prepare(back, image, kinds[i].type, 0, kinds[i].layout, dim, t);
				assert_memory_equal(back, from, 2 * k * n * size);
				case_free_all(NULL);
			}
}

/* [PRE-4] from one prepared layout to another. */
static void relayout(void **state)
{
	const uint32_t dim[4] = { 75, 140, 1, 3 };
	uint8_t *from = case_memory(75 * 140 * 3 * 2), *one = case_memory(1 << 20);
	uint8_t *two = case_memory(1 << 20), *direct = case_memory(1 << 20);

	(void)state;
	pattern(from, MARU_TYPE_BF16, 75 * 140 * 3);
	prepare(one, from, MARU_TYPE_BF16, MARU_LAYOUT_K16N64, 0, dim, false);
	prepare(two, one, MARU_TYPE_BF16, MARU_LAYOUT_K16N64K2, MARU_LAYOUT_K16N64, dim, false);
	prepare(direct, from, MARU_TYPE_BF16, MARU_LAYOUT_K16N64K2, 0, dim, false);
	assert_memory_equal(two, direct, maru_layout_bytes(MARU_LAYOUT_K16N64K2, MARU_TYPE_BF16,
							   dim));
	case_init(&c, MARU_OP_PREPARE);
	case_prepared(case_add(&c, 0, one, MARU_TYPE_BF16, 64, 64, 1, 1), MARU_LAYOUT_K16N64);
	case_prepared(case_add(&c, 1, two, MARU_TYPE_BF16, 64, 64, 1, 1), MARU_LAYOUT_K16N64);
	case_refused(&c, MARU_ERR_BAD_LAYOUT, 1, MARU_FIELD_LAYOUT);
	case_free_all(NULL);
}

/* [PRE-5] golden bytes of docs/card.md: 3 × 2 in each layout, k fastest, values 1 … 6. */
static void golden(void **state)
{
	static const struct { unsigned int kind, at[6]; } want[] = {
		/* byte of (k, n) = (0,0) (1,0) (2,0) (0,1) (1,1) (2,1) */
		{ 0, { 0, 256, 512, 4, 260, 516 } },
		{ 2, { 0, 128, 256, 2, 130, 258 } },
		{ 4, { 0, 2, 256, 4, 6, 260 } },
		{ 5, { 0, 1, 2, 4, 5, 6 } },
	};
	const uint32_t dim[4] = { 3, 2, 1, 1 };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 4; i++) {
		unsigned int kind = want[i].kind, size = maru_type_bytes(kinds[kind].type);
		uint8_t from[24] = { 0 }, *image = case_memory(8192);
		uint64_t bytes = maru_layout_bytes(kinds[kind].layout, kinds[kind].type, dim);
		uint64_t sum = 0, e;

		for (j = 0; j < 6; j++)
			from[j * size] = (uint8_t)(j + 1);
		prepare(image, from, kinds[kind].type, kinds[kind].layout, 0, dim, false);
		assert_int_equal(bytes, kind == 2 ? 2048 : 4096);
		for (j = 0; j < 6; j++)
			assert_int_equal(image[want[i].at[j]], j + 1);
		for (e = 0; e < bytes; e++)
			sum += image[e];
		assert_int_equal(sum, 21);
	}
	case_free_all(NULL);
}

#define LIBRARY(call)	assert_int_equal(call, dnnl_success)

static void library_reorder(void *to, void *from, unsigned int kind, int64_t k, int64_t n)
{
	const dnnl_dims_t dims = { k, n }, steps = { 1, k };
	dnnl_memory_desc_t descs[2];
	dnnl_memory_t memories[2];
	dnnl_primitive_desc_t desc;
	dnnl_primitive_t reorder;
	dnnl_engine_t engine;
	dnnl_stream_t stream;

	LIBRARY(dnnl_engine_create(&engine, dnnl_cpu, 0));
	LIBRARY(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
	LIBRARY(dnnl_memory_desc_create_with_strides(&descs[0], 2, dims, kinds[kind].library_type,
						     steps));
	LIBRARY(dnnl_memory_desc_create_with_tag(&descs[1], 2, dims, kinds[kind].library_type,
						 kinds[kind].tag));
	LIBRARY(dnnl_memory_create(&memories[0], descs[0], engine, from));
	LIBRARY(dnnl_memory_create(&memories[1], descs[1], engine, to));
	LIBRARY(dnnl_reorder_primitive_desc_create(&desc, descs[0], engine, descs[1], engine,
						   NULL));
	LIBRARY(dnnl_primitive_create(&reorder, desc));
	dnnl_exec_arg_t arguments[] = { { DNNL_ARG_FROM, memories[0] },
					{ DNNL_ARG_TO, memories[1] } };
	LIBRARY(dnnl_primitive_execute(reorder, stream, 2, arguments));
	dnnl_primitive_destroy(reorder);
	dnnl_primitive_desc_destroy(desc);
	dnnl_memory_destroy(memories[0]);
	dnnl_memory_destroy(memories[1]);
	dnnl_memory_desc_destroy(descs[0]);
	dnnl_memory_desc_destroy(descs[1]);
	dnnl_stream_destroy(stream);
	dnnl_engine_destroy(engine);
}

/*
 * [PRE-6] the layouts are oneDNN's BA16a64b, BA16a64b2a and BA16a64b4a. Whole blocks only: on some
 * machines oneDNN 3.7.2 writes the zeros of a block's rest over its elements.
 */
static void library(void **state)
{
	static const uint32_t whole[][2] = { { 64, 64 }, { 64, 192 }, { 256, 64 }, { 320, 448 } };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 6; i++)
		for (j = 0; j < 4; j++) {
			const uint32_t dim[4] = { whole[j][0], whole[j][1], 1, 1 };
			unsigned int size = maru_type_bytes(kinds[i].type);
			uint64_t bytes = maru_layout_bytes(kinds[i].layout, kinds[i].type, dim);
			uint8_t *from = case_memory((uint64_t)dim[0] * dim[1] * size);
			uint8_t *image = case_memory(bytes), *theirs = case_memory(bytes);

			pattern(from, kinds[i].type, (uint64_t)dim[0] * dim[1]);
			prepare(image, from, kinds[i].type, kinds[i].layout, 0, dim, false);
			library_reorder(theirs, from, i, dim[0], dim[1]);
			assert_memory_equal(image, theirs, bytes);
			case_free_all(NULL);
		}
}

/* [PRE-7] more than a tile of one panel, and of many. */
static void large(void **state)
{
	static const uint32_t shapes[][2] = { { 70000, 3 }, { 40, 90000 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		const uint32_t dim[4] = { shapes[i][0], shapes[i][1], 1, 1 };
		uint64_t bytes = (uint64_t)dim[0] * dim[1];
		uint8_t *from = case_memory(bytes), *back = case_memory(bytes), *image;

		image = case_memory(maru_layout_bytes(MARU_LAYOUT_K16N64K4, MARU_TYPE_I8, dim));
		pattern(from, MARU_TYPE_I8, bytes);
		prepare(image, from, MARU_TYPE_I8, MARU_LAYOUT_K16N64K4, 0, dim, false);
		assert_true(c.op.tiles > 1);
		prepare(back, image, MARU_TYPE_I8, 0, MARU_LAYOUT_K16N64K4, dim, false);
		assert_memory_equal(back, from, bytes);
		case_free_all(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formula), cmocka_unit_test(relayout), cmocka_unit_test(golden),
		cmocka_unit_test(library), cmocka_unit_test(large),
	};

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}

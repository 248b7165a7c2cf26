// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mock_way.h"
#include "libaccel/src/cmd.h"

static struct accel_device *device;

static int setup(void **state)
{
	(void)state;
	device = mock_open();
	return device ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	accel_device_close(device);
	return mock.memories || mock.timelines || mock.queues ? -1 : 0;
}

static struct accel_tensor tensor(unsigned int rank, const uint32_t *shape)
{
	struct accel_tensor made;

	assert_int_equal(accel_tensor_create(device, ACCEL_TIER_HBM, ACCEL_TYPE_F32, rank, shape,
					     &made), 0);
	return made;
}

#define SHAPE(...) ((const uint32_t[]){ __VA_ARGS__ })
#define AXES(...) ((const unsigned int[]){ __VA_ARGS__ })

static void test_order(void **state)
{
	struct accel_tensor t = tensor(3, SHAPE(2, 3, 5));

	(void)state;
	assert_int_equal(t.ne[0], 5);
	assert_int_equal(t.ne[1], 3);
	assert_int_equal(t.ne[2], 2);
	assert_int_equal(t.ne[3], 1);
	assert_int_equal(t.nb[0], 4);
	assert_int_equal(t.nb[1], 20);
	assert_int_equal(t.nb[2], 60);
	assert_int_equal(accel_tensor_dim(t, 0), 2);
	assert_int_equal(accel_tensor_dim(t, 2), 5);
	assert_int_equal(accel_tensor_dim(t, 3), 0);
	assert_int_equal(accel_tensor_elements(t), 30);
	assert_int_equal(accel_tensor_bytes(t), 120);
	assert_true(accel_tensor_is_dense(t));
	assert_int_equal(accel_tensor_check(t), 0);
	t = tensor(0, NULL);
	assert_int_equal(accel_tensor_elements(t), 1);
}

static void test_views(void **state)
{
	struct accel_tensor t = tensor(3, SHAPE(2, 3, 5)), v;

	(void)state;
	v = accel_tensor_transpose(t);
	assert_int_equal(accel_tensor_dim(v, 1), 5);
	assert_int_equal(accel_tensor_dim(v, 2), 3);
	assert_false(accel_tensor_is_dense(v));
	assert_int_equal(accel_tensor_bytes(v), 120);
	v = accel_tensor_permute(t, AXES(2, 0, 1));
	assert_int_equal(accel_tensor_dim(v, 0), 5);
	assert_int_equal(accel_tensor_dim(v, 1), 2);
	assert_int_equal(accel_tensor_dim(v, 2), 3);
	assert_int_equal(v.nb[0], 20);
	v = accel_tensor_slice(t, 1, 1, 2);
	assert_int_equal(v.offset, 20);
	assert_int_equal(accel_tensor_dim(v, 1), 2);
	assert_int_equal(accel_tensor_bytes(v), 60 + 40);
	v = accel_tensor_reshape(t, 2, SHAPE(6, 5));
	assert_int_equal(accel_tensor_dim(v, 0), 6);
	assert_int_equal(v.nb[1], 20);
	v = accel_tensor_expand(accel_tensor_slice(t, 1, 2, 1), 1, 1000);
	assert_int_equal(accel_tensor_dim(v, 1), 1000);
	assert_int_equal(accel_tensor_check(v), 0);
	v = accel_tensor_slice(t, 0, 2, 0);
	assert_int_equal(accel_tensor_elements(v), 0);
	assert_int_equal(accel_tensor_check(v), 0);
}

static void assert_invalid(struct accel_tensor t, const char *text)
{
	assert_int_equal(t.rank, ACCEL_RANK_INVALID);
	assert_non_null(strstr(accel_error_text(), text));
	assert_int_equal(accel_tensor_check(t), -EINVAL);
	assert_int_equal(accel_tensor_elements(t), 0);
	assert_int_equal(accel_tensor_bytes(t), 0);
	assert_int_equal(accel_tensor_transpose(t).rank, ACCEL_RANK_INVALID);
}

static void test_invalid(void **state)
{
	struct accel_tensor t = tensor(2, SHAPE(3, 5));
	static const uint32_t huge[] = { 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff };

	(void)state;
	assert_invalid(accel_tensor_make(NULL, 0, (enum accel_type)77, 1, SHAPE(1)), "type: 77");
	assert_invalid(accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 5, huge), "rank");
	assert_invalid(accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 1, NULL), "shape: NULL");
	assert_invalid(accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 4, huge), "shape");
	assert_invalid(accel_tensor_make(t.memory, 0, ACCEL_TYPE_F32, 1, SHAPE(1025)),
		       "beyond its memory");
	assert_invalid(accel_tensor_make(t.memory, 4096, ACCEL_TYPE_F32, 1, SHAPE(1)),
		       "beyond its memory");
	assert_invalid(accel_tensor_make(t.memory, UINT64_MAX, ACCEL_TYPE_F32, 1, SHAPE(1)),
		       "beyond its memory");
	assert_invalid(accel_tensor_permute(t, AXES(0, 0)), "axes: entry 1");
	assert_invalid(accel_tensor_permute(t, AXES(2, 0)), "axes: entry 0");
	assert_invalid(accel_tensor_slice(t, 2, 0, 1), "axis: 2 of 2");
	assert_invalid(accel_tensor_slice(t, 1, 4, 2), "4 + 2 of 5");
	assert_invalid(accel_tensor_slice(t, 1, 4, UINT32_MAX), "of 5");
	assert_invalid(accel_tensor_reshape(t, 1, SHAPE(14)), "not 15 elements");
	assert_invalid(accel_tensor_reshape(accel_tensor_transpose(t), 1, SHAPE(15)), "gaps");
	assert_invalid(accel_tensor_expand(t, 0, 9), "not 1");
	assert_invalid(accel_tensor_transpose(tensor(1, SHAPE(4))), "rank is 1");
}

static void test_prepared(void **state)
{
	struct accel_tensor w;

	(void)state;
	assert_int_equal(accel_tensor_create_prepared(device, ACCEL_TIER_HBM, ACCEL_TYPE_BF16,
						      ACCEL_LAYOUT_K16N64, 2, SHAPE(65, 17),
						      &w), 0);
	assert_int_equal(w.ne[0], 17);
	assert_int_equal(accel_tensor_bytes(w), 2 * 128 * 32);
	assert_int_equal(accel_layout_bytes(ACCEL_LAYOUT_K16N64, ACCEL_TYPE_BF16, 2, SHAPE(65, 17)),
			 2 * 128 * 32);
	assert_int_equal(accel_layout_bytes(ACCEL_LAYOUT_K16N64K4, ACCEL_TYPE_BF16, 2,
					    SHAPE(65, 17)), 0);
	assert_invalid(accel_tensor_transpose(w), "no views");
	assert_invalid(accel_tensor_prepared(NULL, 0, ACCEL_TYPE_I8, ACCEL_LAYOUT_K16N64, 2,
					     SHAPE(8, 8)), "takes no i8");
	assert_invalid(accel_tensor_prepared(w.memory, 32, ACCEL_TYPE_BF16, ACCEL_LAYOUT_K16N64, 2,
					     SHAPE(8, 8)), "multiple of 64");
}

static void test_bytes_move(void **state)
{
	struct accel_tensor t = tensor(2, SHAPE(3, 4)), v;
	float in[12], out[12];

	(void)state;
	for (int i = 0; i < 12; i++)
		in[i] = (float)i;
	assert_int_equal(accel_tensor_upload(t, in, sizeof(in)), 0);
	v = accel_tensor_transpose(t);
	assert_int_equal(accel_tensor_download(v, out, sizeof(out)), 0);
	for (int row = 0; row < 4; row++)
		for (int column = 0; column < 3; column++)
			assert_true(out[row * 3 + column] == in[column * 4 + row]);
	v = accel_tensor_slice(t, 1, 1, 2);
	assert_int_equal(accel_tensor_upload(v, in, 24), 0);
	assert_int_equal(accel_tensor_download(t, out, sizeof(out)), 0);
	for (int row = 0; row < 3; row++) {
		assert_true(out[row * 4] == in[row * 4]);
		assert_true(out[row * 4 + 1] == in[row * 2]);
		assert_true(out[row * 4 + 2] == in[row * 2 + 1]);
		assert_true(out[row * 4 + 3] == in[row * 4 + 3]);
	}
	assert_int_equal(accel_tensor_upload(t, in, 44), -EINVAL);
	assert_non_null(strstr(accel_error_text(), "44, but its elements are 48"));
	assert_int_equal(accel_tensor_upload(t, NULL, 48), -EINVAL);
	v = accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 1, SHAPE(12));
	assert_int_equal(accel_tensor_upload(v, in, 48), -EINVAL);
	assert_non_null(strstr(accel_error_text(), "no memory"));
}

/* Dims of one get plain strides, a transposed column keeps the element size. */
static void test_operand(void **state)
{
	struct accel_tensor t = tensor(2, SHAPE(4, 6)), v;
	struct maru_operand operand;

	(void)state;
	v = accel_tensor_slice(t, 0, 2, 1);
	accel_operand_from_tensor(&operand, &v);
	assert_int_equal(operand.va, accel_memory_address(t.memory) + 48);
	assert_int_equal(operand.stride[1], 24);
	v = accel_tensor_slice(t, 1, 2, 1);
	accel_operand_from_tensor(&operand, &v);
	assert_int_equal(operand.stride[0], 4);
	assert_int_equal(operand.stride[1], 24);
	v = accel_tensor_transpose(accel_tensor_slice(t, 1, 2, 1));
	accel_operand_from_tensor(&operand, &v);
	assert_int_equal(operand.stride[0], 24);
	assert_int_equal(operand.stride[1], 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order), TEST(test_views), TEST(test_invalid), TEST(test_prepared),
		TEST(test_bytes_move), TEST(test_operand),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mock_way.h"

typedef uint32_t u32;
#include "driver/maru_error.h"	/* both ways end a job with the same errno */

static void test_errnos(void **state)
{
	static const struct { uint32_t first, last; int error; } rows[] = {
		{ 0, 0, 0 }, { 1, 13, -EINVAL }, { 14, 14, -EOPNOTSUPP }, { 15, 15, -ERANGE },
		{ 16, 19, -EFAULT }, { 20, 20, -ETIME }, { 21, 22, -ECANCELED }, { 23, 25, -EIO },
		{ 26, 1000, -EIO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint32_t code = rows[i].first; code <= rows[i].last; code++) {
			uint32_t word = MARU_ERROR(code, 3, 40);

			assert_int_equal(accel_error_errno(word), rows[i].error);
			assert_int_equal(maru_error_errno(word), rows[i].error);
		}
	}
}

static void test_describe(void **state)
{
	static const struct maru_packet packet = { .op = MARU_OP_MATMUL };
	static const struct maru_packet gather = { .op = MARU_OP_GATHER };
	char text[256];

	(void)state;
	accel_error_describe(text, sizeof(text), &packet, 17, 0x1240,
			     MARU_ERROR(MARU_ERR_BAD_SHAPE, 1, MARU_FIELD_DIM(0)), 4095, 0);
	assert_string_equal(text, "packet 17 (+0x1240) MATMUL: operand A, dim[0] = 4095: "
			    "BAD_SHAPE, sizes do not go together");
	accel_error_describe(text, sizeof(text), &packet, 0, 0,
			     MARU_ERROR(MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, 20), 0xff800000, 0);
	assert_string_equal(text, "packet 0 (+0x0) MATMUL: scale = -inf: BAD_PARAM, out of range");
	accel_error_describe(text, sizeof(text), &gather, 3, 0x400,
			     MARU_ERROR(MARU_ERR_BAD_INDEX, 2, 0), 77, 0);
	assert_string_equal(text, "packet 3 (+0x400) GATHER: operand idx, element 77: BAD_INDEX, "
			    "a value in memory is out of range");
	accel_error_describe(text, sizeof(text), NULL, 0, 64,
			     MARU_ERROR(MARU_ERR_FAULT_READ, 2, 0), 0, 0xabc000);
	assert_string_equal(text, "packet at +0x40: operand 2 at address 0xabc000: "
			    "FAULT_READ, read where nothing is mapped");
	accel_error_describe(text, sizeof(text), NULL, 0, 64, 999, 0, 0);
	assert_string_equal(text, "packet at +0x40: unknown error 999");
	/* Whatever a card says, it is a text that ends. */
	for (uint32_t word = 0; word < 0x2000000; word += 4099) {
		memset(text, 'x', sizeof(text));
		accel_error_describe(text, 100, word % 2 ? &packet : NULL, word, word,
				     word * 2654435761u, ~0ull, ~0ull);
		assert_true(strlen(text) < 100);
		assert_int_equal(text[100], 'x');
	}
}

static void *other_thread(void *argument)
{
	(void)argument;
	if (accel_error_text()[0])
		return "not empty at first";
	accel_cmd_reset(NULL);
	return strcmp(accel_error_text(), "accel_cmd_reset: cmd: NULL") ? "not its own" : NULL;
}

static void test_text_is_of_a_thread(void **state)
{
	pthread_t thread;
	void *wrong;

	(void)state;
	assert_int_equal(accel_memory_wait(NULL, 0), -EINVAL);
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	pthread_join(thread, &wrong);
	assert_null(wrong);
	assert_string_equal(accel_error_text(), "accel_memory_wait: memory: NULL");
}

static void expect_open(const char *spec, int error, const char *part)
{
	struct accel_device *device = NULL;

	assert_int_equal(accel_device_open(spec, &device), error);
	assert_null(device);
	if (!strstr(accel_error_text(), part))
		print_message("# %s\n", accel_error_text());
	assert_non_null(strstr(accel_error_text(), part));
}

static void test_open(void **state)
{
	(void)state;
	unsetenv("ACCEL_DEVICE");
	assert_int_equal(accel_device_open("kernel", NULL), -EINVAL);
	setenv("ACCEL_CARD", "/no/such/card", 1);
	expect_open("direct", -ENOENT, "direct: $ACCEL_CARD: '/no/such/card' can not be started");
	expect_open("direct:", -EINVAL, "nothing behind the colon");
	expect_open("direct:/no/such/socket", -ENOENT, "/no/such/socket: No such file");
	expect_open("kernels", -EINVAL, "'kernels'");
	expect_open("kernel:", -EINVAL, "nothing behind the colon");
	expect_open("kernel:/no/such/node", -ENODEV, "/no/such/node: no MARU card");
	expect_open("kernel:/dev/null", -ENODEV, "/dev/null: no MARU card");
	setenv("ACCEL_DEVICE", "direct,hmb=1G", 1);
	expect_open(NULL, -EINVAL, "unknown key 'hmb'");
	unsetenv("ACCEL_DEVICE");
}

static void test_info(void **state)
{
	struct accel_device_info info = ACCEL_DEVICE_INFO_INIT;
	struct accel_device *device = mock_open();
	struct accel_tier_info tier;

	(void)state;
	assert_non_null(device);
	assert_int_equal(accel_device_info(device, &info), 0);
	assert_string_equal(info.way, "mock");
	assert_int_equal(info.cmds_per_submit, 64);
	memset(&info, 0x55, sizeof(info));
	info.size = offsetof(struct accel_device_info, path);	/* an older program */
	assert_int_equal(accel_device_info(device, &info), 0);
	assert_string_equal(info.way, "mock");
	assert_int_equal(info.path[0], 0x55);
	info.size = 4;
	assert_int_equal(accel_device_info(device, &info), -EINVAL);
	assert_int_equal(accel_device_tier(device, ACCEL_TIER_HBM, &tier), 0);
	assert_int_equal(tier.bytes, 512 << 20);
	assert_int_equal(tier.available, 1);
	assert_int_equal(accel_device_tier(device, (enum accel_tier)3, &tier), -ENOENT);
	accel_device_close(device);
	accel_device_close(NULL);
	assert_int_equal(accel_type_parse("bf16"), ACCEL_TYPE_BF16);
	assert_int_equal(accel_type_parse("bf17"), -EINVAL);
	assert_int_equal(accel_type_parse(NULL), -EINVAL);
}

static void test_deadline(void **state)
{
	int64_t now = accel_deadline(0);

	(void)state;
	assert_true(accel_deadline(1000000000) >= now + 1000000000);
	assert_true(accel_deadline(-5) >= now);
	assert_true(accel_deadline(INT64_MAX) == ACCEL_FOREVER - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errnos), cmocka_unit_test(test_describe),
		cmocka_unit_test(test_text_is_of_a_thread), cmocka_unit_test(test_open),
		cmocka_unit_test(test_info), cmocka_unit_test(test_deadline),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mock_way.h"

static struct accel_device *device;
static struct accel_queue *queue;
static struct accel_cmd *cmd;

static int setup(void **state)
{
	(void)state;
	device = mock_open();
	return !device || accel_queue_create(device, NULL, &queue) ||
	       accel_cmd_create(device, 0, &cmd);
}

static int teardown(void **state)
{
	(void)state;
	accel_device_close(device);
	return mock.memories || mock.timelines || mock.queues ? -1 : 0;
}

#define SHAPE(...) ((const uint32_t[]){ __VA_ARGS__ })
#define TEXT(part) assert_non_null(strstr(accel_error_text(), part))
#define OK(call) assert_int_equal(call, 0)
#define BAD(error, call) assert_int_equal(call, error)

static struct accel_tensor make(enum accel_type type, uint32_t rows, uint32_t columns)
{
	struct accel_tensor tensor;

	OK(accel_tensor_create(device, ACCEL_TIER_HBM, type, 2, SHAPE(rows, columns), &tensor));
	return tensor;
}

/* What the card will read of packet @line, 64 bytes each. */
static const void *line_of(uint32_t line)
{
	struct accel_submit submit = ACCEL_SUBMIT_INIT;
	struct accel_memory *memory;
	void *pointer = NULL;

	submit.cmds = &cmd;
	submit.cmd_count = 1;
	OK(accel_queue_submit_all(queue, &submit, NULL));
	mock_finish(queue);
	LIST_FOREACH(memory, &device->memories, entry) {
		if (memory->address == mock.jobs[mock.job_count - 1].address)
			OK(accel_memory_map(memory, &pointer));
	}
	assert_non_null(pointer);
	return (uint8_t *)pointer + line * MARU_LINE_BYTES;
}

static void test_matmul_bytes(void **state)
{
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	struct accel_tensor a = make(ACCEL_TYPE_BF16, 5, 7), b = make(ACCEL_TYPE_BF16, 3, 7);
	struct accel_tensor dst = make(ACCEL_TYPE_F32, 3, 5), bias = make(ACCEL_TYPE_F32, 1, 5);
	const struct maru_packet *packet;
	const struct maru_operand *operand;
	float scale;

	(void)state;
	bias = accel_tensor_reshape(bias, 1, SHAPE(5));
	desc.bias = &bias;
	desc.residual = &dst;
	desc.act = ACCEL_ACT_SILU;
	desc.scale = 0.5f;
	OK(accel_cmd_tag(cmd, 77));
	OK(accel_cmd_matmul(cmd, dst, a, b, &desc));
	packet = line_of(0);
	assert_int_equal(packet->op, MARU_OP_MATMUL);
	assert_int_equal(packet->bytes, 6 * 64);
	assert_int_equal(packet->roles, 0x1f);
	assert_int_equal(packet->tag, 77);
	assert_int_equal(packet->matmul.act, MARU_ACT_SILU);
	assert_int_equal(packet->matmul.b_as, MARU_TYPE_NONE);
	memcpy(&scale, &packet->matmul.scale, 4);
	assert_true(scale == 0.5f);
	operand = (const struct maru_operand *)(packet + 1);
	assert_int_equal(operand[0].va, accel_memory_address(dst.memory));
	assert_int_equal(operand[0].dim[0], 5);
	assert_int_equal(operand[0].dim[1], 3);
	assert_int_equal(operand[1].va, accel_memory_address(a.memory));
	assert_int_equal(operand[1].type, MARU_TYPE_BF16);
	assert_int_equal(operand[1].dim[0], 7);
	assert_int_equal(operand[1].stride[1], 14);
	assert_int_equal(operand[2].va, accel_memory_address(b.memory));
	assert_int_equal(operand[3].dim[0], 5);
	assert_memory_equal(&operand[4], &operand[0], 64);
	assert_int_equal(mock.jobs[0].bytes, 6 * 64);
	assert_false(mock.jobs[0].is_idempotent);	/* dst is read and written */
}

/* Scales of a's rows; a caller built before they existed has a shorter struct. */
static void test_matmul_scaled(void **state)
{
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;
	struct accel_tensor a = make(ACCEL_TYPE_I8, 5, 7), b = make(ACCEL_TYPE_F32, 3, 7);
	struct accel_tensor dst = make(ACCEL_TYPE_F32, 3, 5), scale = make(ACCEL_TYPE_F32, 1, 5);
	const struct maru_packet *packet;
	const struct maru_operand *operand;

	(void)state;
	scale = accel_tensor_reshape(scale, 1, SHAPE(5));
	desc.a_scale = &scale;
	desc.b_as = ACCEL_TYPE_I8;
	OK(accel_cmd_matmul(cmd, dst, a, b, &desc));
	packet = line_of(0);
	assert_int_equal(packet->roles, 0x27);
	assert_int_equal(packet->matmul.b_as, MARU_TYPE_I8);
	operand = (const struct maru_operand *)(packet + 1);
	assert_int_equal(operand[3].va, accel_memory_address(scale.memory));
	assert_int_equal(operand[3].dim[0], 5);
	desc.size = offsetof(struct accel_matmul_desc, a_scale);
	BAD(-EOPNOTSUPP, accel_cmd_matmul(cmd, dst, a, b, &desc));
}

static void test_refusals(void **state)
{
	struct accel_tensor a = make(ACCEL_TYPE_F32, 5, 7), b = make(ACCEL_TYPE_F32, 3, 7);
	struct accel_tensor dst = make(ACCEL_TYPE_F32, 3, 5), bad = dst;
	struct accel_matmul_desc desc = ACCEL_MATMUL_DESC_INIT;

	(void)state;
	BAD(-EINVAL, accel_cmd_matmul(NULL, dst, a, b, NULL));
	TEXT("cmd: NULL");
	BAD(-EINVAL, accel_cmd_matmul(cmd, dst, b, a, NULL));
	TEXT("MATMUL: operand A, dim[1] = 3: BAD_SHAPE");
	bad.type = ACCEL_TYPE_U64;
	bad.nb[0] = 8;
	BAD(-EINVAL, accel_cmd_matmul(cmd, dst, a, bad, NULL));
	TEXT("operand B, type = 130 (u64): BAD_TYPE");
	bad = dst;
	bad.offset = 4096 - 59;
	BAD(-ERANGE, accel_cmd_matmul(cmd, bad, a, b, NULL));
	TEXT("operand dst: it ends beyond its memory");
	BAD(-EINVAL, accel_cmd_matmul(cmd, dst, accel_tensor_slice(a, 0, 9, 9), b, NULL));
	TEXT("operand A: it is no tensor");
	bad = accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 2, SHAPE(3, 5));
	BAD(-EINVAL, accel_cmd_matmul(cmd, bad, a, b, NULL));
	TEXT("operand dst: it has no memory");
	desc.size = 8;
	BAD(-EINVAL, accel_cmd_matmul(cmd, dst, a, b, &desc));
	TEXT("desc: its size is 8");
	desc.size = sizeof(desc);
	desc.act = (enum accel_act)300;
	BAD(-EINVAL, accel_cmd_matmul(cmd, dst, a, b, &desc));
	desc.act = (enum accel_act)18;
	BAD(-EOPNOTSUPP, accel_cmd_matmul(cmd, dst, a, b, &desc));
	TEXT("act = 18: UNSUPPORTED");
	BAD(-EINVAL, accel_cmd_fill(cmd, dst, NULL));
	BAD(-EINVAL, accel_cmd_copy(cmd, dst, dst));
	TEXT("COPY: operand src, address");
	BAD(-EINVAL, accel_cmd_timestamp(cmd, dst));
	assert_int_equal(accel_cmd_packets(cmd), 0);
}

static void test_other_device(void **state)
{
	struct accel_device *other;
	struct accel_tensor dst;
	float one = 1;

	(void)state;
	OK(accel_device_open_way(&mock_ops, NULL, &other));
	OK(accel_tensor_create(other, ACCEL_TIER_HBM, ACCEL_TYPE_F32, 1, SHAPE(4), &dst));
	BAD(-EINVAL, accel_cmd_fill(cmd, dst, &one));
	TEXT("another device");
	accel_device_close(other);
}

static void test_check_mode(void **state)
{
	struct accel_tensor dst = accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 2, SHAPE(3, 5));
	struct accel_tensor src = accel_tensor_make(NULL, 0, ACCEL_TYPE_I8, 2, SHAPE(3, 5));
	struct accel_cmd *check;

	(void)state;
	BAD(-EINVAL, accel_cmd_create(device, 6, &check));
	OK(accel_cmd_create(device, ACCEL_CMD_CHECK, &check));
	OK(accel_cmd_copy(check, dst, src));
	OK(accel_cmd_copy(check, dst, dst));
	BAD(-EINVAL, accel_cmd_copy(check, dst, accel_tensor_slice(src, 0, 0, 2)));
	assert_int_equal(accel_cmd_packets(check), 0);
	BAD(-EINVAL, accel_queue_submit(queue, check, NULL));
	TEXT("ACCEL_CMD_CHECK");
}

/* A card that lists less is obeyed before anything is submitted. */
static void test_card_lists_less(void **state)
{
	struct accel_tensor dst = make(ACCEL_TYPE_F32, 3, 5), src = make(ACCEL_TYPE_F16, 3, 5);
	struct accel_device *other;

	(void)state;
	mock.drop_op = MARU_OP_PREPARE;
	mock.drop_type = 1u << MARU_TYPE_F16;
	OK(accel_device_open_way(&mock_ops, NULL, &other));
	accel_cmd_destroy(cmd);
	OK(accel_cmd_create(other, ACCEL_CMD_CHECK, &cmd));
	dst.memory = src.memory = NULL;
	BAD(-EOPNOTSUPP, accel_cmd_copy(cmd, dst, src));
	TEXT("operand src, type = 1 (f16): UNSUPPORTED");
	BAD(-EOPNOTSUPP, accel_cmd_prepare(cmd, accel_tensor_prepared(NULL, 0, ACCEL_TYPE_F32,
			ACCEL_LAYOUT_K16N64, 2, SHAPE(3, 5)), dst));
	TEXT("PREPARE: op = 260: UNSUPPORTED");
	accel_device_close(other);
	cmd = NULL;
	mock.damage_ops = 8;
	BAD(-EPROTO, accel_device_open_way(&mock_ops, NULL, &other));
}

static void test_patch(void **state)
{
	struct accel_tensor x = make(ACCEL_TYPE_F32, 4, 4), y = make(ACCEL_TYPE_F32, 4, 4);
	struct accel_tensor z = make(ACCEL_TYPE_F32, 4, 4), small = make(ACCEL_TYPE_F32, 2, 2);
	const struct maru_operand *operand;
	float one = 1;

	(void)state;
	OK(accel_cmd_fill(cmd, x, &one));
	OK(accel_cmd_copy(cmd, y, x));
	assert_true(accel_cmd_is_idempotent(cmd));
	BAD(-ENOENT, accel_cmd_patch(cmd, 2, ACCEL_ROLE_DST, z));
	TEXT("packet: 2 of 2");
	BAD(-ENOENT, accel_cmd_patch(cmd, 0, ACCEL_ROLE_SRC, z));
	BAD(-EINVAL, accel_cmd_patch(cmd, 1, ACCEL_ROLE_DST, small));
	TEXT("packet 1 (+0x80) COPY");
	OK(accel_queue_submit(queue, cmd, NULL));
	BAD(-EBUSY, accel_cmd_patch(cmd, 1, ACCEL_ROLE_DST, z));
	BAD(-EBUSY, accel_cmd_reset(cmd));
	BAD(-EBUSY, accel_cmd_nop(cmd));
	mock_finish(queue);
	OK(accel_cmd_patch(cmd, 1, ACCEL_ROLE_DST, z));
	operand = line_of(3);
	assert_int_equal(operand->va, accel_memory_address(z.memory));
	/* The buffer holds z and no longer y. */
	accel_tensor_destroy(&z);
	accel_tensor_destroy(&y);
	assert_int_equal(mock.memories, 4);	/* x, z, small, the buffer */
	OK(accel_cmd_reset(cmd));
	assert_int_equal(mock.memories, 3);
	assert_int_equal(accel_cmd_packets(cmd), 0);
}

static bool is_idempotent(void)
{
	bool is = accel_cmd_is_idempotent(cmd);

	OK(accel_cmd_reset(cmd));
	return is;
}

static void test_idempotent(void **state)
{
	struct accel_tensor x = make(ACCEL_TYPE_F32, 8, 8), y = make(ACCEL_TYPE_F32, 8, 8);
	struct accel_tensor z = make(ACCEL_TYPE_F32, 8, 8);
	struct accel_tensor left = accel_tensor_slice(x, 1, 0, 4);
	struct accel_tensor right = accel_tensor_slice(x, 1, 4, 4);
	struct accel_tensor top = accel_tensor_slice(x, 0, 0, 4);
	struct accel_tensor low = accel_tensor_slice(x, 0, 4, 4);
	float one = 1;

	(void)state;
	assert_true(is_idempotent());			/* nothing */
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_copy(cmd, z, y));
	assert_true(is_idempotent());			/* a chain */
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_copy(cmd, x, z));
	assert_false(is_idempotent());			/* read, then written */
	OK(accel_cmd_fill(cmd, x, &one));
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_fill(cmd, x, &one));
	assert_true(is_idempotent());			/* written whole before it is read */
	OK(accel_cmd_fill(cmd, top, &one));
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_fill(cmd, low, &one));
	assert_false(is_idempotent());			/* only a part was written before */
	OK(accel_cmd_fill(cmd, top, &one));
	OK(accel_cmd_fill(cmd, low, &one));
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_fill(cmd, low, &one));
	assert_true(is_idempotent());			/* two parts are the whole */
	OK(accel_cmd_fill(cmd, left, &one));
	OK(accel_cmd_copy(cmd, y, x));
	OK(accel_cmd_fill(cmd, left, &one));
	assert_false(is_idempotent());			/* gaps do not count as written */
	OK(accel_cmd_copy(cmd, right, left));
	assert_false(is_idempotent());			/* extents decide, not elements */
	OK(accel_cmd_copy(cmd, low, top));
	assert_true(is_idempotent());
}

/* Against a plain model: bytes that were read before the buffer wrote them, byte by byte. */
static void test_idempotent_random(void **state)
{
	enum { PARTS = 12, BYTES = 64 };
	struct accel_tensor x, parts[PARTS];
	uint32_t seed = 1;

	(void)state;
	OK(accel_tensor_create(device, ACCEL_TIER_HBM, ACCEL_TYPE_U8, 1, SHAPE(BYTES * PARTS), &x));
	for (uint32_t i = 0; i < PARTS; i++)
		parts[i] = accel_tensor_slice(x, 0, i * BYTES, BYTES);
	for (int round = 0; round < 300; round++) {
		bool was_read[PARTS] = { 0 }, was_written[PARTS] = { 0 }, is_right = true;

		for (int step = 0; step < 5; step++) {
			uint32_t to = (seed = seed * 1103515245 + 12345) >> 16 & 0x7fff;
			uint32_t from = (seed = seed * 1103515245 + 12345) >> 16 & 0x7fff;

			to %= PARTS;
			from %= PARTS;
			if (to == from)
				continue;
			OK(accel_cmd_copy(cmd, parts[to], parts[from]));
			was_read[from] |= !was_written[from];
			is_right &= !was_read[to];
			was_written[to] = true;
		}
		assert_int_equal(is_idempotent(), is_right);
	}
}

static void test_growth(void **state)
{
	struct accel_tensor x = make(ACCEL_TYPE_F32, 4, 4);
	float one = 1;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		OK(accel_cmd_fill(cmd, x, &one));
	line_of(0);
	for (uint32_t i = 0; i < 3000; i++)
		OK(accel_cmd_fill(cmd, x, &one));
	line_of(0);
	assert_int_equal(mock.jobs[1].bytes, 6000 * 128);
	assert_true(mock.jobs[1].is_idempotent);
	device->caps.limits.command_bytes = 6000 * 128 + 64;
	BAD(-E2BIG, accel_cmd_fill(cmd, x, &one));
	OK(accel_cmd_nop(cmd));
	BAD(-E2BIG, accel_cmd_nop(cmd));
	assert_int_equal(accel_cmd_packets(cmd), 6001);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_matmul_bytes), TEST(test_matmul_scaled),
		TEST(test_refusals), TEST(test_other_device),
		TEST(test_check_mode), TEST(test_card_lists_less), TEST(test_patch),
		TEST(test_idempotent), TEST(test_idempotent_random), TEST(test_growth),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

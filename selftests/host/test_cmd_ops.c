// SPDX-License-Identifier: GPL-2.0-only
/* What the functions of accel/ops.h record, and what they refuse in which words. */
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

#define TEXT(part)							\
	do {								\
		if (!strstr(accel_error_text(), part))			\
			print_message("# %s\n", accel_error_text());	\
		assert_non_null(strstr(accel_error_text(), part));	\
	} while (0)
#define OK(call)							\
	do {								\
		int ok_error = (call);					\
									\
		if (ok_error)						\
			print_message("# %s\n", accel_error_text());	\
		assert_int_equal(ok_error, 0);				\
	} while (0)
#define BAD(call, part)							\
	do {								\
		assert_int_equal(call, -EINVAL);			\
		TEXT(part);						\
	} while (0)

/* Sizes are outermost first; 0 ends them. */
static struct accel_tensor make(enum accel_type type, uint32_t s0, uint32_t s1, uint32_t s2,
				uint32_t s3)
{
	const uint32_t shape[4] = { s0, s1, s2, s3 };
	struct accel_tensor tensor;
	unsigned int rank = 0;

	while (rank < 4 && shape[rank])
		rank++;
	OK(accel_tensor_create(device, ACCEL_TIER_HBM, type, rank, shape, &tensor));
	return tensor;
}

#define F32(...)	make_sizes(ACCEL_TYPE_F32, ##__VA_ARGS__)
#define make_sizes(type, ...) make_4(type, ##__VA_ARGS__, 0, 0, 0, 0)
#define make_4(type, a, b, c, d, ...) make(type, a, b, c, d)
#define I32(...)	make_sizes(ACCEL_TYPE_I32, ##__VA_ARGS__)
#define F16(...)	make_sizes(ACCEL_TYPE_F16, ##__VA_ARGS__)

/* The packet that was recorded last, as the card will read it. */
static const struct maru_packet *last(void)
{
	struct accel_memory *memory;
	uint8_t *pointer = NULL;
	const struct maru_packet *packet = NULL;
	uint32_t number = 0, offset = 0;

	OK(accel_queue_submit(queue, cmd, NULL));
	mock_finish(queue);
	LIST_FOREACH(memory, &device->memories, entry) {
		if (memory->address == mock.jobs[mock.job_count - 1].address)
			OK(accel_memory_map(memory, (void **)&pointer));
	}
	assert_non_null(pointer);
	for (; number < accel_cmd_packets(cmd); number++, offset += packet->bytes)
		packet = (const struct maru_packet *)(pointer + offset);
	return packet;
}

static const struct maru_operand *operand(const struct maru_packet *packet, unsigned int role)
{
	unsigned int below = packet->roles & ((1u << role) - 1);

	assert_true(packet->roles >> role & 1);
	return (const struct maru_operand *)(packet + 1) + __builtin_popcount(below);
}

static void expect_operand(unsigned int role, struct accel_tensor tensor)
{
	const struct maru_operand *line = operand(last(), role);

	assert_int_equal(line->va, accel_memory_address(tensor.memory) + tensor.offset);
	assert_int_equal(line->type, tensor.type);
	assert_memory_equal(line->dim, tensor.ne, sizeof(line->dim));
}

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void test_rows(void **state)
{
	struct accel_tensor table = F16(100, 8), ids = I32(3), rows = F32(3, 8);
	struct accel_tensor wide = F32(3, 9), none = I32(4);

	(void)state;
	OK(accel_cmd_gather(cmd, rows, table, ids, ACCEL_SKIP_NEGATIVE));
	assert_int_equal(last()->op, MARU_OP_GATHER);
	assert_int_equal(last()->gather.skip_neg, 1);
	expect_operand(MARU_ROLE_DST, rows);
	expect_operand(MARU_ROLE_SRC, table);
	expect_operand(MARU_ROLE_IDX, ids);
	OK(accel_cmd_scatter(cmd, table, rows, ids, 0));
	assert_int_equal(last()->op, MARU_OP_SCATTER);
	assert_int_equal(last()->scatter.skip_neg, 0);
	expect_operand(MARU_ROLE_DST, table);
	expect_operand(MARU_ROLE_SRC, rows);
	BAD(accel_cmd_gather(cmd, rows, table, ids, 2), "accel_cmd_gather: flags: 0x2");
	BAD(accel_cmd_scatter(cmd, table, rows, ids, 4), "accel_cmd_scatter: flags: 0x4");
	BAD(accel_cmd_gather(cmd, wide, table, ids, 0), "GATHER: operand src, dim[0] = 8");
	BAD(accel_cmd_gather(cmd, rows, table, none, 0), "GATHER: operand idx, dim[0] = 4");
	BAD(accel_cmd_scatter(cmd, table, wide, ids, 0), "SCATTER: operand src, dim[0] = 9");
	BAD(accel_cmd_gather(cmd, rows, table, rows, 0), "operand idx, type = 0 (f32)");
}

static void test_attention(void **state)
{
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	struct accel_tensor q = F32(2, 4, 5, 64), k = F16(2, 2, 20, 64), v = F16(2, 2, 20, 64);
	struct accel_tensor dst = F32(2, 5, 4, 64), mask = F16(5, 20), lengths = I32(2);
	struct accel_tensor blocks = I32(2, 7), starts = I32(3), pool = F16(9, 2, 16, 64);
	struct accel_tensor ragged = F32(1, 4, 11, 64), out = F32(1, 11, 4, 64);

	(void)state;
	OK(accel_cmd_attention(cmd, dst, q, k, v, NULL));
	assert_true(float_of(last()->attention.scale) == 1);
	assert_int_equal(last()->attention.left, MARU_ATTENTION_OPEN);
	assert_int_equal(last()->roles, 0xf);
	expect_operand(MARU_ROLE_V, v);
	desc.scale = 0.125f;
	desc.softcap = 50;
	desc.max_bias = 8;
	desc.causal = 1;
	desc.left = 4096;
	desc.right = 0;
	desc.mask = &mask;
	OK(accel_cmd_attention(cmd, dst, q, k, v, &desc));
	assert_true(float_of(last()->attention.scale) == 0.125f);
	assert_true(float_of(last()->attention.softcap) == 50);
	assert_true(float_of(last()->attention.max_bias) == 8);
	assert_int_equal(last()->attention.flags, MARU_ATTENTION_CAUSAL);
	assert_int_equal(last()->attention.left, 4096);
	assert_int_equal(last()->attention.right, 0);
	expect_operand(MARU_ROLE_MASK, mask);
	desc.kv_len = &lengths;
	desc.block_table = &blocks;
	BAD(accel_cmd_attention(cmd, out, ragged, pool, pool, &desc), "ATTENTION: roles");
	desc.mask = NULL;
	desc.q_start = &starts;
	OK(accel_cmd_attention(cmd, out, ragged, pool, pool, &desc));
	expect_operand(MARU_ROLE_BLOCKS, blocks);
	expect_operand(MARU_ROLE_KV_LEN, lengths);
	expect_operand(MARU_ROLE_Q_START, starts);
	BAD(accel_cmd_attention(cmd, dst, q, pool, pool, &desc), "operand q, dim[3] = 2");
	desc.q_start = &lengths;
	BAD(accel_cmd_attention(cmd, out, ragged, pool, pool, &desc), "operand q_start, dim[0]");
	desc.kv_len = &mask;
	BAD(accel_cmd_attention(cmd, out, ragged, pool, pool, &desc), "operand kv_len, type");
	desc.size--;
	BAD(accel_cmd_attention(cmd, out, ragged, pool, pool, &desc), "desc: its size is");
}

static void test_norm(void **state)
{
	struct accel_norm_desc norm = ACCEL_NORM_DESC_INIT;
	struct accel_softmax_desc softmax = ACCEL_SOFTMAX_DESC_INIT;
	struct accel_tensor x = F32(3, 8), w = F16(8), mask = F16(4, 8);

	(void)state;
	OK(accel_cmd_norm(cmd, x, x, NULL));
	assert_int_equal(last()->norm.kind, MARU_NORM_RMS);
	assert_true(float_of(last()->norm.eps) == 1e-5f);
	norm = (struct accel_norm_desc){ sizeof(norm), ACCEL_NORM_LAYER, 1e-6f, &w, &x };
	OK(accel_cmd_norm(cmd, x, x, &norm));
	assert_int_equal(last()->norm.kind, MARU_NORM_LAYER);
	expect_operand(MARU_ROLE_MUL, w);
	expect_operand(MARU_ROLE_ADD, x);
	norm.mul = &mask;
	BAD(accel_cmd_norm(cmd, x, x, &norm), "NORM: operand mul, dim[1] = 4");
	norm.size = 0;
	BAD(accel_cmd_norm(cmd, x, x, &norm), "accel_cmd_norm: desc: its size is 0");
	OK(accel_cmd_softmax(cmd, x, x, NULL));
	softmax.scale = 0.5f;
	softmax.max_bias = 8;
	BAD(accel_cmd_softmax(cmd, x, x, &softmax), "SOFTMAX: roles");
	softmax.mask = &mask;
	OK(accel_cmd_softmax(cmd, x, x, &softmax));
	assert_true(float_of(last()->softmax.scale) == 0.5f);
	assert_true(float_of(last()->softmax.max_bias) == 8);
	expect_operand(MARU_ROLE_SOFTMAX_MASK, mask);
	assert_int_equal(accel_cmd_norm(NULL, x, x, NULL), -EINVAL);
	TEXT("accel_cmd_norm: cmd: NULL");
}

static void test_rope(void **state)
{
	struct accel_rope_desc desc = ACCEL_ROPE_DESC_INIT;
	struct accel_tensor x = F32(5, 2, 64), pos = I32(5), factors = F32(16);

	(void)state;
	OK(accel_cmd_rope(cmd, x, x, pos, NULL));
	assert_int_equal(last()->rope.n_dims, 64);
	assert_true(float_of(last()->rope.base) == 10000);
	assert_true(float_of(last()->rope.freq_scale) == 1);
	assert_true(float_of(last()->rope.attn_factor) == 1);
	desc = (struct accel_rope_desc){
		sizeof(desc), ACCEL_ROPE_NEOX, 1, 32, 16, 4096, 5e5f, 0.25f, 1, 2, 33, 3, &factors,
	};
	OK(accel_cmd_rope(cmd, x, x, pos, &desc));
	assert_int_equal(last()->rope.mode, MARU_ROPE_NEOX);
	assert_int_equal(last()->rope.inverse, 1);
	assert_int_equal(last()->rope.n_dims, 32);
	assert_int_equal(last()->rope.n_offs, 16);
	assert_int_equal(last()->rope.n_ctx, 4096);
	assert_true(float_of(last()->rope.base) == 5e5f);
	assert_true(float_of(last()->rope.freq_scale) == 0.25f);
	assert_true(float_of(last()->rope.ext_factor) == 1);
	assert_true(float_of(last()->rope.attn_factor) == 2);
	assert_true(float_of(last()->rope.beta_fast) == 33);
	assert_true(float_of(last()->rope.beta_slow) == 3);
	expect_operand(MARU_ROLE_POS, pos);
	expect_operand(MARU_ROLE_FACTORS, factors);
	desc.n_dims = 0;	/* all behind n_offs: 48, so that factors are too few */
	BAD(accel_cmd_rope(cmd, x, x, pos, &desc), "ROPE: operand factors, dim[0] = 16");
	desc.n_dims = 0x10020;
	BAD(accel_cmd_rope(cmd, x, x, pos, &desc), "desc: n_dims: 65568, above 65535");
	desc.n_dims = 31;
	BAD(accel_cmd_rope(cmd, x, x, pos, &desc), "ROPE: n_dims = 31");
	desc.inverse = 256;
	BAD(accel_cmd_rope(cmd, x, x, pos, &desc), "desc: inverse: 256, above 1");
}

static void test_elementwise(void **state)
{
	struct accel_elementwise_desc desc = { sizeof(desc), { 2, 3, 0, 0 } };
	struct accel_tensor x = F32(3, 8), y = F16(3, 8), row = F32(8), n = I32(3, 8);

	(void)state;
	OK(accel_cmd_unary(cmd, ACCEL_UNARY_SILU, y, x, NULL));
	assert_int_equal(last()->elementwise.code, MARU_CODE_SILU);
	assert_int_equal(last()->roles, 3);
	OK(accel_cmd_unary(cmd, ACCEL_UNARY_SCALE, x, x, &desc));
	assert_true(float_of(last()->elementwise.p[0]) == 2);
	assert_true(float_of(last()->elementwise.p[1]) == 3);
	OK(accel_cmd_binary(cmd, ACCEL_BINARY_ADD, x, x, row));
	assert_int_equal(last()->elementwise.code, MARU_CODE_ADD);
	expect_operand(MARU_ROLE_RIGHT, row);
	OK(accel_cmd_binary(cmd, ACCEL_BINARY_MAX, n, n, n));
	OK(accel_cmd_glu(cmd, ACCEL_GLU_SWIGLU, y, x, x, NULL));
	assert_int_equal(last()->elementwise.code, MARU_CODE_SWIGLU);
	BAD(accel_cmd_unary(cmd, ACCEL_UNARY_SILU, y, x, &desc), "ELEMENTWISE: p0 = 2: BAD_PARAM");
	BAD(accel_cmd_unary(cmd, (enum accel_unary)0x80, y, x, NULL), "code: 128 is no such");
	BAD(accel_cmd_unary(cmd, (enum accel_unary)0x20, y, x, NULL), "ELEMENTWISE: code = 32");
	BAD(accel_cmd_binary(cmd, (enum accel_binary)ACCEL_GLU_SWIGLU, y, x, x), "code: 194");
	BAD(accel_cmd_glu(cmd, (enum accel_glu)0xc7, y, x, x, NULL), "code: 199");
	assert_int_equal(accel_cmd_binary(cmd, ACCEL_BINARY_DIV, n, n, n), -EOPNOTSUPP);
	TEXT("ELEMENTWISE: code = 131");
	desc.size = 4;
	BAD(accel_cmd_glu(cmd, ACCEL_GLU_SWIGLU, y, x, x, &desc), "its size is 4");
}

static void test_fold(void **state)
{
	struct accel_tensor x = F32(2, 3, 8), rows = F32(2, 3, 1), planes = F32(1, 3, 8);
	struct accel_tensor index = I32(2, 3, 1), few = I32(2, 3, 4), values = F32(2, 3, 4);

	(void)state;
	OK(accel_cmd_reduce(cmd, ACCEL_REDUCE_MEAN, planes, x, 0, &planes));
	assert_int_equal(last()->reduce.kind, MARU_REDUCE_MEAN);
	assert_int_equal(last()->reduce.dim, 2);
	expect_operand(MARU_ROLE_REDUCE_ADD, planes);
	OK(accel_cmd_reduce(cmd, ACCEL_REDUCE_SUM, rows, x, 2, NULL));
	assert_int_equal(last()->reduce.dim, 0);
	OK(accel_cmd_argmax(cmd, index, x));
	assert_int_equal(last()->reduce.kind, MARU_REDUCE_ARGMAX);
	BAD(accel_cmd_reduce(cmd, ACCEL_REDUCE_SUM, rows, x, 3, NULL), "axis: 3 of 3");
	BAD(accel_cmd_reduce(cmd, ACCEL_REDUCE_SUM, rows, x, 1, NULL), "REDUCE: operand");
	BAD(accel_cmd_argmax(cmd, few, x), "REDUCE: operand dst, dim[0] = 4");
	OK(accel_cmd_sort(cmd, few, x, &values, 0));
	assert_int_equal(last()->sort.descending, 0);
	OK(accel_cmd_top_k(cmd, few, x, &values));
	assert_int_equal(last()->sort.descending, 1);
	expect_operand(MARU_ROLE_VALUES, values);
	OK(accel_cmd_sort(cmd, few, x, NULL, ACCEL_SORT_DESCENDING));
	assert_int_equal(last()->roles, 3);
	BAD(accel_cmd_sort(cmd, few, x, NULL, 2), "flags: 0x2");
	values.memory = x.memory;
	BAD(accel_cmd_top_k(cmd, few, x, &values), "SORT: operand x, address");
}

/* A step of decoding: the cache is written in part, then read whole; its rows come from memory. */
static void test_idempotent(void **state)
{
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	struct accel_tensor x = F32(1, 64), k = F32(1, 64), q = F32(1, 1, 1, 64);
	struct accel_tensor cache = F32(20, 64), dst = F32(1, 1, 1, 64), slot = I32(1);
	struct accel_tensor keys = accel_tensor_reshape(cache, 4,
							(const uint32_t[]){ 1, 1, 20, 64 });
	struct accel_tensor length = I32(1), starts = I32(2), ids = I32(1, 4), one = I32(1, 4);
	struct accel_tensor values = F32(1, 4), negated = F32(1, 4);

	(void)state;
	OK(accel_cmd_norm(cmd, k, x, NULL));
	OK(accel_cmd_scatter(cmd, cache, k, slot, 0));
	desc.kv_len = &length;
	OK(accel_cmd_attention(cmd, dst, q, keys, keys, &desc));
	assert_true(accel_cmd_is_idempotent(cmd));
	OK(accel_cmd_scatter(cmd, cache, k, slot, 0));
	assert_false(accel_cmd_is_idempotent(cmd));	/* other rows were read, and may change */
	OK(accel_cmd_reset(cmd));
	OK(accel_cmd_norm(cmd, x, x, NULL));
	assert_false(accel_cmd_is_idempotent(cmd));
	OK(accel_cmd_reset(cmd));
	/* Rows that are no sequence's become zeros: dst is written whole. */
	desc.q_start = &starts;
	OK(accel_cmd_attention(cmd, dst, q, keys, keys, &desc));
	OK(accel_cmd_norm(cmd, k, accel_tensor_reshape(dst, 2, (const uint32_t[]){ 1, 64 }), NULL));
	OK(accel_cmd_attention(cmd, dst, q, keys, keys, &desc));
	assert_true(accel_cmd_is_idempotent(cmd));
	OK(accel_cmd_reset(cmd));
	/* The second destination counts as one: read first, then written. */
	OK(accel_cmd_unary(cmd, ACCEL_UNARY_NEG, negated, values, NULL));
	assert_true(accel_cmd_is_idempotent(cmd));
	OK(accel_cmd_sort(cmd, ids, accel_tensor_slice(k, 1, 0, 8), &values, 0));
	assert_false(accel_cmd_is_idempotent(cmd));
	OK(accel_cmd_reset(cmd));
	OK(accel_cmd_sort(cmd, ids, accel_tensor_slice(k, 1, 0, 8), &values, 0));
	OK(accel_cmd_binary(cmd, ACCEL_BINARY_ADD, one, ids, ids));
	assert_true(accel_cmd_is_idempotent(cmd));
}

static void test_patch(void **state)
{
	struct accel_attention_desc desc = ACCEL_ATTENTION_DESC_INIT;
	struct accel_tensor q = F32(1, 1, 1, 64), dst = F32(1, 1, 1, 64), length = I32(1);
	struct accel_tensor short_keys = F32(1, 1, 8, 64), keys = F32(1, 1, 20, 64), other = I32(1);

	(void)state;
	desc.kv_len = &length;
	OK(accel_cmd_attention(cmd, dst, q, keys, keys, &desc));
	OK(accel_cmd_patch(cmd, 0, ACCEL_ROLE_ATTENTION_KV_LEN, other));
	expect_operand(MARU_ROLE_KV_LEN, other);
	BAD(accel_cmd_patch(cmd, 0, ACCEL_ROLE_ATTENTION_K, short_keys), "operand v, dim[1] = 20");
	assert_int_equal(accel_cmd_patch(cmd, 0, ACCEL_ROLE_ATTENTION_MASK, keys), -ENOENT);
}

/* Asked before anything is allocated; a card that lacks an operation says so. */
static void test_ask(void **state)
{
	const uint32_t shape[4] = { 1, 2, 8, 64 }, swapped[4] = { 1, 8, 2, 64 }, row[2] = { 2, 8 };
	struct accel_tensor q = accel_tensor_make(NULL, 0, ACCEL_TYPE_BF16, 4, shape);
	struct accel_tensor dst = accel_tensor_make(NULL, 0, ACCEL_TYPE_BF16, 4, swapped);
	struct accel_tensor x = accel_tensor_make(NULL, 0, ACCEL_TYPE_F32, 2, row);
	struct accel_tensor ids = accel_tensor_make(NULL, 0, ACCEL_TYPE_I32, 2, row);
	struct accel_device *other;
	struct accel_cmd *ask;

	(void)state;
	BAD(accel_cmd_attention(cmd, dst, q, q, q, NULL), "operand dst: it has no memory");
	OK(accel_cmd_create(device, ACCEL_CMD_CHECK, &ask));
	OK(accel_cmd_attention(ask, dst, q, q, q, NULL));
	OK(accel_cmd_top_k(ask, ids, x, NULL));
	BAD(accel_cmd_attention(ask, q, q, q, q, NULL), "operand dst, dim[1] = 8");
	mock.drop_op = MARU_OP_SORT;
	OK(accel_device_open_way(&mock_ops, NULL, &other));
	OK(accel_cmd_create(other, ACCEL_CMD_CHECK, &ask));
	OK(accel_cmd_attention(ask, dst, q, q, q, NULL));
	assert_int_equal(accel_cmd_top_k(ask, ids, x, NULL), -EOPNOTSUPP);
	TEXT("SORT: op = 1281: UNSUPPORTED");
	accel_device_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attention, setup, teardown),
		cmocka_unit_test_setup_teardown(test_norm, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rope, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elementwise, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idempotent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_patch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ask, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

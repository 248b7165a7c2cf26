// SPDX-License-Identifier: GPL-2.0-only
/* Right packets with one thing made wrong: each must be refused by the word that the card uses. */
#include "selftests/host/check_case.h"

/* dst [5, 3], A [7, 5], B [7, 3] in F32 */
static struct lines matmul(void)
{
	struct lines p = { .header = { .op = MARU_OP_MATMUL, .bytes = 256, .roles = 7 } };

	p.header.matmul.b_as = MARU_TYPE_NONE;
	p.header.matmul.scale = 0x3f800000;
	p.operand[0] = plain(0x100000, MARU_TYPE_F32, 5, 3, 1, 1);
	p.operand[1] = plain(0x200000, MARU_TYPE_F32, 7, 5, 1, 1);
	p.operand[2] = plain(0x300000, MARU_TYPE_F32, 7, 3, 1, 1);
	return p;
}

static struct lines copy(void)
{
	struct lines p = { .header = { .op = MARU_OP_COPY, .bytes = 192, .roles = 3 } };

	p.operand[0] = plain(0x100000, MARU_TYPE_F32, 6, 4, 1, 1);
	p.operand[1] = plain(0x200000, MARU_TYPE_BF16, 8, 3, 1, 1);
	return p;
}

static void test_header(void **state)
{
	(void)state;
	WRONG(matmul, (void)0, NONE, 0, 0);
	WRONG(copy, (void)0, NONE, 0, 0);
	WRONG(matmul, p.header.op = 0x0333, UNSUPPORTED, NONE, 0);
	WRONG(matmul, p.header.op = MARU_OP_MATMUL_ID, UNSUPPORTED, NONE, 0);
	WRONG(matmul, p.header.op = MARU_OP_SAMPLE, UNSUPPORTED, NONE, 0);
	WRONG(matmul, p.header.revision = 1, UNSUPPORTED, NONE, 2);
	WRONG(matmul, p.header.unit = 1, UNSUPPORTED, NONE, 10);
	WRONG(matmul, p.header.flags = 1, BAD_FLAG, NONE, 3);
	WRONG(matmul, p.header.mbz = 1, BAD_FLAG, NONE, 11);
	WRONG(matmul, p.header.roles = 3, BAD_ROLES, NONE, 8);
	WRONG(matmul, p.header.roles = 0x47, BAD_ROLES, NONE, 8);
	WRONG(matmul, p.header.bytes = 192, BAD_LENGTH, NONE, 4);
}

static void test_params(void **state)
{
	(void)state;
	WRONG(matmul, p.header.matmul.act = 23, BAD_PARAM, NONE, 17);
	WRONG(matmul, p.header.matmul.act = 18, UNSUPPORTED, NONE, 17);
	WRONG(matmul, p.header.matmul.b_as = MARU_TYPE_F32, UNSUPPORTED, NONE, 16);
	WRONG(matmul, p.header.matmul.glu = 1, BAD_PARAM, NONE, 18);
	WRONG(matmul, p.header.matmul.scale = 0x7f800000, BAD_PARAM, NONE, 20);
	WRONG(matmul, p.header.matmul.scale = 0xffc00000, BAD_PARAM, NONE, 20);
	WRONG(matmul, p.header.matmul.p1 = 1, BAD_PARAM, NONE, 28);
	WRONG(matmul, p.header.params[47] = 1, BAD_PARAM, NONE, 63);
	WRONG(copy, p.header.copy.mode = 2, BAD_PARAM, NONE, 16);
}

static void test_operands(void **state)
{
	(void)state;
	WRONG(matmul, p.operand[1].type = MARU_TYPE_F64, BAD_TYPE, 1, MARU_FIELD_TYPE);
	WRONG(matmul, p.operand[1].type = 255, BAD_TYPE, 1, MARU_FIELD_TYPE);
	WRONG(matmul, p.operand[1].type = 12, BAD_TYPE, 1, MARU_FIELD_TYPE);
	WRONG(matmul, p.operand[2].layout = 2, BAD_LAYOUT, 2, MARU_FIELD_LAYOUT);
	WRONG(matmul, p.operand[1].layout = 1, BAD_LAYOUT, 1, MARU_FIELD_LAYOUT);
	WRONG(matmul, p.operand[1].layout = 4, BAD_LAYOUT, 1, MARU_FIELD_LAYOUT);
	WRONG(matmul, p.operand[1].layout = 200, BAD_LAYOUT, 1, MARU_FIELD_LAYOUT);
	WRONG(matmul, p.operand[1].layout = 2, BAD_STRIDE, 1, MARU_FIELD_STRIDE(0));
	WRONG(matmul, p.operand[0].mbz[5] = 1, BAD_FLAG, 0, 15);
	WRONG(matmul, p.operand[2].va += 2, BAD_ALIGN, 2, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].va = 1ull << 48, RANGE, 2, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].va = (1ull << 48) - 4, RANGE, 2, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].va = ~0ull - 3, RANGE, 2, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].dim[3] = 1u << 31, TOO_LARGE, 2, MARU_FIELD_DIM(3));
	WRONG(copy, p.operand[1].stride[1] = 3, BAD_ALIGN, 1, MARU_FIELD_STRIDE(1));
	WRONG(copy, p.operand[1].stride[1] = ~0ull - 1, RANGE, 1, MARU_FIELD_STRIDE(1));
	WRONG(matmul, p.operand[1].stride[0] = 8, BAD_STRIDE, 1, MARU_FIELD_STRIDE(0));
	WRONG(matmul, (p.operand[1].stride[0] = 20, p.operand[1].stride[1] = 4), NONE, 0, 0);
	WRONG(matmul, (p.operand[0].stride[0] = 12, p.operand[0].stride[1] = 4), BAD_STRIDE, 0,
	      MARU_FIELD_STRIDE(0));
	WRONG(matmul, p.operand[0].stride[1] = 16, BAD_STRIDE, 0, MARU_FIELD_STRIDE(1));
	WRONG(matmul, p.operand[2].stride[1] = 0, NONE, 0, 0);
	WRONG(copy, p.operand[0].stride[0] = 0, BAD_STRIDE, 0, MARU_FIELD_STRIDE(0));
	WRONG(copy, (p.operand[0].stride[0] = 8, p.operand[0].stride[1] = 48), NONE, 0, 0);
}

static void test_shapes(void **state)
{
	(void)state;
	WRONG(matmul, p.operand[2] = plain(0x300000, MARU_TYPE_F32, 8, 3, 1, 1), BAD_SHAPE, 2,
	      MARU_FIELD_DIM(0));
	WRONG(matmul, p.operand[1] = plain(0x200000, MARU_TYPE_F32, 7, 6, 1, 1), BAD_SHAPE, 1,
	      MARU_FIELD_DIM(1));
	WRONG(matmul, p.operand[2] = plain(0x300000, MARU_TYPE_F32, 7, 4, 1, 1), BAD_SHAPE, 2,
	      MARU_FIELD_DIM(1));
	WRONG(matmul, p.operand[2] = plain(0x300000, MARU_TYPE_F32, 7, 3, 2, 1), BAD_SHAPE, 2,
	      MARU_FIELD_DIM(2));
	WRONG(matmul, (p.operand[0] = plain(0x100000, MARU_TYPE_F32, 5, 3, 6, 1),
		       p.operand[1] = plain(0x200000, MARU_TYPE_F32, 7, 5, 4, 1),
		       p.operand[2] = plain(0x300000, MARU_TYPE_F32, 7, 3, 6, 1)),
	      BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	WRONG(matmul, (p.operand[0] = plain(0x100000, MARU_TYPE_F32, 5, 3, 6, 1),
		       p.operand[1] = plain(0x200000, MARU_TYPE_F32, 7, 5, 3, 1),
		       p.operand[2] = plain(0x300000, MARU_TYPE_F32, 7, 3, 6, 1)), NONE, 0, 0);
	WRONG(matmul, (p.operand[1].dim[0] = 0, p.operand[2].dim[0] = 0), NONE, 0, 0);
	WRONG(matmul, p.operand[1].type = MARU_TYPE_I8, BAD_STRIDE, 1, MARU_FIELD_STRIDE(0));
	WRONG(matmul, (p.operand[1] = plain(0x200000, MARU_TYPE_I8, 7, 5, 1, 1)), UNSUPPORTED, 2,
	      MARU_FIELD_TYPE);
	WRONG(matmul, (p.operand[1] = plain(0x200000, MARU_TYPE_I8, 7, 5, 1, 1),
		       p.operand[2] = plain(0x300000, MARU_TYPE_I8, 7, 3, 1, 1)), NONE, 0, 0);
	WRONG(matmul, p.operand[0].type = MARU_TYPE_I32, UNSUPPORTED, 0, MARU_FIELD_TYPE);
	WRONG(matmul, (p.operand[1] = plain(0x200000, MARU_TYPE_I8, 7, 5, 1, 1),
		       p.operand[2] = plain(0x300000, MARU_TYPE_I8, 7, 3, 1, 1),
		       p.operand[0].type = MARU_TYPE_I32), NONE, 0, 0);
	WRONG(copy, p.operand[1] = plain(0x200000, MARU_TYPE_BF16, 5, 5, 1, 1), BAD_SHAPE, 1,
	      MARU_FIELD_DIM(0));
	WRONG(copy, p.header.copy.mode = 1, BAD_SHAPE, 1, MARU_FIELD_DIM(0));
	WRONG(copy, (p.header.copy.mode = 1,
		     p.operand[1] = plain(0x200000, MARU_TYPE_BF16, 3, 1, 1, 1)), NONE, 0, 0);
}

static struct lines prepare(void)
{
	struct lines p = { .header = { .op = MARU_OP_PREPARE, .bytes = 192, .roles = 3 } };

	p.operand[0] = plain(0x100000, MARU_TYPE_BF16, 40, 70, 2, 1);
	memset(p.operand[0].stride, 0, sizeof(p.operand[0].stride));
	p.operand[0].layout = MARU_LAYOUT_K16N64;
	p.operand[1] = plain(0x200000, MARU_TYPE_BF16, 40, 70, 2, 1);
	return p;
}

static void test_prepare(void **state)
{
	(void)state;
	WRONG(prepare, (void)0, NONE, 0, 0);
	WRONG(prepare, p.operand[0].va += 32, BAD_ALIGN, 0, MARU_FIELD_VA);
	WRONG(prepare, p.operand[0] = plain(0x100000, MARU_TYPE_BF16, 40, 70, 2, 1), BAD_LAYOUT, 1,
	      MARU_FIELD_LAYOUT);
	WRONG(prepare, p.operand[1] = plain(0x200000, MARU_TYPE_F16, 40, 70, 2, 1), BAD_TYPE, 1,
	      MARU_FIELD_TYPE);
	WRONG(prepare, p.operand[1] = plain(0x200000, MARU_TYPE_BF16, 40, 70, 1, 1), BAD_SHAPE, 1,
	      MARU_FIELD_DIM(2));
	/* ends 1 byte below the image's end: images are counted whole */
	WRONG(prepare, p.operand[1].va = 0x100000 + 2 * 2 * 48 * 128 - 64, OVERLAP, 1,
	      MARU_FIELD_VA);
	WRONG(prepare, p.operand[1].va = 0x100000 + 2 * 2 * 48 * 128, NONE, 0, 0);
}

static void test_overlap(void **state)
{
	struct lines p;

	(void)state;
	WRONG(matmul, p.operand[1].va = p.operand[0].va + 4, OVERLAP, 1, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].va = p.operand[0].va + 56, OVERLAP, 2, MARU_FIELD_VA);
	WRONG(matmul, p.operand[2].va = p.operand[0].va + 60, NONE, 0, 0);
	/* residual exactly dst, and off by one row */
	p = matmul();
	p.header.roles = 0x17;
	p.header.bytes = 320;
	p.operand[3] = p.operand[0];
	expect(&p, 0, 0, 0);
	p.operand[3].va += 20;
	expect(&p, MARU_ERR_OVERLAP, 4, MARU_FIELD_VA);
	/* column slices of rows of 64 bytes: side by side, then one element too near */
	p = copy();
	p.operand[0] = plain(0x100000, MARU_TYPE_F32, 8, 4, 1, 1);
	p.operand[0].stride[1] = 64;
	p.operand[0].stride[2] = p.operand[0].stride[3] = 256;
	p.operand[1] = p.operand[0];
	p.operand[1].va += 32;
	expect(&p, 0, 0, 0);
	p.operand[1].va -= 4;
	expect(&p, MARU_ERR_OVERLAP, 1, MARU_FIELD_VA);
	/* the same columns, seen from the other side */
	p.operand[1].va = 0x100000 - 32;
	expect(&p, 0, 0, 0);
}

/* Every row of the contract's table can be found again, and the card's list is obeyed. */
static void test_caps(void **state)
{
	static struct accel_caps caps;
	struct lines p = matmul();
	struct accel_fault fault;

	(void)state;
	fault = accel_packet_check(&p.header, &caps, true);
	assert_int_equal(fault.word, MARU_ERROR(MARU_ERR_UNSUPPORTED, MARU_ROLE_NONE, 0));
	caps.op_count = 1;
	caps.ops[0].info = (struct maru_op_info){
		.op = MARU_OP_MATMUL, .required = 7, .units = 1, .classes = 1,
	};
	for (int role = 0; role < 3; role++)
		caps.ops[0].roles[role] = (struct maru_role_info){
			.types = { 1ull << MARU_TYPE_F32 }, .layouts = 1,
		};
	assert_int_equal(accel_packet_check(&p.header, &caps, true).word, 0);
	caps.ops[0].roles[1].types[0] = 1ull << MARU_TYPE_BF16;
	fault = accel_packet_check(&p.header, &caps, true);
	assert_int_equal(fault.word, MARU_ERROR(MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_TYPE));
	caps.ops[0].roles[1].types[0] = ~0ull;
	caps.ops[0].roles[1].layouts = 4;
	fault = accel_packet_check(&p.header, &caps, true);
	assert_int_equal(fault.word, MARU_ERROR(MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_LAYOUT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header), cmocka_unit_test(test_params),
		cmocka_unit_test(test_operands), cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_prepare), cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_caps),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

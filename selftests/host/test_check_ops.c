// SPDX-License-Identifier: GPL-2.0-only
/* Packets of a transformer with one thing made wrong. Dims are innermost first, as in a packet. */
#include "selftests/host/check_case.h"

#define F32	MARU_TYPE_F32
#define F16	MARU_TYPE_F16
#define I32	MARU_TYPE_I32
#define I64	MARU_TYPE_I64
#define ONE	0x3f800000
#define MINUS	0xbf800000

static struct lines make(uint16_t op, uint16_t roles)
{
	struct lines p = { .header = { .op = op } };

	p.header.roles = roles;
	p.header.bytes = MARU_LINE_BYTES * (1 + (uint32_t)__builtin_popcount(roles));
	return p;
}

/* Operand @index of the packet, which lies where no other does. */
static void set(struct lines *p, int index, uint32_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		uint32_t d3)
{
	p->operand[index] = plain(0x100000 * (1 + (uint64_t)index), type, d0, d1, d2, d3);
}

static struct lines gather(void)
{
	struct lines p = make(MARU_OP_GATHER, 0x7);

	set(&p, 0, F32, 6, 4, 2, 1);
	set(&p, 1, F16, 6, 100, 1, 1);
	set(&p, 2, I32, 4, 2, 1, 1);
	return p;
}

static struct lines scatter(void)
{
	struct lines p = make(MARU_OP_SCATTER, 0x7);

	set(&p, 0, F16, 6, 100, 2, 1);
	set(&p, 1, F32, 6, 4, 2, 1);
	set(&p, 2, I64, 4, 1, 1, 1);
	return p;
}

static void test_rows(void **state)
{
	(void)state;
	WRONG(gather, (void)0, NONE, 0, 0);
	WRONG(gather, p.header.gather.skip_neg = 1, NONE, 0, 0);
	WRONG(gather, p.header.gather.skip_neg = 2, BAD_PARAM, NONE, 17);
	WRONG(gather, p.header.gather.mode = 1, BAD_PARAM, NONE, 16);
	WRONG(gather, set(&p, 1, F16, 7, 100, 1, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(0));
	WRONG(gather, set(&p, 1, F16, 6, 100, 3, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	WRONG(gather, set(&p, 2, I32, 5, 2, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	WRONG(gather, set(&p, 2, I32, 4, 1, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	WRONG(gather, set(&p, 2, I32, 4, 2, 1, 2), BAD_SHAPE, 2, MARU_FIELD_DIM(3));
	WRONG(gather, set(&p, 1, I32, 6, 100, 1, 1), UNSUPPORTED, 1, MARU_FIELD_TYPE);
	WRONG(gather, set(&p, 2, F32, 4, 2, 1, 1), BAD_TYPE, 2, MARU_FIELD_TYPE);
	WRONG(gather, p.operand[2].va = p.operand[0].va, OVERLAP, 2, MARU_FIELD_VA);
	WRONG(scatter, (void)0, NONE, 0, 0);
	WRONG(scatter, set(&p, 0, MARU_TYPE_U8, 6, 100, 2, 1), NONE, 0, 0);
	WRONG(scatter, set(&p, 1, F32, 6, 4, 1, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	WRONG(scatter, set(&p, 1, I32, 6, 4, 2, 1), BAD_TYPE, 1, MARU_FIELD_TYPE);
	WRONG(scatter, set(&p, 2, I32, 3, 1, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	WRONG(scatter, set(&p, 2, I32, 4, 3, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(1));
}

/* 4 heads share 2 of k and v; 3 sequences; 5 queries */
static struct lines attention(void)
{
	struct lines p = make(MARU_OP_ATTENTION, 0xf);

	p.header.attention.left = p.header.attention.right = MARU_ATTENTION_OPEN;
	set(&p, 0, F32, 64, 4, 5, 3);
	set(&p, 1, F32, 64, 5, 4, 3);
	set(&p, 2, F16, 64, 20, 2, 3);
	set(&p, 3, F16, 64, 20, 2, 3);
	return p;
}

static struct lines masked(void)
{
	struct lines p = attention();

	p.header.roles = 0x1f;
	p.header.bytes += MARU_LINE_BYTES;
	set(&p, 4, F16, 20, 5, 1, 3);
	return p;
}

/* 9 blocks of 20 keys, at most 7 of them a sequence; all queries in one row of 11 */
static struct lines paged(void)
{
	struct lines p = attention();

	p.header.roles = 0x1cf;
	p.header.bytes += 3 * MARU_LINE_BYTES;
	set(&p, 0, F32, 64, 4, 11, 1);
	set(&p, 1, F32, 64, 11, 4, 1);
	set(&p, 2, F16, 64, 20, 2, 9);
	set(&p, 3, F16, 64, 20, 2, 9);
	set(&p, 4, I32, 7, 3, 1, 1);
	set(&p, 5, I32, 3, 1, 1, 1);
	set(&p, 6, I32, 4, 1, 1, 1);
	return p;
}

static void test_attention(void **state)
{
	(void)state;
	WRONG(attention, (void)0, NONE, 0, 0);
	WRONG(attention, p.header.attention.flags = 2, BAD_PARAM, NONE, 28);
	WRONG(attention, p.header.attention.max_bias = MINUS, BAD_PARAM, NONE, 20);
	WRONG(attention, p.header.attention.softcap = MINUS, BAD_PARAM, NONE, 24);
	WRONG(attention, p.header.attention.chunk = 1, BAD_PARAM, NONE, 40);
	WRONG(attention, set(&p, 0, F32, 64, 5, 4, 3), BAD_SHAPE, 0, MARU_FIELD_DIM(1));
	WRONG(attention, set(&p, 0, F32, 32, 4, 5, 3), BAD_SHAPE, 0, MARU_FIELD_DIM(0));
	WRONG(attention, (set(&p, 2, F16, 64, 20, 3, 3)), BAD_SHAPE, 2, MARU_FIELD_DIM(2));
	WRONG(attention, (set(&p, 3, F16, 64, 20, 3, 3)), BAD_SHAPE, 3, MARU_FIELD_DIM(2));
	WRONG(attention, (set(&p, 3, F16, 64, 21, 2, 3)), BAD_SHAPE, 3, MARU_FIELD_DIM(1));
	WRONG(attention, (set(&p, 2, F16, 64, 20, 2, 1)), BAD_SHAPE, 2, MARU_FIELD_DIM(3));
	WRONG(attention, (set(&p, 1, F32, 520, 5, 4, 3), set(&p, 2, F16, 520, 20, 2, 3)),
	      UNSUPPORTED, 1, MARU_FIELD_DIM(0));
	WRONG(masked, (void)0, NONE, 0, 0);
	WRONG(masked, set(&p, 4, F16, 20, 9, 4, 1), NONE, 0, 0);
	WRONG(masked, set(&p, 4, F16, 20, 4, 1, 1), BAD_SHAPE, 4, MARU_FIELD_DIM(1));
	WRONG(masked, set(&p, 4, F16, 19, 5, 1, 1), BAD_SHAPE, 4, MARU_FIELD_DIM(0));
	WRONG(masked, set(&p, 4, F16, 20, 5, 3, 1), BAD_SHAPE, 4, MARU_FIELD_DIM(2));
	WRONG(masked, (p.header.roles = 0x4f, set(&p, 4, I32, 7, 3, 1, 1)), BAD_ROLES, NONE, 8);
	WRONG(paged, (void)0, NONE, 0, 0);
	WRONG(paged, set(&p, 4, I32, 7, 2, 1, 1), BAD_SHAPE, 6, MARU_FIELD_DIM(1));
	WRONG(paged, set(&p, 5, I64, 3, 1, 1, 1), BAD_TYPE, 7, MARU_FIELD_TYPE);
	WRONG(paged, set(&p, 6, I32, 3, 1, 1, 1), BAD_SHAPE, 8, MARU_FIELD_DIM(0));
	WRONG(paged, (set(&p, 0, F32, 64, 4, 11, 3), set(&p, 1, F32, 64, 11, 4, 3)), BAD_SHAPE, 1,
	      MARU_FIELD_DIM(3));
}

static struct lines norm(void)
{
	struct lines p = make(MARU_OP_NORM, 0xf);

	set(&p, 0, F32, 8, 3, 1, 1);
	set(&p, 1, F32, 8, 3, 1, 1);
	set(&p, 2, F32, 8, 1, 1, 1);
	set(&p, 3, F16, 8, 3, 1, 1);
	return p;
}

static struct lines softmax(void)
{
	struct lines p = make(MARU_OP_SOFTMAX, 0x7);

	set(&p, 0, F32, 8, 3, 4, 1);
	set(&p, 1, F32, 8, 3, 4, 1);
	set(&p, 2, F16, 8, 5, 2, 1);
	p.header.softmax.max_bias = ONE;
	return p;
}

static void test_norm(void **state)
{
	(void)state;
	WRONG(norm, (void)0, NONE, 0, 0);
	WRONG(norm, p.header.norm.kind = MARU_NORM_GROUP, UNSUPPORTED, NONE, 16);
	WRONG(norm, p.header.norm.kind = 5, BAD_PARAM, NONE, 16);
	WRONG(norm, p.header.norm.eps = MINUS, BAD_PARAM, NONE, 20);
	WRONG(norm, p.header.norm.groups = 2, BAD_PARAM, NONE, 24);
	WRONG(norm, (p.header.norm.kind = MARU_NORM_GROUP, p.header.norm.groups = 2), UNSUPPORTED,
	      NONE, 16);
	WRONG(norm, set(&p, 1, F32, 8, 1, 1, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(1));
	WRONG(norm, set(&p, 2, F32, 8, 2, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	WRONG(norm, p.operand[1] = p.operand[0], NONE, 0, 0);
	WRONG(norm, p.operand[2].va = p.operand[0].va, OVERLAP, 2, MARU_FIELD_VA);
	WRONG(softmax, (void)0, NONE, 0, 0);
	WRONG(softmax, p.header.softmax.max_bias = MINUS, BAD_PARAM, NONE, 20);
	WRONG(softmax, (p.header.roles = 3, p.header.bytes = 192), BAD_ROLES, NONE, 8);
	WRONG(softmax, set(&p, 2, F16, 8, 2, 2, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	WRONG(softmax, set(&p, 2, F16, 4, 3, 2, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	WRONG(softmax, set(&p, 2, F16, 8, 3, 3, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(2));
}

static struct lines rope(void)
{
	struct lines p = make(MARU_OP_ROPE, 0xf);

	p.header.rope.n_dims = 6;
	p.header.rope.base = 0x461c4000;
	set(&p, 0, F32, 8, 2, 5, 1);
	set(&p, 1, F32, 8, 2, 5, 1);
	set(&p, 2, I32, 5, 1, 1, 1);
	set(&p, 3, F32, 3, 1, 1, 1);
	return p;
}

static void test_rope(void **state)
{
	(void)state;
	WRONG(rope, (void)0, NONE, 0, 0);
	WRONG(rope, p.header.rope.n_offs = 2, NONE, 0, 0);
	WRONG(rope, p.header.rope.n_offs = 4, BAD_PARAM, NONE, 22);
	WRONG(rope, p.header.rope.n_offs = 1, BAD_PARAM, NONE, 22);
	WRONG(rope, p.header.rope.n_dims = 5, BAD_PARAM, NONE, 20);
	WRONG(rope, p.header.rope.n_dims = 0xfffe, BAD_PARAM, NONE, 22);
	WRONG(rope, p.header.rope.base = 0, BAD_PARAM, NONE, 36);
	WRONG(rope, p.header.rope.base = MINUS, BAD_PARAM, NONE, 36);
	WRONG(rope, p.header.rope.mode = 1, BAD_PARAM, NONE, 16);
	WRONG(rope, p.header.rope.mode = 3, BAD_PARAM, NONE, 16);
	WRONG(rope, p.header.rope.mode = MARU_ROPE_MROPE, UNSUPPORTED, NONE, 16);
	WRONG(rope, (p.header.rope.mode = MARU_ROPE_IMROPE, p.header.rope.sect[1] = 20),
	      UNSUPPORTED, NONE, 16);
	WRONG(rope, p.header.rope.mode = 41, BAD_PARAM, NONE, 16);
	WRONG(rope, p.header.rope.skip_neg = 1, BAD_PARAM, NONE, 18);
	WRONG(rope, p.header.rope.sect[0] = 1, BAD_PARAM, NONE, 24);
	WRONG(rope, p.header.rope.sect[3] = 1, BAD_PARAM, NONE, 30);
	WRONG(rope, set(&p, 2, I32, 20, 1, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	WRONG(rope, set(&p, 3, F32, 4, 1, 1, 1), BAD_SHAPE, 3, MARU_FIELD_DIM(0));
}

static struct lines unary(void)
{
	struct lines p = make(MARU_OP_ELEMENTWISE, 0x3);

	p.header.elementwise.code = MARU_CODE_SILU;
	set(&p, 0, F16, 8, 3, 1, 1);
	set(&p, 1, F32, 8, 3, 1, 1);
	return p;
}

static struct lines binary(void)
{
	struct lines p = make(MARU_OP_ELEMENTWISE, 0x7);

	p.header.elementwise.code = MARU_CODE_ADD;
	set(&p, 0, F16, 8, 4, 1, 1);
	set(&p, 1, F32, 8, 4, 1, 1);
	set(&p, 2, F32, 8, 2, 1, 1);
	return p;
}

static void all_i32(struct lines *p)
{
	for (int i = 0; i < 3; i++)
		set(p, i, I32, 8, 4, 1, 1);
}

static void test_elementwise(void **state)
{
	(void)state;
	WRONG(unary, (void)0, NONE, 0, 0);
	WRONG(unary, p.header.elementwise.code = 0x16, BAD_PARAM, NONE, 16);
	WRONG(unary, p.header.elementwise.code = 0x48, BAD_PARAM, NONE, 16);
	WRONG(unary, p.header.elementwise.code = 0xc7, BAD_PARAM, NONE, 16);
	WRONG(unary, (p.header.elementwise.code = MARU_CODE_XIELU,
		      p.header.elementwise.p[3] = ONE), NONE, 0, 0);
	WRONG(unary, p.header.elementwise.code = MARU_CODE_ADD, BAD_ROLES, NONE, 8);
	WRONG(unary, p.header.elementwise.p[0] = ONE, BAD_PARAM, NONE, 20);
	WRONG(unary, (p.header.elementwise.code = MARU_CODE_SCALE,
		      p.header.elementwise.p[1] = ONE), NONE, 0, 0);
	WRONG(unary, (p.header.elementwise.code = MARU_CODE_LEAKY_RELU,
		      p.header.elementwise.p[1] = ONE), BAD_PARAM, NONE, 24);
	WRONG(unary, (set(&p, 0, I32, 8, 3, 1, 1), set(&p, 1, I32, 8, 3, 1, 1)), UNSUPPORTED, NONE,
	      16);
	WRONG(binary, (void)0, NONE, 0, 0);
	WRONG(binary, p.header.elementwise.code = MARU_CODE_SWIGLU, NONE, 0, 0);
	WRONG(binary, p.header.elementwise.code = MARU_CODE_SILU, BAD_ROLES, NONE, 8);
	WRONG(binary, set(&p, 2, F32, 8, 3, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(1));
	WRONG(binary, set(&p, 1, F32, 8, 2, 1, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(1));
	WRONG(binary, set(&p, 2, I32, 8, 2, 1, 1), UNSUPPORTED, 2, MARU_FIELD_TYPE);
	WRONG(binary, all_i32(&p), NONE, 0, 0);
	WRONG(binary, (all_i32(&p), p.header.elementwise.code = MARU_CODE_DIV), UNSUPPORTED, NONE,
	      16);
}

static struct lines reduce(void)
{
	struct lines p = make(MARU_OP_REDUCE, 0x7);

	p.header.reduce.dim = 1;
	set(&p, 0, F32, 8, 1, 2, 1);
	set(&p, 1, F16, 8, 5, 2, 1);
	set(&p, 2, F32, 8, 1, 2, 1);
	return p;
}

static struct lines sort(void)
{
	struct lines p = make(MARU_OP_SORT, 0x7);

	set(&p, 0, I32, 5, 3, 1, 1);
	set(&p, 1, F32, 9, 3, 1, 1);
	set(&p, 2, F32, 5, 3, 1, 1);
	return p;
}

static void test_fold(void **state)
{
	(void)state;
	WRONG(reduce, (void)0, NONE, 0, 0);
	WRONG(reduce, p.header.reduce.dim = 0, BAD_SHAPE, 0, MARU_FIELD_DIM(0));
	WRONG(reduce, p.header.reduce.dim = 4, BAD_PARAM, NONE, 17);
	WRONG(reduce, p.header.reduce.kind = 7, BAD_PARAM, NONE, 16);
	WRONG(reduce, set(&p, 1, F16, 8, 5, 3, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(2));
	WRONG(reduce, set(&p, 2, F32, 8, 1, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(2));
	WRONG(reduce, p.operand[2] = p.operand[0], NONE, 0, 0);
	WRONG(reduce, p.header.reduce.kind = MARU_REDUCE_ARGMAX, BAD_TYPE, 0, MARU_FIELD_TYPE);
	WRONG(reduce, set(&p, 2, I32, 8, 1, 2, 1), BAD_TYPE, 2, MARU_FIELD_TYPE);
	WRONG(reduce, (p.header.reduce.kind = MARU_REDUCE_ARGMAX, set(&p, 0, I32, 8, 1, 2, 1)),
	      BAD_ROLES, NONE, 8);
	WRONG(reduce, (p.header.reduce.kind = MARU_REDUCE_ARGMAX, set(&p, 0, I32, 8, 1, 2, 1),
		       set(&p, 2, I32, 8, 1, 2, 1)), BAD_TYPE, 2, MARU_FIELD_TYPE);
	WRONG(reduce, (p.header.reduce.kind = MARU_REDUCE_ARGMIN, set(&p, 0, I32, 8, 1, 2, 1)),
	      BAD_ROLES, NONE, 8);
	WRONG(sort, (void)0, NONE, 0, 0);
	WRONG(sort, (set(&p, 0, I32, 10, 3, 1, 1), set(&p, 2, F32, 10, 3, 1, 1)), BAD_SHAPE, 0,
	      MARU_FIELD_DIM(0));
	WRONG(sort, set(&p, 1, F32, 9, 2, 1, 1), BAD_SHAPE, 1, MARU_FIELD_DIM(1));
	WRONG(sort, set(&p, 2, F32, 4, 3, 1, 1), BAD_SHAPE, 2, MARU_FIELD_DIM(0));
	WRONG(sort, p.operand[2].stride[1] = 4, BAD_STRIDE, 2, MARU_FIELD_STRIDE(1));
	WRONG(sort, p.operand[2].va = p.operand[0].va, OVERLAP, 2, MARU_FIELD_VA);
	WRONG(sort, p.operand[2].va = p.operand[1].va, OVERLAP, 1, MARU_FIELD_VA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows), cmocka_unit_test(test_attention),
		cmocka_unit_test(test_norm), cmocka_unit_test(test_rope),
		cmocka_unit_test(test_elementwise), cmocka_unit_test(test_fold),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

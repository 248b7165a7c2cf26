// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "selftests/host/decode_case.h"
#include "uapi/drm/maru_cmd_ops.h"

#define F32	MARU_TYPE_F32
#define I32	MARU_TYPE_I32
#define COUNT(x)	(sizeof(x) / sizeof((x)[0]))

struct shape {
	unsigned int op, role, type;
	uint32_t dim[4];
};

/* What is not F32 [4, 4]. */
static const struct shape shapes[] = {
	{ MARU_OP_TIMESTAMP, 0, MARU_TYPE_U64, { 2, 1, 1, 1 } },
	{ MARU_OP_MATMUL, 3, F32, { 4, 1, 1, 1 } },
	{ MARU_OP_MATMUL, 5, F32, { 4, 1, 1, 1 } },
	{ MARU_OP_GATHER, 2, I32, { 4, 1, 1, 1 } },
	{ MARU_OP_SCATTER, 2, I32, { 4, 1, 1, 1 } },
	{ MARU_OP_ATTENTION, 0, F32, { 4, 1, 4, 1 } },
	{ MARU_OP_ATTENTION, 1, F32, { 4, 4, 1, 1 } },
	{ MARU_OP_ATTENTION, 6, I32, { 2, 4, 1, 1 } },
	{ MARU_OP_ATTENTION, 7, I32, { 4, 1, 1, 1 } },
	{ MARU_OP_ATTENTION, 8, I32, { 5, 1, 1, 1 } },
	{ MARU_OP_ROPE, 0, F32, { 4, 1, 4, 1 } },
	{ MARU_OP_ROPE, 1, F32, { 4, 1, 4, 1 } },
	{ MARU_OP_ROPE, 2, I32, { 4, 1, 1, 1 } },
	{ MARU_OP_ROPE, 3, F32, { 2, 1, 1, 1 } },
	{ MARU_OP_REDUCE, 0, F32, { 4, 1, 1, 1 } },
	{ MARU_OP_REDUCE, 2, F32, { 4, 1, 1, 1 } },
	{ MARU_OP_SORT, 0, I32, { 4, 4, 1, 1 } },
};

/* Roles that do not go with another. */
static const struct { unsigned int op, role, without; } apart[] = {
	{ MARU_OP_MATMUL, 0, 5 }, { MARU_OP_MATMUL, 1, 5 }, { MARU_OP_MATMUL, 2, 5 },
	{ MARU_OP_MATMUL, 3, 5 }, { MARU_OP_MATMUL, 4, 5 },
	{ MARU_OP_ATTENTION, 0, 4 }, { MARU_OP_ATTENTION, 1, 4 }, { MARU_OP_ATTENTION, 2, 4 },
	{ MARU_OP_ATTENTION, 3, 4 }, { MARU_OP_ATTENTION, 6, 4 }, { MARU_OP_ATTENTION, 7, 4 },
	{ MARU_OP_ATTENTION, 8, 4 }, { MARU_OP_ATTENTION, 4, 6 }, { MARU_OP_ATTENTION, 4, 7 },
	{ MARU_OP_ATTENTION, 4, 8 },
};

#define ROLES_ROW(op, revision, classes, required, optional) \
	{ MARU_OP_##op, (required) | (optional) },
static const struct { unsigned int op, roles; } all_roles[] = { MARU_OPS_TABLE(ROLES_ROW) };

struct maru_operand *decode_case_operand(struct engine_case *c, unsigned int role)
{
	unsigned int before = c->header.roles & ((1u << role) - 1);

	return (struct maru_operand *)(c->bytes +
				       MARU_LINE_BYTES * (1 + __builtin_popcount(before)));
}

static void set_parameters(struct engine_case *c)
{
	const uint32_t one = 0x3f800000;

	switch (c->header.op) {
	case MARU_OP_MATMUL:
		c->header.matmul.b_as = MARU_TYPE_NONE;
		c->header.matmul.scale = one;
		break;
	case MARU_OP_ROPE:
		c->header.rope.n_dims = 4;
		c->header.rope.base = one;
		break;
	case MARU_OP_ELEMENTWISE:
		c->header.elementwise.code = MARU_CODE_ADD;
		break;
	case MARU_OP_REDUCE:
		c->header.reduce.dim = 1;
		break;
	}
}

static void add_role(struct engine_case *c, uint8_t *arena, unsigned int role)
{
	struct shape shape = { c->header.op, role, F32, { 4, 4, 1, 1 } };
	unsigned int i;

	for (i = 0; i < COUNT(shapes); i++)
		if (shapes[i].op == shape.op && shapes[i].role == role)
			shape = shapes[i];
	case_add(c, role, arena + role * 65536, shape.type, shape.dim[0], shape.dim[1],
		 shape.dim[2], shape.dim[3]);
}

void decode_case_build(struct engine_case *c, uint8_t *arena, unsigned int op, unsigned int role)
{
	struct maru_operand *a;
	unsigned int roles = 0, i;

	for (i = 0; i < COUNT(all_roles); i++)
		if (all_roles[i].op == op)
			roles = all_roles[i].roles;
	for (i = 0; i < COUNT(apart); i++)
		if (apart[i].op == op && apart[i].role == role)
			roles &= ~(1u << apart[i].without);
	case_init(c, op);
	set_parameters(c);
	for (i = 0; i < MARU_ROLES; i++)
		if (roles & 1u << i)
			add_role(c, arena, i);
	if (op == MARU_OP_PREPARE)
		case_prepared(decode_case_operand(c, 0), MARU_LAYOUT_K16N64);
	if (op == MARU_OP_MATMUL && role == MARU_ROLE_A_SCALE) {
		a = decode_case_operand(c, MARU_ROLE_A);
		a->type = MARU_TYPE_I8;
		a->stride[0] = 1;
	}
}

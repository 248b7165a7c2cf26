// SPDX-License-Identifier: MIT
/*
 * Write docs/ops.md: which operation takes which types and layouts in which role. Roles come from
 * the contract's table; what goes together is asked of the recorder's own check, one packet for
 * each combination of types.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <drm/maru_cmd_ops.h>

#include "libaccel/src/ops.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define ONE		0x3f800000u

static const struct {
	uint8_t type;
	const char *name;
} types[] = {
	{ MARU_TYPE_F32, "f32" }, { MARU_TYPE_F16, "f16" }, { MARU_TYPE_BF16, "bf16" },
	{ MARU_TYPE_I8, "i8" }, { MARU_TYPE_I16, "i16" }, { MARU_TYPE_I32, "i32" },
	{ MARU_TYPE_I64, "i64" }, { MARU_TYPE_F64, "f64" }, { MARU_TYPE_U8, "u8" },
	{ MARU_TYPE_U64, "u64" },
};

/* A packet with the types of one combination: dst, and one or two sources. */
struct combination {
	uint8_t dst, a, b;
	struct maru_packet header;
	struct maru_operand operand[MARU_ROLES];
};

static void add(struct combination *c, unsigned int role, uint8_t type, uint32_t d0, uint32_t d1,
		uint32_t d2, uint32_t d3)
{
	struct maru_operand *operand = c->operand + __builtin_popcount(c->header.roles);
	uint64_t span = maru_type_bytes(type);

	*operand = (struct maru_operand){ .va = (role + 1ull) << 20, .type = type,
					  .dim = { d0, d1, d2, d3 } };
	for (int d = 0; d < 4; d++) {
		operand->stride[d] = span;
		span *= operand->dim[d];
	}
	c->header.roles |= 1u << role;
	c->header.bytes = MARU_LINE_BYTES * (1 + (uint32_t)__builtin_popcount(c->header.roles));
}

static void make_copy(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 1, 1);
	add(c, MARU_ROLE_SRC, c->a, 64, 4, 1, 1);
}

static void make_prepare(struct combination *c)
{
	make_copy(c);
	c->operand[0].layout = c->dst == MARU_TYPE_I8 ? MARU_LAYOUT_K16N64K4 : MARU_LAYOUT_K16N64;
	memset(c->operand[0].stride, 0, sizeof(c->operand[0].stride));
}

static void make_product(struct combination *c)
{
	c->header.matmul.b_as = MARU_TYPE_NONE;
	c->header.matmul.scale = ONE;
	add(c, MARU_ROLE_DST, c->dst, 8, 4, 1, 1);
	add(c, MARU_ROLE_A, c->a, 64, 8, 1, 1);
	add(c, MARU_ROLE_B, c->b, 64, 4, 1, 1);
}

static void make_scaled(struct combination *c)
{
	make_product(c);
	add(c, MARU_ROLE_A_SCALE, MARU_TYPE_F32, 8, 1, 1, 1);
}

static void make_rounded(struct combination *c)
{
	make_product(c);
	c->header.matmul.b_as = MARU_TYPE_BF16;
}

static void make_scaled_rounded(struct combination *c)
{
	make_scaled(c);
	c->header.matmul.b_as = MARU_TYPE_I8;
}

static void make_gather(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 1, 1);
	add(c, MARU_ROLE_SRC, c->a, 64, 9, 1, 1);
	add(c, MARU_ROLE_IDX, MARU_TYPE_I32, 4, 1, 1, 1);
}

static void make_scatter(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 9, 1, 1);
	add(c, MARU_ROLE_SRC, c->a, 64, 4, 1, 1);
	add(c, MARU_ROLE_IDX, MARU_TYPE_I64, 4, 1, 1, 1);
}

static void make_attention(struct combination *c)
{
	c->header.attention.scale = ONE;
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 2, 1);
	add(c, MARU_ROLE_Q, c->a, 64, 2, 4, 1);
	add(c, MARU_ROLE_K, c->b, 64, 9, 2, 1);
	add(c, MARU_ROLE_V, c->b, 64, 9, 2, 1);
}

static void make_same(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 2, 1);
	add(c, MARU_ROLE_X, c->a, 64, 4, 2, 1);
}

static void make_rope(struct combination *c)
{
	c->header.rope.n_dims = 64;
	c->header.rope.base = ONE;
	make_same(c);
	add(c, MARU_ROLE_POS, MARU_TYPE_I32, 2, 1, 1, 1);
}

static void make_unary(struct combination *c)
{
	c->header.elementwise.code = MARU_CODE_SILU;
	make_same(c);
}

static void make_binary(struct combination *c, uint16_t code)
{
	c->header.elementwise.code = code;
	make_same(c);
	add(c, MARU_ROLE_RIGHT, c->b, 64, 4, 2, 1);
}

static void make_added(struct combination *c)
{
	make_binary(c, MARU_CODE_ADD);
}

static void make_divided(struct combination *c)
{
	make_binary(c, MARU_CODE_DIV);
}

static void make_gated(struct combination *c)
{
	make_binary(c, MARU_CODE_SWIGLU);
}

static void make_negated(struct combination *c)
{
	c->header.elementwise.code = MARU_CODE_NEG;
	make_same(c);
}

static void make_sum(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 1, 4, 2, 1);
	add(c, MARU_ROLE_X, c->a, 64, 4, 2, 1);
}

static void make_max(struct combination *c)
{
	c->header.reduce.kind = MARU_REDUCE_MAX;
	make_sum(c);
}

static void make_argmax(struct combination *c)
{
	c->header.reduce.kind = MARU_REDUCE_ARGMAX;
	make_sum(c);
}

static void make_sort(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 8, 4, 2, 1);
	add(c, MARU_ROLE_X, c->a, 64, 4, 2, 1);
}

static bool is_integer(const struct combination *c)
{
	return c->dst == MARU_TYPE_I32;
}

static bool always(const struct combination *c)
{
	(void)c;
	return true;
}

static bool never(const struct combination *c)
{
	(void)c;
	return false;
}

static const struct page_case {
	uint16_t op;
	const char *title;	/* of this case, where an operation has several */
	const char *a, *b;	/* operands whose types vary beside dst's; b may be NULL */
	void (*make)(struct combination *c);
	bool (*is_exact)(const struct combination *c);
} cases[] = {
	{ MARU_OP_COPY, NULL, "src", NULL, make_copy, always },
	{ MARU_OP_PREPARE, NULL, "src", NULL, make_prepare, always },
	{ MARU_OP_MATMUL, "b_as none", "A", "B", make_product, is_integer },
	{ MARU_OP_MATMUL, "b_as bf16, f16", "A", "B", make_rounded, is_integer },
	{ MARU_OP_MATMUL, "with A.scale, b_as none", "A", "B", make_scaled, is_integer },
	{ MARU_OP_MATMUL, "with A.scale, b_as i8", "A", "B", make_scaled_rounded, is_integer },
	{ MARU_OP_GATHER, NULL, "src", NULL, make_gather, always },
	{ MARU_OP_SCATTER, NULL, "src", NULL, make_scatter, always },
	{ MARU_OP_ATTENTION, NULL, "q", "k, v", make_attention, never },
	{ MARU_OP_NORM, NULL, "x", NULL, make_same, never },
	{ MARU_OP_ROPE, NULL, "x", NULL, make_rope, never },
	{ MARU_OP_SOFTMAX, NULL, "x", NULL, make_same, never },
	{ MARU_OP_ELEMENTWISE, "ABS, SGN, NEG, STEP, RELU, FLOOR, CEIL, ROUND, TRUNC, SQR, SQRT, "
	  "LEAKY_RELU, SCALE, CLAMP", "a", NULL, make_negated, always },
	{ MARU_OP_ELEMENTWISE, "other codes of a", "a", NULL, make_unary, never },
	{ MARU_OP_ELEMENTWISE, "ADD, SUB, MUL, MIN, MAX", "a", "b", make_added, always },
	{ MARU_OP_ELEMENTWISE, "DIV, REGLU", "a", "b", make_divided, always },
	{ MARU_OP_ELEMENTWISE, "other codes of a and b", "a", "b", make_gated, never },
	{ MARU_OP_REDUCE, "SUM, MEAN, SUMSQ", "x", NULL, make_sum, always },
	{ MARU_OP_REDUCE, "MAX, MIN", "x", NULL, make_max, always },
	{ MARU_OP_REDUCE, "ARGMAX, ARGMIN", "x", NULL, make_argmax, always },
	{ MARU_OP_SORT, NULL, "x", NULL, make_sort, always },
};

/* Return: "exact", "tolerance" or "refused". */
static const char *outcome(const struct page_case *page, struct combination *c)
{
	memset(&c->header, 0, sizeof(c->header));
	c->header.op = page->op;
	page->make(c);
	if (accel_packet_check(&c->header, NULL, true).word)
		return "refused";
	return page->is_exact(c) ? "exact" : "tolerance";
}

static bool takes(uint16_t op, unsigned int role, uint8_t type)
{
	const struct accel_op_role *row = accel_op_role_find(op, role);

	return row->types[type >> 7] >> (type & 63) & 1;
}

/* One row of a case: all types of dst beside these of a and b. Nothing if all are refused. */
static bool print_row(const struct page_case *page, const char *a_name, const char *b_name,
		      struct combination *c)
{
	const char *result[COUNT(types)];
	bool is_any = false;

	for (size_t i = 0; i < COUNT(types); i++) {
		c->dst = types[i].type;
		result[i] = takes(page->op, 0, c->dst) ? outcome(page, c) : NULL;
		is_any |= result[i] && strcmp(result[i], "refused");
	}
	if (!is_any)
		return false;
	printf("| %s%s%s |", a_name, b_name ? " | " : "", b_name ? b_name : "");
	for (size_t i = 0; i < COUNT(types); i++) {
		if (result[i])
			printf(" %s |", result[i]);
	}
	printf("\n");
	return true;
}

static void print_case(const struct page_case *page)
{
	struct combination c = { 0 };
	int columns = page->b ? 2 : 1;

	printf("\nResults%s%s:\n\n| %s |", page->title ? ", " : "", page->title ? page->title : "",
	       page->a);
	if (page->b)
		printf(" %s |", page->b);
	for (size_t i = 0; i < COUNT(types); i++) {
		if (takes(page->op, 0, types[i].type)) {
			printf(" → %s |", types[i].name);
			columns++;
		}
	}
	printf("\n|");
	while (columns--)
		printf("---|");
	printf("\n");
	for (size_t a = 0; a < COUNT(types); a++) {
		c.a = types[a].type;
		for (size_t b = 0; b < (page->b ? COUNT(types) : 1); b++) {
			c.b = types[b].type;
			print_row(page, types[a].name, page->b ? types[b].name : NULL, &c);
		}
	}
}

/* Layouts that a role takes with a type: S, 2, 3, 4, or a dot. */
static void print_cell(const struct accel_op_role *role, uint8_t type)
{
	static const uint32_t one[4] = { 1, 1, 1, 1 };
	bool is_any = false;

	printf(" ");
	for (unsigned int layout = 0; layout < 16; layout++) {
		if (!(role->types[type >> 7] >> (type & 63) & 1) ||
		    !(role->layouts >> layout & 1) ||
		    (layout && !maru_layout_bytes(layout, type, one)))
			continue;
		printf("%c", layout ? '0' + (int)layout : 'S');
		is_any = true;
	}
	printf("%s |", is_any ? "" : "·");
}

static void print_roles(const struct accel_op *op)
{
	static const char *const rules[] = { "own", "as dst", "divide dst's", "[dst's dim 0]" };
	const struct accel_op_role *role;

	printf("\n| role | operand |");
	for (size_t i = 0; i < COUNT(types); i++)
		printf(" %s |", types[i].name);
	printf(" dims | |\n|---|---|");
	for (size_t i = 0; i < COUNT(types); i++)
		printf("---|");
	printf("---|---|\n");
	for (unsigned int r = 0; r < MARU_ROLES; r++) {
		role = accel_op_role_find(op->op, r);
		if (!role)
			continue;
		printf("| %u | %s |", r, role->name);
		for (size_t i = 0; i < COUNT(types); i++)
			print_cell(role, types[i].type);
		printf(" %s |%s%s%s |\n", rules[role->rule],
		       op->optional >> r & 1 ? " optional" : "",
		       r && role->flags & MARU_ROLE_WRITTEN ? ", written" : "",
		       !(role->flags & MARU_ROLE_MAY_BE_DST) ? "" :
		       op->optional >> r & 1 ? ", may be dst" : " may be dst");
	}
}

static void print_op(const struct accel_op *op)
{
	printf("\n## %s, 0x%04x\n\nQueues: %s.\n", op->name, op->op,
	       op->classes == MARU_CLASSES_BOTH ?
	       op->op == MARU_OP_COPY ? "COMPUTE; COPY when both types are equal" :
	       "COMPUTE, COPY" : "COMPUTE");
	if (!op->required && !op->optional)
		return;
	print_roles(op);
	if (op->op == MARU_OP_TIMESTAMP || op->op == MARU_OP_FILL)
		printf("\nResults: exact.\n");
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].op == op->op)
			print_case(&cases[i]);
	}
}

int main(void)
{
#define OP(name, revision, classes, required, optional) MARU_OP_##name,
	static const uint16_t ops[] = { MARU_OPS_TABLE(OP) };

	printf("<!-- Made by build/bin/ops-page from uapi/drm/maru_cmd_ops.h and the recorder's "
	       "checks. -->\n"
	       "# Operations, operands, types, layouts\n\n"
	       "What a packet may hold. Meaning and numerics of each operation: card.md.\n\n"
	       "An operand's table says which layouts its role takes with a type: S STRIDED, "
	       "2 K16N64,\n3 K16N64K2, 4 K16N64K4; · none: BAD_TYPE or BAD_LAYOUT. \"dims\" are "
	       "those of the operand beside\nthose of dst; \"own\": the operation's own rule.\n\n"
	       "A table of results has a row for each combination of source types of which the "
	       "card takes any;\nall other rows are refused throughout. *exact*: the same bits "
	       "on every card; *tolerance*: the same\nbits for equal numerics profiles, and "
	       "within the bound that card.md states; *refused*: the packet\nends with an error "
	       "before anything is written, and libaccel does not record it.\n");
	for (size_t i = 0; i < COUNT(ops); i++)
		print_op(accel_op_find(ops[i]));
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Write docs/ops.md: which operation takes which types and layouts in which role. Roles come from
 * the contract's table; what goes together is asked of the recorder's own check, one packet for
 * each combination of types and layouts and each value of the parameter that they depend on.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <drm/maru_cmd_ops.h>

#include "libaccel/src/ops.h"
#include "selftests/ref/exact_codes.h"

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

/* A type and a layout of an operand. */
struct kind {
	uint8_t type, layout;
};

#define KINDS_MAX	(COUNT(types) * 4)
#define SOURCES_MAX	3

/* A packet of one combination: dst, and up to three sources. */
struct combination {
	struct kind dst, source[SOURCES_MAX];
	struct maru_packet header;
	struct maru_operand operand[MARU_ROLES];
};

static void add(struct combination *c, unsigned int role, struct kind kind, uint32_t d0,
		uint32_t d1, uint32_t d2, uint32_t d3)
{
	struct maru_operand *operand = c->operand + __builtin_popcount(c->header.roles);
	uint64_t span = kind.layout ? 0 : maru_type_bytes(kind.type);

	*operand = (struct maru_operand){ .va = (role + 1ull) << 20, .type = kind.type,
					  .layout = kind.layout, .dim = { d0, d1, d2, d3 } };
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
	add(c, MARU_ROLE_SRC, c->source[0], 64, 4, 1, 1);
}

static void make_product(struct combination *c)
{
	c->header.matmul.scale = ONE;
	add(c, MARU_ROLE_DST, c->dst, 8, 4, 1, 1);
	add(c, MARU_ROLE_A, c->source[0], 64, 8, 1, 1);
	add(c, MARU_ROLE_B, c->source[1], 64, 4, 1, 1);
}

static void make_scaled(struct combination *c)
{
	make_product(c);
	add(c, MARU_ROLE_A_SCALE, (struct kind){ MARU_TYPE_F32, 0 }, 8, 1, 1, 1);
}

static void make_gather(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 1, 1);
	add(c, MARU_ROLE_SRC, c->source[0], 64, 9, 1, 1);
	add(c, MARU_ROLE_IDX, (struct kind){ MARU_TYPE_I32, 0 }, 4, 1, 1, 1);
}

static void make_scatter(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 9, 1, 1);
	add(c, MARU_ROLE_SRC, c->source[0], 64, 4, 1, 1);
	add(c, MARU_ROLE_IDX, (struct kind){ MARU_TYPE_I64, 0 }, 4, 1, 1, 1);
}

static void make_attention(struct combination *c)
{
	c->header.attention.scale = ONE;
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 2, 1);
	add(c, MARU_ROLE_Q, c->source[0], 64, 2, 4, 1);
	add(c, MARU_ROLE_K, c->source[1], 64, 9, 2, 1);
	add(c, MARU_ROLE_V, c->source[2], 64, 9, 2, 1);
}

static void make_same(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 64, 4, 2, 1);
	add(c, MARU_ROLE_X, c->source[0], 64, 4, 2, 1);
}

static void make_rope(struct combination *c)
{
	c->header.rope.n_dims = 64;
	c->header.rope.base = ONE;
	make_same(c);
	add(c, MARU_ROLE_POS, (struct kind){ MARU_TYPE_I32, 0 }, 2, 1, 1, 1);
}

static void make_binary(struct combination *c)
{
	make_same(c);
	add(c, MARU_ROLE_RIGHT, c->source[1], 64, 4, 2, 1);
}

static void make_reduced(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 1, 4, 2, 1);
	add(c, MARU_ROLE_X, c->source[0], 64, 4, 2, 1);
}

static void make_sort(struct combination *c)
{
	add(c, MARU_ROLE_DST, c->dst, 8, 4, 2, 1);
	add(c, MARU_ROLE_X, c->source[0], 64, 4, 2, 1);
}

/* Values of the parameter that the types depend on: byte 16 of the header line. */
struct variant {
	const char *name;
	uint8_t value;
};

#define CODE(code)	{ #code, MARU_CODE_##code }
static const struct variant unary[] = {
	CODE(ABS), CODE(SGN), CODE(NEG), CODE(STEP), CODE(TANH), CODE(ELU), CODE(RELU),
	CODE(SIGMOID), CODE(GELU), CODE(GELU_QUICK), CODE(SILU), CODE(HARDSWISH),
	CODE(HARDSIGMOID), CODE(EXP), CODE(EXPM1), CODE(SOFTPLUS), CODE(GELU_ERF), CODE(XIELU),
	CODE(FLOOR), CODE(CEIL), CODE(ROUND), CODE(TRUNC), CODE(SQR), CODE(SQRT), CODE(LOG),
	CODE(SIN), CODE(COS), CODE(LEAKY_RELU), CODE(SCALE), CODE(CLAMP),
}, binary[] = {
	CODE(ADD), CODE(SUB), CODE(MUL), CODE(DIV), CODE(MIN), CODE(MAX), CODE(REGLU), CODE(GEGLU),
	CODE(SWIGLU), CODE(SWIGLU_OAI), CODE(GEGLU_ERF), CODE(GEGLU_QUICK), CODE(SWIGLU_CLAMP),
}, kinds_of_norm[] = {
	{ "RMS", MARU_NORM_RMS }, { "LAYER", MARU_NORM_LAYER }, { "GROUP", MARU_NORM_GROUP },
	{ "L2", MARU_NORM_L2 }, { "SUM", MARU_NORM_SUM },
}, modes[] = {
	{ "NORMAL", MARU_ROPE_NORMAL }, { "NEOX", MARU_ROPE_NEOX }, { "MROPE", MARU_ROPE_MROPE },
	{ "VISION", MARU_ROPE_VISION }, { "IMROPE", MARU_ROPE_IMROPE },
}, kinds_of_reduce[] = {
	{ "SUM", MARU_REDUCE_SUM }, { "MEAN", MARU_REDUCE_MEAN }, { "SUMSQ", MARU_REDUCE_SUMSQ },
	{ "MAX", MARU_REDUCE_MAX }, { "MIN", MARU_REDUCE_MIN }, { "ARGMAX", MARU_REDUCE_ARGMAX },
	{ "ARGMIN", MARU_REDUCE_ARGMIN },
}, roundings[] = {
	{ "none", MARU_TYPE_NONE }, { "f32", MARU_TYPE_F32 }, { "f16", MARU_TYPE_F16 },
	{ "bf16", MARU_TYPE_BF16 }, { "i8", MARU_TYPE_I8 },
}, only[] = { { NULL, 0 } };

#define VARIANTS(list)	list, COUNT(list)

static const struct page_case {
	uint16_t op;
	const char *title;	/* what its variants are values of */
	const struct variant *variants;
	size_t variant_count;
	uint8_t sources;	/* in roles 1, 2, 3 */
	void (*make)(struct combination *c);
} cases[] = {
	{ MARU_OP_COPY, NULL, VARIANTS(only), 1, make_copy },
	{ MARU_OP_PREPARE, NULL, VARIANTS(only), 1, make_copy },
	{ MARU_OP_MATMUL, "b_as", VARIANTS(roundings), 2, make_product },
	{ MARU_OP_MATMUL, "with A.scale, b_as", VARIANTS(roundings), 2, make_scaled },
	{ MARU_OP_GATHER, NULL, VARIANTS(only), 1, make_gather },
	{ MARU_OP_SCATTER, NULL, VARIANTS(only), 1, make_scatter },
	{ MARU_OP_ATTENTION, NULL, VARIANTS(only), 3, make_attention },
	{ MARU_OP_NORM, "kind", VARIANTS(kinds_of_norm), 1, make_same },
	{ MARU_OP_ROPE, "mode", VARIANTS(modes), 1, make_rope },
	{ MARU_OP_SOFTMAX, NULL, VARIANTS(only), 1, make_same },
	{ MARU_OP_ELEMENTWISE, "code", VARIANTS(unary), 1, make_same },
	{ MARU_OP_ELEMENTWISE, "code", VARIANTS(binary), 2, make_binary },
	{ MARU_OP_REDUCE, "kind", VARIANTS(kinds_of_reduce), 1, make_reduced },
	{ MARU_OP_SORT, NULL, VARIANTS(only), 1, make_sort },
};

/* As card.md says in DET-3. */
static bool is_exact(const struct combination *c)
{
#define EXACT(code, p0, p1) case MARU_CODE_##code:
	switch (c->header.op) {
	case MARU_OP_MATMUL:
		return c->dst.type == MARU_TYPE_I32;
	case MARU_OP_ATTENTION:
	case MARU_OP_NORM:
	case MARU_OP_ROPE:
	case MARU_OP_SOFTMAX:
		return false;
	case MARU_OP_ELEMENTWISE:
		switch (c->header.elementwise.code) {
		EXACT_CODES(EXACT)
			return true;
		}
		return false;
	}
	return true;
}

static bool is_taken(const struct page_case *page, const struct variant *variant,
		     struct combination *c)
{
	memset(&c->header, 0, sizeof(c->header));
	c->header.op = page->op;
	c->header.params[0] = variant->value;
	page->make(c);
	return !accel_packet_check(&c->header, NULL, true).word;
}

/* Types and layouts that a role lists. Return: how many. */
static size_t list_kinds(uint16_t op, unsigned int r, struct kind *kinds)
{
	static const uint32_t one[4] = { 1, 1, 1, 1 };
	const struct accel_op_role *role = accel_op_role_find(op, r);
	size_t count = 0;

	for (size_t i = 0; i < COUNT(types); i++)
		for (uint8_t layout = 0; layout < 16; layout++) {
			uint8_t type = types[i].type;

			if (role->types[type >> 7] >> (type & 63) & 1 &&
			    role->layouts >> layout & 1 &&
			    (!layout || maru_layout_bytes(layout, type, one)))
				kinds[count++] = (struct kind){ type, layout };
		}
	return count;
}

static const char *type_name(uint8_t type)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

/* Those of @kinds whose text is @same: "f32 S2, f16 S23", layouts where there are several. */
static void print_kinds(FILE *out, const struct kind *kinds, char *const *text, size_t count,
			const char *same)
{
	bool has_layouts = false, is_open = false;
	int last = -1;

	for (size_t i = 0; i < count; i++)
		has_layouts |= kinds[i].layout;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text[i], same))
			continue;
		if (kinds[i].type != last)
			fprintf(out, "%s%s%s", is_open ? ", " : "", type_name(kinds[i].type),
				has_layouts ? " " : "");
		if (has_layouts)
			fprintf(out, "%c", kinds[i].layout ? '0' + kinds[i].layout : 'S');
		last = kinds[i].type;
		is_open = true;
	}
}

/* What becomes of each kind of dst; nothing if all are refused. */
static void print_outcomes(FILE *out, const struct page_case *page, const struct variant *variant,
			   struct combination *c)
{
	struct kind kinds[KINDS_MAX];
	size_t count = list_kinds(page->op, 0, kinds);
	bool is_any = false;
	char line[32 * KINDS_MAX] = "";

	for (size_t i = 0; i < count; i++) {
		bool is_right;

		c->dst = kinds[i];
		is_right = is_taken(page, variant, c);
		is_any |= is_right;
		strcat(line, !is_right ? " refused |" : is_exact(c) ? " exact |" : " tolerance |");
	}
	if (is_any)
		fprintf(out, "%s\n", line);
}

/* Rows for source @s and those behind it; kinds that give the same rows share them. */
static char *print_rows(const struct page_case *page, const struct variant *variant,
			struct combination *c, unsigned int s)
{
	struct kind kinds[KINDS_MAX];
	char *text[KINDS_MAX], *all, *line, *end;
	size_t size, count, i, j;
	FILE *out = open_memstream(&all, &size);

	if (s == page->sources) {
		print_outcomes(out, page, variant, c);
		fclose(out);
		return all;
	}
	count = list_kinds(page->op, s + 1, kinds);
	for (i = 0; i < count; i++) {
		c->source[s] = kinds[i];
		text[i] = print_rows(page, variant, c, s + 1);
	}
	for (i = 0; i < count; i++) {
		for (j = 0; strcmp(text[j], text[i]); j++)
			;
		for (line = text[i]; j == i && (end = strchr(line, '\n')); line = end + 1) {
			fprintf(out, " ");
			print_kinds(out, kinds, text, count, text[i]);
			fprintf(out, " |%.*s\n", (int)(end - line), line);
		}
	}
	while (count--)
		free(text[count]);
	fclose(out);
	return all;
}

static void print_head(const struct page_case *page)
{
	struct kind kinds[KINDS_MAX];
	size_t count = list_kinds(page->op, 0, kinds);
	bool has_layouts = accel_op_role_find(page->op, 0)->layouts != MARU_LAYOUTS_STRIDED;

	printf("|");
	for (unsigned int s = 1; s <= page->sources; s++)
		printf(" %s |", accel_op_role_find(page->op, s)->name);
	for (size_t i = 0; i < count; i++) {
		printf(" → %s", type_name(kinds[i].type));
		if (has_layouts)
			printf(" %c", kinds[i].layout ? '0' + kinds[i].layout : 'S');
		printf(" |");
	}
	printf("\n|");
	for (count += page->sources; count; count--)
		printf("---|");
	printf("\n");
}

/* A table for all variants that have the same one. */
static void print_case(const struct page_case *page)
{
	char *text[COUNT(unary)], *line, *end;
	struct combination c;
	size_t i, j;

	for (i = 0; i < page->variant_count; i++)
		text[i] = print_rows(page, &page->variants[i], &c, 0);
	for (i = 0; i < page->variant_count; i++) {
		for (j = 0; strcmp(text[j], text[i]); j++)
			;
		if (j < i)
			continue;
		printf("\n%s%s%s", *text[i] ? "Results" : "Refused", page->title ? ", " : "",
		       page->title ? page->title : "");
		for (j = i; page->title && j < page->variant_count; j++)
			if (!strcmp(text[j], text[i]))
				printf("%s %s", j == i ? "" : ",", page->variants[j].name);
		printf("%s\n", *text[i] ? ":\n" : ".");
		if (!*text[i])
			continue;
		print_head(page);
		for (line = text[i]; (end = strchr(line, '\n')); line = end + 1)
			printf("|%.*s\n", (int)(end - line), line);
	}
	for (i = 0; i < page->variant_count; i++)
		free(text[i]);
}

/* Does the list of variants have each one of which anything is taken? */
static bool is_complete(const struct page_case *page)
{
	struct combination c;
	bool is_right = true;

	for (unsigned int value = 0; page->title && value < 256 && is_right; value++) {
		const struct variant variant = { NULL, (uint8_t)value };
		char *text = print_rows(page, &variant, &c, 0);

		is_right = !*text;
		for (size_t i = 0; i < page->variant_count; i++)
			is_right |= page->variants[i].value == value;
		free(text);
	}
	return is_right;
}

/* Layouts that a role takes with a type: S, 2, 3, 4, or a dot. */
static void print_cell(uint16_t op, unsigned int role, uint8_t type)
{
	struct kind kinds[KINDS_MAX];
	size_t count = list_kinds(op, role, kinds);
	bool is_any = false;

	printf(" ");
	for (size_t i = 0; i < count; i++) {
		if (kinds[i].type != type)
			continue;
		printf("%c", kinds[i].layout ? '0' + kinds[i].layout : 'S');
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
			print_cell(op->op, r, types[i].type);
		printf(" %s |%s%s%s%s |\n", rules[role->rule],
		       op->optional >> r & 1 ? " optional" : "",
		       r && role->flags & MARU_ROLE_WRITTEN ? ", written" : "",
		       role->flags & MARU_ROLE_ANY_STRIDE ? " any strides" :
		       role->flags & MARU_ROLE_TRANSPOSED ? " may be transposed" : "",
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
	if (op->op == MARU_OP_TIMESTAMP)
		printf("\nResults: the time.\n");
	if (op->op == MARU_OP_FILL)
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
	       "A table of results has a row for each combination of sources of which the card "
	       "takes any, each asked\nfor with each type and layout; those that give the same "
	       "share a row. All other combinations are\nrefused. *exact*: the same bits on every "
	       "card (which NaN apart); *tolerance*: the same bits for equal\nnumerics profiles, "
	       "and within the bound that card.md states; *refused*: the packet ends with an\n"
	       "error before anything is written, and libaccel does not record it. Operands that a "
	       "table of results\ndoes not name go with all results, but bias and residual not "
	       "with i32 and add not with ARGMAX,\nARGMIN.\n");
	for (size_t i = 0; i < COUNT(ops); i++)
		print_op(accel_op_find(ops[i]));
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (is_complete(&cases[i]))
			continue;
		fprintf(stderr, "ops-page: case %zu lacks a variant\n", i);
		return 1;
	}
	return 0;
}

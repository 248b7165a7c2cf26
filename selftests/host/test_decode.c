// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every field of every operation wrong once: docs/card.md [PKT-1] … [PKT-9]. The valid packets
 * are built from the table of maru_cmd_ops.h, so a new row is tested without a new line here.
 */
#include <stdlib.h>
#include <string.h>

#include "driver/maru_hw.h"
#include "selftests/host/decode_case.h"
#include "selftests/host/fake_span.h"
#include "uapi/drm/maru_cmd_ops.h"

struct op_row {
	const char *name;
	unsigned int op, revision, classes, required, optional;
};

struct role_row {
	unsigned int op, role;
	uint64_t types[2];
	unsigned int layouts, rule, flags;
};

struct param_row {
	unsigned int op, offset, bytes, kind;
	uint64_t low, high;
};

#define OP_ROW(op, revision, classes, required, optional) \
	{ #op, MARU_OP_##op, revision, classes, required, optional },
#define ROLE_ROW(op, role, name, types, layouts, rule, flags) \
	{ MARU_OP_##op, role, types, layouts, rule, flags },
#define PARAM_ROW(op, field, offset, bytes, kind, low, high) \
	{ MARU_OP_##op, offset, bytes, kind, low, high },

static const struct op_row op_rows[] = { MARU_OPS_TABLE(OP_ROW) };
static const struct role_row role_rows[] = { MARU_ROLES_TABLE(ROLE_ROW) };
static const struct param_row param_rows[] = { MARU_PARAMS_TABLE(PARAM_ROW) };

#define COUNT(x)	(sizeof(x) / sizeof((x)[0]))
#define EACH(row, rows)	(const typeof((rows)[0]) *row = rows; row < rows + COUNT(rows); row++)

static struct engine_case c, good;
static uint8_t *arena;

static struct maru_operand *line(struct engine_case *packet, unsigned int role)
{
	return decode_case_operand(packet, role);
}

/* A packet that every check passes, with @role. */
static void build_role(unsigned int op, unsigned int role)
{
	decode_case_build(&c, arena, op, role);
	good = c;
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(fake_span_held, 0);
	c = good;
}

static void build(const struct op_row *op)
{
	build_role(op->op, 0);
}

#define HEADER(code, field)	case_refused(&c, MARU_ERR_##code, MARU_ROLE_NONE, field)
#define OPERAND(code, role, field) case_refused(&c, MARU_ERR_##code, role, field)

/* [PKT-1] length, [PKT-2] header. */
static void headers(void **state)
{
	unsigned int cls;

	(void)state;
	for EACH(op, op_rows) {
		build(op);
		c.header.revision = 1;
		HEADER(UNSUPPORTED, 2);
		c = good;
		c.header.flags = 0x80;
		HEADER(BAD_FLAG, 3);
		c = good;
		c.header.unit = MARU_UNIT_PIM;
		HEADER(UNSUPPORTED, 10);
		c = good;
		c.header.mbz = 1;
		HEADER(BAD_FLAG, 11);
		for (cls = 0; cls < 16; cls++) {
			c = good;
			c.cls = cls;
			if (cls >= 8 || !(op->classes & 1u << cls))
				HEADER(UNSUPPORTED, 0);
			else
				assert_int_equal(case_run(&c), 0);
		}
	}
	for (cls = 0; cls < 0x10000; cls++) {
		bool is_known = false;

		for EACH(op, op_rows)
			is_known |= op->op == cls;
		if (is_known)
			continue;
		case_init(&c, cls);
		HEADER(UNSUPPORTED, 0);
	}
}

static void lengths(void **state)
{
	static const uint32_t wrong[] = { 0, 1, 63, 65, 96, 1087, 1152, 1u << 20 };
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		case_init(&c, MARU_OP_NOP);
		assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, wrong[i]), -22);
		assert_int_equal(c.op.error.word,
				 MARU_ERROR(MARU_ERR_BAD_LENGTH, MARU_ROLE_NONE, 4));
		assert_int_equal(c.op.error.value, wrong[i]);
	}
	case_init(&c, MARU_OP_NOP);
	c.header.bytes = 128;
	assert_int_equal(engine_begin(&c.op, NULL, 0, c.bytes, 64), -22);
	assert_int_equal(c.op.error.word, MARU_ERROR(MARU_ERR_BAD_LENGTH, MARU_ROLE_NONE, 4));
}

/* [PKT-3] each set of roles but the right ones. */
static void roles(void **state)
{
	unsigned int set;

	(void)state;
	for EACH(op, op_rows)
		for (set = 0; set < 0x10000; set++) {
			if (!(set & ~(op->required | op->optional)) && !(op->required & ~set))
				continue;
			case_init(&c, op->op);
			c.header.roles = (uint16_t)set;
			c.header.bytes = MARU_LINE_BYTES * (1 + __builtin_popcount(set));
			HEADER(BAD_ROLES, 8);
		}
}

static bool is_covered(unsigned int op, unsigned int offset)
{
	for EACH(row, param_rows)
		if (row->op == op && offset >= row->offset && offset < row->offset + row->bytes)
			return true;
	return false;
}

/* [PKT-4] parameters out of range, floats not finite, each unused byte. */
static void parameters(void **state)
{
	unsigned int i;

	(void)state;
	for EACH(op, op_rows) {
		build(op);
		for EACH(row, param_rows) {
			static const uint32_t bad[] = { 0x7f800000, 0xff800000, 0x7fc00000 };
			uint64_t value = row->high + 1;

			if (row->op != op->op)
				continue;
			for (i = 0; row->kind == MARU_PARAM_FLOAT && i < 3; i++) {
				c = good;
				memcpy(c.bytes + row->offset, &bad[i], 4);
				HEADER(BAD_PARAM, row->offset);
			}
			if (row->kind != MARU_PARAM_NUMBER || row->bytes == 8 ||
			    value >> 8 * row->bytes)
				continue;
			c = good;
			memcpy(c.bytes + row->offset, &value, row->bytes);
			HEADER(BAD_PARAM, row->offset);
			assert_int_equal(c.op.error.value, value);
		}
		for (i = 16; i < 64; i++) {
			if (is_covered(op->op, i))
				continue;
			c = good;
			c.bytes[i] = 0x40;
			HEADER(BAD_PARAM, i);
			assert_int_equal(c.op.error.value, 0x40);
		}
	}
}

static bool has_type(const struct role_row *row, unsigned int type)
{
	return (type & 127) < 64 && row->types[type >> 7] & 1ULL << (type & 127);
}

/* [PKT-5] type, layout, MBZ bytes, alignment. */
static void operand_kinds(void **state)
{
	unsigned int i;

	(void)state;
	for EACH(row, role_rows) {
		build_role(row->op, row->role);
		for (i = 0; i < 256; i++) {
			c = good;
			line(&c, row->role)->type = (uint8_t)i;
			if (!has_type(row, i))
				OPERAND(BAD_TYPE, row->role, MARU_FIELD_TYPE);
			c = good;
			line(&c, row->role)->layout = (uint8_t)i;
			if (i >= 16 || !(row->layouts & 1u << i))
				OPERAND(BAD_LAYOUT, row->role, MARU_FIELD_LAYOUT);
		}
		for (i = 0; i < 6; i++) {
			c = good;
			line(&c, row->role)->mbz[i] = 1;
			OPERAND(BAD_FLAG, row->role, 10 + i);
		}
		c = good;
		line(&c, row->role)->va += 1;
		OPERAND(BAD_ALIGN, row->role, MARU_FIELD_VA);
		if (row->layouts & MARU_LAYOUTS_PREPARED) {	/* a type that the layout lacks */
			c = good;
			line(&c, row->role)->layout = MARU_LAYOUT_K16N64K4;
			OPERAND(BAD_LAYOUT, row->role, MARU_FIELD_LAYOUT);
		}
	}
}

/* [PKT-6] [PKT-14] dims, strides, extents. */
static void operand_sizes(void **state)
{
	unsigned int d;

	(void)state;
	for EACH(row, role_rows) {
		struct maru_operand *desc;
		bool is_prepared;

		build_role(row->op, row->role);
		desc = line(&c, row->role);
		is_prepared = desc->layout;
		for (d = 0; d < 4; d++) {
			c = good;
			desc->dim[d] = 0x80000000;
			OPERAND(TOO_LARGE, row->role, MARU_FIELD_DIM(d));
			assert_int_equal(c.op.error.value, 0x80000000);
			c = good;
			desc->stride[d] = is_prepared ? 64 : 66;
			if (is_prepared)
				OPERAND(BAD_STRIDE, row->role, MARU_FIELD_STRIDE(d));
			else
				OPERAND(BAD_ALIGN, row->role, MARU_FIELD_STRIDE(d));
			if (is_prepared || !d)
				continue;
			c = good;
			desc->dim[d] = 3;
			desc->stride[d] = 1ULL << 63;
			OPERAND(RANGE, row->role, MARU_FIELD_STRIDE(d));
			desc->stride[d] = 1ULL << 48;
			OPERAND(RANGE, row->role, MARU_FIELD_STRIDE(d));
		}
		c = good;
		desc->dim[2] = 0x7fffffff;
		desc->dim[3] = 0x7fffffff;
		OPERAND(TOO_LARGE, row->role, MARU_FIELD_DIM(3));
		c = good;
		desc->va = (1ULL << 48) - (is_prepared ? 64 : maru_type_bytes(desc->type));
		OPERAND(RANGE, row->role, MARU_FIELD_VA);
		assert_int_equal(c.op.error.value, desc->va);
		if (!is_prepared && !(row->flags & MARU_ROLE_ANY_STRIDE)) {
			c = good;
			desc->stride[0] = 16;
			OPERAND(BAD_STRIDE, row->role, MARU_FIELD_STRIDE(0));
		}
	}
}

/* [PKT-14] a destination's strides reach over what is inside. */
static void nesting(void **state)
{
	struct maru_operand *dst;

	(void)state;
	build(&op_rows[3]);
	assert_int_equal(c.header.op, MARU_OP_COPY);
	dst = line(&c, 0);
	dst->stride[1] = 12;
	OPERAND(BAD_STRIDE, 0, MARU_FIELD_STRIDE(1));
	assert_int_equal(c.op.error.value, 12);
	c = good;
	dst->stride[0] = 0;
	OPERAND(BAD_STRIDE, 0, MARU_FIELD_STRIDE(0));
	c = good;
	dst->stride[0] = 8;
	OPERAND(BAD_STRIDE, 0, MARU_FIELD_STRIDE(1));
	dst->stride[1] = 28;
	assert_int_equal(case_run(&c), 0);
}

/* [PKT-7] shapes. */
static void shapes(void **state)
{
	static const struct { unsigned int row, role, d; } wrong[] = {
		{ 1, 0, 0 }, { 1, 0, 1 }, { 3, 1, 0 }, { 4, 1, 0 }, { 4, 1, 3 }, { 5, 1, 1 },
		{ 5, 1, 2 }, { 5, 2, 0 }, { 5, 2, 1 }, { 5, 2, 3 }, { 5, 3, 0 }, { 5, 3, 1 },
		{ 5, 4, 0 }, { 5, 4, 1 }, { 5, 4, 2 }, { 5, 5, 0 }, { 6, 1, 0 }, { 6, 2, 0 },
		{ 6, 2, 3 }, { 7, 1, 0 }, { 7, 1, 3 }, { 7, 2, 0 }, { 8, 2, 0 }, { 8, 3, 1 },
		{ 8, 4, 0 }, { 8, 6, 1 }, { 8, 8, 0 }, { 9, 1, 1 }, { 9, 2, 0 }, { 9, 3, 2 },
		{ 10, 1, 2 }, { 10, 2, 0 }, { 10, 3, 0 }, { 11, 1, 0 }, { 11, 2, 0 },
		{ 12, 1, 0 }, { 12, 2, 0 }, { 12, 2, 3 }, { 13, 1, 0 }, { 13, 2, 0 },
		{ 14, 1, 1 }, { 14, 2, 0 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++) {
		struct maru_operand *desc;

		build_role(op_rows[wrong[i].row].op, wrong[i].role);
		desc = line(&c, wrong[i].role);
		desc->dim[wrong[i].d] += 1;
		desc->stride[1] = 64;
		desc->stride[2] = desc->stride[3] = 1024;
		OPERAND(BAD_SHAPE, wrong[i].role, MARU_FIELD_DIM(wrong[i].d));
		assert_int_equal(c.op.error.value, desc->dim[wrong[i].d]);
	}
	build(&op_rows[3]);
	c.header.copy.mode = MARU_COPY_REPEAT;
	line(&c, 1)->dim[1] = 3;
	OPERAND(BAD_SHAPE, 1, MARU_FIELD_DIM(1));
}

/* [PKT-8] overlap: none, exact where allowed, column slices. */
static void aliases(void **state)
{
	(void)state;
	for EACH(row, role_rows) {
		struct maru_operand *dst, *src;

		if (!row->role)
			continue;
		build_role(row->op, row->role);
		dst = line(&c, 0);
		src = line(&c, row->role);
		src->va = dst->va;
		if (row->flags & MARU_ROLE_MAY_BE_DST)
			assert_int_equal(case_run(&c), 0);
		else
			OPERAND(OVERLAP, row->role, MARU_FIELD_VA);
		src->va = dst->va + 64;
		if (dst->layout)
			OPERAND(OVERLAP, row->role, MARU_FIELD_VA);
		else
			assert_int_equal(case_run(&c), 0);
	}
	build(&op_rows[3]);		/* COPY: columns 0–3 to columns 4–7 of rows of 32 bytes */
	line(&c, 0)->stride[1] = 32;
	line(&c, 1)->stride[1] = 32;
	line(&c, 1)->va = line(&c, 0)->va + 16;
	assert_int_equal(case_run(&c), 0);
	line(&c, 1)->va -= 4;
	OPERAND(OVERLAP, 1, MARU_FIELD_VA);
	line(&c, 1)->va += 4 + 32;	/* a row further is as good */
	assert_int_equal(case_run(&c), 0);
	line(&c, 1)->stride[1] = 36;
	OPERAND(OVERLAP, 1, MARU_FIELD_VA);
}

/* [PKT-9] faults name the operand; nothing stays held. */
static void faults(void **state)
{
	unsigned int kind;

	(void)state;
	build(&op_rows[5]);
	for (kind = 0; kind <= MARU_FAULT_WINDOW; kind++) {
		unsigned int role = kind == MARU_FAULT_WRITE ? 0 : 2;

		fake_span_fault(line(&c, role)->va + 8, 4, kind);
		OPERAND(FAULT_READ + kind, role, MARU_FIELD_VA);
		assert_int_equal(c.op.error.va, line(&c, role)->va + 8);
		assert_int_equal(c.op.error.fault, kind);
		assert_int_equal(fake_span_held, 0);
	}
	fake_span_fault(line(&c, 1)->va, 4, ~0u);
	OPERAND(TOO_LARGE, 1, MARU_FIELD_VA);
	fake_span_fault(0, 0, 0);
}

/* What is right and not built. */
static void unsupported(void **state)
{
	(void)state;
	build(&op_rows[5]);
	c.header.matmul.b_as = MARU_TYPE_I8;
	HEADER(UNSUPPORTED, 16);
	c = good;
	c.header.matmul.act = 18;
	HEADER(UNSUPPORTED, 17);
	c = good;
	line(&c, 0)->type = MARU_TYPE_I32;
	OPERAND(UNSUPPORTED, 0, MARU_FIELD_TYPE);
	c = good;
	line(&c, 1)->type = MARU_TYPE_I8;
	line(&c, 1)->stride[0] = 1;
	OPERAND(UNSUPPORTED, 2, MARU_FIELD_TYPE);
	build(&op_rows[9]);
	c.header.norm.kind = MARU_NORM_GROUP;
	HEADER(UNSUPPORTED, 16);
	build(&op_rows[3]);
	c.cls = MARU_CLASS_COPY;	/* [CPY-6] */
	assert_int_equal(case_run(&c), 0);
	line(&c, 0)->type = MARU_TYPE_I32;
	OPERAND(UNSUPPORTED, 1, MARU_FIELD_TYPE);
}

/* [PKT-13] of several errors the first check's is told: a COPY that gets worse from the end. */
static void order(void **state)
{
	struct maru_operand *dst, *src;
#define FIRST(code) assert_int_equal(MARU_ERROR_CODE(case_run(&c)), MARU_ERR_##code)

	(void)state;
	build(&op_rows[3]);
	dst = line(&c, 0);
	src = line(&c, 1);
	fake_span_fault(1, UINT64_MAX - 1, MARU_FAULT_READ);
	FIRST(FAULT_READ);
	src->va = dst->va + 4;
	FIRST(OVERLAP);
	src->dim[0] = 3;
	FIRST(BAD_SHAPE);
	src->va = (1ULL << 48) - 4;
	FIRST(RANGE);
	src->stride[1] = 6;
	FIRST(BAD_ALIGN);
	src->dim[3] = 0xffffffff;
	FIRST(TOO_LARGE);
	src->mbz[0] = 1;
	FIRST(BAD_FLAG);
	src->layout = 77;
	FIRST(BAD_LAYOUT);
	src->type = 77;
	FIRST(BAD_TYPE);
	c.header.copy.mode = 77;
	FIRST(BAD_PARAM);
	c.header.roles = 1;
	FIRST(BAD_ROLES);
	c.header.flags = 0x80;
	FIRST(BAD_FLAG);
	c.header.revision = 1;
	FIRST(UNSUPPORTED);
	c.header.bytes = 65;
	FIRST(BAD_LENGTH);
	fake_span_fault(0, 0, 0);
}

/* QUERY OPS lists the table. */
static void identify(void **state)
{
	uint8_t page[4096];
	uint64_t bytes = engine_identify(page, sizeof(page)), at = 0;

	(void)state;
	assert_true(bytes <= sizeof(page));
	for EACH(op, op_rows) {
		const struct maru_op_info *info = (const void *)(page + at);

		assert_int_equal(info->op, op->op);
		assert_int_equal(info->required, op->required);
		assert_int_equal(info->optional, op->optional);
		at += sizeof(*info);
		for EACH(row, role_rows) {
			const struct maru_role_info *role = (const void *)(page + at);

			if (row->op != op->op)
				continue;
			assert_int_equal(role->types[0], row->types[0]);
			assert_int_equal(role->types[2], row->types[1]);
			assert_int_equal(role->layouts, row->layouts);
			at += sizeof(*role);
		}
	}
	assert_int_equal(at, bytes);
	memset(page, 0xee, sizeof(page));
	assert_int_equal(engine_identify(page, 20), bytes);
	assert_int_equal(page[20], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers), cmocka_unit_test(lengths), cmocka_unit_test(roles),
		cmocka_unit_test(parameters), cmocka_unit_test(operand_kinds),
		cmocka_unit_test(operand_sizes), cmocka_unit_test(nesting),
		cmocka_unit_test(shapes), cmocka_unit_test(aliases), cmocka_unit_test(faults),
		cmocka_unit_test(unsupported), cmocka_unit_test(order),
		cmocka_unit_test(identify),
	};

	if (engine_init(~0u))
		return 1;
	arena = case_memory(1u << 20);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("decode", tests, NULL, case_free_all);
}

// SPDX-License-Identifier: GPL-2.0-only
/* What ATTENTION refuses: docs/card.md [ATT-15], [ATT-16]. */
#include <math.h>
#include <string.h>

#include "selftests/host/attention_case.h"

static const int32_t lengths[] = { 30, 20 }, starts[] = { 0, 3, 10 };

static const struct attention plain = {
	.dk = 16, .dv = 8, .n = 4, .heads = 4, .k_heads = 2, .seqs = 2, .kv = 40,
	.q = F32, .k = F16, .v = F16, .dst = F32,
};
static const struct attention masked = {
	.dk = 16, .n = 4, .heads = 4, .k_heads = 2, .seqs = 2, .kv = 40, .mask = F16 + 1,
	.kv_len = lengths, .q = F32, .k = F16, .v = F16, .dst = F32,
};
static const struct attention pool = {
	.dk = 16, .n = 4, .heads = 4, .k_heads = 2, .seqs = 2, .kv = 16, .blocks = 5, .table = 3,
	.kv_len = lengths, .q = F32, .k = F16, .v = F16, .dst = F32,
};
static const struct attention ragged = {
	.dk = 16, .n = 12, .heads = 4, .k_heads = 2, .seqs = 2, .kv = 40, .kv_len = lengths,
	.q_start = starts, .q = F32, .k = F16, .v = F16, .dst = F32,
};

/* With another dim in one operand; smaller ones only, so that extents stay inside memory. */
static void refused_dim(const struct attention *a, unsigned int role, unsigned int d, uint32_t dim)
{
	attention_build(a, 1);
	attention_line(role)->dim[d] = dim;
	case_refused(&attention, MARU_ERR_BAD_SHAPE, role, MARU_FIELD_DIM(d));
	case_free_all(NULL);
}

static void shapes(void **state)
{
	unsigned int d;

	(void)state;
	refused_dim(&plain, 0, 0, 7);
	refused_dim(&plain, 0, 1, 3);
	refused_dim(&plain, 0, 2, 3);
	refused_dim(&plain, 0, 3, 1);
	refused_dim(&plain, 2, 0, 15);
	refused_dim(&plain, 2, 2, 0);
	refused_dim(&plain, 2, 3, 1);
	refused_dim(&plain, 3, 1, 39);
	refused_dim(&plain, 3, 2, 0);
	refused_dim(&plain, 3, 3, 1);
	refused_dim(&masked, 4, 0, 39);
	refused_dim(&masked, 4, 1, 3);
	refused_dim(&masked, 4, 2, 3);
	refused_dim(&masked, 4, 3, 0);
	refused_dim(&pool, 3, 3, 4);
	refused_dim(&pool, 6, 1, 1);
	refused_dim(&pool, 7, 0, 1);
	refused_dim(&ragged, 1, 3, 0);
	refused_dim(&ragged, 2, 3, 1);
	refused_dim(&ragged, 8, 0, 2);
	for (d = 1; d < 4; d++) {
		refused_dim(&ragged, 7, d, 0);
		refused_dim(&ragged, 8, d, 0);
	}
	refused_dim(&pool, 6, 2, 0);
	refused_dim(&pool, 6, 3, 0);
}

static void head_sizes(void **state)
{
	(void)state;
	attention_build(&plain, 1);
	attention_line(1)->dim[0] = 0;
	case_refused(&attention, MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_DIM(0));
	attention_line(1)->dim[0] = 513;
	case_refused(&attention, MARU_ERR_UNSUPPORTED, 1, MARU_FIELD_DIM(0));
	attention_line(1)->dim[0] = 16;
	attention_line(3)->dim[0] = 513;
	case_refused(&attention, MARU_ERR_UNSUPPORTED, 3, MARU_FIELD_DIM(0));
	case_free_all(NULL);
}

static void refused_param(unsigned int field, const void *bits)
{
	attention_build(&plain, 1);
	memcpy(attention.bytes + field, bits, 4);
	case_refused(&attention, MARU_ERR_BAD_PARAM, MARU_ROLE_NONE, field);
	case_free_all(NULL);
}

static void params(void **state)
{
	static const float less = -1, none = NAN, zero = -0.0f;
	static const uint32_t two = 2, one = 1;

	(void)state;
	refused_param(16, &none);
	refused_param(20, &less);
	refused_param(24, &less);
	refused_param(28, &two);
	refused_param(40, &one);	/* chunk */
	refused_param(44, &one);
	attention_build(&plain, 1);
	memcpy(attention.bytes + 20, &zero, 4);
	memcpy(attention.bytes + 24, &zero, 4);
	assert_int_equal(case_run(&attention), 0);
	case_free_all(NULL);
}

/* Takes an operand out of the packet. */
static void remove_role(unsigned int role)
{
	uint8_t *line = (uint8_t *)attention_line(role);

	memmove(line, line + MARU_LINE_BYTES, (size_t)(attention.bytes + attention.header.bytes -
						       line - MARU_LINE_BYTES));
	attention.header.bytes -= MARU_LINE_BYTES;
	attention.header.roles &= (uint16_t)~(1u << role);
}

static void roles(void **state)
{
	static const unsigned int out[] = { 0, 1, 2, 3 };
	struct attention a = pool;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		attention_build(&plain, 1);
		remove_role(out[i]);
		case_refused(&attention, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
		case_free_all(NULL);
	}
	attention_build(&pool, 1);
	remove_role(7);
	case_refused(&attention, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	case_free_all(NULL);
	attention_build(&ragged, 1);
	remove_role(7);
	case_refused(&attention, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	case_free_all(NULL);
	a.mask = F32 + 1;
	attention_build(&a, 1);
	case_refused(&attention, MARU_ERR_BAD_ROLES, MARU_ROLE_NONE, 8);
	case_free_all(NULL);
	a = ragged;
	a.mask = F32 + 1;
	refused_dim(&a, 4, 1, 11);
	refused_dim(&a, 4, 0, 39);
}

static void refused_number(const struct attention *a, unsigned int role, uint64_t index,
			   int32_t value)
{
	int32_t *numbers;

	attention_build(a, 1);
	numbers = (int32_t *)(uintptr_t)attention_line(role)->va;
	numbers[index] = value;
	case_refused(&attention, MARU_ERR_BAD_INDEX, role, MARU_FIELD_VA);
	assert_int_equal(attention.op.error.value, index);
	case_free_all(NULL);
}

static void numbers(void **state)
{
	(void)state;
	refused_number(&masked, 7, 1, -1);
	refused_number(&masked, 7, 0, 41);
	refused_number(&pool, 7, 0, 49);
	refused_number(&pool, 6, 1, 5);
	refused_number(&pool, 6, 4, -1);
	refused_number(&ragged, 8, 0, 1);
	refused_number(&ragged, 8, 2, 13);
	refused_number(&ragged, 8, 1, 13);
	refused_number(&ragged, 8, 2, 2);
}

/* Numbers that go bad after the look: the tile that uses them says so, and writes nothing. */
static void changed(void **state)
{
	static const struct {
		const struct attention *a;
		unsigned int role, index;
		int32_t value;
	} list[] = { { &masked, 7, 0, 41 }, { &pool, 7, 0, -5 }, { &pool, 6, 1, 0x7fffffff },
		     { &ragged, 7, 0, 41 }, { &ragged, 8, 0, 0x7fffffff }, { &ragged, 8, 1, -1 } };
	struct engine_scratch scratch = { .bytes = ENGINE_SCRATCH_BYTES };
	struct engine_error error;
	unsigned int i;
	uint32_t tile;

	(void)state;
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		attention_build(list[i].a, 1);
		scratch.base = case_memory(scratch.bytes);
		assert_int_equal(engine_begin(&attention.op, NULL, 0, attention.bytes,
					      attention.header.bytes), 0);
		((int32_t *)(uintptr_t)attention_line(list[i].role)->va)[list[i].index] =
			list[i].value;
		/* Tiles of the last queries come first; the first one that uses the number ends. */
		tile = 0;
		while (tile < attention.op.tiles &&
		       !engine_tile(&attention.op, tile, &scratch, &error))
			tile++;
		assert_true(tile < attention.op.tiles);
		assert_int_equal(MARU_ERROR_CODE(error.word), MARU_ERR_BAD_INDEX);
		engine_end(&attention.op);
		case_free_all(NULL);
	}
}

/* The bytes charged are those of the keys that exist. */
static void charged(void **state)
{
	(void)state;
	attention_build(&masked, 1);
	assert_int_equal(engine_begin(&attention.op, NULL, 0, attention.bytes,
				      attention.header.bytes), 0);
	assert_int_equal(attention.op.operands[2].touched, 50 * 2 * 16 * 2);
	assert_int_equal(attention.op.operands[3].touched, 50 * 2 * 16 * 2);
	engine_end(&attention.op);
	case_free_all(NULL);
}

/* Without elements there is no effect, whatever is beside. */
static void empty(void **state)
{
	struct attention a = plain;

	(void)state;
	a.n = 0;
	attention_build(&a, 1);
	assert_int_equal(case_run(&attention), 0);
	assert_int_equal(attention.op.tiles, 0);
	case_free_all(NULL);
	a = plain;
	a.heads = 0;
	a.k_heads = 0;
	attention_build(&a, 1);
	attention_line(2)->dim[2] = 0;
	attention_line(3)->dim[2] = 0;
	assert_int_equal(case_run(&attention), 0);
	case_free_all(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes), cmocka_unit_test(head_sizes), cmocka_unit_test(params),
		cmocka_unit_test(roles), cmocka_unit_test(numbers), cmocka_unit_test(changed),
		cmocka_unit_test(charged), cmocka_unit_test(empty),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("attention checks", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/* FILL: docs/card.md [FIL-1] … */
#include <string.h>

#include "selftests/host/engine_case.h"

#ifndef TEST_PROFILE
#define TEST_PROFILE	~0u
#endif

static struct engine_case c;

/* [FIL-1] the low bytes of the pattern, every type, lengths around vectors and streams. */
static void patterns(void **state)
{
	static const unsigned int types[] = { MARU_TYPE_U8, MARU_TYPE_BF16, MARU_TYPE_F32,
					      MARU_TYPE_U64 };
	static const uint32_t counts[] = { 1, 3, 31, 33, 100, 4097, 300001, 600007 };
	const uint64_t pattern = 0x1122334455667788;
	uint8_t *memory = case_memory(8 * 600100);
	unsigned int i, j, offset;
	uint64_t e;

	(void)state;
	for (i = 0; i < 4; i++)
		for (j = 0; j < 8; j++)
			for (offset = 0; offset < 3; offset++) {
				unsigned int size = maru_type_bytes(types[i]);
				uint8_t *at = memory + 64 + offset * size;

				memset(memory, 0xee, 8 * (counts[j] + 20));
				case_init(&c, MARU_OP_FILL);
				c.header.fill.pattern = pattern;
				case_add(&c, 0, at, types[i], counts[j], 1, 1, 1);
				assert_int_equal(case_run(&c), 0);
				for (e = 0; e < counts[j]; e++)
					assert_int_equal(memcmp(at + e * size, &pattern, size), 0);
				assert_int_equal(at[-1], 0xee);
				assert_int_equal(at[counts[j] * size], 0xee);
			}
}

/* [FIL-2] strides: gaps stay. */
static void gaps(void **state)
{
	uint32_t *memory = case_memory(4 * 1000);
	struct maru_operand *dst;
	unsigned int i;

	(void)state;
	memset(memory, 0xee, 4000);
	case_init(&c, MARU_OP_FILL);
	c.header.fill.pattern = 7;
	dst = case_add(&c, 0, memory, MARU_TYPE_I32, 3, 4, 5, 1);
	dst->stride[0] = 8;
	dst->stride[1] = 28;
	dst->stride[2] = 120;
	assert_int_equal(case_run_shuffled(&c, 2, 1), 0);
	for (i = 0; i < 1000; i++) {
		unsigned int z = i / 30, y = i % 30 / 7, x = i % 30 % 7;
		bool is_in = z < 5 && y < 4 && x % 2 == 0 && x / 2 < 3;

		assert_int_equal(memory[i], is_in ? 7 : 0xeeeeeeee);
	}
	case_init(&c, MARU_OP_FILL);
	case_add(&c, 0, memory, MARU_TYPE_I32, 3, 0, 5, 1);
	assert_int_equal(case_run(&c), 0);
	assert_int_equal(c.op.tiles, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(patterns), cmocka_unit_test(gaps) };

	if (engine_init(TEST_PROFILE))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("fill", tests, NULL, case_free_all);
}

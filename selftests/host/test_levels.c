// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of ELEMENTWISE that are exact or rounded correctly have the same bits at every level
 * that the machine has: docs/card.md [DET-3].
 */
#include <math.h>
#include <string.h>

#include "firmware-emu/engine/kernels.h"
#include "selftests/host/data_case.h"
#include "selftests/ref/exact_codes.h"
#include "selftests/ref/ref.h"

#define F32	MARU_TYPE_F32

static const unsigned int floats[] = { F32, MARU_TYPE_F16, MARU_TYPE_BF16 };
static const struct {
	uint16_t code;
	uint32_t p0, p1;
} codes[] = {
#define CODE(name, p0, p1) { MARU_CODE_##name, p0, p1 },
	EXACT_CODES(CODE)
};

static struct engine_case c;

/* Any bits: numbers of every size, denormals, infinities, NaN of every kind; many small ones. */
static void fill(const struct maru_operand *desc, uint64_t *seed)
{
	uint64_t bytes = data_bytes(desc), at, size = maru_type_bytes(desc->type);
	uint8_t *to = (uint8_t *)(uintptr_t)desc->va;

	for (at = 0; at < bytes; at += size) {
		uint64_t bits = case_random(seed);

		if (bits >> 60 < 9)
			continue;	/* as data_add() left it */
		memcpy(to + at, &bits, size);
		if (bits >> 60 == 15)	/* the largest exponent */
			to[at + size - 1] |= 0x7f;
	}
}

static void build(unsigned int which, const unsigned int types[3], const uint32_t dim[4],
		  unsigned int how, uint64_t *seed)
{
	const uint32_t row[4] = { dim[0], 1, 1, 1 };

	case_init(&c, MARU_OP_ELEMENTWISE);
	c.header.elementwise.code = codes[which].code;
	c.header.elementwise.p[0] = codes[which].p0;
	c.header.elementwise.p[1] = codes[which].p1;
	data_add(&c, 0, types[0], dim, how & 1, seed);
	fill(data_add(&c, MARU_ROLE_LEFT, types[1], dim, how & 1, seed), seed);
	if (codes[which].code >= MARU_CODE_ADD)
		fill(data_add(&c, MARU_ROLE_RIGHT, types[2], how & 2 ? row : dim, how & 1, seed),
		     seed);
}

/* Which NaN it is is not specified. */
static bool is_same(unsigned int type, const uint8_t *now, const uint8_t *then)
{
	return !memcmp(now, then, maru_type_bytes(type)) ||
	       (isnan((double)ref_load(type, now)) && isnan((double)ref_load(type, then)));
}

static void compare(unsigned int which)
{
	const struct maru_operand *dst = (const struct maru_operand *)(c.bytes + MARU_LINE_BYTES);
	const uint8_t *now = (const uint8_t *)(uintptr_t)dst->va, *then = NULL;
	uint64_t bytes = data_bytes(dst), size = maru_type_bytes(dst->type), at;
	struct maru_operand first;
	unsigned int level;

	for (level = 0; level < KERNELS_LEVELS; level++) {
		kernels_init(level);
		assert_int_equal(case_run(&c), 0);
		if (!level) {
			data_copy(dst, &first);
			then = (const uint8_t *)(uintptr_t)first.va;
		}
		for (at = 0; at < bytes; at += size) {
			if (is_same(dst->type, now + at, then + at))
				continue;
			print_error("code %#x type %u level %u element %llu: %.9Lg instead of "
				    "%.9Lg\n", codes[which].code, dst->type, level,
				    (unsigned long long)(at / size),
				    ref_load(dst->type, now + at), ref_load(dst->type, then + at));
			fail();
		}
	}
}

static void elementwise(void **state)
{
	static const uint32_t dims[][4] = { { 1500, 3, 1, 1 }, { 61, 7, 2, 1 } };
	uint64_t seed = 71;
	unsigned int i, t, how;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		for (t = 0; t < 27; t++)
			for (how = 0; how < 4; how++) {
				const unsigned int types[3] = {
					floats[t % 3], floats[t / 3 % 3], floats[t / 9],
				};

				build(i, types, dims[how & 1], how, &seed);
				compare(i);
				case_free_all(NULL);
			}
}

/* Where dst goes past the caches. */
static void large(void **state)
{
	static const uint32_t dim[4] = { 2100001, 2, 1, 1 };
	uint64_t seed = 72;
	unsigned int i, t;

	(void)state;
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i += 7)
		for (t = 0; t < 3; t++) {
			const unsigned int types[3] = { floats[t], floats[t], floats[t] };

			build(i, types, dim, 0, &seed);
			compare(i);
			case_free_all(NULL);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(elementwise, case_free_all),
		cmocka_unit_test_teardown(large, case_free_all),
	};

	if (engine_init(~0u))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("levels", tests, NULL, case_free_all);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libaccel/src/va.h"

#define START	(2ull << 20)
#define END	(1ull << 47)
#define MIB	(1ull << 20)

static uint64_t get(struct accel_va *va, uint64_t bytes, bool is_low)
{
	uint64_t address = 0;

	assert_int_equal(accel_va_alloc(va, bytes, is_low, &address), 0);
	return address;
}

static void test_arenas(void **state)
{
	struct accel_va va;
	uint64_t low, high;

	(void)state;
	assert_int_equal(accel_va_init(&va, START, END), 0);
	low = get(&va, 4096, true);
	high = get(&va, 4096, false);
	assert_true(low >= START && low < ACCEL_VA_LOW_END);
	assert_true(high >= ACCEL_VA_LOW_END && high < END);
	assert_int_equal(high % ACCEL_VA_ALIGN, 0);
	assert_int_equal(get(&va, 4 * MIB, true) % ACCEL_VA_ALIGN, 0);
	accel_va_fini(&va);
}

static void test_gap(void **state)
{
	static const uint64_t sizes[] = { 1, 4096, 65536, 2 * MIB - 65536, 2 * MIB - 65535,
					  2 * MIB, 5 * MIB };
	struct accel_va va;

	(void)state;
	for (int low = 0; low < 2; low++) {
		assert_int_equal(accel_va_init(&va, START, END), 0);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			uint64_t first = get(&va, sizes[i], low);
			uint64_t second = get(&va, 4096, low);

			if (second < first)	/* took an older hole */
				continue;
			assert_true(second - (first + sizes[i]) >= ACCEL_VA_GAP);
		}
		accel_va_fini(&va);
	}
}

static void test_full(void **state)
{
	struct accel_va va;
	uint64_t address, first;

	(void)state;
	assert_int_equal(accel_va_init(&va, ACCEL_VA_LOW_END, ACCEL_VA_LOW_END + 8 * MIB), 0);
	first = get(&va, 4096, true);		/* nothing is low: it comes from above */
	get(&va, 4096, false);
	get(&va, 4096, false);
	get(&va, 4096, false);
	assert_int_equal(accel_va_alloc(&va, 1, false, &address), -ENOMEM);
	accel_va_free(&va, first, 4096);
	assert_int_equal(get(&va, 2 * MIB - ACCEL_VA_GAP, false), first);
	assert_int_equal(accel_va_alloc(&va, UINT64_MAX, false, &address), -ENOMEM);
	assert_int_equal(accel_va_alloc(&va, UINT64_MAX - ACCEL_VA_GAP, true, &address), -ENOMEM);
	assert_int_equal(accel_va_alloc(&va, 0, false, &address), -ENOMEM);
	accel_va_fini(&va);
	assert_int_equal(accel_va_init(&va, END, START), -EINVAL);
}

/* Random work against a plain list of what is out: no overlap, and all comes back as one hole. */
static void test_random(void **state)
{
	struct { uint64_t address, bytes; } out[200] = { 0 };
	const uint64_t gap = ACCEL_VA_GAP;
	struct accel_va va;

	(void)state;
	srandom(7);
	assert_int_equal(accel_va_init(&va, START, END), 0);
	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)random() % 200;

		if (out[i].bytes) {
			accel_va_free(&va, out[i].address, out[i].bytes);
			out[i].bytes = 0;
			continue;
		}
		out[i].bytes = 1 + (uint64_t)random() % (random() % 4 ? 100000 : 9 * MIB);
		out[i].address = get(&va, out[i].bytes, random() % 2);
		for (size_t j = 0; j < 200; j++) {
			if (j == i || !out[j].bytes)
				continue;
			assert_true(out[i].address >= out[j].address + out[j].bytes + gap ||
				    out[j].address >= out[i].address + out[i].bytes + gap);
		}
	}
	for (size_t i = 0; i < 200; i++) {
		if (out[i].bytes)
			accel_va_free(&va, out[i].address, out[i].bytes);
	}
	assert_int_equal(LIST_FIRST(&va.low)->start, START);
	assert_int_equal(LIST_FIRST(&va.low)->end, ACCEL_VA_LOW_END);
	assert_null(LIST_NEXT(LIST_FIRST(&va.low), entry));
	assert_int_equal(LIST_FIRST(&va.high)->end, END);
	assert_null(LIST_NEXT(LIST_FIRST(&va.high), entry));
	accel_va_fini(&va);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arenas), cmocka_unit_test(test_gap),
		cmocka_unit_test(test_full), cmocka_unit_test(test_random),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library at the seam where the engine uses it: right sums for each kind and size that
 * MATMUL asks for, no access outside the operands (guard pages), and a clear no elsewhere.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/onednn.h"
#include "selftests/host/engine_case.h"

/* Memory that ends at a page that must not be touched. */
struct guarded {
	uint8_t *map;
	uint8_t *at;
	uint64_t bytes;
};

static struct guarded guard(uint64_t bytes)
{
	uint64_t pages = (bytes + 4095) / 4096 * 4096;
	struct guarded g = { .bytes = pages + 8192 };

	g.map = mmap(NULL, g.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	mprotect(g.map, 4096, PROT_NONE);
	mprotect(g.map + 4096 + pages, 4096, PROT_NONE);
	g.at = g.map + 4096 + pages - bytes;
	return g;
}

static void drop(struct guarded *g)
{
	munmap(g->map, g->bytes);
}

static void set_one(unsigned int type, uint8_t *at, uint64_t i)
{
	if (type == MARU_TYPE_F32)
		((float *)(void *)at)[i] = 1;
	else
		((uint16_t *)(void *)at)[i] = type == MARU_TYPE_F16 ? 0x3c00 : 0x3f80;
}

static uint8_t scratch[ONEDNN_SCRATCH_BYTES] __attribute__((aligned(64)));

/* Panels of ones times ones: each sum is k, added to 7 or not. */
static void check_panels(unsigned int type, uint32_t m, uint32_t n, uint32_t k, uint32_t add)
{
	uint64_t k_pad = (k + 15) / 16 * 16, size = maru_type_bytes(type), i, j;
	struct onednn_tile tile = {
		.b_type = MARU_TYPE_F32, .a_type = (uint8_t)type, .out_type = MARU_TYPE_F32,
		.layout = MARU_LAYOUT_K16N64, .add = add, .m = m, .n = n, .k = k,
		.b_step = k, .out_step = n,
	};
	struct guarded a = guard(k_pad * n * size), b = guard(4ULL * m * k);
	struct guarded out = guard(4ULL * m * n);

	for (i = 0; i < n / 64; i++)
		for (j = 0; j < 64ULL * k; j++)
			set_one(type, a.at, i * k_pad * 64 + j);
	for (i = 0; i < (uint64_t)m * k; i++)
		set_one(MARU_TYPE_F32, b.at, i);
	for (i = 0; i < (uint64_t)m * n; i++)
		((float *)(void *)out.at)[i] = 7;
	assert_int_equal(onednn_run(&tile, b.at, a.at, out.at, scratch), 0);
	for (i = 0; i < (uint64_t)m * n; i++)
		assert_true(((float *)(void *)out.at)[i] == (float)(k + 7 * add));
	drop(&a);
	drop(&b);
	drop(&out);
}

static void panels(void **state)
{
	static const unsigned int types[] = { MARU_TYPE_F32, MARU_TYPE_F16, MARU_TYPE_BF16 };
	static const uint32_t ks[] = { 1, 15, 16, 17, 63, 500, 1000, 1023, 1024, 1025, 2047, 4096 };
	static const uint32_t ms[] = { 1, 5, 64, 130 }, ns[] = { 64, 192 };
	unsigned int t, i, j, l;

	(void)state;
	if (kernels_init(~0u) == KERNELS_PLAIN)
		skip();
	for (t = 0; t < 3; t++)
		for (i = 0; i < 12; i++)
			for (j = 0; j < 4; j++)
				for (l = 0; l < 4; l++) {
					if (types[t] == MARU_TYPE_F32 && ks[i] > 1024)
						continue;
					check_panels(types[t], ms[j], ns[l & 1], ks[i], l / 2);
				}
}

/* What a level has no instructions for is refused: reference code of the library is not taken. */
static void refusals(void **state)
{
	uint32_t level = kernels_init(~0u);
	struct onednn_tile tile = {
		.b_type = MARU_TYPE_U8, .a_type = MARU_TYPE_I8, .out_type = MARU_TYPE_I32,
		.layout = MARU_LAYOUT_K16N64K4, .m = 64, .n = 64, .k = 64, .b_step = 64,
		.out_step = 64,
	};
	uint8_t *memory = case_memory(64 * 64 * 4);

	(void)state;
	assert_int_equal(onednn_run(&tile, memory, memory, memory, scratch),
			 level >= KERNELS_VNNI ? 0 : -95);
	tile.b_type = tile.a_type = MARU_TYPE_BF16;
	tile.out_type = MARU_TYPE_F32;
	tile.layout = MARU_LAYOUT_K16N64K2;
	/* level 2 may or may not emulate it */
	if (level != KERNELS_VNNI)
		assert_int_equal(onednn_run(&tile, memory, memory, memory, scratch),
				 level >= KERNELS_BF16 ? 0 : -95);
}

/* More kinds than the table holds: the oldest go, results stay right. */
static void eviction(void **state)
{
	uint32_t k;

	(void)state;
	if (kernels_init(~0u) == KERNELS_PLAIN)
		skip();
	for (k = 1; k < 150; k++)
		check_panels(MARU_TYPE_F32, 2, 64, k, 0);
	check_panels(MARU_TYPE_F32, 2, 64, 1, 0);
}

static unsigned int threads_now(void)
{
	DIR *dir = opendir("/proc/self/task");
	unsigned int count = 0;
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* The threads are the card's: the library starts none, however large the product. */
static void no_threads(void **state)
{
	(void)state;
	if (kernels_init(~0u) == KERNELS_PLAIN)
		skip();
	check_panels(MARU_TYPE_F32, 2048, 1024, 1024, 0);
	assert_int_equal(threads_now(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(panels), cmocka_unit_test(refusals), cmocka_unit_test(eviction),
		cmocka_unit_test(no_threads),
	};

	if (onednn_init(kernels_init(~0u)))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("onednn", tests, NULL, case_free_all);
}

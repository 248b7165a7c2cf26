// SPDX-License-Identifier: GPL-2.0-only
/* The page walk against a reference that is written from the words of the contract alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware-emu/mem/mmu.h"

#define PAGES		64			/* of a toy HBM; CXL has half of them */
#define CXL_PAGES	(PAGES / 2)
#define VALID		1ULL
#define READ		2ULL
#define WRITE		4ULL
#define LEAF		8ULL
#define TIER(t)		((uint64_t)(t) << 4)
#define TABLE(addr)	(VALID | READ | WRITE | (addr))
#define BIG		(1ULL << 30)		/* toy tiers end here for leaves */

static uint64_t hbm[PAGES][512], cxl[CXL_PAGES][512];
static uint64_t leaf_limit;			/* bytes of both tiers, for leaves */

static const volatile uint64_t *toy_table(void *ctx, unsigned int tier, uint64_t addr)
{
	uint64_t page = addr / 4096;

	(void)ctx;
	assert_true(tier < 2);
	if (page >= (tier ? CXL_PAGES : PAGES))
		return NULL;
	return tier ? cxl[page] : hbm[page];
}

static bool toy_has(void *ctx, unsigned int tier, uint64_t addr, uint64_t bytes)
{
	(void)ctx;
	assert_true(tier < 2);
	return addr <= leaf_limit && bytes <= leaf_limit - addr;
}

static const struct mmu_ops toy_ops = { .table = toy_table, .has = toy_has };

struct answer {
	int result;		/* 0 mapped, 1 unmapped, 2 bad entry */
	uint64_t tier, addr, access;
};

/* Reads every bit by itself, and one page of the address space at a time. */
static struct answer reference(uint64_t root, uint64_t va)
{
	uint64_t entry = root;
	int level;

	if (va >> 48)
		return (struct answer){ 1, 0, 0, 0 };
	for (level = 4; ; level--) {
		uint64_t addr = 0, tier = (entry >> 5 & 1) * 2 + (entry >> 4 & 1);
		int bit;

		if (!(entry & 1))
			return (struct answer){ 1, 0, 0, 0 };
		for (bit = 0; bit < 64; bit++) {
			if (entry >> bit & 1 && ((bit >= 6 && bit <= 8) || bit >= 56))
				return (struct answer){ 2, 0, 0, 0 };
			if (entry >> bit & 1 && bit >= 12 && bit < 56)
				addr += 1ULL << bit;
		}
		if (tier == 3)
			return (struct answer){ 2, 0, 0, 0 };
		if (entry >> 3 & 1) {
			uint64_t size = level == 0 ? 4096 : 2097152;

			if (level > 1 || addr % size)
				return (struct answer){ 2, 0, 0, 0 };
			if (tier != 2 && addr + size > leaf_limit)
				return (struct answer){ 2, 0, 0, 0 };
			return (struct answer){ 0, tier, addr + va % size, (entry >> 1) & 3 };
		}
		if (level == 0 || !(entry >> 1 & 1) || !(entry >> 2 & 1) || tier == 2)
			return (struct answer){ 2, 0, 0, 0 };
		if (addr / 4096 >= (tier ? CXL_PAGES : PAGES))
			return (struct answer){ 2, 0, 0, 0 };
		entry = (tier ? cxl : hbm)[addr / 4096][va >> (12 + 9 * (level - 1)) & 511];
	}
}

static struct answer walk_with(struct mmu_cursor *cursor, uint64_t va)
{
	struct mmu_leaf leaf;
	enum mmu_result result = mmu_walk(cursor, va, &leaf);

	if (result != MMU_OK)
		return (struct answer){ result == MMU_UNMAPPED ? 1 : 2, 0, 0, 0 };
	assert_true(leaf.va <= va && va - leaf.va < leaf.bytes);
	return (struct answer){ 0, leaf.tier, leaf.addr + (va - leaf.va), leaf.access };
}

static struct answer walk(uint64_t root, uint64_t va)
{
	struct mmu_cursor cursor;

	mmu_cursor_init(&cursor, &toy_ops, root);
	return walk_with(&cursor, va);
}

static void assert_same(struct answer a, struct answer b)
{
	assert_int_equal(a.result, b.result);
	assert_int_equal(a.tier, b.tier);
	assert_int_equal(a.addr, b.addr);
	assert_int_equal(a.access, b.access);
}

static void toy_reset(void)
{
	memset(hbm, 0, sizeof(hbm));
	memset(cxl, 0, sizeof(cxl));
	leaf_limit = BIG;
	hbm[0][0] = TABLE(0x1000);
	hbm[1][0] = TABLE(0x2000);
	hbm[2][0] = TABLE(0x3000);
}

/* One entry at each level, all else right: what every single bit does. */
static void mmu_1_rows(void **state)
{
	static const struct { int level; uint64_t entry; int result; } rows[] = {
		{ 0, 0, 1 },
		{ 0, ~VALID, 1 },
		{ 0, VALID | LEAF, 0 },
		{ 0, VALID | LEAF | READ, 0 },
		{ 0, VALID | LEAF | WRITE | 0x5000, 0 },
		{ 0, VALID | LEAF | READ | TIER(1), 0 },
		{ 0, VALID | LEAF | READ | TIER(2) | 0xfffffffffff000, 0 },
		{ 0, VALID | LEAF | READ | TIER(3), 2 },
		{ 0, VALID | READ | WRITE, 2 },
		{ 0, VALID | LEAF | READ | 0xe00, 0 },
		{ 0, VALID | LEAF | READ | 0x40, 2 },
		{ 0, VALID | LEAF | READ | 0x80, 2 },
		{ 0, VALID | LEAF | READ | 0x100, 2 },
		{ 0, VALID | LEAF | READ | 1ULL << 56, 2 },
		{ 0, VALID | LEAF | READ | 1ULL << 63, 2 },
		{ 0, VALID | LEAF | READ | (BIG - 4096), 0 },
		{ 0, VALID | LEAF | READ | BIG, 2 },
		{ 1, VALID | LEAF | READ | WRITE | 0x200000, 0 },
		{ 1, VALID | LEAF | READ | WRITE | 0x201000, 2 },
		{ 1, VALID | LEAF | READ | (BIG - 0x200000), 0 },
		{ 1, VALID | LEAF | READ | BIG, 2 },
		{ 1, VALID | LEAF | READ | TIER(2) | 0x1000, 2 },
		{ 1, VALID | READ | WRITE | TIER(2) | 0x3000, 2 },
		{ 1, VALID | READ | 0x3000, 2 },
		{ 1, VALID | WRITE | 0x3000, 2 },
		{ 1, TABLE(0x1000ULL * PAGES), 2 },
		{ 1, TABLE(0x1000ULL * CXL_PAGES) | TIER(1), 2 },
		{ 2, VALID | LEAF | READ | WRITE, 2 },
		{ 3, VALID | LEAF | READ | WRITE, 2 },
		{ 3, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		toy_reset();
		hbm[3][0] = VALID | LEAF | READ;
		hbm[3 - rows[i].level][0] = rows[i].entry;
		if (walk(TABLE(0), 0x123).result != rows[i].result)
			fail_msg("row %zu", i);
		assert_same(walk(TABLE(0), 0x123), reference(TABLE(0), 0x123));
	}
}

static void mmu_2_root(void **state)
{
	(void)state;
	toy_reset();
	hbm[3][0] = VALID | LEAF | READ;
	assert_int_equal(walk(TABLE(0), 0).result, 0);
	assert_int_equal(walk(TABLE(0) | LEAF, 0).result, 2);
	assert_int_equal(walk(TABLE(0) | TIER(2), 0).result, 2);
	assert_int_equal(walk(TABLE(0) & ~WRITE, 0).result, 2);
	assert_int_equal(walk(TABLE(0x1000ULL * PAGES), 0).result, 2);
	assert_int_equal(walk(TABLE(0), 1ULL << 48).result, 1);
	assert_int_equal(walk(TABLE(0), ~0ULL).result, 1);
}

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Mostly right entries: page 0 is the root, then come tables of levels 2, 1 and 0. */
static uint64_t random_entry(int page)
{
	uint64_t r = random64(), n = r >> 20, entry = VALID | READ | WRITE;
	bool is_leaf = page >= 24 || (page >= 8 && r >> 8 & 1);

	if (is_leaf)
		entry |= LEAF | TIER(r >> 10 & 3) | (page < 24 ? n % 64 * 0x200000 :
						      n % (2 * PAGES) * 4096);
	else if (page < 1)
		entry |= (1 + n % 7) * 4096;
	else
		entry |= (page < 8 ? 8 + n % 16 : 24 + n % 40) * 4096 | TIER(!(r >> 12 & 3));
	if (!(r >> 14 & 3))
		entry &= ~(1ULL << (r >> 16 & 3));
	if (!(r >> 40 & 15))
		entry ^= 1ULL << (r >> 48 & 63);
	return entry;
}

static void mmu_3_fuzz(void **state)
{
	unsigned int seen[3] = { 0 };

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct mmu_cursor cursor;
		uint64_t root = TABLE(0), near = 0;

		leaf_limit = round % 2 ? BIG : 48 * 4096;
		for (int i = 0; i < PAGES * 512; i++)
			hbm[i / 512][i % 512] = random_entry(i / 512);
		for (int i = 0; i < CXL_PAGES * 512; i++)
			cxl[i / 512][i % 512] = random_entry(i / 512);
		mmu_cursor_init(&cursor, &toy_ops, root);
		for (int i = 0; i < 2000; i++) {
			/* Near the last one as often as far from it: the cursor has to notice. */
			uint64_t va = i % 4 ? near + (random64() & 0x7fffff) : random64() >> 15;
			struct answer want = reference(root, va);

			near = va;
			assert_same(walk_with(&cursor, va), want);
			assert_same(walk(root, va), want);
			seen[want.result]++;
		}
	}
	for (int i = 0; i < 3; i++)
		assert_true(seen[i] > 1000);
}

static void mmu_4_entries(void **state)
{
	const uint64_t good = VALID | READ | WRITE | LEAF | 0x5000;

	(void)state;
	assert_true(mmu_entry_is_ok(good));
	assert_true(mmu_entry_is_ok(good | TIER(2) | 0xe00));
	assert_false(mmu_entry_is_ok(good | TIER(3)));
	for (int bit = 0; bit < 4; bit++)
		assert_false(mmu_entry_is_ok(good & ~(1ULL << bit)));
	for (int bit = 6; bit < 9; bit++)
		assert_false(mmu_entry_is_ok(good | 1ULL << bit));
	for (int bit = 56; bit < 64; bit++)
		assert_false(mmu_entry_is_ok(good | 1ULL << bit));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "[MMU-2] [MMU-3] [MMU-4] bits of an entry at every level",
		  mmu_1_rows, NULL, NULL, NULL },
		{ "[MMU-3] roots and the end of the space", mmu_2_root, NULL, NULL, NULL },
		{ "[MMU-2] [MMU-3] [MMU-4] random tables against the reference",
		  mmu_3_fuzz, NULL, NULL, NULL },
		{ "[ADM-5] entries that name pages", mmu_4_entries, NULL, NULL, NULL },
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("mmu", tests, NULL, NULL);
}

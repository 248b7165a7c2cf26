// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of the driver against a plain map of pages: random changes, then every page is
 * looked up by walking the written pages as the card does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#include "../../driver/maru_pt.c"

#define POOL		4096
#define PAGES		(8 * 512)		/* 16 MiB under test */
#define BASE		((1ULL << 39) - 8 * (1ULL << 20))	/* over an edge of all levels */
#define BITS		(MARU_PTE_VALID | MARU_PTE_LEAF | MARU_PTE_READ)

static u64 memory[POOL][512];
static bool used[POOL];
static u64 model[PAGES];			/* entry that the card should find, 0: none */
static unsigned int live_tables;

static void write_page(void *priv, u64 table, unsigned int first, unsigned int count, u64 entry,
		       u64 step)
{
	u64 page = table / MARU_PAGE_BYTES;

	(void)priv;
	assert_true(page < POOL && used[page] && first + count <= 512);
	for (unsigned int i = first; i < first + count; i++, entry += step)
		memory[page][i] = entry;
}

static void order(void *priv)
{
	(void)priv;
}

static const struct maru_pt_ops ops = { .write = write_page, .order = order };

static struct maru_pt_table *take(bool leaf)
{
	size_t words = leaf ? MARU_PT_LEAF_WORDS : MARU_PT_ENTRIES;
	struct maru_pt_table *table = calloc(1, sizeof(*table) + words * sizeof(u64));
	u64 page = 0;

	while (used[page])
		page++;
	assert_true(page < POOL);
	used[page] = true;
	memset(memory[page], 0, sizeof(memory[page]));
	table->address = page * MARU_PAGE_BYTES;
	live_tables++;
	return table;
}

static void give(struct maru_pt_table **list)
{
	while (*list) {
		struct maru_pt_table *table = *list;

		*list = table->next;
		used[table->address / MARU_PAGE_BYTES] = false;
		free(table);
		live_tables--;
	}
}

static void fill(struct maru_pt_stash *stash, const struct maru_pt_need *need)
{
	for (u64 i = 0; i < need->leaves + need->dirs; i++) {
		bool leaf = i < need->leaves;
		struct maru_pt_table **list = leaf ? &stash->leaves : &stash->dirs;
		struct maru_pt_table *table = take(leaf);

		table->next = *list;
		*list = table;
	}
}

static void give_all(struct maru_pt_stash *stash)
{
	give(&stash->leaves);
	give(&stash->dirs);
	give(&stash->freed);
}

/* As the card: the leaf entry with the address of the page of @va, 0 when there is none. */
static u64 walk(const struct maru_pt *pt, u64 va)
{
	u64 page = pt->root->address / MARU_PAGE_BYTES;

	for (int level = 3; level >= 0; level--) {
		u64 entry = memory[page][(va >> (12 + 9 * level)) & 511];

		if (!(entry & MARU_PTE_VALID))
			return 0;
		assert_int_equal(entry & MARU_PTE_MBZ_MASK, 0);
		if (entry & MARU_PTE_LEAF) {
			u64 inside = va & ((1ULL << (12 + 9 * level)) - 1) & MARU_PTE_ADDR_MASK;

			assert_true(level <= 1);
			return entry + inside;
		}
		assert_int_equal(entry & MARU_PTE_TIER_MASK, 0);
		page = (entry & MARU_PTE_ADDR_MASK) / MARU_PAGE_BYTES;
		assert_true(used[page]);
	}
	return 0;
}

static void check(const struct maru_pt *pt)
{
	for (u64 i = 0; i < PAGES; i++)
		assert_int_equal(walk(pt, BASE + i * MARU_PAGE_BYTES), model[i]);
}

/* What was valid and changed must lie inside of what is flushed. */
static void check_flush(const u64 *before, const struct maru_pt_flush *flush)
{
	for (u64 i = 0; i < PAGES; i++) {
		u64 va = BASE + i * MARU_PAGE_BYTES;

		if (before[i] && before[i] != model[i])
			assert_true(va >= flush->start && va < flush->end);
	}
}

static void change(struct maru_pt *pt, u64 first, u64 count, bool map, u64 address)
{
	static u64 before[PAGES];
	u64 va = BASE + first * MARU_PAGE_BYTES, bytes = count * MARU_PAGE_BYTES;
	struct maru_pt_run runs[2] = {
		{ address, count / 2 * MARU_PAGE_BYTES },
		{ address + (1ULL << 32), (count - count / 2) * MARU_PAGE_BYTES },
	};
	struct maru_pt_stash stash = { 0 };
	struct maru_pt_flush flush = { 0 };
	struct maru_pt_need need = { 0 };

	memcpy(before, model, sizeof(before));
	if (map)
		maru_pt_need_map(&need, va, bytes);
	else
		maru_pt_need_unmap(&need, va, bytes);
	fill(&stash, &need);
	if (map)
		assert_true(maru_pt_map(pt, &stash, &flush, va, runs, 2, BITS));
	else
		assert_true(maru_pt_unmap(pt, &stash, &flush, va, bytes));
	for (u64 i = 0; i < count; i++) {
		u64 half = i >= count / 2;
		u64 at = runs[half].address + (i - half * (count / 2)) * MARU_PAGE_BYTES;

		model[first + i] = map ? at | BITS : 0;
	}
	check_flush(before, &flush);
	give_all(&stash);
}

static void start(struct maru_pt *pt)
{
	memset(model, 0, sizeof(model));
	*pt = (struct maru_pt){ .ops = &ops, .root = take(false) };
	pt->root->level = 3;
}

static void finish(struct maru_pt *pt)
{
	struct maru_pt_stash stash = { 0 };

	maru_pt_release(pt, &stash);
	give_all(&stash);
	assert_int_equal(live_tables, 0);
}

static void test_random(void **state)
{
	struct maru_pt pt;

	(void)state;
	start(&pt);
	srand(1);
	for (int round = 0; round < 400; round++) {
		u64 first = rand() % PAGES, count = 1 + rand() % (PAGES - first);
		u64 address = (u64)(rand() % 4096) << 21;

		if (rand() % 3 == 0) {
			first &= ~511ULL;
			count = 1024;
			if (first + count > PAGES)
				first = PAGES - count;
		} else if (rand() % 2) {
			count = 1 + count % 40;
			address += (u64)(rand() % 512) << 12;
		}
		if (first + count > PAGES)
			count = PAGES - first;
		change(&pt, first, count, rand() % 5 < 3, address);
		check(&pt);
	}
	finish(&pt);
}

static void test_empty_tree_gives_tables_back(void **state)
{
	struct maru_pt pt;

	(void)state;
	start(&pt);
	change(&pt, 0, PAGES, true, 0);
	change(&pt, 100, 300, true, 1 << 12);
	change(&pt, 0, PAGES, false, 0);
	check(&pt);
	assert_int_equal(live_tables, 1);
	finish(&pt);
}

static void test_blocks(void **state)
{
	struct maru_pt pt;

	(void)state;
	start(&pt);
	change(&pt, 0, 1024, true, 0);
	/* root, two directories a side of the edge are not needed: one side only, no leaf table */
	assert_int_equal(live_tables, 3);
	change(&pt, 5, 1, false, 0);
	assert_int_equal(live_tables, 4);
	check(&pt);
	change(&pt, 0, 512, false, 0);
	assert_int_equal(live_tables, 3);
	finish(&pt);
}

static void test_small_stash(void **state)
{
	struct maru_pt_stash stash = { 0 };
	struct maru_pt_flush flush = { 0 };
	struct maru_pt_run run = { 0, MARU_PAGE_BYTES };
	struct maru_pt pt;

	(void)state;
	start(&pt);
	assert_false(maru_pt_map(&pt, &stash, &flush, BASE, &run, 1, BITS));
	check(&pt);
	finish(&pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_empty_tree_gives_tables_back),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_small_stash),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

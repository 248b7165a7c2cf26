// SPDX-License-Identifier: MIT
/*
 * Page tables, in HBM, written through the mapped BAR. An entry that was never valid needs no
 * INVALIDATE; one that was is cleared first, and nothing of it is used again before the card
 * has answered.
 */
#include <errno.h>

#include "direct.h"

#define SHIFT(level)		(MARU_PAGE_SHIFT + 9 * (level))
#define INDEX(va, level)	((va) >> SHIFT(level) & (MARU_PT_ENTRIES - 1))

static uint64_t *table_at(struct direct *direct, uint64_t entry)
{
	return (uint64_t *)(direct->heaps[MARU_TIER_HBM].base + (entry & MARU_PTE_ADDR_MASK));
}

static int table_create(struct direct *direct, uint64_t *address)
{
	return heap_alloc(&direct->heaps[MARU_TIER_HBM], MARU_PAGE_BYTES, address);
}

static void entry_store(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

int pt_init(struct direct *direct)
{
	return table_create(direct, &direct->root);
}

/* The entry of @va at a level; its tables made when missing, or NULL with @is_made false. */
static uint64_t *pt_find(struct direct *direct, uint64_t va, unsigned int level, bool is_made)
{
	uint64_t *table = table_at(direct, direct->root), *entry, address;

	for (unsigned int at = MARU_PT_LEVELS - 1; at > level; at--) {
		entry = &table[INDEX(va, at)];
		if (!*entry) {
			if (!is_made || table_create(direct, &address))
				return NULL;
			entry_store(entry, MARU_ENTRY(MARU_TIER_HBM, address) & ~MARU_PTE_LEAF);
		}
		table = table_at(direct, *entry);
	}
	return &table[INDEX(va, level)];
}

int pt_map(struct direct *direct, uint64_t va, unsigned int tier, uint64_t address,
	   uint64_t bytes)
{
	uint64_t start = va, step, *entry;
	bool is_block;

	for (; bytes; va += step, address += step, bytes -= step) {
		is_block = !((va | address) % MARU_BLOCK_BYTES) && bytes >= MARU_BLOCK_BYTES;
		step = is_block ? MARU_BLOCK_BYTES : MARU_PAGE_BYTES;
		entry = pt_find(direct, va, is_block, true);
		if (!entry) {
			if (va > start)
				pt_unmap(direct, start, va - start);
			return -ENOMEM;
		}
		entry_store(entry, MARU_ENTRY(tier, address));
	}
	return 0;
}

static bool table_is_empty(const uint64_t *table)
{
	for (unsigned int i = 0; i < MARU_PT_ENTRIES; i++) {
		if (table[i])
			return false;
	}
	return true;
}

/* Clears one 2 MiB step. Return: a table that became empty and is out of the tree, or 0. */
static uint64_t pt_clear(struct direct *direct, uint64_t va, uint64_t end)
{
	uint64_t *parent = pt_find(direct, va, 1, false), *table, out;

	if (!parent || !*parent)
		return 0;
	if (*parent & MARU_PTE_LEAF) {
		entry_store(parent, 0);
		return 0;
	}
	table = table_at(direct, *parent);
	for (; va < end; va += MARU_PAGE_BYTES)
		entry_store(&table[INDEX(va, 0)], 0);
	if (!table_is_empty(table))
		return 0;
	out = *parent & MARU_PTE_ADDR_MASK;
	entry_store(parent, 0);
	return out;
}

/* Tables that went are chained by their first entry; an address alone is no valid entry. */
void pt_unmap(struct direct *direct, uint64_t va, uint64_t bytes)
{
	uint64_t start = va & ~(uint64_t)(MARU_BLOCK_BYTES - 1), end = va + bytes, next, table;
	struct maru_admin_sqe sqe = { .op = MARU_ADMIN_INVALIDATE };
	uint64_t gone = 0;

	for (; va < end; va = next) {
		next = (va | (MARU_BLOCK_BYTES - 1)) + 1;
		if (next > end)
			next = end;
		table = pt_clear(direct, va, next);
		if (table) {
			*table_at(direct, table) = gone;
			gone = table;
		}
	}
	end = (end + MARU_BLOCK_BYTES - 1) & ~(uint64_t)(MARU_BLOCK_BYTES - 1);
	sqe.invalidate.vm = DIRECT_VM;
	sqe.invalidate.va = start;
	sqe.invalidate.bytes = end - start;
	direct_admin(direct, &sqe, NULL);	/* or the core is dead, and so is what it knew */
	while (gone) {
		table = gone;
		gone = *table_at(direct, table);
		heap_free(&direct->heaps[MARU_TIER_HBM], table, MARU_PAGE_BYTES);
	}
}

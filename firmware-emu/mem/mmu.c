// SPDX-License-Identifier: MIT
#include <string.h>

#include "firmware-emu/mem/mmu.h"

#define PTE_RW		((uint64_t)(MARU_PTE_READ | MARU_PTE_WRITE))

static unsigned int pte_tier(uint64_t entry)
{
	return (entry & MARU_PTE_TIER_MASK) >> MARU_PTE_TIER_SHIFT;
}

static unsigned int level_shift(unsigned int level)
{
	return MARU_PAGE_SHIFT + 9 * level;
}

bool mmu_table_is_ok(uint64_t entry)
{
	return (entry & MARU_PTE_VALID) && !(entry & (MARU_PTE_MBZ_MASK | MARU_PTE_LEAF)) &&
	       (entry & PTE_RW) == PTE_RW && pte_tier(entry) < MARU_TIER_HOST;
}

bool mmu_entry_is_ok(uint64_t entry)
{
	const uint64_t all = MARU_PTE_VALID | MARU_PTE_LEAF | PTE_RW;

	return (entry & all) == all && !(entry & MARU_PTE_MBZ_MASK) &&
	       pte_tier(entry) < MARU_TIER_COUNT;
}

void mmu_cursor_init(struct mmu_cursor *cursor, const struct mmu_ops *ops, uint64_t root)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->ops = ops;
	cursor->root = root;
}

static enum mmu_result mmu_leaf_fill(const struct mmu_cursor *cursor, uint64_t entry,
				     unsigned int level, uint64_t va, struct mmu_leaf *leaf)
{
	leaf->bytes = 1ULL << level_shift(level);
	leaf->va = va & ~(leaf->bytes - 1);
	leaf->addr = entry & MARU_PTE_ADDR_MASK;
	leaf->tier = pte_tier(entry);
	leaf->access = (entry & MARU_PTE_READ ? MMU_READ : 0) |
		       (entry & MARU_PTE_WRITE ? MMU_WRITE : 0);
	if (level > 1 || (leaf->addr & (leaf->bytes - 1)))
		return MMU_BAD_PTE;
	if (leaf->tier != MARU_TIER_HOST &&
	    !cursor->ops->has(cursor->ops->ctx, leaf->tier, leaf->addr, leaf->bytes))
		return MMU_BAD_PTE;
	return MMU_OK;
}

static const volatile uint64_t *mmu_table(const struct mmu_cursor *cursor, uint64_t entry)
{
	if (!mmu_table_is_ok(entry))
		return NULL;
	return cursor->ops->table(cursor->ops->ctx, pte_tier(entry), entry & MARU_PTE_ADDR_MASK);
}

/* The lowest level whose table also serves @va; the root's when none is known. */
static unsigned int mmu_start_level(const struct mmu_cursor *cursor, uint64_t va)
{
	unsigned int level;

	for (level = 0; level < MARU_PT_LEVELS - 1; level++) {
		if (cursor->tables[level] &&
		    (va ^ cursor->va) >> level_shift(level + 1) == 0)
			break;
	}
	return level;
}

enum mmu_result mmu_walk(struct mmu_cursor *cursor, uint64_t va, struct mmu_leaf *leaf)
{
	unsigned int level;

	if (va >> MARU_VA_BITS)
		return MMU_UNMAPPED;
	level = mmu_start_level(cursor, va);
	for (unsigned int below = 0; below < level; below++)
		cursor->tables[below] = NULL;
	cursor->va = va;
	if (level == MARU_PT_LEVELS - 1 && !cursor->tables[level]) {
		cursor->tables[level] = mmu_table(cursor, cursor->root);
		if (!cursor->tables[level])
			return MMU_BAD_PTE;
	}
	for (;; level--) {
		uint64_t entry = cursor->tables[level][va >> level_shift(level) & 511];

		if (!(entry & MARU_PTE_VALID))
			return MMU_UNMAPPED;
		if ((entry & MARU_PTE_MBZ_MASK) || pte_tier(entry) >= MARU_TIER_COUNT)
			return MMU_BAD_PTE;
		if (entry & MARU_PTE_LEAF)
			return mmu_leaf_fill(cursor, entry, level, va, leaf);
		if (!level)
			return MMU_BAD_PTE;
		cursor->tables[level - 1] = mmu_table(cursor, entry);
		if (!cursor->tables[level - 1])
			return MMU_BAD_PTE;
	}
}

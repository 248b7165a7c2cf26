/* SPDX-License-Identifier: MIT */
/* The page walk, pure given the pages of its tables. */
#ifndef MARU_MMU_H
#define MARU_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "driver/maru_hw.h"

struct mmu_ops {
	/* The 512 entries of a table; NULL: not inside the tier. Never asked for the host. */
	const volatile uint64_t *(*table)(void *ctx, unsigned int tier, uint64_t addr);
	/* Whether a leaf of the card's own tiers lies inside its tier. */
	bool (*has)(void *ctx, unsigned int tier, uint64_t addr, uint64_t bytes);
	void *ctx;
};

#define MMU_READ	0x1
#define MMU_WRITE	0x2

struct mmu_leaf {
	uint64_t va;		/* first address under the leaf */
	uint64_t bytes;
	uint64_t addr;		/* inside the tier, of va */
	unsigned int tier;
	unsigned int access;	/* MMU_READ, MMU_WRITE */
};

/* Tables of the last walk: the next one starts as deep as it may. One resolve long. */
struct mmu_cursor {
	const struct mmu_ops *ops;
	uint64_t root;
	uint64_t va;
	const volatile uint64_t *tables[MARU_PT_LEVELS];
};

enum mmu_result {
	MMU_OK = 0,
	MMU_UNMAPPED,
	MMU_BAD_PTE,
};

/** mmu_table_is_ok() - Tell whether a valid entry may point to a table. */
bool mmu_table_is_ok(uint64_t entry);

/** mmu_entry_is_ok() - Tell whether an entry may name a page of an admin buffer or ring. */
bool mmu_entry_is_ok(uint64_t entry);

/** mmu_cursor_init() - Start walks below @root, an entry that mmu_table_is_ok(). */
void mmu_cursor_init(struct mmu_cursor *cursor, const struct mmu_ops *ops, uint64_t root);

/** mmu_walk() - Find the leaf that maps @va. Return: @leaf is filled with MMU_OK only. */
enum mmu_result mmu_walk(struct mmu_cursor *cursor, uint64_t va, struct mmu_leaf *leaf);

#endif

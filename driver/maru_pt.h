/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables of a VM: what the card walks, and a shadow of it in memory. Pure: it touches
 * pages through struct maru_pt_ops only, takes tables from a stash that was filled before, and
 * calls nothing of the kernel, so it also compiles in user space.
 */
#ifndef MARU_PT_H
#define MARU_PT_H

#include <linux/types.h>

#include "maru_hw.h"

/**
 * struct maru_pt_table - One table.
 * @address: of its page in HBM.
 * @next: in a list of a stash.
 * @owner: free for the pool that made it.
 * @live: entries in use.
 * @level: 0 … 3.
 * @dirty: its page may hold entries.
 * @slots: level 0: a bit per valid entry; above: 0, a leaf entry, or a pointer to the table
 *	below. A leaf has MARU_PTE_VALID, a pointer never.
 */
struct maru_pt_table {
	u64 address;
	struct maru_pt_table *next;
	void *owner;
	u16 live;
	u8 level;
	bool dirty;
	u64 slots[];
};

#define MARU_PT_LEAF_WORDS	(MARU_PT_ENTRIES / 64)

/** struct maru_pt_stash - Tables for a change: taken before it, and what it took out. */
struct maru_pt_stash {
	/** @leaves: for level 0. @dirs: for levels 1 and 2. */
	struct maru_pt_table *leaves;
	struct maru_pt_table *dirs;
	/** @freed: out of the tree; the card may look at them until the next invalidation. */
	struct maru_pt_table *freed;
};

/** struct maru_pt_flush - Range in which entries were valid and are other ones now. */
struct maru_pt_flush {
	u64 start;
	u64 end;			/* ≤ start: nothing to invalidate */
};

/** struct maru_pt_run - Contiguous piece of memory inside a tier. */
struct maru_pt_run {
	u64 address;
	u64 bytes;
};

/** struct maru_pt_ops - How pages are reached. */
struct maru_pt_ops {
	/** @write: entries @first … of the table at @table become @entry, @entry + @step, … */
	void (*write)(void *priv, u64 table, unsigned int first, unsigned int count,
		      u64 entry, u64 step);
	/** @order: what was written before is seen before what is written after. */
	void (*order)(void *priv);
};

/** struct maru_pt - The tree of a VM. Changes are serialised by the caller. */
struct maru_pt {
	const struct maru_pt_ops *ops;
	void *priv;
	struct maru_pt_table *root;
};

/** struct maru_pt_need - Tables that a change needs at most, whatever the tree looks like. */
struct maru_pt_need {
	u64 leaves;
	u64 dirs;
};

void maru_pt_need_map(struct maru_pt_need *need, u64 va, u64 bytes);
void maru_pt_need_unmap(struct maru_pt_need *need, u64 va, u64 bytes);
bool maru_pt_map(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		 u64 va, const struct maru_pt_run *runs, size_t count, u64 bits);
bool maru_pt_unmap(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		   u64 va, u64 bytes);
void maru_pt_release(struct maru_pt *pt, struct maru_pt_stash *stash);

#endif

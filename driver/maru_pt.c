// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page tables of a VM. A change never leaves the card without an entry it may be using: a
 * block that is cut gets its 512 small entries first and is replaced by one store after.
 */
#include "maru_pt.h"

#define PT_SHIFT(level)		(MARU_PAGE_SHIFT + 9 * (level))
#define PT_SPAN(level)		(1ULL << PT_SHIFT(level))
#define PT_INDEX(va, level)	(((va) >> PT_SHIFT(level)) & (MARU_PT_ENTRIES - 1))
#define PT_DIR_BITS		(MARU_PTE_VALID | MARU_PTE_READ | MARU_PTE_WRITE)

static bool pt_slot_is_leaf(u64 slot)
{
	return slot & MARU_PTE_VALID;
}

static struct maru_pt_table *pt_slot_table(u64 slot)
{
	return (struct maru_pt_table *)(unsigned long)slot;
}

static u64 pt_table_slot(struct maru_pt_table *table)
{
	return (u64)(unsigned long)table;
}

static void pt_write(struct maru_pt *pt, struct maru_pt_table *table, unsigned int first,
		     unsigned int count, u64 entry, u64 step)
{
	table->dirty = true;
	pt->ops->write(pt->priv, table->address, first, count, entry, step);
}

static void pt_flush_add(struct maru_pt_flush *flush, u64 start, u64 end)
{
	if (flush->end <= flush->start) {
		flush->start = start;
		flush->end = end;
		return;
	}
	if (start < flush->start)
		flush->start = start;
	if (end > flush->end)
		flush->end = end;
}

static struct maru_pt_table *pt_take(struct maru_pt_stash *stash, unsigned int level)
{
	struct maru_pt_table **list = level ? &stash->dirs : &stash->leaves;
	struct maru_pt_table *table = *list;

	if (!table)
		return NULL;
	*list = table->next;
	table->next = NULL;
	table->level = level;
	table->live = 0;
	return table;
}

/* Put a table, and all below it, among the freed ones. */
static void pt_free_tree(struct maru_pt_table *table, struct maru_pt_stash *stash)
{
	unsigned int i;

	for (i = 0; table->level && i < MARU_PT_ENTRIES; i++) {
		u64 slot = table->slots[i];

		table->slots[i] = 0;
		if (slot && !pt_slot_is_leaf(slot))
			pt_free_tree(pt_slot_table(slot), stash);
	}
	for (i = 0; !table->level && i < MARU_PT_LEAF_WORDS; i++)
		table->slots[i] = 0;
	table->live = 0;
	table->next = stash->freed;
	stash->freed = table;
}

static void pt_link(struct maru_pt *pt, struct maru_pt_table *parent, unsigned int index,
		    struct maru_pt_table *child)
{
	pt->ops->order(pt->priv);
	pt_write(pt, parent, index, 1,
		 PT_DIR_BITS | (u64)MARU_TIER_HBM << MARU_PTE_TIER_SHIFT | child->address, 0);
	if (!parent->slots[index])
		parent->live++;
	parent->slots[index] = pt_table_slot(child);
}

/* A block becomes a table of small pages that say the same. */
static struct maru_pt_table *pt_split(struct maru_pt *pt, struct maru_pt_stash *stash,
				      struct maru_pt_flush *flush, struct maru_pt_table *parent,
				      u64 va)
{
	unsigned int index = PT_INDEX(va, 1), i;
	struct maru_pt_table *child = pt_take(stash, 0);

	if (!child)
		return NULL;
	pt_write(pt, child, 0, MARU_PT_ENTRIES, parent->slots[index], MARU_PAGE_BYTES);
	for (i = 0; i < MARU_PT_LEAF_WORDS; i++)
		child->slots[i] = ~0ULL;
	child->live = MARU_PT_ENTRIES;
	pt_link(pt, parent, index, child);
	va &= ~(PT_SPAN(1) - 1);
	pt_flush_add(flush, va, va + PT_SPAN(1));
	return child;
}

/* The table of @level that @va falls into; made when there is none. */
static struct maru_pt_table *pt_descend(struct maru_pt *pt, struct maru_pt_stash *stash,
					struct maru_pt_flush *flush, u64 va, unsigned int level)
{
	struct maru_pt_table *table = pt->root;

	while (table && table->level > level) {
		unsigned int index = PT_INDEX(va, table->level);
		struct maru_pt_table *child;
		u64 slot = table->slots[index];

		if (slot && pt_slot_is_leaf(slot)) {
			child = pt_split(pt, stash, flush, table, va);
		} else if (slot) {
			child = pt_slot_table(slot);
		} else {
			child = pt_take(stash, table->level - 1);
			if (child)
				pt_link(pt, table, index, child);
		}
		table = child;
	}
	return table;
}

/* Mark @count entries of a level 0 table valid or not; how many of them were valid. */
static unsigned int pt_mark(struct maru_pt_table *table, unsigned int first, unsigned int count,
			    bool valid)
{
	unsigned int i, were = 0;

	for (i = first; i < first + count; i++) {
		u64 bit = 1ULL << (i % 64);
		u64 *word = &table->slots[i / 64];

		if (*word & bit)
			were++;
		if (valid)
			*word |= bit;
		else
			*word &= ~bit;
	}
	table->live -= were;
	if (valid)
		table->live += count;
	return were;
}

static bool pt_map_pages(struct maru_pt *pt, struct maru_pt_stash *stash,
			 struct maru_pt_flush *flush, u64 va, u64 address, unsigned int count,
			 u64 bits)
{
	struct maru_pt_table *table = pt_descend(pt, stash, flush, va, 0);
	unsigned int first = PT_INDEX(va, 0);

	if (!table)
		return false;
	pt_write(pt, table, first, count, address | bits, MARU_PAGE_BYTES);
	if (pt_mark(table, first, count, true))
		pt_flush_add(flush, va, va + (u64)count * MARU_PAGE_BYTES);
	return true;
}

static bool pt_map_block(struct maru_pt *pt, struct maru_pt_stash *stash,
			 struct maru_pt_flush *flush, u64 va, u64 address, u64 bits)
{
	struct maru_pt_table *table = pt_descend(pt, stash, flush, va, 1);
	unsigned int index = PT_INDEX(va, 1);
	u64 old;

	if (!table)
		return false;
	old = table->slots[index];
	pt_write(pt, table, index, 1, address | bits, 0);
	table->slots[index] = address | bits;
	if (!old) {
		table->live++;
		return true;
	}
	pt_flush_add(flush, va, va + PT_SPAN(1));
	if (!pt_slot_is_leaf(old))
		pt_free_tree(pt_slot_table(old), stash);
	return true;
}

/**
 * maru_pt_need_map() - Add up what mapping a range may take.
 * @need: counts, added to.
 * @va: first address.
 * @bytes: of the range.
 */
void maru_pt_need_map(struct maru_pt_need *need, u64 va, u64 bytes)
{
	u64 last = va + bytes - 1;
	unsigned int level;

	need->leaves += (last >> PT_SHIFT(1)) - (va >> PT_SHIFT(1)) + 1;
	for (level = 2; level < MARU_PT_LEVELS; level++)
		need->dirs += (last >> PT_SHIFT(level)) - (va >> PT_SHIFT(level)) + 1;
}

/**
 * maru_pt_need_unmap() - Add up what unmapping a range may take: blocks cut at its ends.
 * @need: counts, added to.
 * @va: first address.
 * @bytes: of the range.
 */
void maru_pt_need_unmap(struct maru_pt_need *need, u64 va, u64 bytes)
{
	if (va & (PT_SPAN(1) - 1))
		need->leaves++;
	if ((va + bytes) & (PT_SPAN(1) - 1))
		need->leaves++;
}

/**
 * maru_pt_map() - Map memory, over whatever was there.
 * @pt: tree.
 * @stash: holds at least what maru_pt_need_map() said.
 * @flush: grows by what the card must forget.
 * @va: first address, 4 KiB aligned.
 * @runs: the memory in order, multiples of 4 KiB.
 * @count: of @runs.
 * @bits: of a leaf entry without address.
 *
 * Return: false when the stash was too small; what was mapped until then stays.
 */
bool maru_pt_map(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		 u64 va, const struct maru_pt_run *runs, size_t count, u64 bits)
{
	size_t i;

	for (i = 0; i < count; i++) {
		u64 address = runs[i].address;
		u64 left = runs[i].bytes;

		while (left) {
			u64 bytes = PT_SPAN(1) - (va & (PT_SPAN(1) - 1));
			bool ok;

			if (bytes > left)
				bytes = left;
			if (bytes == PT_SPAN(1) && !(address & (PT_SPAN(1) - 1)))
				ok = pt_map_block(pt, stash, flush, va, address, bits);
			else
				ok = pt_map_pages(pt, stash, flush, va, address,
						  bytes >> MARU_PAGE_SHIFT, bits);
			if (!ok)
				return false;
			va += bytes;
			address += bytes;
			left -= bytes;
		}
	}
	return true;
}

static bool pt_clear(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		     struct maru_pt_table *table, u64 va, u64 end);

/* One slot of a directory, of which [va, end) goes. */
static bool pt_clear_slot(struct maru_pt *pt, struct maru_pt_stash *stash,
			  struct maru_pt_flush *flush, struct maru_pt_table *table, u64 va,
			  u64 end)
{
	unsigned int index = PT_INDEX(va, table->level);
	bool whole = end - va == PT_SPAN(table->level);
	u64 slot = table->slots[index];
	struct maru_pt_table *child;

	if (!slot)
		return true;
	if (!whole) {
		child = pt_slot_is_leaf(slot) ? pt_split(pt, stash, flush, table, va) :
						pt_slot_table(slot);
		if (!child || !pt_clear(pt, stash, flush, child, va, end))
			return false;
		if (child->live)
			return true;
		slot = pt_table_slot(child);
	}
	pt_write(pt, table, index, 1, 0, 0);
	table->slots[index] = 0;
	table->live--;
	va &= ~(PT_SPAN(table->level) - 1);
	pt_flush_add(flush, va, va + PT_SPAN(table->level));
	if (!pt_slot_is_leaf(slot))
		pt_free_tree(pt_slot_table(slot), stash);
	return true;
}

static bool pt_clear(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		     struct maru_pt_table *table, u64 va, u64 end)
{
	if (!table->level) {
		unsigned int count = (end - va) >> MARU_PAGE_SHIFT;
		unsigned int first = PT_INDEX(va, 0);

		if (pt_mark(table, first, count, false)) {
			pt_write(pt, table, first, count, 0, 0);
			pt_flush_add(flush, va, end);
		}
		return true;
	}
	while (va < end) {
		u64 next = (va | (PT_SPAN(table->level) - 1)) + 1;

		if (next > end)
			next = end;
		if (!pt_clear_slot(pt, stash, flush, table, va, next))
			return false;
		va = next;
	}
	return true;
}

/**
 * maru_pt_unmap() - Unmap a range; holes in it are no error.
 * @pt: tree.
 * @stash: holds at least what maru_pt_need_unmap() said.
 * @flush: grows by what the card must forget.
 * @va: first address, 4 KiB aligned.
 * @bytes: multiple of 4 KiB.
 *
 * Return: false when the stash was too small.
 */
bool maru_pt_unmap(struct maru_pt *pt, struct maru_pt_stash *stash, struct maru_pt_flush *flush,
		   u64 va, u64 bytes)
{
	return pt_clear(pt, stash, flush, pt->root, va, va + bytes);
}

/**
 * maru_pt_release() - Take the whole tree apart, root included, without touching its pages.
 * @pt: tree that no card walks any more.
 * @stash: all tables come to @stash->freed.
 */
void maru_pt_release(struct maru_pt *pt, struct maru_pt_stash *stash)
{
	if (pt->root)
		pt_free_tree(pt->root, stash);
	pt->root = NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages for page tables: cut from pinned pieces of HBM, per VM, and always zero when they are
 * given out.
 */
#include <drm/drm_drv.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "maru_bo.h"
#include "maru_file.h"
#include "maru_table.h"
#include "maru_vram.h"

#define TABLE_CHUNK_SMALL	16
#define TABLE_CHUNK_LARGE	64

/** struct table_chunk - A piece of HBM. */
struct table_chunk {
	struct list_head link;			/* in @open of the pool while a page is free */
	struct maru_bo *bo;
	u64 address;
	u64 free;				/* a bit per page */
	unsigned int pages;
};

/** struct maru_table_pool - Of a VM. */
struct maru_table_pool {
	struct maru_device *mdev;
	/** @file: is charged for it. It lives longer than the VM's tables. */
	struct maru_file *file;
	/** @lock: all below. Under vm->lock or a dma_resv; no dma_resv is taken under it. */
	struct mutex lock;
	struct list_head open;
	struct list_head full;
};

static u64 chunk_all(const struct table_chunk *chunk)
{
	return chunk->pages == 64 ? ~0ULL : (1ULL << chunk->pages) - 1;
}

/* Stores to HBM that nobody else may see half of. */
static void table_zero(struct maru_device *mdev, u64 address, u64 bytes)
{
	int idx;

	if (!drm_dev_enter(&mdev->drm, &idx))
		return;
	down_read(&mdev->memory_sem);
	memset_io(mdev->hbm + address, 0, bytes);
	up_read(&mdev->memory_sem);
	drm_dev_exit(idx);
}

static void table_write(void *priv, u64 table, unsigned int first, unsigned int count, u64 entry,
			u64 step)
{
	struct maru_device *mdev = priv;
	u64 __iomem *at = mdev->hbm + table;
	unsigned int i;

	lockdep_assert_held(&mdev->memory_sem);
	for (i = first; i < first + count; i++) {
		writeq(entry, at + i);
		entry += step;
	}
}

static void table_order(void *priv)
{
	/* entries of a table before the entry that points to it; the card only reads */
	wmb();
}

/** maru_table_ops - Page tables of a device, for maru_pt.c. Under memory_sem. */
const struct maru_pt_ops maru_table_ops = {
	.write = table_write,
	.order = table_order,
};

static struct table_chunk *chunk_create(struct maru_table_pool *pool, unsigned int pages,
					bool force)
{
	struct table_chunk *chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
	int ret;

	if (!chunk)
		return ERR_PTR(-ENOMEM);
	ret = maru_file_charge(pool->file, pages * MARU_PAGE_BYTES, force);
	if (ret)
		goto err_free;
	chunk->bo = maru_bo_create_pinned_kernel(pool->mdev, pages * MARU_PAGE_BYTES,
						 &chunk->address);
	if (IS_ERR(chunk->bo)) {
		ret = PTR_ERR(chunk->bo);
		goto err_uncharge;
	}
	chunk->pages = pages;
	chunk->free = chunk_all(chunk);
	table_zero(pool->mdev, chunk->address, pages * MARU_PAGE_BYTES);
	return chunk;

err_uncharge:
	maru_file_uncharge(pool->file, pages * MARU_PAGE_BYTES);
err_free:
	kfree(chunk);
	return ERR_PTR(ret);
}

static void chunk_destroy(struct maru_table_pool *pool, struct table_chunk *chunk, bool zero)
{
	maru_file_uncharge(pool->file, chunk->pages * MARU_PAGE_BYTES);
	maru_vram_set_zero(chunk->bo->ttm.resource, zero);
	maru_bo_destroy_pinned_kernel(chunk->bo);
	kfree(chunk);
}

/*
 * A chunk with a free page, pool->lock held; @wanted pages will be asked for. BOs are made and
 * destroyed without that lock, as they lock dma_resvs, and it is taken while some are held.
 */
static struct table_chunk *pool_chunk(struct maru_table_pool *pool, u64 wanted, bool force)
	__must_hold(&pool->lock)
{
	struct table_chunk *chunk;

	if (!list_empty(&pool->open))
		return list_first_entry(&pool->open, struct table_chunk, link);
	mutex_unlock(&pool->lock);
	chunk = ERR_PTR(-ENOMEM);
	if (wanted > TABLE_CHUNK_SMALL)
		chunk = chunk_create(pool, TABLE_CHUNK_LARGE, force);
	if (IS_ERR(chunk))
		chunk = chunk_create(pool, TABLE_CHUNK_SMALL, force);
	mutex_lock(&pool->lock);
	if (!IS_ERR(chunk))
		list_add(&chunk->link, &pool->open);
	return chunk;
}

static struct maru_pt_table *pool_take(struct maru_table_pool *pool, bool leaf, u64 wanted,
				       bool force)
{
	size_t words = leaf ? MARU_PT_LEAF_WORDS : MARU_PT_ENTRIES;
	struct maru_pt_table *table;
	struct table_chunk *chunk;
	unsigned int page;

	table = kzalloc(struct_size(table, slots, words), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&pool->lock);
	chunk = pool_chunk(pool, wanted, force);
	if (IS_ERR(chunk)) {
		mutex_unlock(&pool->lock);
		kfree(table);
		return ERR_CAST(chunk);
	}
	page = __ffs64(chunk->free);
	chunk->free &= ~(1ULL << page);
	if (!chunk->free)
		list_move(&chunk->link, &pool->full);
	mutex_unlock(&pool->lock);
	table->address = chunk->address + (u64)page * MARU_PAGE_BYTES;
	table->owner = chunk;
	return table;
}

static void pool_give(struct maru_table_pool *pool, struct maru_pt_table *table)
{
	struct table_chunk *chunk = table->owner;
	unsigned int page = (table->address - chunk->address) / MARU_PAGE_BYTES;
	bool last;

	if (table->dirty)
		table_zero(pool->mdev, table->address, MARU_PAGE_BYTES);
	mutex_lock(&pool->lock);
	chunk->free |= 1ULL << page;
	last = chunk->free == chunk_all(chunk);
	if (last)
		list_del(&chunk->link);
	else
		list_move(&chunk->link, &pool->open);
	mutex_unlock(&pool->lock);
	if (last)
		chunk_destroy(pool, chunk, !drm_dev_is_unplugged(&pool->mdev->drm));
	kfree(table);
}

static void pool_give_list(struct maru_table_pool *pool, struct maru_pt_table **list)
{
	struct maru_pt_table *table;

	while ((table = *list)) {
		*list = table->next;
		pool_give(pool, table);
	}
}

/**
 * maru_table_pool_create() - Make the pool of a VM.
 * @mdev: device.
 * @file: file of the VM.
 *
 * Return: pool; NULL.
 */
struct maru_table_pool *maru_table_pool_create(struct maru_device *mdev, struct maru_file *file)
{
	struct maru_table_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	pool->mdev = mdev;
	pool->file = file;
	mutex_init(&pool->lock);
	INIT_LIST_HEAD(&pool->open);
	INIT_LIST_HEAD(&pool->full);
	return pool;
}

/**
 * maru_table_pool_destroy() - Undo maru_table_pool_create().
 * @pool: pool that has all its tables back.
 */
void maru_table_pool_destroy(struct maru_table_pool *pool)
{
	struct table_chunk *chunk, *next;

	list_splice_init(&pool->full, &pool->open);
	list_for_each_entry_safe(chunk, next, &pool->open, link)
		chunk_destroy(pool, chunk, false);
	mutex_destroy(&pool->lock);
	kfree(pool);
}

/**
 * maru_table_create() - Take a table.
 * @pool: of the VM.
 * @leaf: for level 0.
 *
 * Context: sleeps, may evict and so wait for jobs.
 * Return: table; ERR_PTR: -ENOMEM; -EDQUOT.
 */
struct maru_pt_table *maru_table_create(struct maru_table_pool *pool, bool leaf)
{
	return pool_take(pool, leaf, 1, false);
}

/**
 * maru_table_fill() - Take the tables that a change may need.
 * @pool: of the VM.
 * @stash: gets them, also when it fails; goes to maru_table_give_back().
 * @need: how many.
 * @force: also beyond what the file may have pinned.
 *
 * Context: as maru_table_create().
 * Return: 0; -ENOMEM; -EDQUOT.
 */
int maru_table_fill(struct maru_table_pool *pool, struct maru_pt_stash *stash,
		    const struct maru_pt_need *need, bool force)
{
	u64 total = need->leaves + need->dirs, i;

	for (i = 0; i < total; i++) {
		bool leaf = i < need->leaves;
		struct maru_pt_table **list = leaf ? &stash->leaves : &stash->dirs;
		struct maru_pt_table *table = pool_take(pool, leaf, total - i, force);

		if (IS_ERR(table))
			return PTR_ERR(table);
		table->next = *list;
		*list = table;
	}
	return 0;
}

/**
 * maru_table_give_back() - Give back what a change did not need and what it took out.
 * @pool: of the VM.
 * @stash: left empty. The card has forgotten what was taken out.
 *
 * Context: sleeps.
 */
void maru_table_give_back(struct maru_table_pool *pool, struct maru_pt_stash *stash)
{
	pool_give_list(pool, &stash->leaves);
	pool_give_list(pool, &stash->dirs);
	pool_give_list(pool, &stash->freed);
}

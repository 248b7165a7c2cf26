// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of system memory, mapped for the card from when TTM has them until it gives them back,
 * or until the card is no longer the driver's: others may hold the pages for longer, as a
 * device that a BO was exported to does, and so does TTM until the last fence of a dead BO.
 */
#include <drm/drm_drv.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_pool.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-mapping.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "maru_pt.h"
#include "maru_tt.h"

/** struct maru_tt - Pages of a BO. */
struct maru_tt {
	struct ttm_tt base;
	/** @table: of our own pages; it lives as long as they do, mapped or not. */
	struct sg_table table;
	/** @link: in mdev->tts while @table is mapped, else empty. */
	struct list_head link;
};

static struct maru_device *ttm_to_maru_device(struct ttm_device *bdev)
{
	return container_of(bdev, struct maru_device, ttm);
}

static struct maru_tt *to_maru_tt(struct ttm_tt *tt)
{
	return container_of(tt, struct maru_tt, base);
}

/**
 * maru_tt_init_device() - Make ready what lists the pages of a device.
 * @mdev: device.
 */
void maru_tt_init_device(struct maru_device *mdev)
{
	init_rwsem(&mdev->map_sem);
	INIT_LIST_HEAD(&mdev->tts);
	spin_lock_init(&mdev->tts_lock);
}

/**
 * maru_tt_create() - Make the struct of a BO's pages, without them. Return: it; NULL.
 * @bo: BO.
 * @page_flags: of TTM.
 */
struct ttm_tt *maru_tt_create(struct ttm_buffer_object *bo, u32 page_flags)
{
	struct maru_tt *mtt = kzalloc(sizeof(*mtt), GFP_KERNEL);

	if (!mtt)
		return NULL;
	INIT_LIST_HEAD(&mtt->link);
	/* no array of addresses, so that the pool maps nothing by itself */
	if (ttm_tt_init(&mtt->base, bo, page_flags, ttm_cached, 0)) {
		kfree(mtt);
		return NULL;
	}
	return &mtt->base;
}

/**
 * maru_tt_destroy() - Undo maru_tt_create().
 * @bdev: device.
 * @tt: pages, given back.
 */
void maru_tt_destroy(struct ttm_device *bdev, struct ttm_tt *tt)
{
	ttm_tt_fini(tt);
	kfree(to_maru_tt(tt));
}

static int tt_map(struct maru_device *mdev, struct maru_tt *mtt)
{
	int ret = -ENODEV;

	down_read(&mdev->map_sem);
	if (!mdev->map_closed)
		ret = dma_map_sgtable(mdev->drm.dev, &mtt->table, DMA_BIDIRECTIONAL, 0);
	if (!ret) {
		spin_lock(&mdev->tts_lock);
		list_add_tail(&mtt->link, &mdev->tts);
		spin_unlock(&mdev->tts_lock);
	}
	up_read(&mdev->map_sem);
	return ret;
}

/* Nobody reads what the card wrote through this: the pages go, or belong to others by now. */
static void tt_unmap_table(struct maru_device *mdev, struct maru_tt *mtt)
{
	dma_unmap_sgtable(mdev->drm.dev, &mtt->table, DMA_BIDIRECTIONAL, DMA_ATTR_SKIP_CPU_SYNC);
}

/* Once, whoever comes first: remove, or who gives the pages back. */
static void tt_unmap(struct maru_device *mdev, struct maru_tt *mtt)
{
	bool mapped;

	down_read(&mdev->map_sem);
	spin_lock(&mdev->tts_lock);
	mapped = !list_empty(&mtt->link);
	list_del_init(&mtt->link);
	spin_unlock(&mdev->tts_lock);
	if (mapped)
		tt_unmap_table(mdev, mtt);
	up_read(&mdev->map_sem);
}

/**
 * maru_tt_forget_all() - Unmap all pages of a device, whoever still holds them, and map no more.
 * @mdev: device, unplugged and quiet.
 *
 * Context: remove; sleeps.
 */
void maru_tt_forget_all(struct maru_device *mdev)
{
	struct maru_tt *mtt, *next;

	down_write(&mdev->map_sem);
	mdev->map_closed = true;
	list_for_each_entry_safe(mtt, next, &mdev->tts, link) {
		list_del_init(&mtt->link);
		tt_unmap_table(mdev, mtt);
	}
	up_write(&mdev->map_sem);
}

/* The largest piece that the DMA layer takes; an sg entry's length has 32 bits. */
static unsigned int tt_segment_max(struct maru_device *mdev)
{
	return min_t(size_t, dma_max_mapping_size(mdev->drm.dev), SZ_1G);
}

/* What others gave: their table is mapped, and must be of whole pages and not too short. */
static int tt_check_import(struct ttm_tt *tt)
{
	struct scatterlist *sg;
	u64 bytes = 0;
	int i;

	if (!tt->sg)
		return -ENODEV;
	for_each_sgtable_dma_sg(tt->sg, sg, i) {
		if (!PAGE_ALIGNED(sg_dma_address(sg)) || !PAGE_ALIGNED(sg_dma_len(sg)))
			return -EINVAL;
		bytes += sg_dma_len(sg);
	}
	return bytes < (u64)tt->num_pages << PAGE_SHIFT ? -EINVAL : 0;
}

/**
 * maru_tt_populate() - Get pages, and map them for the card.
 * @bdev: device.
 * @tt: without pages.
 * @ctx: how to wait.
 *
 * Return: 0; -ENOMEM; -EIO, -EREMOTEIO of the DMA layer; -ENODEV the card is gone; -EINVAL
 * imported memory that the card has no pages for; -ERESTARTSYS.
 */
int maru_tt_populate(struct ttm_device *bdev, struct ttm_tt *tt, struct ttm_operation_ctx *ctx)
{
	struct maru_device *mdev = ttm_to_maru_device(bdev);
	struct maru_tt *mtt = to_maru_tt(tt);
	int ret;

	if (drm_dev_is_unplugged(&mdev->drm))
		return -ENODEV;
	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return tt_check_import(tt);
	ret = ttm_pool_alloc(&bdev->pool, tt, ctx);
	if (ret)
		return ret;
	ret = sg_alloc_table_from_pages_segment(&mtt->table, tt->pages, tt->num_pages, 0,
						(u64)tt->num_pages << PAGE_SHIFT,
						tt_segment_max(mdev), GFP_KERNEL);
	if (ret)
		goto free_pages;
	ret = tt_map(mdev, mtt);
	if (!ret) {
		atomic64_add((u64)tt->num_pages << PAGE_SHIFT, &mdev->counters.system_bytes);
		return 0;
	}
	sg_free_table(&mtt->table);
free_pages:
	ttm_pool_free(&bdev->pool, tt);
	return ret;
}

/**
 * maru_tt_unpopulate() - Undo maru_tt_populate().
 * @bdev: device, which may be gone.
 * @tt: pages.
 */
void maru_tt_unpopulate(struct ttm_device *bdev, struct ttm_tt *tt)
{
	struct maru_device *mdev = ttm_to_maru_device(bdev);
	struct maru_tt *mtt = to_maru_tt(tt);

	if (tt->page_flags & TTM_TT_FLAG_EXTERNAL)
		return;
	atomic64_sub((u64)tt->num_pages << PAGE_SHIFT, &mdev->counters.system_bytes);
	tt_unmap(mdev, mtt);
	sg_free_table(&mtt->table);
	ttm_pool_free(&bdev->pool, tt);
}

static size_t add_run(struct maru_pt_run *runs, size_t count, u64 next, u64 address, u64 bytes)
{
	if (count && address == next) {
		if (runs)
			runs[count - 1].bytes += bytes;
		return count;
	}
	if (runs)
		runs[count] = (struct maru_pt_run){ address, bytes };
	return count + 1;
}

/**
 * maru_tt_runs() - List where the card finds a range of a BO in system memory.
 * @tt: populated.
 * @offset: first byte.
 * @bytes: of the range; multiples of 4 KiB.
 * @runs: OUT: pieces; NULL: only count them.
 *
 * Context: the BO's dma_resv is held.
 * Return: number of pieces; 0 it was imported, and given back at remove.
 */
size_t maru_tt_runs(struct ttm_tt *tt, u64 offset, u64 bytes, struct maru_pt_run *runs)
{
	bool import = tt->page_flags & TTM_TT_FLAG_EXTERNAL;
	struct sg_table *table = import ? tt->sg : &to_maru_tt(tt)->table;
	struct scatterlist *sg;
	size_t count = 0;
	u64 next = 0;
	int i;

	if (!table)
		return 0;
	for_each_sgtable_dma_sg(table, sg, i) {
		u64 length = sg_dma_len(sg), piece;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		piece = min(length - offset, bytes);
		count = add_run(runs, count, next, sg_dma_address(sg) + offset, piece);
		next = sg_dma_address(sg) + offset + piece;
		bytes -= piece;
		offset = 0;
		if (!bytes)
			break;
	}
	return count;
}

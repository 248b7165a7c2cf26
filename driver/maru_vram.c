// SPDX-License-Identifier: GPL-2.0-only
/*
 * Managers of the card's memory tiers: a buddy allocator that knows which blocks are zero.
 * After probe nothing is.
 */
#include <drm/ttm/ttm_bo.h>
#include <linux/gpu_buddy.h>
#include <linux/slab.h>

#include "maru_pt.h"
#include "maru_vram.h"

/** struct maru_tier_manager - TTM's manager of a tier. */
struct maru_tier_manager {
	struct ttm_resource_manager base;
	struct maru_device *mdev;
	u32 tier;
	/** @lock: @mm. Innermost: taken in allocation and free, nothing is waited for under it. */
	struct mutex lock;
	struct gpu_buddy mm;
	/** @reserve: only for page tables, so that what is evicted can be mapped. */
	u64 reserve;
};

#define to_tier_manager(man) container_of(man, struct maru_tier_manager, base)

/** struct maru_vram_resource - Memory of a BO in a tier. */
struct maru_vram_resource {
	struct ttm_resource base;
	struct list_head blocks;
	struct gpu_buddy *mm;
	/** @zero: it reads zero though nobody scrubbed it. */
	bool zero;
	/** @scrub: of the fill with zeros that was started when the BO went. */
	struct dma_fence *scrub;
};

#define to_vram_resource(res) container_of(res, struct maru_vram_resource, base)

static u32 vram_mem_type(u32 tier)
{
	return tier == MARU_TIER_HBM ? TTM_PL_VRAM : TTM_PL_PRIV;
}

static int vram_alloc(struct ttm_resource_manager *man, struct ttm_buffer_object *bo,
		      const struct ttm_place *place, struct ttm_resource **res)
{
	struct maru_tier_manager *mgr = to_tier_manager(man);
	u64 align = max_t(u64, (u64)bo->page_alignment << PAGE_SHIFT, mgr->mm.chunk_size);
	unsigned long flags = GPU_BUDDY_CLEAR_ALLOCATION;
	struct maru_vram_resource *vres;
	u64 bytes, reserve;
	int ret;

	vres = kzalloc(sizeof(*vres), GFP_KERNEL);
	if (!vres)
		return -ENOMEM;
	INIT_LIST_HEAD(&vres->blocks);
	vres->mm = &mgr->mm;
	ttm_resource_init(bo, place, &vres->base);
	bytes = round_up((u64)vres->base.size, align);
	reserve = bo->type == ttm_bo_type_kernel ? 0 : mgr->reserve;
	if (place->flags & TTM_PL_FLAG_CONTIGUOUS)
		flags |= GPU_BUDDY_CONTIGUOUS_ALLOCATION;

	mutex_lock(&mgr->lock);
	if (bytes > mgr->mm.avail || mgr->mm.avail - bytes < reserve)
		ret = -ENOSPC;
	else
		ret = gpu_buddy_alloc_blocks(&mgr->mm, 0, mgr->mm.size, bytes, align,
					     &vres->blocks, flags);
	mutex_unlock(&mgr->lock);
	if (ret) {
		ttm_resource_fini(man, &vres->base);
		kfree(vres);
		return ret;
	}
	*res = &vres->base;
	return 0;
}

static bool vram_reads_zero(struct maru_vram_resource *vres)
{
	if (vres->zero)
		return true;
	return vres->scrub && dma_fence_get_status(vres->scrub) == 1;
}

static void vram_free(struct ttm_resource_manager *man, struct ttm_resource *res)
{
	struct maru_vram_resource *vres = to_vram_resource(res);
	struct maru_tier_manager *mgr = to_tier_manager(man);
	bool zero = vram_reads_zero(vres);

	mutex_lock(&mgr->lock);
	gpu_buddy_free_list(&mgr->mm, &vres->blocks, zero ? GPU_BUDDY_CLEARED : 0);
	mutex_unlock(&mgr->lock);
	dma_fence_put(vres->scrub);
	ttm_resource_fini(man, res);
	kfree(vres);
}

static const struct ttm_resource_manager_func vram_manager_func = {
	.alloc = vram_alloc,
	.free = vram_free,
};

/**
 * maru_vram_init() - Make the manager of a tier.
 * @mdev: device whose capabilities are known.
 * @tier: MARU_TIER_HBM or MARU_TIER_CXL; an absent tier gets no manager.
 *
 * Return: 0; -ENOMEM; -EINVAL from the allocator for a size it can not take.
 */
int maru_vram_init(struct maru_device *mdev, u32 tier)
{
	u64 bytes = round_down(mdev->caps.tiers[tier].bytes, MARU_PAGE_BYTES);
	struct maru_tier_manager *mgr;
	int ret;

	if (!bytes)
		return 0;
	mgr = kzalloc(sizeof(*mgr), GFP_KERNEL);
	if (!mgr)
		return -ENOMEM;
	mgr->mdev = mdev;
	mgr->tier = tier;
	mgr->reserve = tier == MARU_TIER_HBM ? round_down(bytes / 64, MARU_PAGE_BYTES) : 0;
	mutex_init(&mgr->lock);
	ret = gpu_buddy_init(&mgr->mm, bytes, MARU_PAGE_BYTES);
	if (ret) {
		mutex_destroy(&mgr->lock);
		kfree(mgr);
		return ret;
	}
	mgr->base.func = &vram_manager_func;
	ttm_resource_manager_init(&mgr->base, &mdev->ttm, bytes);
	ttm_set_driver_manager(&mdev->ttm, vram_mem_type(tier), &mgr->base);
	ttm_resource_manager_set_used(&mgr->base, true);
	mdev->tiers[tier] = mgr;
	return 0;
}

/**
 * maru_vram_fini() - Undo maru_vram_init(); no BO is left but dying ones, which are waited for.
 * @mdev: device.
 * @tier: as there.
 */
void maru_vram_fini(struct maru_device *mdev, u32 tier)
{
	struct maru_tier_manager *mgr = mdev->tiers[tier];

	if (!mgr)
		return;
	ttm_resource_manager_set_used(&mgr->base, false);
	if (ttm_resource_manager_evict_all(&mdev->ttm, &mgr->base))
		return;
	gpu_buddy_fini(&mgr->mm);
	ttm_resource_manager_cleanup(&mgr->base);
	ttm_set_driver_manager(&mdev->ttm, vram_mem_type(tier), NULL);
	mutex_destroy(&mgr->lock);
	mdev->tiers[tier] = NULL;
	kfree(mgr);
}

/**
 * maru_vram_limit() - Bytes of a tier that BOs of users may have.
 * @mdev: device.
 * @tier: MARU_TIER_*.
 */
u64 maru_vram_limit(struct maru_device *mdev, u32 tier)
{
	struct maru_tier_manager *mgr = tier < ARRAY_SIZE(mdev->tiers) ? mdev->tiers[tier] : NULL;

	return mgr ? mgr->mm.size - mgr->reserve : 0;
}

/**
 * maru_vram_used() - Bytes of a tier that are allocated.
 * @mdev: device.
 * @tier: MARU_TIER_*.
 */
u64 maru_vram_used(struct maru_device *mdev, u32 tier)
{
	struct maru_tier_manager *mgr = tier < ARRAY_SIZE(mdev->tiers) ? mdev->tiers[tier] : NULL;
	u64 used;

	if (!mgr)
		return 0;
	mutex_lock(&mgr->lock);
	used = mgr->mm.size - mgr->mm.avail;
	mutex_unlock(&mgr->lock);
	return used;
}

/**
 * maru_vram_bytes() - Bytes that it has: more than its BO asked for, where that is aligned.
 * @res: of a device tier.
 */
u64 maru_vram_bytes(struct ttm_resource *res)
{
	struct maru_vram_resource *vres = to_vram_resource(res);
	struct gpu_buddy_block *block;
	u64 bytes = 0;

	list_for_each_entry(block, &vres->blocks, link)
		bytes += gpu_buddy_block_size(vres->mm, block);
	return bytes;
}

/**
 * maru_vram_is_clear() - Was all of it zero when it was allocated?
 * @res: of a device tier.
 */
bool maru_vram_is_clear(struct ttm_resource *res)
{
	struct gpu_buddy_block *block;

	list_for_each_entry(block, &to_vram_resource(res)->blocks, link)
		if (!gpu_buddy_block_is_clear(block))
			return false;
	return true;
}

/**
 * maru_vram_set_zero() - Say whether it will read zero when it is freed.
 * @res: of a device tier.
 * @zero: what its owner knows.
 */
void maru_vram_set_zero(struct ttm_resource *res, bool zero)
{
	to_vram_resource(res)->zero = zero;
}

/**
 * maru_vram_set_scrub() - Name the fence after which it reads zero.
 * @res: of a device tier, not used by anything after that fence.
 * @fence: a reference is taken; when it carries an error the memory counts as dirty.
 */
void maru_vram_set_scrub(struct ttm_resource *res, struct dma_fence *fence)
{
	struct maru_vram_resource *vres = to_vram_resource(res);

	dma_fence_put(vres->scrub);
	vres->scrub = dma_fence_get(fence);
}

/**
 * maru_vram_runs() - List the contiguous pieces of a range.
 * @res: of a device tier.
 * @offset: first byte.
 * @bytes: of the range, inside of @res; multiples of 4 KiB.
 * @runs: OUT: addresses in the tier; NULL only counts.
 *
 * Return: number of pieces.
 */
size_t maru_vram_runs(struct ttm_resource *res, u64 offset, u64 bytes, struct maru_pt_run *runs)
{
	struct maru_vram_resource *vres = to_vram_resource(res);
	struct gpu_buddy_block *block;
	u64 position = 0, end = 0;
	size_t count = 0;

	list_for_each_entry(block, &vres->blocks, link) {
		u64 size = gpu_buddy_block_size(vres->mm, block);
		u64 first = max(offset, position);
		u64 last = min(offset + bytes, position + size);
		u64 address = gpu_buddy_block_offset(block) + (first - position);

		position += size;
		if (first >= last)
			continue;
		if (count && address == end) {
			if (runs)
				runs[count - 1].bytes += last - first;
		} else {
			if (runs)
				runs[count] = (struct maru_pt_run){ address, last - first };
			count++;
		}
		end = address + (last - first);
	}
	return count;
}

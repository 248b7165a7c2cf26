// SPDX-License-Identifier: GPL-2.0-only
/*
 * What TTM asks of the driver: where memory goes when it has to go, how it gets there, and
 * how the CPU sees it.
 *
 * A CPU mapping always has something behind it. While BAR 2 does not decode, in a reset, page
 * faults wait; after the device is gone TTM's zero page is mapped.
 */
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/ttm/ttm_device.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_range_manager.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-resv.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "maru_bo.h"
#include "maru_migrate.h"
#include "maru_place.h"
#include "maru_pt.h"
#include "maru_tt.h"
#include "maru_ttm.h"
#include "maru_vram.h"

static struct maru_device *ttm_to_maru_device(struct ttm_device *bdev)
{
	return container_of(bdev, struct maru_device, ttm);
}

static bool mem_type_is_tier(u32 mem_type)
{
	return mem_type == TTM_PL_VRAM || mem_type == TTM_PL_PRIV;
}

/**
 * maru_ttm_tier() - The card's name for where a resource lies.
 * @res: resource.
 */
u32 maru_ttm_tier(struct ttm_resource *res)
{
	switch (res->mem_type) {
	case TTM_PL_VRAM:
		return MARU_TIER_HBM;
	case TTM_PL_PRIV:
		return MARU_TIER_CXL;
	default:
		return MARU_TIER_HOST;
	}
}

/**
 * maru_ttm_runs() - List where a range of a BO lies.
 * @res: its resource, not TTM_PL_SYSTEM.
 * @tt: its pages, populated when @res is TTM_PL_TT.
 * @offset: first byte.
 * @bytes: of the range; multiples of 4 KiB.
 * @count: OUT: pieces.
 *
 * Context: the BO's dma_resv is held; sleeps.
 * Return: array to kvfree(); ERR_PTR: -ENOMEM; -ENODEV imported, and given back at remove.
 */
struct maru_pt_run *maru_ttm_runs(struct ttm_resource *res, struct ttm_tt *tt, u64 offset,
				  u64 bytes, size_t *count)
{
	bool tier = mem_type_is_tier(res->mem_type);
	struct maru_pt_run *runs;
	size_t n;

	n = tier ? maru_vram_runs(res, offset, bytes, NULL) : maru_tt_runs(tt, offset, bytes, NULL);
	if (!n && !tier)
		return ERR_PTR(-ENODEV);
	runs = kvmalloc_array(n, sizeof(*runs), GFP_KERNEL);
	if (!runs)
		return ERR_PTR(-ENOMEM);
	if (tier)
		maru_vram_runs(res, offset, bytes, runs);
	else
		maru_tt_runs(tt, offset, bytes, runs);
	*count = n;
	return runs;
}

static void maru_ttm_evict_flags(struct ttm_buffer_object *bo, struct ttm_placement *placement)
{
	static const struct ttm_place to_tt = { .mem_type = TTM_PL_TT };
	static const struct ttm_place to_system = { .mem_type = TTM_PL_SYSTEM };

	placement->num_placement = 1;
	if (maru_bo_is_ours(bo) && bo->resource && mem_type_is_tier(bo->resource->mem_type))
		placement->placement = &to_tt;
	else
		placement->placement = &to_system;
}

static struct dma_fence *move_copy(struct ttm_buffer_object *bo, struct ttm_operation_ctx *ctx,
				   struct ttm_resource *new_mem, struct dma_fence *dep)
{
	struct maru_device *mdev = ttm_to_maru_device(bo->bdev);
	struct maru_migrate_desc desc = {
		.dst.tier = maru_ttm_tier(new_mem),
		.src.tier = maru_ttm_tier(bo->resource),
		.tt = bo->ttm,
		.dep = dep,
		.interruptible = ctx->interruptible,
	};
	u64 bytes = PFN_ALIGN(bo->base.size);
	struct maru_pt_run *src, *dst;
	struct dma_fence *fence;

	src = maru_ttm_runs(bo->resource, bo->ttm, 0, bytes, &desc.src.count);
	if (IS_ERR(src))
		return ERR_CAST(src);
	dst = maru_ttm_runs(new_mem, bo->ttm, 0, bytes, &desc.dst.count);
	if (IS_ERR(dst)) {
		kvfree(src);
		return ERR_CAST(dst);
	}
	desc.src.runs = src;
	desc.dst.runs = dst;
	fence = maru_migrate_run(mdev, &desc);
	kvfree(dst);
	kvfree(src);
	return fence;
}

/* What makes way for others is idle; what is in use by jobs does not. */
static bool maru_ttm_eviction_valuable(struct ttm_buffer_object *bo, const struct ttm_place *place)
{
	if (!ttm_bo_eviction_valuable(bo, place))
		return false;
	if (!mem_type_is_tier(bo->resource->mem_type))
		return true;
	return !maru_place_wait_idle(ttm_to_maru_device(bo->bdev), bo->base.resv,
				     DMA_RESV_USAGE_KERNEL);
}

/*
 * The copy of an eviction is waited for here, other moves are pipelined behind the kernel's own
 * work. What is in the card's copy queue waits for no jobs of users: all of them share it.
 */
static int move_data(struct ttm_buffer_object *bo, bool evict, struct ttm_operation_ctx *ctx,
		     struct ttm_resource *new_mem)
{
	struct dma_fence *dep = NULL, *fence;
	int ret;

	if (evict || ctx->no_wait_gpu)
		ret = ttm_bo_wait_ctx(bo, ctx);
	else
		ret = maru_place_wait_idle(ttm_to_maru_device(bo->bdev), bo->base.resv,
					   DMA_RESV_USAGE_WRITE);
	if (!ret && !evict)
		ret = dma_resv_get_singleton(bo->base.resv, DMA_RESV_USAGE_KERNEL, &dep);
	if (ret)
		return ret;
	maru_bo_moved(ttm_to_maru_bo(bo));
	fence = move_copy(bo, ctx, new_mem, dep);
	dma_fence_put(dep);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	if (evict)
		dma_fence_wait(fence, false);
	ret = ttm_bo_move_accel_cleanup(bo, fence, evict, false, new_mem);
	if (ret)
		dma_fence_wait(fence, false);	/* TTM frees what is being written */
	dma_fence_put(fence);
	return ret;
}

/* New memory of a tier: nobody may see what was in it. */
static int move_clear(struct ttm_buffer_object *bo, struct ttm_operation_ctx *ctx,
		      struct ttm_resource *new_mem)
{
	struct maru_device *mdev = ttm_to_maru_device(bo->bdev);
	struct maru_migrate_desc desc = {
		.dst.tier = maru_ttm_tier(new_mem),
		.interruptible = ctx->interruptible,
	};
	struct maru_pt_run *runs;
	struct dma_fence *fence;

	if (bo->type == ttm_bo_type_kernel || maru_vram_is_clear(new_mem)) {
		ttm_bo_move_null(bo, new_mem);
		return 0;
	}
	runs = maru_ttm_runs(new_mem, NULL, 0, maru_vram_bytes(new_mem), &desc.dst.count);
	if (IS_ERR(runs))
		return PTR_ERR(runs);
	desc.dst.runs = runs;
	fence = maru_migrate_run(mdev, &desc);
	kvfree(runs);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	dma_resv_add_fence(bo->base.resv, fence, DMA_RESV_USAGE_KERNEL);
	dma_fence_put(fence);
	ttm_bo_move_null(bo, new_mem);
	return 0;
}

static int maru_ttm_move(struct ttm_buffer_object *bo, bool evict, struct ttm_operation_ctx *ctx,
			 struct ttm_resource *new_mem, struct ttm_place *hop)
{
	struct ttm_resource *old = bo->resource;
	bool has_data = old && (mem_type_is_tier(old->mem_type) ||
				(bo->ttm && (ttm_tt_is_populated(bo->ttm) ||
					     (bo->ttm->page_flags & TTM_TT_FLAG_SWAPPED))));
	int ret;

	if (!has_data) {
		if (mem_type_is_tier(new_mem->mem_type))
			return move_clear(bo, ctx, new_mem);
		ttm_bo_move_null(bo, new_mem);
		return 0;
	}
	if (!mem_type_is_tier(old->mem_type) && !mem_type_is_tier(new_mem->mem_type)) {
		if (old->mem_type == TTM_PL_TT) {
			ret = ttm_bo_wait_ctx(bo, ctx);
			if (ret)
				return ret;
			maru_bo_moved(ttm_to_maru_bo(bo));
		}
		ttm_bo_move_null(bo, new_mem);
		return 0;
	}
	/* the card sees system memory as TTM_PL_TT only */
	if (old->mem_type == TTM_PL_SYSTEM || new_mem->mem_type == TTM_PL_SYSTEM) {
		*hop = (struct ttm_place){ .mem_type = TTM_PL_TT, .flags = TTM_PL_FLAG_TEMPORARY };
		return -EMULTIHOP;
	}
	return move_data(bo, evict, ctx, new_mem);
}

/*
 * Scrub while it dies: TTM keeps the memory until the fence that is added here. What jobs still
 * use stays dirty, and is scrubbed before its next use: see move_clear().
 */
static void maru_ttm_release_notify(struct ttm_buffer_object *bo)
{
	struct maru_device *mdev = ttm_to_maru_device(bo->bdev);
	struct maru_migrate_desc desc = { .nowait = true };
	struct dma_fence *fence;
	struct maru_pt_run *runs;

	if (!maru_bo_is_ours(bo) || !bo->resource || !mem_type_is_tier(bo->resource->mem_type) ||
	    bo->type == ttm_bo_type_kernel || drm_dev_is_unplugged(&mdev->drm))
		return;
	if (!dma_resv_trylock(bo->base.resv))
		return;
	if (!dma_resv_test_signaled(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP) ||
	    dma_resv_reserve_fences(bo->base.resv, 1))
		goto unlock;
	desc.dst.tier = maru_ttm_tier(bo->resource);
	/* all of it, as all of it will count as zero */
	runs = maru_ttm_runs(bo->resource, NULL, 0, maru_vram_bytes(bo->resource),
			     &desc.dst.count);
	if (IS_ERR(runs))
		goto unlock;
	desc.dst.runs = runs;
	fence = maru_migrate_run(mdev, &desc);
	kvfree(runs);
	if (!IS_ERR(fence)) {
		maru_vram_set_scrub(bo->resource, fence);
		dma_resv_add_fence(bo->base.resv, fence, DMA_RESV_USAGE_KERNEL);
		dma_fence_put(fence);
	}
unlock:
	dma_resv_unlock(bo->base.resv);
}

static int maru_ttm_io_mem_reserve(struct ttm_device *bdev, struct ttm_resource *res)
{
	struct maru_device *mdev = ttm_to_maru_device(bdev);

	if (!mem_type_is_tier(res->mem_type))
		return 0;
	res->bus.offset = mdev->memory_base + mdev->caps.tiers[maru_ttm_tier(res)].bar_offset;
	res->bus.is_iomem = true;
	res->bus.caching = ttm_write_combined;
	return 0;
}

static unsigned long maru_ttm_io_mem_pfn(struct ttm_buffer_object *bo, unsigned long page_offset)
{
	struct maru_pt_run run = { 0 };

	maru_vram_runs(bo->resource, (u64)page_offset << PAGE_SHIFT, PAGE_SIZE, &run);
	return (bo->resource->bus.offset + run.address) >> PAGE_SHIFT;
}

static const struct ttm_device_funcs maru_ttm_funcs = {
	.ttm_tt_create = maru_tt_create,
	.ttm_tt_populate = maru_tt_populate,
	.ttm_tt_unpopulate = maru_tt_unpopulate,
	.ttm_tt_destroy = maru_tt_destroy,
	.eviction_valuable = maru_ttm_eviction_valuable,
	.evict_flags = maru_ttm_evict_flags,
	.move = maru_ttm_move,
	.release_notify = maru_ttm_release_notify,
	.io_mem_reserve = maru_ttm_io_mem_reserve,
	.io_mem_pfn = maru_ttm_io_mem_pfn,
};

/* Called with the BO reserved. */
static vm_fault_t ttm_fault_present(struct maru_device *mdev, struct ttm_buffer_object *bo,
				    struct vm_fault *vmf)
{
	unsigned int epoch = READ_ONCE(mdev->memory_epoch);
	vm_fault_t ret;

	if (epoch & 1) {
		dma_resv_unlock(bo->base.resv);
		wait_event_killable(mdev->memory_wait,
				    !(READ_ONCE(mdev->memory_epoch) & 1));
		dma_resv_lock(bo->base.resv, NULL);
		return VM_FAULT_NOPAGE;
	}
	ret = ttm_bo_vm_fault_reserved(vmf, vmf->vma->vm_page_prot, TTM_BO_VM_NUM_PREFAULT);
	/* entry before epoch; partner: maru_ttm_block() makes it odd, then unmaps */
	smp_mb();
	if (epoch != READ_ONCE(mdev->memory_epoch) && !(ret & VM_FAULT_RETRY)) {
		unmap_mapping_range(vmf->vma->vm_file->f_mapping,
				    (loff_t)vmf->vma->vm_pgoff << PAGE_SHIFT,
				    vmf->vma->vm_end - vmf->vma->vm_start, 1);
		ret = VM_FAULT_NOPAGE;
	}
	return ret;
}

static vm_fault_t maru_ttm_fault(struct vm_fault *vmf)
{
	struct ttm_buffer_object *bo = vmf->vma->vm_private_data;
	struct maru_device *mdev = ttm_to_maru_device(bo->bdev);
	vm_fault_t ret;
	int idx;

	ret = ttm_bo_vm_reserve(bo, vmf);
	if (ret)
		return ret;
	/* here, as unplug waits for those who entered and the fence may wait for unplug */
	if (dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_KERNEL, true,
				  MAX_SCHEDULE_TIMEOUT) < 0) {
		dma_resv_unlock(bo->base.resv);
		return VM_FAULT_NOPAGE;
	}
	if (drm_dev_enter(&mdev->drm, &idx)) {
		ret = ttm_fault_present(mdev, bo, vmf);
		drm_dev_exit(idx);
	} else {
		ret = ttm_bo_vm_dummy_page(vmf, vmf->vma->vm_page_prot);
	}
	if (ret == VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return ret;
	dma_resv_unlock(bo->base.resv);
	return ret;
}

const struct vm_operations_struct maru_ttm_vm_ops = {
	.fault = maru_ttm_fault,
	.open = ttm_bo_vm_open,
	.close = ttm_bo_vm_close,
	.access = ttm_bo_vm_access,
};

static void ttm_unmap_all(struct maru_device *mdev)
{
	unmap_mapping_range(mdev->drm.anon_inode->i_mapping, 0, 0, 1);
}

/**
 * maru_ttm_block() - Keep everybody off BAR 2, before it stops to decode.
 * @mdev: device.
 *
 * CPU mappings go, page faults wait, and so do the kernel's own stores to HBM.
 *
 * Context: reset worker; no other lock is held. Undone by maru_ttm_unblock().
 */
void maru_ttm_block(struct maru_device *mdev)
{
	down_write(&mdev->memory_sem);
	WRITE_ONCE(mdev->memory_epoch, mdev->memory_epoch + 1);
	/* epoch before unmapping; partner: ttm_fault_present() maps, then looks again */
	smp_mb();
	ttm_unmap_all(mdev);
}

/**
 * maru_ttm_unblock() - Let everybody on again.
 * @mdev: device.
 */
void maru_ttm_unblock(struct maru_device *mdev)
{
	WRITE_ONCE(mdev->memory_epoch, mdev->memory_epoch + 1);
	up_write(&mdev->memory_sem);
	wake_up_all(&mdev->memory_wait);
}

static void ttm_release(struct drm_device *drm, void *priv)
{
	struct maru_device *mdev = to_maru_device(drm);

	/* dead BOs hold no reference to the device, but memory of what goes now */
	flush_workqueue(mdev->ttm.wq);
	maru_vram_fini(mdev, MARU_TIER_CXL);
	maru_vram_fini(mdev, MARU_TIER_HBM);
	ttm_range_man_fini(&mdev->ttm, TTM_PL_TT);
	ttm_device_fini(&mdev->ttm);
}

/**
 * maru_ttm_init() - Start memory management.
 * @mdev: device with BARs mapped and capabilities known.
 *
 * It ends with the last reference to the drm_device.
 *
 * Return: 0; -ENOMEM; -EINVAL tiers that do not fit BAR 2.
 */
int maru_ttm_init(struct maru_device *mdev)
{
	const struct maru_cap_tier *hbm = &mdev->caps.tiers[MARU_TIER_HBM];
	int ret;

	if (!hbm->bytes || hbm->bar_offset > mdev->memory_bytes ||
	    hbm->bytes > mdev->memory_bytes - hbm->bar_offset) {
		drm_err(&mdev->drm, "HBM of %llu bytes does not fit BAR 2\n", hbm->bytes);
		return -EINVAL;
	}
	mdev->hbm = devm_ioremap_wc(mdev->drm.dev, mdev->memory_base + hbm->bar_offset, hbm->bytes);
	if (!mdev->hbm)
		return -ENOMEM;
	init_rwsem(&mdev->memory_sem);
	init_waitqueue_head(&mdev->memory_wait);
	ret = maru_migrate_prepare(mdev);
	if (ret)
		return ret;
	ret = maru_compat_ttm_device_init(&mdev->ttm, &maru_ttm_funcs, &mdev->drm);
	if (ret)
		return ret;
	ret = ttm_range_man_init(&mdev->ttm, TTM_PL_TT, true, totalram_pages());
	if (ret) {
		ttm_device_fini(&mdev->ttm);
		return ret;
	}
	ret = drmm_add_action_or_reset(&mdev->drm, ttm_release, NULL);
	if (ret)
		return ret;
	ret = maru_vram_init(mdev, MARU_TIER_HBM);
	if (ret)
		return ret;
	return maru_vram_init(mdev, MARU_TIER_CXL);
}

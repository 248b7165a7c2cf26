// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffer objects: GEM outside, TTM inside.
 */
#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>
#include <drm/maru_accel.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "maru_bo.h"
#include "maru_device.h"
#include "maru_place.h"
#include "maru_prime.h"
#include "maru_pt.h"
#include "maru_ttm.h"
#include "maru_vm.h"
#include "maru_vram.h"

static void maru_bo_destroy(struct ttm_buffer_object *tbo)
{
	struct maru_bo *bo = ttm_to_maru_bo(tbo);
	struct maru_vm *vm = bo->vm;

	spin_lock(&bo->mdev->bos_lock);
	list_del(&bo->link);
	spin_unlock(&bo->mdev->bos_lock);
	atomic_dec(&bo->mdev->counters.bos);
	atomic64_sub(tbo->base.size, &bo->mdev->counters.bo_bytes);
	if (tbo->base.import_attach)
		drm_prime_gem_destroy(&tbo->base, tbo->sg);
	if (bo->forgotten)
		dma_buf_put(bo->forgotten);
	drm_gem_object_release(&tbo->base);
	kfree(bo);
	if (vm)
		maru_vm_put(vm);
}

static void maru_bo_gem_free(struct drm_gem_object *obj)
{
	maru_compat_ttm_bo_fini(&to_maru_bo(obj)->ttm);
}

static int maru_bo_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct maru_bo *bo = to_maru_bo(obj);
	int ret;

	if (MARU_REFUSE(bo->mdev, !(bo->flags & DRM_MARU_BO_CPU)))
		return -EACCES;
	ret = ttm_bo_mmap_obj(vma, &bo->ttm);
	if (ret)
		return ret;
	/* the mapping holds TTM's reference */
	drm_gem_object_put(obj);
	return 0;
}

/* The BO that all of @vma lies in, referenced. */
static struct drm_gem_object *bo_lookup_vma(struct drm_device *drm, struct vm_area_struct *vma)
{
	struct drm_vma_offset_manager *manager = drm->vma_offset_manager;
	struct drm_gem_object *obj = NULL;
	struct drm_vma_offset_node *node;

	drm_vma_offset_lock_lookup(manager);
	node = drm_vma_offset_lookup_locked(manager, vma->vm_pgoff, vma_pages(vma));
	if (node) {
		obj = container_of(node, struct drm_gem_object, vma_node);
		if (!kref_get_unless_zero(&obj->refcount))
			obj = NULL;
	}
	drm_vma_offset_unlock_lookup(manager);
	return obj;
}

/**
 * maru_bo_mmap() - mmap(2) of a node: any part of a BO, where GEM's own takes only its start.
 * @filp: open node.
 * @vma: to be.
 *
 * Return: 0; -EINVAL no BO there, or a private mapping; -EACCES another file's BO, or one
 * without DRM_MARU_BO_CPU; -ENODEV.
 */
int maru_bo_mmap(struct file *filp, struct vm_area_struct *vma)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *drm = file->minor->dev;
	struct drm_gem_object *obj;
	u64 offset;
	int ret;

	if (maru_device_is_gone(to_maru_device(drm)))
		return -ENODEV;
	obj = bo_lookup_vma(drm, vma);
	if (!obj)
		return -EINVAL;
	offset = (u64)(vma->vm_pgoff - drm_vma_node_start(&obj->vma_node)) << PAGE_SHIFT;
	if (!drm_vma_node_is_allowed(&obj->vma_node, file))
		ret = -EACCES;
	else
		ret = drm_gem_mmap_obj(obj, obj->size - offset, vma);
	drm_gem_object_put(obj);
	return ret;
}

static const struct drm_gem_object_funcs maru_bo_gem_funcs = {
	.free = maru_bo_gem_free,
	.export = maru_prime_export,
	.pin = maru_prime_pin,
	.unpin = maru_prime_unpin,
	.get_sg_table = maru_prime_get_sg_table,
	.mmap = maru_bo_gem_mmap,
	.vm_ops = &maru_ttm_vm_ops,
};

/**
 * maru_bo_is_ours() - Is it a BO, not one of TTM's own ghosts?
 * @tbo: object of our TTM device.
 */
bool maru_bo_is_ours(struct ttm_buffer_object *tbo)
{
	return tbo->destroy == maru_bo_destroy;
}

static void bo_set_placement(struct maru_bo *bo)
{
	unsigned int n = 0;

	if (bo->preferred == DRM_MARU_TIER_HBM)
		bo->places[n++].mem_type = TTM_PL_VRAM;
	if (bo->tiers & BIT(DRM_MARU_TIER_SYSTEM)) {
		bo->places[n].mem_type = TTM_PL_TT;
		bo->places[n].flags = n ? TTM_PL_FLAG_FALLBACK : 0;
		n++;
	}
	bo->placement.placement = bo->places;
	bo->placement.num_placement = n;
}

static struct maru_bo *bo_alloc(struct maru_device *mdev, u64 size)
{
	struct maru_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return NULL;
	bo->mdev = mdev;
	bo->ttm.base.funcs = &maru_bo_gem_funcs;
	drm_gem_private_object_init(&mdev->drm, &bo->ttm.base, size);
	spin_lock(&mdev->bos_lock);
	list_add_tail(&bo->link, &mdev->bos);
	spin_unlock(&mdev->bos_lock);
	atomic_inc(&mdev->counters.bos);
	atomic64_add(size, &mdev->counters.bo_bytes);
	return bo;
}

/*
 * What another device gave is let go of: a mapping may last as long as its attachment. The
 * dma-buf stays for its dma_resv.
 */
static void bo_forget_import(struct maru_bo *bo)
{
	struct ttm_buffer_object *tbo = &bo->ttm;
	struct sg_table *sgt;

	dma_resv_lock(tbo->base.resv, NULL);
	sgt = tbo->sg;
	tbo->sg = NULL;
	if (tbo->ttm)
		tbo->ttm->sg = NULL;
	dma_resv_unlock(tbo->base.resv);
	if (!tbo->base.import_attach)
		return;
	bo->forgotten = tbo->base.import_attach->dmabuf;
	get_dma_buf(bo->forgotten);
	drm_prime_gem_destroy(&tbo->base, sgt);
	tbo->base.import_attach = NULL;
}

static void bo_forget(struct maru_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = false };
	struct ttm_buffer_object *tbo = &bo->ttm;
	struct ttm_placement nowhere = {};

	if (tbo->type == ttm_bo_type_sg) {
		bo_forget_import(bo);
		return;
	}
	dma_resv_lock(tbo->base.resv, NULL);
	/* what another device reads stays as long as that holds it */
	if (tbo->type == ttm_bo_type_device && !tbo->pin_count && tbo->resource &&
	    maru_ttm_tier(tbo->resource) == MARU_TIER_HOST) {
		dma_resv_wait_timeout(tbo->base.resv, DMA_RESV_USAGE_BOOKKEEP, false, 5 * HZ);
		ttm_bo_validate(tbo, &nowhere, &ctx);
	}
	dma_resv_unlock(tbo->base.resv);
}

/**
 * maru_bo_forget_all() - Give back the pages of all BOs in system memory.
 * @mdev: device, unplugged and quiet.
 *
 * They are mapped for a device that is about to be no longer the driver's. User space that has
 * them mapped finds zero pages from here on, as with all other memory of the card.
 *
 * Context: remove; sleeps.
 */
void maru_bo_forget_all(struct maru_device *mdev)
{
	struct maru_bo *bo;
	LIST_HEAD(todo);
	bool any;

	down_write(&mdev->share_sem);
	down_write(&mdev->place_sem);
	spin_lock(&mdev->bos_lock);
	list_splice_init(&mdev->bos, &todo);
	while (!list_empty(&todo)) {
		bo = list_first_entry(&todo, struct maru_bo, link);
		list_move_tail(&bo->link, &mdev->bos);
		if (!kref_get_unless_zero(&bo->ttm.base.refcount))
			continue;
		spin_unlock(&mdev->bos_lock);
		bo_forget(bo);
		maru_bo_put(bo);
		spin_lock(&mdev->bos_lock);
	}
	any = !list_empty(&mdev->bos);
	spin_unlock(&mdev->bos_lock);
	up_write(&mdev->place_sem);
	up_write(&mdev->share_sem);
	/* the dead too, which TTM lets go of after their fences; the card has signalled its own */
	if (any)
		flush_workqueue(mdev->ttm.wq);
}

static int bo_init_private(struct maru_bo *bo, struct maru_vm *vm, u32 align,
			   struct ttm_operation_ctx *ctx)
{
	struct drm_exec exec;
	int ret;

	/* a ticket, so that eviction may wait for the dma_resv of others */
	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT, 0);
	drm_exec_until_all_locked(&exec) {
		ret = drm_gpuvm_prepare_vm(&vm->gpuvm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			break;
	}
	if (ret) {
		maru_bo_destroy(&bo->ttm);
		goto out;
	}
	/* others of the same VM may have to make room */
	ctx->allow_res_evict = true;
	ctx->resv = drm_gpuvm_resv(&vm->gpuvm);
	ret = ttm_bo_init_reserved(&bo->mdev->ttm, &bo->ttm, ttm_bo_type_device, &bo->placement,
				   align >> PAGE_SHIFT, ctx, NULL, ctx->resv, maru_bo_destroy);
out:
	drm_exec_fini(&exec);
	return ret;
}

static int bo_init(struct maru_bo *bo, u32 align)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	int ret;

	if (bo->vm)
		return bo_init_private(bo, bo->vm, align, &ctx);
	ret = ttm_bo_init_reserved(&bo->mdev->ttm, &bo->ttm, ttm_bo_type_device, &bo->placement,
				   align >> PAGE_SHIFT, &ctx, NULL, NULL, maru_bo_destroy);
	if (!ret)
		ttm_bo_unreserve(&bo->ttm);
	return ret;
}

static struct maru_bo *bo_create(struct maru_device *mdev, u64 size, u32 tiers, u32 preferred,
				 u32 flags, struct maru_vm *vm, u32 align)
{
	struct maru_bo *bo = bo_alloc(mdev, size);
	int ret;

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->tiers = tiers;
	bo->preferred = preferred;
	bo->flags = flags;
	if (vm) {
		drm_gpuvm_get(&vm->gpuvm);
		bo->vm = vm;
	}
	bo_set_placement(bo);
	ret = bo_init(bo, align);
	if (ret)
		return ERR_PTR(ret == -ENOSPC ? -ENOMEM : ret);
	return bo;
}

/**
 * maru_bo_create() - Create a BO that reads zero.
 * @mdev: device.
 * @size: bytes > 0.
 * @tiers: bits 1 << DRM_MARU_TIER_*.
 * @preferred: one of them.
 * @flags: DRM_MARU_BO_*.
 * @vm: private to it; NULL: to none.
 * @align: power of two ≥ 4 KiB, or 0.
 *
 * Context: sleeps.
 * Return: BO with one reference; ERR_PTR: -E2BIG too large for all its tiers; -ENOMEM;
 * -ERESTARTSYS.
 */
struct maru_bo *maru_bo_create(struct maru_device *mdev, u64 size, u32 tiers, u32 preferred,
			       u32 flags, struct maru_vm *vm, u32 align)
{
	struct maru_place place = { .mdev = mdev };
	u64 limit = 0;
	struct maru_bo *bo;
	int ret;

	if (tiers & BIT(DRM_MARU_TIER_HBM))
		limit = maru_vram_limit(mdev, MARU_TIER_HBM);
	if (tiers & BIT(DRM_MARU_TIER_SYSTEM))
		limit = max_t(u64, limit, (u64)totalram_pages() << PAGE_SHIFT);
	if (MARU_REFUSE(mdev, size > limit))
		return ERR_PTR(-E2BIG);
	size = round_up(size, MARU_PAGE_BYTES);

	do {
		/* before the BO is listed: remove walks the list */
		ret = maru_place_lock(&place);
		if (ret)
			return ERR_PTR(ret);
		bo = bo_create(mdev, size, tiers, preferred, flags, vm, align);
		maru_place_unlock(&place);
		ret = PTR_ERR_OR_ZERO(bo);
	} while (maru_place_again(&place, &ret));
	return ret ? ERR_PTR(ret) : bo;
}

/**
 * maru_bo_create_imported() - Create a BO for memory of somebody else.
 * @mdev: device.
 * @buf: whose dma_resv it shares.
 * @sgt: its memory, held in place as long as the BO exists.
 *
 * Context: sleeps.
 * Return: BO with one reference; ERR_PTR: -EINVAL a size that is no multiple of 4 KiB; -ENOMEM;
 * -ERESTARTSYS.
 */
struct maru_bo *maru_bo_create_imported(struct maru_device *mdev, struct dma_buf *buf,
					struct sg_table *sgt)
{
	struct ttm_operation_ctx ctx = { .interruptible = true };
	struct maru_place place = { .mdev = mdev };
	struct maru_bo *bo;
	int ret;

	if (MARU_REFUSE(mdev, !buf->size || buf->size % MARU_PAGE_BYTES))
		return ERR_PTR(-EINVAL);
	ret = maru_place_lock(&place);
	if (ret)
		return ERR_PTR(ret);
	bo = bo_alloc(mdev, buf->size);
	if (!bo) {
		ret = -ENOMEM;
		goto unlock;
	}
	bo->tiers = BIT(DRM_MARU_TIER_SYSTEM);
	bo->preferred = DRM_MARU_TIER_SYSTEM;
	bo_set_placement(bo);
	dma_resv_lock(buf->resv, NULL);
	ret = ttm_bo_init_reserved(&mdev->ttm, &bo->ttm, ttm_bo_type_sg, &bo->placement, 0, &ctx,
				   sgt, buf->resv, maru_bo_destroy);
	dma_resv_unlock(buf->resv);
unlock:
	maru_place_unlock(&place);
	if (ret)
		return ERR_PTR(ret == -ENOSPC ? -ENOMEM : ret);
	return bo;
}

/**
 * maru_bo_create_pinned_kernel() - Create a contiguous, pinned piece of HBM for the driver.
 * @mdev: device.
 * @size: bytes, multiple of 4 KiB.
 * @address: OUT: in HBM.
 *
 * Its content is undefined and nothing of the card uses it any more.
 *
 * Context: sleeps, may evict and so wait for jobs.
 * Return: BO; ERR_PTR(-ENOMEM).
 */
struct maru_bo *maru_bo_create_pinned_kernel(struct maru_device *mdev, u64 size, u64 *address)
{
	struct ttm_operation_ctx ctx = { .interruptible = false };
	struct maru_pt_run run;
	struct maru_bo *bo = bo_alloc(mdev, size);
	int ret;

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->tiers = BIT(DRM_MARU_TIER_HBM);
	bo->places[0].mem_type = TTM_PL_VRAM;
	bo->places[0].flags = TTM_PL_FLAG_CONTIGUOUS;
	bo->placement.placement = bo->places;
	bo->placement.num_placement = 1;
	ret = ttm_bo_init_reserved(&mdev->ttm, &bo->ttm, ttm_bo_type_kernel, &bo->placement, 0,
				   &ctx, NULL, NULL, maru_bo_destroy);
	if (ret)
		return ERR_PTR(ret == -ENOSPC ? -ENOMEM : ret);
	dma_resv_wait_timeout(bo->ttm.base.resv, DMA_RESV_USAGE_KERNEL, false,
			      MAX_SCHEDULE_TIMEOUT);
	ttm_bo_pin(&bo->ttm);
	bo->pins++;
	maru_vram_runs(bo->ttm.resource, 0, size, &run);
	*address = run.address;
	ttm_bo_unreserve(&bo->ttm);
	atomic64_add(size, &mdev->counters.pinned_bytes);
	return bo;
}

/**
 * maru_bo_destroy_pinned_kernel() - Undo maru_bo_create_pinned_kernel().
 * @bo: BO that the card knows nothing of any more.
 */
void maru_bo_destroy_pinned_kernel(struct maru_bo *bo)
{
	atomic64_sub(bo->ttm.base.size, &bo->mdev->counters.pinned_bytes);
	ttm_bo_reserve(&bo->ttm, false, false, NULL);
	ttm_bo_unpin(&bo->ttm);
	bo->pins--;
	ttm_bo_unreserve(&bo->ttm);
	maru_bo_put(bo);
}

/**
 * maru_bo_lookup() - BO of a handle.
 * @file: file.
 * @handle: in it.
 *
 * Return: BO, to maru_bo_put(); NULL.
 */
struct maru_bo *maru_bo_lookup(struct drm_file *file, u32 handle)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(file, handle);

	return obj ? to_maru_bo(obj) : NULL;
}

/**
 * maru_bo_put() - Drop a reference.
 * @bo: BO.
 */
void maru_bo_put(struct maru_bo *bo)
{
	drm_gem_object_put(&bo->ttm.base);
}

/**
 * maru_bo_validate() - Bring a BO to where the card can use it.
 * @bo: BO.
 * @interruptible: how to wait.
 *
 * Context: its dma_resv is held.
 * Return: 0; -ENOMEM, -EBUSY: for maru_place_again(); -ERESTARTSYS.
 */
int maru_bo_validate(struct maru_bo *bo, bool interruptible)
{
	struct ttm_operation_ctx ctx = { .interruptible = interruptible };
	int ret;

	if (bo->pins)
		return 0;
	ret = ttm_bo_validate(&bo->ttm, &bo->placement, &ctx);
	/* jobs keep it from moving to where it should be: it may be where it is */
	if (ret == -EBUSY && bo->tiers & BIT(DRM_MARU_TIER_SYSTEM) &&
	    bo->ttm.resource->mem_type == TTM_PL_TT)
		return 0;
	return ret == -ENOSPC ? -ENOMEM : ret;
}

/**
 * maru_bo_moved() - Tell all VMs that a BO is about to lie elsewhere.
 * @bo: BO, whose dma_resv is held.
 *
 * Entries stay until the next submit, before which they are written anew: no job uses them
 * until then.
 */
void maru_bo_moved(struct maru_bo *bo)
{
	struct drm_gpuvm_bo *vm_bo;

	drm_gem_for_each_gpuvm_bo(vm_bo, &bo->ttm.base)
		drm_gpuvm_bo_evict(vm_bo, true);
}

static void bo_stat(struct maru_bo *bo, struct drm_memory_stats stats[MARU_TIER_COUNT])
{
	struct ttm_buffer_object *tbo = &bo->ttm;
	struct drm_memory_stats *stat;
	u64 size = tbo->base.size;
	u32 tier = bo->preferred;
	bool resident = false;

	if (dma_resv_trylock(tbo->base.resv)) {
		if (tbo->resource) {
			tier = maru_ttm_tier(tbo->resource);
			resident = tbo->resource->mem_type != TTM_PL_SYSTEM ||
				   (tbo->ttm && ttm_tt_is_populated(tbo->ttm));
		}
		dma_resv_unlock(tbo->base.resv);
	}
	stat = &stats[tier];
	if (tbo->base.handle_count > 1)
		stat->shared += size;
	else
		stat->private += size;
	if (resident)
		stat->resident += size;
	if (!dma_resv_test_signaled(tbo->base.resv, DMA_RESV_USAGE_BOOKKEEP))
		stat->active += size;
}

/**
 * maru_bo_memory_stats() - Add up the memory of a file, per tier.
 * @file: file.
 * @stats: added to.
 */
void maru_bo_memory_stats(struct drm_file *file, struct drm_memory_stats stats[MARU_TIER_COUNT])
{
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id)
		bo_stat(to_maru_bo(obj), stats);
	spin_unlock(&file->table_lock);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharing of BOs as dma-bufs: between files of the card at will, with other devices while the
 * memory is held in place, ours in system memory. Nobody is waited for but the kernel's own
 * moves and clears: the rest is what syncobjs are for.
 */
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/maru_accel.h>
#include <drm/ttm/ttm_placement.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "maru_bo.h"
#include "maru_device.h"
#include "maru_prime.h"

/** maru_prime_export() - Make a dma-buf. Return: it; ERR_PTR(-EPERM) without BO_SHARE. */
struct dma_buf *maru_prime_export(struct drm_gem_object *obj, int flags)
{
	struct maru_bo *bo = to_maru_bo(obj);

	if (MARU_REFUSE(bo->mdev, !(bo->flags & DRM_MARU_BO_SHARE)))
		return ERR_PTR(-EPERM);
	return drm_gem_prime_export(obj, flags);
}

/**
 * maru_prime_pin() - Hold a BO in system memory for another device.
 * @obj: its GEM object, whose dma_resv is held.
 *
 * Context: waits for the jobs that use it.
 * Return: 0; -EOPNOTSUPP it may not live there; -ENOMEM; -ERESTARTSYS.
 */
int maru_prime_pin(struct drm_gem_object *obj)
{
	static const struct ttm_place place = { .mem_type = TTM_PL_TT };
	struct ttm_placement placement = { .num_placement = 1, .placement = &place };
	struct ttm_operation_ctx ctx = { .interruptible = false };
	struct maru_bo *bo = to_maru_bo(obj);
	long ret;

	dma_resv_assert_held(obj->resv);
	if (MARU_REFUSE(bo->mdev, !(bo->tiers & BIT(DRM_MARU_TIER_SYSTEM))))
		return -EOPNOTSUPP;
	if (!bo->pins) {
		ret = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_BOOKKEEP, true,
					    MAX_SCHEDULE_TIMEOUT);
		if (ret < 0)
			return ret;
		ret = ttm_bo_validate(&bo->ttm, &placement, &ctx);
		if (ret)
			return ret;
	}
	ttm_bo_pin(&bo->ttm);
	if (!bo->pins++)
		atomic64_add(obj->size, &bo->mdev->counters.pinned_bytes);
	return 0;
}

/** maru_prime_unpin() - Undo maru_prime_pin(). Context: dma_resv of @obj is held. */
void maru_prime_unpin(struct drm_gem_object *obj)
{
	struct maru_bo *bo = to_maru_bo(obj);

	dma_resv_assert_held(obj->resv);
	ttm_bo_unpin(&bo->ttm);
	if (!--bo->pins)
		atomic64_sub(obj->size, &bo->mdev->counters.pinned_bytes);
}

/* Who it is for is not told: what the kernel takes a device for that claims nothing else. */
#define PRIME_SEGMENT_MAX	SZ_64K

/** maru_prime_get_sg_table() - Pages of a pinned BO. Return: table; ERR_PTR(-ENOMEM). */
struct sg_table *maru_prime_get_sg_table(struct drm_gem_object *obj)
{
	struct ttm_tt *tt = to_maru_bo(obj)->ttm.ttm;
	struct sg_table *sgt = kmalloc(sizeof(*sgt), GFP_KERNEL);
	int ret;

	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages_segment(sgt, tt->pages, tt->num_pages, 0,
						(unsigned long)tt->num_pages << PAGE_SHIFT,
						PRIME_SEGMENT_MAX, GFP_KERNEL);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}
	return sgt;
}

/**
 * maru_prime_import_sg_table() - Take a dma-buf of another device.
 * @drm: device.
 * @attach: to it; the exporter holds its memory in place as long as that exists.
 * @sgt: where the card finds it.
 *
 * Return: object; ERR_PTR: -EINVAL, -ENOMEM.
 */
struct drm_gem_object *maru_prime_import_sg_table(struct drm_device *drm,
						  struct dma_buf_attachment *attach,
						  struct sg_table *sgt)
{
	struct maru_bo *bo = maru_bo_create_imported(to_maru_device(drm), attach->dmabuf, sgt);

	return IS_ERR(bo) ? ERR_CAST(bo) : &bo->ttm.base;
}

/**
 * maru_prime_handle_to_fd() - Export, unless remove has begun to end imports.
 * @drm: device.
 * @file: file.
 * @handle: in it.
 * @flags: of the descriptor.
 * @fd: OUT: descriptor.
 *
 * Return: 0; -ENODEV; as drm_gem_prime_handle_to_fd().
 */
int maru_prime_handle_to_fd(struct drm_device *drm, struct drm_file *file, u32 handle,
			    u32 flags, int *fd)
{
	struct maru_device *mdev = to_maru_device(drm);
	int ret = -ENODEV;

	down_read(&mdev->share_sem);
	if (!maru_device_is_gone(mdev))
		ret = drm_gem_prime_handle_to_fd(drm, file, handle, flags, fd);
	up_read(&mdev->share_sem);
	return ret;
}

/**
 * maru_prime_fd_to_handle() - Import, unless remove has begun to end imports.
 * @drm: device.
 * @file: file.
 * @fd: descriptor of a dma-buf.
 * @handle: OUT: in @file.
 *
 * Return: 0; -ENODEV; as drm_gem_prime_fd_to_handle().
 */
int maru_prime_fd_to_handle(struct drm_device *drm, struct drm_file *file, int fd, u32 *handle)
{
	struct maru_device *mdev = to_maru_device(drm);
	int ret = -ENODEV;

	down_read(&mdev->share_sem);
	if (!maru_device_is_gone(mdev))
		ret = drm_gem_prime_fd_to_handle(drm, file, fd, handle);
	up_read(&mdev->share_sem);
	return ret;
}

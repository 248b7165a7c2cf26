// SPDX-License-Identifier: GPL-2.0-only
/*
 * DRM_IOCTL_MARU_BO_*.
 */
#include <drm/drm_file.h>
#include <drm/drm_utils.h>
#include <drm/drm_vma_manager.h>
#include <drm/maru_accel.h>
#include <drm/ttm/ttm_tt.h>
#include <linux/dma-resv.h>

#include "maru_bo.h"
#include "maru_device.h"
#include "maru_ttm.h"
#include "maru_vm.h"

#define BO_TIERS	(BIT(DRM_MARU_TIER_HBM) | BIT(DRM_MARU_TIER_SYSTEM))
#define BO_FLAGS	(DRM_MARU_BO_CPU | DRM_MARU_BO_SHARE)

static bool bo_args_are_valid(struct maru_device *mdev, const struct drm_maru_bo_create *args)
{
	return !MARU_REFUSE(mdev, !args->size) &&
	       !MARU_REFUSE(mdev, !args->tiers || args->tiers & ~BO_TIERS) &&
	       !MARU_REFUSE(mdev, args->preferred > DRM_MARU_TIER_SYSTEM) &&
	       !MARU_REFUSE(mdev, !(args->tiers & BIT(args->preferred))) &&
	       !MARU_REFUSE(mdev, args->flags & ~BO_FLAGS) &&
	       !MARU_REFUSE(mdev, args->vm && args->flags & DRM_MARU_BO_SHARE) &&
	       !MARU_REFUSE(mdev, args->align & (args->align - 1)) &&
	       !MARU_REFUSE(mdev, args->align && args->align < MARU_PAGE_BYTES) &&
	       !MARU_REFUSE(mdev, args->handle);
}

/** maru_bo_create_ioctl() - DRM_IOCTL_MARU_BO_CREATE, see the uapi. */
int maru_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_bo_create *args = data;
	struct maru_vm *vm = NULL;
	struct maru_bo *bo;
	int ret;

	if (!bo_args_are_valid(mdev, args))
		return -EINVAL;
	if (args->vm) {
		vm = maru_vm_lookup(file->driver_priv, args->vm);
		if (MARU_REFUSE(mdev, !vm))
			return -ENOENT;
	}
	bo = maru_bo_create(mdev, args->size, args->tiers, args->preferred, args->flags, vm,
			    args->align);
	if (vm)
		maru_vm_put(vm);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	ret = drm_gem_handle_create(file, &bo->ttm.base, &args->handle);
	maru_bo_put(bo);
	return ret;
}

/** maru_bo_mmap_ioctl() - DRM_IOCTL_MARU_BO_MMAP, see the uapi. */
int maru_bo_mmap_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_bo_mmap *args = data;
	struct maru_bo *bo;
	int ret = 0;

	if (MARU_REFUSE(mdev, args->flags) || MARU_REFUSE(mdev, args->offset))
		return -EINVAL;
	bo = maru_bo_lookup(file, args->handle);
	if (MARU_REFUSE(mdev, !bo))
		return -ENOENT;
	if (MARU_REFUSE(mdev, !(bo->flags & DRM_MARU_BO_CPU)))
		ret = -EACCES;
	else
		args->offset = drm_vma_node_offset_addr(&bo->ttm.base.vma_node);
	maru_bo_put(bo);
	return ret;
}

static u32 bo_current_tier(struct maru_bo *bo)
{
	struct ttm_buffer_object *tbo = &bo->ttm;

	if (!tbo->resource)
		return ~0;
	switch (tbo->resource->mem_type) {
	case TTM_PL_VRAM:
		return DRM_MARU_TIER_HBM;
	case TTM_PL_PRIV:
		return DRM_MARU_TIER_CXL;
	default:
		return tbo->ttm && ttm_tt_is_populated(tbo->ttm) ? DRM_MARU_TIER_SYSTEM : ~0;
	}
}

/** maru_bo_info_ioctl() - DRM_IOCTL_MARU_BO_INFO, see the uapi. */
int maru_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_bo_info *args = data;
	struct maru_bo *bo;
	int ret;

	if (MARU_REFUSE(mdev, args->mbz))
		return -EINVAL;
	bo = maru_bo_lookup(file, args->handle);
	if (MARU_REFUSE(mdev, !bo))
		return -ENOENT;
	ret = ttm_bo_reserve(&bo->ttm, true, false, NULL);
	if (ret)
		goto put;
	args->size = bo->ttm.base.size;
	args->tiers = bo->tiers;
	args->preferred = bo->preferred;
	args->current_tier = bo_current_tier(bo);
	args->flags = bo->flags;
	args->heat = 0;
	args->pins = bo->pins;
	ttm_bo_unreserve(&bo->ttm);
put:
	maru_bo_put(bo);
	return ret;
}

/** maru_bo_wait_ioctl() - DRM_IOCTL_MARU_BO_WAIT, see the uapi. */
int maru_bo_wait_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_bo_wait *args = data;
	struct maru_bo *bo;
	long left;

	if (MARU_REFUSE(mdev, args->flags & ~DRM_MARU_BO_WAIT_WRITE))
		return -EINVAL;
	bo = maru_bo_lookup(file, args->handle);
	if (MARU_REFUSE(mdev, !bo))
		return -ENOENT;
	/* jobs do not say which BOs they write: both kinds of wait are for all of them */
	left = dma_resv_wait_timeout(bo->ttm.base.resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     drm_timeout_abs_to_jiffies(args->deadline_ns));
	maru_bo_put(bo);
	if (left < 0)
		return left;
	return left ? 0 : -ETIME;
}

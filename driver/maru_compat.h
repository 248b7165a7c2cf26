/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels this driver builds for, 6.12 and 7.x, and nothing else.
 * The only place of the driver that looks at LINUX_VERSION_CODE. One section a room.
 */
#ifndef MARU_COMPAT_H
#define MARU_COMPAT_H

#include <linux/version.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>

/* ---- life: drm_driver, ioctls --------------------------------------------------------- */

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define MARU_DRIVER_FEATURES	DRIVER_GEM_GPUVA
#define MARU_DRIVER_DATE	.date = "20261101",
#else
#define MARU_DRIVER_FEATURES	0
#define MARU_DRIVER_DATE
#endif

/* A core ioctl that 6.12 does not have: no number equals ~0. */
#ifdef DRM_IOCTL_SET_CLIENT_NAME
#define MARU_NR_SET_CLIENT_NAME	DRM_IOCTL_NR(DRM_IOCTL_SET_CLIENT_NAME)
#else
#define MARU_NR_SET_CLIENT_NAME	(~0U)
#endif

#include <linux/module.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define MARU_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#else
#define MARU_IMPORT_NS_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#endif

/* ---- memory: TTM, gpuvm --------------------------------------------------------------- */

#include <drm/drm_gpuvm.h>
#include <drm/ttm/ttm_bo.h>
#include <drm/ttm/ttm_device.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)

static inline int maru_compat_ttm_device_init(struct ttm_device *bdev,
					      const struct ttm_device_funcs *funcs,
					      struct drm_device *drm)
{
	return ttm_device_init(bdev, funcs, drm->dev, drm->anon_inode->i_mapping,
			       drm->vma_offset_manager, false, false);
}

#define maru_compat_ttm_bo_fini(bo)	ttm_bo_put(bo)

static inline int maru_compat_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 va, u64 bytes,
				     struct drm_gem_object *obj, u64 offset)
{
	return drm_gpuvm_sm_map(gpuvm, priv, va, bytes, obj, offset);
}

#define maru_compat_gpuvm_bo_obtain(gpuvm, obj)	drm_gpuvm_bo_obtain(gpuvm, obj)

#else

static inline int maru_compat_ttm_device_init(struct ttm_device *bdev,
					      const struct ttm_device_funcs *funcs,
					      struct drm_device *drm)
{
	return ttm_device_init(bdev, funcs, drm->dev, drm->anon_inode->i_mapping,
			       drm->vma_offset_manager, 0);
}

#define maru_compat_ttm_bo_fini(bo)	ttm_bo_fini(bo)

static inline int maru_compat_sm_map(struct drm_gpuvm *gpuvm, void *priv, u64 va, u64 bytes,
				     struct drm_gem_object *obj, u64 offset)
{
	struct drm_gpuvm_map_req req = {
		.map.va.addr = va,
		.map.va.range = bytes,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map(gpuvm, priv, &req);
}

#define maru_compat_gpuvm_bo_obtain(gpuvm, obj)	drm_gpuvm_bo_obtain_locked(gpuvm, obj)

#endif

/* ---- queues: drm_sched ---------------------------------------------------------------- */

#include <drm/gpu_scheduler.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)

/*
 * The time-out handler is done with a job, which either goes on or has its fence signalled:
 * back to where the scheduler took it from, and let it be freed if it ended meanwhile.
 */
static inline enum drm_gpu_sched_stat maru_compat_sched_put_back(struct drm_sched_job *job)
{
	struct drm_gpu_scheduler *sched = job->sched;

	spin_lock(&sched->job_list_lock);
	list_add(&job->list, &sched->pending_list);
	spin_unlock(&sched->job_list_lock);
	queue_work(sched->submit_wq, &sched->work_free_job);
	return DRM_GPU_SCHED_STAT_NOMINAL;
}

static inline void maru_compat_sched_fini(struct drm_gpu_scheduler *sched)
{
	drm_sched_fini(sched);
	/* the last time-out handler may have queued it again */
	cancel_work_sync(&sched->work_free_job);
}

/* The code of a fence is called as long as somebody holds it: keep the module until then. */
#define MARU_FENCE_PINS_MODULE	1

#else

/* The core lets go of a fence's code when it is signalled. */
#define MARU_FENCE_PINS_MODULE	0

static inline enum drm_gpu_sched_stat maru_compat_sched_put_back(struct drm_sched_job *job)
{
	return DRM_GPU_SCHED_STAT_NO_HANG;
}

#define maru_compat_sched_fini(sched)	drm_sched_fini(sched)

#endif

#endif

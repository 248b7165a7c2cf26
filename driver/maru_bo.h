/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_BO_H
#define MARU_BO_H

#include <drm/drm_file.h>
#include <drm/ttm/ttm_bo.h>

#include "maru_types.h"

struct maru_bo *maru_bo_create(struct maru_device *mdev, u64 size, u32 tiers, u32 preferred,
			       u32 flags, struct maru_vm *vm, u32 align);
struct maru_bo *maru_bo_create_pinned_kernel(struct maru_device *mdev, u64 size, u64 *address);
struct maru_bo *maru_bo_create_imported(struct maru_device *mdev, struct dma_buf *buf,
					struct sg_table *sgt);
void maru_bo_destroy_pinned_kernel(struct maru_bo *bo);

bool maru_bo_is_ours(struct ttm_buffer_object *tbo);
struct maru_bo *maru_bo_lookup(struct drm_file *file, u32 handle);
void maru_bo_put(struct maru_bo *bo);
int maru_bo_validate(struct maru_bo *bo, bool interruptible);
void maru_bo_forget_all(struct maru_device *mdev);
void maru_bo_moved(struct maru_bo *bo);
void maru_bo_memory_stats(struct drm_file *file, struct drm_memory_stats stats[MARU_TIER_COUNT]);

int maru_bo_mmap(struct file *filp, struct vm_area_struct *vma);

int maru_bo_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_bo_mmap_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_bo_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_bo_wait_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_VM_H
#define MARU_VM_H

#include <drm/drm_exec.h>

#include "maru_types.h"

/** struct maru_vm_bo - A BO in a VM. */
struct maru_vm_bo {
	struct drm_gpuvm_bo base;
	/** @rebind: in vm->rebind while its entries are stale. */
	struct list_head rebind;
};

#define to_maru_vm_bo(ptr) container_of(ptr, struct maru_vm_bo, base)

int maru_vm_init(struct maru_device *mdev);
struct maru_vm *maru_vm_lookup(struct maru_file *file, u32 id);
void maru_vm_put(struct maru_vm *vm);
int maru_vm_attach_queue(struct maru_vm *vm);
void maru_vm_detach_queue(struct maru_vm *vm);

int maru_vm_lock_exec(struct maru_vm *vm, struct drm_exec *exec, unsigned int fences);
int maru_vm_add_deps(struct drm_exec *exec, struct drm_sched_job *job);
void maru_vm_add_fence(struct maru_vm *vm, struct drm_exec *exec, struct dma_fence *fence);
int maru_vm_reserve_fences(struct drm_exec *exec, unsigned int fences);

void maru_vm_pre_reset(struct maru_device *mdev);
void maru_vm_post_reset(struct maru_device *mdev);
void maru_vm_close_file(struct maru_file *file);

int maru_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif

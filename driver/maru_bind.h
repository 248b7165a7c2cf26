/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_BIND_H
#define MARU_BIND_H

#include "maru_admin.h"
#include "maru_pt.h"
#include "maru_types.h"

struct drm_exec;
struct maru_fence;

#define MARU_VA_READ_ONLY	DRM_GPUVA_USERBITS

/** struct maru_bind_step - A change of page tables, done when the job runs. */
struct maru_bind_step {
	struct list_head link;			/* in maru_bind_job.steps, in order */
	u64 va;
	u64 bytes;
	u64 bits;				/* of the entries */
	/** @runs: where the memory lies; NULL: unmap. @count: of @runs. */
	struct maru_pt_run *runs;
	size_t count;
};

/** struct maru_va - A mapping. */
struct maru_va {
	struct drm_gpuva base;
	/** @clear: step of the job that took it out of the tree whole. */
	struct maru_bind_step clear;
	/** @link: in maru_bind_job.spares before and .gone after it was in the tree. */
	struct list_head link;
	/** @obj: what it maps, kept from when it left the tree until the card forgot it. */
	struct drm_gem_object *obj;
};

#define to_maru_va(ptr) container_of(ptr, struct maru_va, base)

/** struct maru_bind_job - A change of a VM's mappings. */
struct maru_bind_job {
	struct drm_sched_job base;
	struct maru_vm *vm;
	bool in_sched;				/* @base was initialised */
	bool ending;				/* counted in the file's binds */
	struct list_head steps;
	/** @own: steps that are allocated by themselves. */
	struct maru_bind_step *own;
	unsigned int own_count;
	struct list_head spares;
	struct list_head gone;
	/** @vm_bo, @va_flags: of the mapping that maru_bind_step_map() will link. */
	struct drm_gpuvm_bo *vm_bo;
	enum drm_gpuva_flags va_flags;
	struct maru_pt_stash stash;
	struct maru_pt_flush flush;
	/**
	 * @fence: ended when the card forgot the old entries; what user space gets. The
	 * scheduler's own, right after it, is what stands in dma_resv.
	 */
	struct maru_fence *fence;
	struct maru_admin_request request;
	/** @late: signals @fence after the card reset that stood in for the invalidation. */
	struct work_struct late;
	struct llist_node reap;
};

#define to_maru_bind_job(ptr) container_of(ptr, struct maru_bind_job, base)

void maru_bind_device_init(struct maru_device *mdev);
int maru_bind_init(struct maru_vm *vm);
void maru_bind_fini(struct maru_vm *vm);

struct maru_bind_job *maru_bind_job_create(struct maru_vm *vm, unsigned int steps);
void maru_bind_job_destroy(struct maru_bind_job *job);
int maru_bind_job_init(struct maru_bind_job *job, struct drm_file *file);
int maru_bind_job_spare(struct maru_bind_job *job, unsigned int count);
struct dma_fence *maru_bind_job_arm(struct maru_bind_job *job);
void maru_bind_job_push(struct maru_bind_job *job);

int maru_bind_step_map(struct drm_gpuva_op *op, void *priv);
int maru_bind_step_remap(struct drm_gpuva_op *op, void *priv);
int maru_bind_step_unmap(struct drm_gpuva_op *op, void *priv);
int maru_bind_step_fill(struct maru_bind_step *step, struct drm_gem_object *obj, u64 offset,
			u64 va, u64 bytes, bool read_only);
int maru_bind_rebind(struct maru_vm *vm, struct drm_exec *exec);
void maru_bind_take_out(struct maru_bind_job *job, struct drm_gpuva *va);

#endif

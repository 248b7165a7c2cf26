// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping anew what moved: a bind job of the kernel's own, before the next job of the VM.
 */
#include <drm/drm_exec.h>
#include <drm/drm_gpuvm.h>
#include <linux/dma-resv.h>

#include "maru_bind.h"
#include "maru_table.h"
#include "maru_vm.h"

static unsigned int rebind_need(struct maru_vm *vm, struct maru_pt_need *need)
{
	unsigned int count = 0;
	struct maru_vm_bo *stale;
	struct drm_gpuva *va;

	list_for_each_entry(stale, &vm->rebind, rebind) {
		struct drm_gpuvm_bo *vm_bo = &stale->base;

		drm_gpuvm_bo_for_each_va(va, vm_bo) {
			maru_pt_need_map(need, va->va.addr, va->va.range);
			count++;
		}
	}
	return count;
}

/* The entries, and as dependencies the moves: until then jobs may run that use the old ones. */
static int rebind_fill(struct maru_bind_job *job)
{
	struct maru_bind_step *step = job->own;
	struct maru_vm_bo *stale;
	struct drm_gpuva *va;
	int ret;

	list_for_each_entry(stale, &job->vm->rebind, rebind) {
		struct drm_gpuvm_bo *vm_bo = &stale->base;

		ret = drm_sched_job_add_resv_dependencies(&job->base, vm_bo->obj->resv,
							  DMA_RESV_USAGE_KERNEL);
		if (ret)
			return ret;
		drm_gpuvm_bo_for_each_va(va, vm_bo) {
			ret = maru_bind_step_fill(step, va->gem.obj, va->gem.offset, va->va.addr,
						  va->va.range, va->flags & MARU_VA_READ_ONLY);
			if (ret)
				return ret;
			list_add_tail(&step->link, &job->steps);
			step++;
		}
	}
	return 0;
}

/**
 * maru_bind_rebind() - Write the entries of mappings whose memory moved.
 * @vm: VM, validated.
 * @exec: holds all its locks.
 *
 * Its fence is a KERNEL one of the VM's dma_resv: jobs wait for it.
 *
 * Context: sleeps; outside the fence-signalling path.
 * Return: 0; -ENOMEM.
 */
int maru_bind_rebind(struct maru_vm *vm, struct drm_exec *exec)
{
	struct maru_vm_bo *stale, *next;
	struct maru_pt_need need = { };
	struct maru_bind_job *job;
	int ret;

	drm_gpuvm_resv_assert_held(&vm->gpuvm);
	if (list_empty(&vm->rebind))
		return 0;
	job = maru_bind_job_create(vm, rebind_need(vm, &need));
	if (!job)
		return -ENOMEM;
	ret = maru_table_fill(vm->pool, &job->stash, &need, true);
	if (!ret)
		ret = maru_bind_job_init(job, NULL);
	if (!ret)
		ret = rebind_fill(job);
	if (!ret)
		ret = maru_vm_reserve_fences(exec, 1);
	if (ret) {
		maru_bind_job_destroy(job);
		return ret;
	}
	drm_gpuvm_resv_add_fence(&vm->gpuvm, exec, maru_bind_job_arm(job), DMA_RESV_USAGE_KERNEL,
				 DMA_RESV_USAGE_BOOKKEEP);
	maru_bind_job_push(job);
	list_for_each_entry_safe(stale, next, &vm->rebind, rebind)
		list_del_init(&stale->rebind);
	return 0;
}

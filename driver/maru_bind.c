// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM_BIND: check, look up, take what is needed, lock, change the tree, arm, push. After the tree
 * began to change nothing fails, so a call is done whole or not at all.
 *
 * A sync call is an async one that waits, whatever signals come: it is not refused any more.
 * Mappings of BOs that moved are written anew here
 * too, for maru_vm_lock_exec().
 */
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/maru_accel.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "maru_bind.h"
#include "maru_bo.h"
#include "maru_device.h"
#include "maru_fence.h"
#include "maru_place.h"
#include "maru_sync.h"
#include "maru_table.h"
#include "maru_uobj.h"
#include "maru_vm.h"

#define BIND_SPARES	3	/* what one op adds to the tree at most: itself, both ends cut */

/** struct bind_item - An op of a call. */
struct bind_item {
	struct drm_maru_bind_op op;
	struct maru_bo *bo;			/* of MAP and UNMAP_ALL, referenced */
	struct drm_gpuvm_bo *vm_bo;		/* of MAP, referenced while locked */
	struct maru_bind_step *step;
};

/** struct bind_call - What a call works with. */
struct bind_call {
	struct maru_device *mdev;
	struct drm_file *file;
	struct maru_vm *vm;
	struct bind_item *items;
	u32 count;
	struct maru_syncs *syncs;
	struct maru_bind_job *job;
};

static bool bind_range_is_valid(struct bind_call *call, u64 va, u64 bytes)
{
	struct maru_vm *vm = call->vm;

	return !MARU_REFUSE(call->mdev, !bytes || (va | bytes) % MARU_PAGE_BYTES) &&
	       !MARU_REFUSE(call->mdev, va < vm->va_start) &&
	       !MARU_REFUSE(call->mdev, va - vm->va_start >= vm->va_bytes) &&
	       !MARU_REFUSE(call->mdev, bytes > vm->va_bytes - (va - vm->va_start));
}

static int bind_check_op(struct bind_call *call, const struct drm_maru_bind_op *op)
{
	struct maru_device *mdev = call->mdev;

	if (MARU_REFUSE(mdev, op->tier))
		return -EINVAL;
	switch (op->op) {
	case DRM_MARU_BIND_MAP:
		if (MARU_REFUSE(mdev, op->flags & ~DRM_MARU_BIND_READ_ONLY) ||
		    MARU_REFUSE(mdev, op->offset % MARU_PAGE_BYTES))
			return -EINVAL;
		return bind_range_is_valid(call, op->va, op->bytes) ? 0 : -EINVAL;
	case DRM_MARU_BIND_UNMAP:
		if (MARU_REFUSE(mdev, op->flags || op->handle || op->offset))
			return -EINVAL;
		return bind_range_is_valid(call, op->va, op->bytes) ? 0 : -EINVAL;
	case DRM_MARU_BIND_UNMAP_ALL:
		if (MARU_REFUSE(mdev, op->flags || op->offset || op->va || op->bytes))
			return -EINVAL;
		return 0;
	case DRM_MARU_BIND_MAP_USERPTR:
	case DRM_MARU_BIND_PREFETCH:
		return -EOPNOTSUPP;
	default:
		MARU_REFUSE(mdev, op->op > DRM_MARU_BIND_PREFETCH);
		return -EINVAL;
	}
}

static int bind_look_up(struct bind_call *call, struct bind_item *item)
{
	const struct drm_maru_bind_op *op = &item->op;
	struct maru_device *mdev = call->mdev;
	u64 size;

	if (op->op == DRM_MARU_BIND_UNMAP)
		return 0;
	item->bo = maru_bo_lookup(call->file, op->handle);
	if (MARU_REFUSE(mdev, !item->bo))
		return -ENOENT;
	if (MARU_REFUSE(mdev, item->bo->vm && item->bo->vm != call->vm))
		return -EACCES;
	if (op->op == DRM_MARU_BIND_UNMAP_ALL)
		return 0;
	size = item->bo->ttm.base.size;
	if (MARU_REFUSE(mdev, op->offset > size || op->bytes > size - op->offset))
		return -EINVAL;
	return 0;
}

static int bind_parse(struct bind_call *call, const struct drm_maru_vm_bind *args)
{
	struct drm_maru_bind_op *ops;
	u32 i;
	int ret = 0;

	ops = maru_uobj_get_array(&args->ops, sizeof(*ops), sizeof(*ops), MARU_MAX_BIND_OPS);
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	call->items = kvcalloc(args->ops.count, sizeof(*call->items), GFP_KERNEL);
	if (args->ops.count && !call->items)
		ret = -ENOMEM;
	for (i = 0; i < args->ops.count && !ret; i++) {
		call->items[i].op = ops[i];
		ret = bind_check_op(call, &ops[i]);
	}
	if (!ret)
		call->count = args->ops.count;
	for (i = 0; i < call->count && !ret; i++)
		ret = bind_look_up(call, &call->items[i]);
	kvfree(ops);
	return ret;
}

/* All that is allocated before BOs are locked: tables may have to evict others. */
static int bind_prepare(struct bind_call *call)
{
	struct maru_pt_need need = { };
	u32 i;
	int ret;

	/* the job is counted under the lock that ends the VM: who ends it waits for the job */
	if (MARU_REFUSE(call->mdev, call->vm->closed))
		return -ENOENT;
	if (MARU_REFUSE(call->mdev, READ_ONCE(call->vm->unusable)))
		return drm_dev_is_unplugged(&call->mdev->drm) ? -ENODEV : -EIO;
	call->job = maru_bind_job_create(call->vm, call->count);
	if (!call->job)
		return -ENOMEM;
	for (i = 0; i < call->count; i++) {
		struct bind_item *item = &call->items[i];

		item->step = &call->job->own[i];
		if (item->op.op == DRM_MARU_BIND_MAP)
			maru_pt_need_map(&need, item->op.va, item->op.bytes);
		else if (item->op.op == DRM_MARU_BIND_UNMAP)
			maru_pt_need_unmap(&need, item->op.va, item->op.bytes);
	}
	ret = maru_bind_job_spare(call->job, call->count * BIND_SPARES);
	if (ret)
		return ret;
	ret = maru_table_fill(call->vm->pool, &call->job->stash, &need, false);
	if (ret)
		return ret;
	ret = maru_bind_job_init(call->job, call->file);
	if (ret)
		return ret;
	return maru_syncs_add_deps(call->syncs, &call->job->base);
}

/* The VM, what is mapped or unmapped by name, and what is mapped where something changes. */
static int bind_lock(struct bind_call *call, struct drm_exec *exec)
{
	struct drm_gpuvm *gpuvm = &call->vm->gpuvm;
	u32 i;
	int ret;

	ret = drm_gpuvm_prepare_vm(gpuvm, exec, 1);
	for (i = 0; i < call->count && !ret; i++) {
		struct bind_item *item = &call->items[i];

		if (item->bo)
			ret = drm_exec_prepare_obj(exec, &item->bo->ttm.base, 1);
		if (!ret && item->op.bytes)
			ret = drm_gpuvm_prepare_range(gpuvm, exec, item->op.va, item->op.bytes, 1);
	}
	return ret;
}

static int bind_fill(struct bind_call *call, struct drm_exec *exec)
{
	u32 i;
	int ret;

	for (i = 0; i < call->count; i++) {
		struct bind_item *item = &call->items[i];
		const struct drm_maru_bind_op *op = &item->op;

		item->step->va = op->va;
		item->step->bytes = op->bytes;
		if (op->op != DRM_MARU_BIND_MAP)
			continue;
		ret = maru_bo_validate(item->bo, true);
		if (ret)
			return ret;
		ret = maru_bind_step_fill(item->step, &item->bo->ttm.base, op->offset, op->va,
					  op->bytes, op->flags & DRM_MARU_BIND_READ_ONLY);
		if (ret)
			return ret;
		item->vm_bo = maru_compat_gpuvm_bo_obtain(&call->vm->gpuvm, &item->bo->ttm.base);
		if (IS_ERR(item->vm_bo)) {
			ret = PTR_ERR(item->vm_bo);
			item->vm_bo = NULL;
			return ret;
		}
	}
	return maru_vm_reserve_fences(exec, 1);
}

static void bind_apply_unmap_all(struct bind_call *call, struct bind_item *item)
{
	struct drm_gpuvm_bo *vm_bo;
	struct drm_gpuva *va, *next;

	vm_bo = drm_gpuvm_bo_find(&call->vm->gpuvm, &item->bo->ttm.base);
	if (!vm_bo)
		return;
	drm_gpuvm_bo_for_each_va_safe(va, next, vm_bo)
		maru_bind_take_out(call->job, va);
	drm_gpuvm_bo_put(vm_bo);
}

/* Can not fail: ranges were checked and the steps take from what was prepared. */
static void bind_apply(struct bind_call *call, struct bind_item *item)
{
	const struct drm_maru_bind_op *op = &item->op;
	struct maru_bind_job *job = call->job;
	int ret = 0;

	switch (op->op) {
	case DRM_MARU_BIND_MAP:
		job->vm_bo = item->vm_bo;
		job->va_flags = op->flags & DRM_MARU_BIND_READ_ONLY ? MARU_VA_READ_ONLY : 0;
		ret = maru_compat_sm_map(&call->vm->gpuvm, job, op->va, op->bytes,
					 &item->bo->ttm.base, op->offset);
		drm_gpuvm_bo_extobj_add(item->vm_bo);
		list_add_tail(&item->step->link, &job->steps);
		break;
	case DRM_MARU_BIND_UNMAP:
		ret = drm_gpuvm_sm_unmap(&call->vm->gpuvm, job, op->va, op->bytes);
		list_add_tail(&item->step->link, &job->steps);
		break;
	default:
		bind_apply_unmap_all(call, item);
	}
	if (ret)
		drm_err_ratelimited(&call->mdev->drm, "vm %u: tree of mappings: %d\n",
				    call->vm->id, ret);
}

static void bind_put_vm_bos(struct bind_call *call)
{
	u32 i;

	for (i = 0; i < call->count; i++) {
		if (call->items[i].vm_bo)
			drm_gpuvm_bo_put(call->items[i].vm_bo);
		call->items[i].vm_bo = NULL;
	}
}

/* Return: the job's fence, a reference; the job is the scheduler's. */
static struct dma_fence *bind_push(struct bind_call *call, struct drm_exec *exec)
{
	struct dma_fence *fence;
	u32 i;

	/* nothing fails from here */
	fence = dma_fence_get(maru_bind_job_arm(call->job));
	for (i = 0; i < call->count; i++)
		bind_apply(call, &call->items[i]);
	drm_gpuvm_resv_add_fence(&call->vm->gpuvm, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
	maru_syncs_signal(call->syncs, fence);
	maru_bind_job_push(call->job);
	call->job = NULL;
	return fence;
}

static struct dma_fence *bind_run_locked(struct bind_call *call)
{
	struct dma_fence *fence;
	struct drm_exec exec;
	int ret;

	ret = bind_prepare(call);
	if (ret)
		return ERR_PTR(ret);
	drm_exec_init(&exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES,
		      call->count + 1);
	drm_exec_until_all_locked(&exec) {
		ret = bind_lock(call, &exec);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			break;
	}
	if (!ret)
		ret = bind_fill(call, &exec);
	fence = ret ? ERR_PTR(ret) : bind_push(call, &exec);
	bind_put_vm_bos(call);
	drm_exec_fini(&exec);
	return fence;
}

/* Return: the job's fence; ERR_PTR, and then it may be tried again. */
static struct dma_fence *bind_try(struct bind_call *call, struct maru_place *place)
{
	struct dma_fence *fence;
	int ret;

	ret = maru_place_lock(place);
	if (ret)
		return ERR_PTR(ret);
	ret = mutex_lock_interruptible(&call->vm->lock);
	if (!ret) {
		fence = bind_run_locked(call);
		mutex_unlock(&call->vm->lock);
	} else {
		fence = ERR_PTR(ret);
	}
	maru_place_unlock(place);
	if (call->job)
		maru_bind_job_destroy(call->job);
	call->job = NULL;
	return fence;
}

static int bind_run(struct bind_call *call, bool async)
{
	struct maru_place place = { .mdev = call->mdev };
	struct dma_fence *fence;
	int ret;

	do {
		fence = bind_try(call, &place);
		ret = PTR_ERR_OR_ZERO(fence);
	} while (maru_place_again(&place, &ret));
	if (ret)
		return ret;
	if (!async)
		ret = maru_fence_wait_killable(fence);
	if (!async && !ret)
		ret = fence->error;
	dma_fence_put(fence);
	return ret;
}

static void bind_call_fini(struct bind_call *call)
{
	u32 i;

	maru_syncs_destroy(call->syncs);
	for (i = 0; i < call->count; i++)
		if (call->items[i].bo)
			maru_bo_put(call->items[i].bo);
	kvfree(call->items);
	maru_vm_put(call->vm);
}

static int bind_get_syncs(struct bind_call *call, const struct drm_maru_vm_bind *args)
{
	const struct drm_maru_array *syncs = &args->syncs;

	if (!(args->flags & DRM_MARU_VM_BIND_ASYNC)) {
		if (MARU_REFUSE(call->mdev, syncs->stride || syncs->count || syncs->ptr))
			return -EINVAL;
		return 0;
	}
	call->syncs = maru_syncs_create(call->file->driver_priv, syncs);
	if (IS_ERR(call->syncs)) {
		int ret = PTR_ERR(call->syncs);

		call->syncs = NULL;
		return ret;
	}
	return 0;
}

/** maru_vm_bind_ioctl() - DRM_IOCTL_MARU_VM_BIND, see the uapi. */
int maru_vm_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct bind_call call = { .mdev = to_maru_device(drm), .file = file };
	const struct drm_maru_vm_bind *args = data;
	int ret;

	if (MARU_REFUSE(call.mdev, args->flags & ~DRM_MARU_VM_BIND_ASYNC))
		return -EINVAL;
	call.vm = maru_vm_lookup(file->driver_priv, args->vm);
	if (MARU_REFUSE(call.mdev, !call.vm))
		return -ENOENT;
	ret = bind_parse(&call, args);
	if (!ret)
		ret = bind_get_syncs(&call, args);
	if (!ret)
		ret = bind_run(&call, args->flags & DRM_MARU_VM_BIND_ASYNC);
	bind_call_fini(&call);
	return ret;
}

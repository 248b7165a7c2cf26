// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces.
 *
 * The tree of mappings says what user space asked for and changes in the ioctl; the page
 * tables follow when the bind job runs. Both orders are the same, as jobs are pushed under the
 * VM's dma_resv. Every fence of work in a VM stands in that dma_resv and in those of the BOs
 * that are shared, so nothing moves or goes while it is used.
 */
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gpuvm.h>
#include <drm/drm_managed.h>
#include <drm/maru_accel.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "maru_admin.h"
#include "maru_bind.h"
#include "maru_bo.h"
#include "maru_device.h"
#include "maru_place.h"
#include "maru_pt.h"
#include "maru_reset.h"
#include "maru_table.h"
#include "maru_ttm.h"
#include "maru_vm.h"

#define VM_TELL_TRIES	8

static struct drm_gpuvm_bo *maru_vm_bo_alloc(void)
{
	struct maru_vm_bo *vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL);

	if (!vm_bo)
		return NULL;
	INIT_LIST_HEAD(&vm_bo->rebind);
	return &vm_bo->base;
}

static void maru_vm_bo_free(struct drm_gpuvm_bo *base)
{
	struct maru_vm_bo *vm_bo = to_maru_vm_bo(base);

	list_del(&vm_bo->rebind);
	kfree(vm_bo);
}

static int maru_vm_bo_validate(struct drm_gpuvm_bo *base, struct drm_exec *exec)
{
	struct maru_vm *vm = to_maru_vm(base->vm);
	int ret;

	ret = maru_bo_validate(to_maru_bo(base->obj), true);
	if (ret)
		return ret;
	base->evicted = false;
	list_move_tail(&to_maru_vm_bo(base)->rebind, &vm->rebind);
	return 0;
}

static void maru_vm_free(struct drm_gpuvm *gpuvm)
{
	struct maru_vm *vm = to_maru_vm(gpuvm);

	mutex_destroy(&vm->lock);
	kfree(vm->pt);
	atomic_dec(&vm->mdev->counters.vms);
	kfree(vm);
}

static const struct drm_gpuvm_ops maru_gpuvm_ops = {
	.vm_free = maru_vm_free,
	.vm_bo_alloc = maru_vm_bo_alloc,
	.vm_bo_free = maru_vm_bo_free,
	.vm_bo_validate = maru_vm_bo_validate,
	.sm_step_map = maru_bind_step_map,
	.sm_step_remap = maru_bind_step_remap,
	.sm_step_unmap = maru_bind_step_unmap,
};

/* The card's side of a VM. A reset in between is no failure. */
static int vm_tell(struct maru_vm *vm, enum maru_admin_op op)
{
	int ret = -ECANCELED, tries;

	for (tries = 0; ret == -ECANCELED && tries < VM_TELL_TRIES; tries++) {
		struct maru_admin_sqe sqe = { .op = op, .vm.vm = vm->id };
		u64 value[2];

		if (op == MARU_ADMIN_VM_CREATE)
			sqe.vm.root = vm->root;
		ret = maru_admin_call(vm->mdev, &sqe, value);
	}
	return ret;
}

static int vm_create_root(struct maru_vm *vm)
{
	struct maru_place place = { .mdev = vm->mdev };
	struct maru_pt_table *root;
	int ret;

	do {
		ret = maru_place_lock(&place);
		if (ret)
			return ret;
		root = maru_table_create(vm->pool, false);
		maru_place_unlock(&place);
		ret = PTR_ERR_OR_ZERO(root);
	} while (maru_place_again(&place, &ret));
	if (!ret)
		vm->pt->root = root;
	return ret;
}

static int vm_create_tables(struct maru_vm *vm)
{
	int ret;

	vm->pt = kzalloc(sizeof(*vm->pt), GFP_KERNEL);
	vm->pool = maru_table_pool_create(vm->mdev, vm->file);
	if (!vm->pt || !vm->pool)
		return -ENOMEM;
	vm->pt->ops = &maru_table_ops;
	vm->pt->priv = vm->mdev;
	ret = vm_create_root(vm);
	if (ret)
		return ret;
	vm->pt->root->level = MARU_PT_LEVELS - 1;
	vm->root = MARU_ENTRY(MARU_TIER_HBM, vm->pt->root->address) & ~MARU_PTE_LEAF;
	return 0;
}

static void vm_destroy_tables(struct maru_vm *vm)
{
	struct maru_pt_stash stash = { };

	if (vm->pt && vm->pool) {
		maru_pt_release(vm->pt, &stash);
		maru_table_give_back(vm->pool, &stash);
	}
	if (vm->pool)
		maru_table_pool_destroy(vm->pool);
	vm->pool = NULL;
}

static int vm_create_on_card(struct maru_vm *vm)
{
	struct maru_device *mdev = vm->mdev;
	int ret;

	ret = xa_alloc(&mdev->vms, &vm->id, vm, XA_LIMIT(1, mdev->caps.limits.vms), GFP_KERNEL);
	if (ret)
		return ret == -EBUSY ? -ENOSPC : ret;
	ret = vm_tell(vm, MARU_ADMIN_VM_CREATE);
	if (ret == -EEXIST)
		ret = 0;			/* by a reset that came between */
	if (ret)
		xa_erase(&mdev->vms, vm->id);
	return ret;
}

static struct maru_vm *vm_alloc(struct maru_file *file, u64 va_start, u64 va_bytes)
{
	struct maru_device *mdev = file->mdev;
	struct drm_gem_object *resv_obj;
	struct maru_vm *vm;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!vm)
		return NULL;
	resv_obj = drm_gpuvm_resv_object_alloc(&mdev->drm);
	if (!resv_obj) {
		kfree(vm);
		return NULL;
	}
	vm->mdev = mdev;
	vm->file = file;
	vm->va_start = va_start;
	vm->va_bytes = va_bytes;
	mutex_init(&vm->lock);
	init_waitqueue_head(&vm->idle);
	INIT_LIST_HEAD(&vm->rebind);
	atomic_inc(&mdev->counters.vms);
	drm_gpuvm_init(&vm->gpuvm, "maru", DRM_GPUVM_RESV_PROTECTED, &mdev->drm, resv_obj,
		       va_start, va_bytes, 0, 0, &maru_gpuvm_ops);
	drm_gem_object_put(resv_obj);
	return vm;
}

static struct maru_vm *vm_create(struct maru_file *file, u64 va_start, u64 va_bytes)
{
	struct maru_vm *vm = vm_alloc(file, va_start, va_bytes);
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	ret = vm_create_tables(vm);
	if (ret)
		goto tables;
	ret = maru_bind_init(vm);
	if (ret)
		goto tables;
	ret = vm_create_on_card(vm);
	if (ret)
		goto bind;
	return vm;
bind:
	maru_bind_fini(vm);
tables:
	vm_destroy_tables(vm);
	maru_vm_put(vm);
	return ERR_PTR(ret);
}

/* Make the card forget the VM, which has no queues. A dead core has forgotten it already. */
static void vm_forget(struct maru_vm *vm)
{
	struct maru_device *mdev = vm->mdev;
	int ret;

	WRITE_ONCE(vm->closing, true);
	ret = vm_tell(vm, MARU_ADMIN_VM_DESTROY);
	if (ret && ret != -ENOENT && ret != -ENODEV && ret != -EIO) {
		drm_err_ratelimited(&mdev->drm, "vm %u: not destroyed: %d\n", vm->id, ret);
		maru_reset_card(mdev, "a VM could not be destroyed");
		flush_workqueue(mdev->timeout_wq);
	}
	xa_erase(&mdev->vms, vm->id);
}

static void vm_drop_mappings(struct maru_vm *vm)
{
	struct drm_gpuva *va, *next;

	/*
	 * One lock at a time is enough: nobody else adds mappings any more. The reference keeps
	 * a BO from going while its dma_resv is held.
	 */
	drm_gpuvm_for_each_va_safe(va, next, &vm->gpuvm) {
		struct drm_gem_object *obj = va->gem.obj;
		struct drm_exec exec;

		drm_gem_object_get(obj);
		down_read(&vm->mdev->place_sem);
		drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 2);
		drm_exec_until_all_locked(&exec) {
			drm_gpuvm_prepare_vm(&vm->gpuvm, &exec, 0);
			drm_exec_retry_on_contention(&exec);
			drm_exec_lock_obj(&exec, obj);
			drm_exec_retry_on_contention(&exec);
		}
		drm_gpuva_remove(va);
		drm_gpuva_unlink(va);
		drm_exec_fini(&exec);
		up_read(&vm->mdev->place_sem);
		drm_gem_object_put(obj);
		kfree(va);
	}
}

/* The end of a VM; what still refers to it finds it empty. */
static void vm_close(struct maru_vm *vm)
{
	struct dma_resv *resv = drm_gpuvm_resv(&vm->gpuvm);

	down_read(&vm->mdev->place_sem);
	mutex_lock(&vm->lock);
	dma_resv_lock(resv, NULL);
	vm->closed = true;
	dma_resv_unlock(resv);
	mutex_unlock(&vm->lock);
	up_read(&vm->mdev->place_sem);
	maru_bind_fini(vm);
	vm_forget(vm);
	vm_drop_mappings(vm);
	vm_destroy_tables(vm);
	maru_vm_put(vm);
}

static void vm_release(struct drm_device *drm, void *priv)
{
	xa_destroy(&to_maru_device(drm)->vms);
}

/**
 * maru_vm_init() - Prepare a device for VMs.
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_vm_init(struct maru_device *mdev)
{
	maru_bind_device_init(mdev);
	xa_init_flags(&mdev->vms, XA_FLAGS_ALLOC);
	return drmm_add_action_or_reset(&mdev->drm, vm_release, NULL);
}

/**
 * maru_vm_lookup() - VM of an id.
 * @file: file.
 * @id: in it.
 *
 * Return: VM, to maru_vm_put(); NULL.
 */
struct maru_vm *maru_vm_lookup(struct maru_file *file, u32 id)
{
	struct maru_vm *vm;

	xa_lock(&file->vms);
	vm = xa_load(&file->vms, id);
	if (vm)
		drm_gpuvm_get(&vm->gpuvm);
	xa_unlock(&file->vms);
	return vm;
}

/** maru_vm_put() - Drop a reference. Context: process; takes no lock. */
void maru_vm_put(struct maru_vm *vm)
{
	drm_gpuvm_put(&vm->gpuvm);
}

/**
 * maru_vm_attach_queue() - Keep a VM from being destroyed while a queue runs in it.
 * @vm: VM.
 *
 * Return: 0; -ENOENT it is being destroyed.
 */
int maru_vm_attach_queue(struct maru_vm *vm)
{
	return atomic_inc_unless_negative(&vm->queues) ? 0 : -ENOENT;
}

/** maru_vm_detach_queue() - Undo it, once the card has destroyed the queue. */
void maru_vm_detach_queue(struct maru_vm *vm)
{
	atomic_dec(&vm->queues);
}

/**
 * maru_vm_reserve_fences() - Make room for fences in all that is locked.
 * @exec: locks.
 * @fences: how many will be added to each.
 *
 * Return: 0; -ENOMEM.
 */
int maru_vm_reserve_fences(struct drm_exec *exec, unsigned int fences)
{
	struct drm_gem_object *obj;
	int ret;

	drm_exec_for_each_locked_object(exec, obj) {
		ret = dma_resv_reserve_fences(obj->resv, fences);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * maru_vm_lock_exec() - Make a VM ready for jobs: lock it, bring its memory back, map it anew.
 * @vm: VM.
 * @exec: with DRM_EXEC_IGNORE_DUPLICATES; to be called in its loop, followed by
 *	drm_exec_retry_on_contention().
 * @fences: that will be added by maru_vm_add_fence().
 *
 * Context: process, mdev->place_sem; no dma_resv but those of @exec is held. vm->lock is not
 * needed.
 * Return: 0; -EDEADLK contention; -ENOMEM, also when not all of it fits, -EBUSY jobs use it
 * where it lies: both for maru_place_again(); -ERESTARTSYS;
 * -ECANCELED the VM is unusable, or closed: a queue that was destroyed may still refer to it.
 */
int maru_vm_lock_exec(struct maru_vm *vm, struct drm_exec *exec, unsigned int fences)
{
	int ret;

	if (READ_ONCE(vm->unusable))
		return -ECANCELED;
	/* + 1: the rebind */
	ret = drm_gpuvm_prepare_vm(&vm->gpuvm, exec, fences + 1);
	if (ret)
		return ret;
	if (vm->closed)
		return -ECANCELED;
	ret = drm_gpuvm_prepare_objects(&vm->gpuvm, exec, fences + 1);
	if (ret)
		return ret;
	ret = drm_gpuvm_validate(&vm->gpuvm, exec);
	if (ret)
		return ret == -ENOSPC ? -ENOMEM : ret;
	ret = maru_bind_rebind(vm, exec);
	if (ret)
		return ret;
	/* moves took some */
	return maru_vm_reserve_fences(exec, fences + 1);
}

/**
 * maru_vm_add_deps() - Let a job wait for the kernel's own work on what is locked: moves,
 * clears, rebinds.
 * @exec: locks, after maru_vm_lock_exec().
 * @job: not armed yet.
 *
 * Return: 0; -ENOMEM.
 */
int maru_vm_add_deps(struct drm_exec *exec, struct drm_sched_job *job)
{
	struct drm_gem_object *obj;
	int ret;

	drm_exec_for_each_locked_object(exec, obj) {
		ret = drm_sched_job_add_resv_dependencies(job, obj->resv, DMA_RESV_USAGE_KERNEL);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * maru_vm_add_fence() - Say that a job uses all of a VM's memory.
 * @vm: VM.
 * @exec: locks, after maru_vm_lock_exec().
 * @fence: finished fence of the job.
 *
 * Context: cannot fail.
 */
void maru_vm_add_fence(struct maru_vm *vm, struct drm_exec *exec, struct dma_fence *fence)
{
	drm_gpuvm_resv_add_fence(&vm->gpuvm, exec, fence, DMA_RESV_USAGE_BOOKKEEP,
				 DMA_RESV_USAGE_BOOKKEEP);
}

/** maru_vm_pre_reset() - Before the core is replaced: keep all off BAR 2. */
void maru_vm_pre_reset(struct maru_device *mdev)
{
	maru_ttm_block(mdev);
}

static void vm_create_again(struct maru_vm *vm)
{
	struct maru_admin_sqe sqe = {
		.op = MARU_ADMIN_VM_CREATE,
		.vm.vm = vm->id,
		.vm.root = vm->root,
	};
	u64 value[2];
	int ret;

	if (READ_ONCE(vm->closing))
		return;
	ret = maru_admin_call(vm->mdev, &sqe, value);
	if (ret && ret != -EEXIST)
		drm_err_ratelimited(&vm->mdev->drm, "vm %u: not created again: %d\n", vm->id, ret);
}

/* What is in the xarray has a reference until it is taken out. */
static struct maru_vm *vm_find(struct maru_device *mdev, unsigned long *id)
{
	struct maru_vm *vm;

	xa_lock(&mdev->vms);
	vm = xa_find(&mdev->vms, id, ULONG_MAX, XA_PRESENT);
	if (vm)
		drm_gpuvm_get(&vm->gpuvm);
	xa_unlock(&mdev->vms);
	return vm;
}

/**
 * maru_vm_post_reset() - Tell a new core the VMs. Their tables lie in HBM as before.
 * @mdev: device whose admin queue is up.
 *
 * Context: reset worker. A VM may go meanwhile, when the card is lost.
 */
void maru_vm_post_reset(struct maru_device *mdev)
{
	struct maru_vm *vm;

	for (unsigned long id = 0; (vm = vm_find(mdev, &id)); id++) {
		vm_create_again(vm);
		maru_vm_put(vm);
	}
}

/**
 * maru_vm_close_file() - End all VMs of a file, whose queues are gone.
 * @file: file that is being closed.
 */
void maru_vm_close_file(struct maru_file *file)
{
	unsigned long id;
	struct maru_vm *vm;

	xa_for_each(&file->vms, id, vm) {
		xa_erase(&file->vms, id);
		vm_close(vm);
	}
}

static bool vm_range_is_valid(struct maru_device *mdev, const struct drm_maru_vm_create *args)
{
	return !MARU_REFUSE(mdev, args->va_start < MARU_VA_START) &&
	       !MARU_REFUSE(mdev, args->va_start >= MARU_VA_END) &&
	       !MARU_REFUSE(mdev, args->va_start % MARU_BLOCK_BYTES) &&
	       !MARU_REFUSE(mdev, !args->va_bytes || args->va_bytes % MARU_PAGE_BYTES) &&
	       !MARU_REFUSE(mdev, args->va_bytes > MARU_VA_END - args->va_start);
}

/** maru_vm_create_ioctl() - DRM_IOCTL_MARU_VM_CREATE, see the uapi. */
int maru_vm_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct maru_file *file = drm_file->driver_priv;
	struct drm_maru_vm_create *args = data;
	struct maru_vm *vm;
	int ret;

	if (MARU_REFUSE(mdev, args->flags) || MARU_REFUSE(mdev, args->id))
		return -EINVAL;
	if (!args->va_start && !args->va_bytes) {
		vm = vm_create(file, MARU_VA_START, MARU_VA_END - MARU_VA_START);
	} else {
		if (!vm_range_is_valid(mdev, args))
			return -EINVAL;
		vm = vm_create(file, args->va_start, args->va_bytes);
	}
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	ret = xa_alloc(&file->vms, &args->id, vm, xa_limit_31b, GFP_KERNEL);
	if (ret) {
		args->id = 0;
		vm_close(vm);
	}
	return ret == -EBUSY ? -ENOSPC : ret;
}

/** maru_vm_destroy_ioctl() - DRM_IOCTL_MARU_VM_DESTROY, see the uapi. */
int maru_vm_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct maru_file *file = drm_file->driver_priv;
	struct drm_maru_vm_destroy *args = data;
	struct maru_vm *vm;

	if (MARU_REFUSE(mdev, args->mbz))
		return -EINVAL;
	vm = maru_vm_lookup(file, args->id);
	if (MARU_REFUSE(mdev, !vm))
		return -ENOENT;
	if (MARU_REFUSE(mdev, atomic_cmpxchg(&vm->queues, 0, INT_MIN / 2))) {
		int queues = atomic_read(&vm->queues);

		maru_vm_put(vm);
		return queues < 0 ? -ENOENT : -EBUSY;
	}
	xa_erase(&file->vms, args->id);
	vm_close(vm);
	maru_vm_put(vm);
	return 0;
}

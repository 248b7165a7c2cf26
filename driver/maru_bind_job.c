// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bind jobs: what a change of mappings does when its turn comes. Everything it needs was
 * taken before it was armed. What it took out goes back, by the reaper, after the card forgot
 * it.
 */
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>

#include "maru_bind.h"
#include "maru_bo.h"
#include "maru_device.h"
#include "maru_fence.h"
#include "maru_file.h"
#include "maru_table.h"
#include "maru_tlb.h"
#include "maru_trace.h"
#include "maru_ttm.h"
#include "maru_vm.h"

static void bind_free_vas(struct list_head *list)
{
	struct maru_va *va, *next;

	list_for_each_entry_safe(va, next, list, link) {
		if (va->obj)
			drm_gem_object_put(va->obj);
		kfree(va);
	}
	INIT_LIST_HEAD(list);
}

/* Process context, no lock held: the last reference to BOs and to the VM may go here. */
static void bind_job_free(struct maru_bind_job *job)
{
	struct maru_vm *vm = job->vm;
	unsigned int i;

	maru_table_give_back(vm->pool, &job->stash);
	for (i = 0; i < job->own_count; i++)
		kvfree(job->own[i].runs);
	kvfree(job->own);
	bind_free_vas(&job->spares);
	bind_free_vas(&job->gone);
	maru_fence_drop(job->fence);
	kfree(job);
	maru_file_end_bind(vm->file);
	if (atomic_dec_and_test(&vm->jobs))
		wake_up(&vm->idle);
	maru_vm_put(vm);
}

static void bind_reap(struct work_struct *work)
{
	struct maru_device *mdev = container_of(work, struct maru_device, reap);
	struct maru_bind_job *job, *next;
	struct llist_node *list = llist_reverse_order(llist_del_all(&mdev->reaped));

	llist_for_each_entry_safe(job, next, list, reap)
		bind_job_free(job);
}

/* From here on the job waits for nobody but the card: its tables are as good as back. */
static void bind_begin_end(struct maru_bind_job *job)
{
	if (!job->ending)
		maru_file_begin_bind(job->vm->file);
	job->ending = true;
}

static bool bind_write(struct maru_bind_job *job)
{
	struct maru_pt *pt = job->vm->pt;
	struct maru_bind_step *step;

	list_for_each_entry(step, &job->steps, link) {
		bool ok;

		if (step->runs)
			ok = maru_pt_map(pt, &job->stash, &job->flush, step->va, step->runs,
					 step->count, step->bits);
		else
			ok = maru_pt_unmap(pt, &job->stash, &job->flush, step->va, step->bytes);
		if (!ok)
			return false;
		trace_maru_bind(job->vm, step->va, step->bytes, !!step->runs);
	}
	return true;
}

static struct dma_fence *bind_change_tables(struct maru_bind_job *job)
{
	struct maru_device *mdev = job->vm->mdev;
	bool ok;
	int idx;

	bind_begin_end(job);
	if (!drm_dev_enter(&mdev->drm, &idx)) {
		WRITE_ONCE(job->vm->unusable, true);
		maru_fence_signal(job->fence, -ENODEV);
		return ERR_PTR(-ENODEV);
	}
	down_read(&mdev->memory_sem);
	ok = bind_write(job);
	/* entries before the command, and before jobs that the fence lets go */
	wmb();
	up_read(&mdev->memory_sem);
	drm_dev_exit(idx);
	if (!ok) {
		drm_err(&mdev->drm, "vm %u: bind ran out of tables\n", job->vm->id);
		WRITE_ONCE(job->vm->unusable, true);
	}
	if (job->flush.end <= job->flush.start) {
		maru_fence_signal(job->fence, ok ? 0 : -EIO);
		return ok ? NULL : ERR_PTR(-EIO);
	}
	dma_fence_get(&job->fence->base);
	maru_tlb_flush(job);
	return &job->fence->base;
}

static struct dma_fence *bind_run_job(struct drm_sched_job *sched_job)
{
	bool cookie = dma_fence_begin_signalling();
	struct dma_fence *fence = bind_change_tables(to_maru_bind_job(sched_job));

	dma_fence_end_signalling(cookie);
	return fence;
}

static void bind_free_job(struct drm_sched_job *sched_job)
{
	struct maru_bind_job *job = to_maru_bind_job(sched_job);

	drm_sched_job_cleanup(sched_job);
	job->in_sched = false;
	maru_bind_job_destroy(job);
}

static const struct drm_sched_backend_ops bind_sched_ops = {
	.run_job = bind_run_job,
	.free_job = bind_free_job,
};

/** maru_bind_device_init() - Prepare a device for binds. */
void maru_bind_device_init(struct maru_device *mdev)
{
	init_llist_head(&mdev->reaped);
	INIT_WORK(&mdev->reap, bind_reap);
}

/**
 * maru_bind_init() - Let a VM take bind jobs.
 * @vm: VM.
 *
 * Return: 0; -ENOMEM.
 */
int maru_bind_init(struct maru_vm *vm)
{
	struct drm_gpu_scheduler *sched = &vm->sched;
	/* one credit: fences of a timeline end in order, with and without invalidation */
	struct drm_sched_init_args args = {
		.ops = &bind_sched_ops,
		.submit_wq = vm->mdev->submit_wq,
		.num_rqs = 1,
		.credit_limit = 1,
		.timeout = MAX_SCHEDULE_TIMEOUT,
		.name = "maru-bind",
		.dev = vm->mdev->drm.dev,
	};
	int ret;

	ret = drm_sched_init(sched, &args);
	if (ret)
		return ret;
	ret = drm_sched_entity_init(&vm->entity, DRM_SCHED_PRIORITY_KERNEL, &sched, 1, NULL);
	if (ret)
		drm_sched_fini(sched);
	return ret;
}

/**
 * maru_bind_fini() - End the binds of a VM, which is closed for new ones.
 * @vm: VM.
 *
 * Context: process; waits until those that were taken are over, which their fences bound.
 */
void maru_bind_fini(struct maru_vm *vm)
{
	wait_event(vm->idle, !atomic_read(&vm->jobs));
	flush_work(&vm->mdev->reap);
	drm_sched_entity_fini(&vm->entity);
	drm_sched_fini(&vm->sched);
}

/**
 * maru_bind_job_create() - Make an empty job.
 * @vm: VM.
 * @steps: how many it may use of @own.
 *
 * Return: job, to maru_bind_job_destroy() until it is pushed; NULL.
 */
struct maru_bind_job *maru_bind_job_create(struct maru_vm *vm, unsigned int steps)
{
	struct maru_bind_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	INIT_LIST_HEAD(&job->steps);
	INIT_LIST_HEAD(&job->spares);
	INIT_LIST_HEAD(&job->gone);
	maru_tlb_prepare(job);
	job->fence = maru_fence_alloc();
	job->own = kvcalloc(steps, sizeof(*job->own), GFP_KERNEL);
	if (!job->fence || (steps && !job->own)) {
		kvfree(job->own);
		maru_fence_drop(job->fence);
		kfree(job);
		return NULL;
	}
	maru_fence_init(job->fence, vm->mdev, true, dma_fence_context_alloc(1), 1);
	job->own_count = steps;
	job->vm = vm;
	drm_gpuvm_get(&vm->gpuvm);
	atomic_inc(&vm->jobs);
	return job;
}

/**
 * maru_bind_job_destroy() - Give a job back.
 * @job: not pushed, or done.
 *
 * Context: process or the scheduler's worker; takes no lock: the reaper does.
 */
void maru_bind_job_destroy(struct maru_bind_job *job)
{
	struct maru_device *mdev = job->vm->mdev;

	if (job->in_sched)
		drm_sched_job_cleanup(&job->base);
	job->in_sched = false;
	bind_begin_end(job);
	if (llist_add(&job->reap, &mdev->reaped))
		queue_work(system_dfl_wq, &mdev->reap);
}

/** maru_bind_job_init() - Make it known to the scheduler, for dependencies. */
int maru_bind_job_init(struct maru_bind_job *job, struct drm_file *file)
{
	int ret;

	ret = drm_sched_job_init(&job->base, &job->vm->entity, 1, NULL,
				 file ? file->client_id : 0);
	if (!ret)
		job->in_sched = true;
	return ret;
}

/** maru_bind_job_spare() - Take @count mappings for later. Return: 0; -ENOMEM. */
int maru_bind_job_spare(struct maru_bind_job *job, unsigned int count)
{
	while (count--) {
		struct maru_va *va = kzalloc(sizeof(*va), GFP_KERNEL);

		if (!va)
			return -ENOMEM;
		list_add(&va->link, &job->spares);
	}
	return 0;
}

/**
 * maru_bind_job_arm() - Begin what can not fail.
 * @job: initialised, with all it needs.
 *
 * Return: its fence, a borrowed reference until maru_bind_job_push().
 */
struct dma_fence *maru_bind_job_arm(struct maru_bind_job *job)
{
	drm_sched_job_arm(&job->base);
	/* not one of drm_sched, which names a scheduler that goes with the VM */
	return &job->fence->base;
}

/** maru_bind_job_push() - Let it run. Its fence stands in all dma_resv it concerns. */
void maru_bind_job_push(struct maru_bind_job *job)
{
	drm_sched_entity_push_job(&job->base);
}

static struct maru_va *bind_take_spare(struct maru_bind_job *job)
{
	struct maru_va *va = list_first_entry(&job->spares, struct maru_va, link);

	list_del_init(&va->link);
	return va;
}

static void bind_gone(struct maru_bind_job *job, struct maru_va *va)
{
	va->obj = va->base.gem.obj;
	drm_gem_object_get(va->obj);
	drm_gpuva_unlink(&va->base);
	list_add_tail(&va->link, &job->gone);
}

/** maru_bind_step_map() - gpuvm: put a mapping into the tree. @priv: job. */
int maru_bind_step_map(struct drm_gpuva_op *op, void *priv)
{
	struct maru_bind_job *job = priv;
	struct maru_va *va = bind_take_spare(job);

	va->base.flags = job->va_flags;
	drm_gpuva_map(&job->vm->gpuvm, &va->base, &op->map);
	drm_gpuva_link(&va->base, job->vm_bo);
	return 0;
}

/** maru_bind_step_remap() - gpuvm: cut a mapping, keep what is left of it. @priv: job. */
int maru_bind_step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *old = op->remap.unmap->va;
	struct maru_bind_job *job = priv;
	struct maru_va *prev = NULL, *next = NULL;

	if (op->remap.prev) {
		prev = bind_take_spare(job);
		prev->base.flags = old->flags;
	}
	if (op->remap.next) {
		next = bind_take_spare(job);
		next->base.flags = old->flags;
	}
	drm_gpuva_remap(prev ? &prev->base : NULL, next ? &next->base : NULL, &op->remap);
	if (prev)
		drm_gpuva_link(&prev->base, old->vm_bo);
	if (next)
		drm_gpuva_link(&next->base, old->vm_bo);
	bind_gone(job, to_maru_va(old));
	return 0;
}

/** maru_bind_step_unmap() - gpuvm: take a mapping out of the tree. @priv: job. */
int maru_bind_step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct drm_gpuva *va = op->unmap.va;

	drm_gpuva_unmap(&op->unmap);
	bind_gone(priv, to_maru_va(va));
	return 0;
}

/** maru_bind_take_out() - Unmap a mapping whole: tree now, tables when @job runs. */
void maru_bind_take_out(struct maru_bind_job *job, struct drm_gpuva *base)
{
	struct maru_va *va = to_maru_va(base);

	va->clear.va = base->va.addr;
	va->clear.bytes = base->va.range;
	list_add_tail(&va->clear.link, &job->steps);
	drm_gpuva_remove(base);
	bind_gone(job, va);
}

/**
 * maru_bind_step_fill() - Say what a step maps.
 * @step: step.
 * @obj: BO, validated, its dma_resv held until the job's fence stands in it.
 * @offset: in it.
 * @va: where to.
 * @bytes: how much.
 * @read_only: for the card.
 *
 * Return: 0; -ENOMEM.
 */
int maru_bind_step_fill(struct maru_bind_step *step, struct drm_gem_object *obj, u64 offset,
			u64 va, u64 bytes, bool read_only)
{
	struct ttm_buffer_object *tbo = &to_maru_bo(obj)->ttm;
	struct maru_pt_run *runs;

	runs = maru_ttm_runs(tbo->resource, tbo->ttm, offset, bytes, &step->count);
	if (IS_ERR(runs))
		return PTR_ERR(runs);
	step->runs = runs;
	step->va = va;
	step->bytes = bytes;
	step->bits = MARU_PTE_VALID | MARU_PTE_LEAF | MARU_PTE_READ |
		     (u64)maru_ttm_tier(tbo->resource) << MARU_PTE_TIER_SHIFT;
	if (!read_only)
		step->bits |= MARU_PTE_WRITE;
	return 0;
}

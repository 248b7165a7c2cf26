// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of the kernel: how one comes to be on the card and how it ends.
 *
 * A queue is referenced by who made it and by each of its jobs. The maker's reference goes
 * with maru_queue_kill(), after which the card knows it no more; what is left is given back by
 * a worker, since the last reference may go in an interrupt or in the scheduler's own worker.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_fence.h"
#include "maru_file.h"
#include "maru_limit.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_ring.h"
#include "maru_sched.h"
#include "maru_vm.h"

/* Only now: who has a reference may still send the card commands that name it. */
static void maru_queue_give_id(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;

	xa_lock_irq(&mdev->queues);
	__xa_erase(&mdev->queues, queue->id);
	__clear_bit(queue->slot, mdev->slots);
	xa_unlock_irq(&mdev->queues);
}

static void maru_queue_bury(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;
	bool pins = queue->file && MARU_FENCE_PINS_MODULE;

	maru_queue_give_id(queue);
	maru_compat_sched_fini(&queue->sched);
	maru_ring_free(queue);
	maru_limit_free(queue);
	if (queue->vm)
		maru_vm_put(queue->vm);
	kfree_rcu(queue, rcu);
	atomic_dec(&mdev->counters.queues);
	drm_dev_put(&mdev->drm);
	if (pins)
		module_put(THIS_MODULE);
}

/* @mdev goes with the last of them. */
static void maru_queue_bury_work(struct work_struct *work)
{
	struct maru_device *mdev = container_of(work, struct maru_device, bury);
	struct llist_node *dead = llist_del_all(&mdev->dead_queues);
	struct maru_queue *queue, *next;

	llist_for_each_entry_safe(queue, next, dead, dead)
		maru_queue_bury(queue);
}

static void maru_queue_release(struct kref *ref)
{
	struct maru_queue *queue = container_of(ref, struct maru_queue, ref);
	struct maru_device *mdev = queue->mdev;

	if (llist_add(&queue->dead, &mdev->dead_queues))
		queue_work(system_dfl_wq, &mdev->bury);
}

/** maru_queue_get() - Take a reference. Context: any. */
void maru_queue_get(struct maru_queue *queue)
{
	kref_get(&queue->ref);
}

/** maru_queue_put() - Drop a reference. Context: any, hard interrupt included. */
void maru_queue_put(struct maru_queue *queue)
{
	/* the address alone is used after somebody else may have freed it */
	if (!kref_put(&queue->ref, maru_queue_release))
		wake_up_var(&queue->ref);
}

/**
 * maru_queue_lookup() - Queue of an id of a file.
 * @file: file.
 * @id: in it.
 *
 * Context: process. Return: queue, to maru_queue_put(); NULL.
 */
struct maru_queue *maru_queue_lookup(struct maru_file *file, u32 id)
{
	struct maru_queue *queue;

	xa_lock(&file->queues);
	queue = xa_load(&file->queues, id);
	if (queue)
		kref_get(&queue->ref);
	xa_unlock(&file->queues);
	return queue;
}

/**
 * maru_queue_unlink() - Take a queue out of a file.
 * @file: file.
 * @id: in it.
 *
 * Context: process. Return: queue, for maru_queue_kill(); NULL.
 */
struct maru_queue *maru_queue_unlink(struct maru_file *file, u32 id)
{
	struct maru_queue_block sum;
	struct maru_queue *queue;

	xa_lock(&file->queues);
	queue = __xa_erase(&file->queues, id);
	if (queue) {
		maru_queue_counters(queue, &sum);
		atomic64_add(sum.active_ns, &file->active_ns[queue->cls]);
	}
	xa_unlock(&file->queues);
	return queue;
}

/* ---- id and doorbell slot ------------------------------------------------------------- */

static u32 maru_queue_ids(struct maru_device *mdev)
{
	return min3(mdev->caps.limits.queues, (u32)U16_MAX + 1,
		    (u32)MARU_GROUP_SLOTS - MARU_SLOT_ADMIN - 1);
}

/** maru_queue_limit() - Queues that users can have: all but the kernel's own. */
u32 maru_queue_limit(struct maru_device *mdev)
{
	u32 ids = maru_queue_ids(mdev);

	return ids ? ids - 1 : 0;
}

static int maru_queue_take_id(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;
	u32 limit = maru_queue_ids(mdev);
	unsigned long slot;
	int ret;

	if (!limit)
		return -ENOSPC;
	xa_lock_irq(&mdev->queues);
	slot = find_next_zero_bit(mdev->slots, MARU_GROUP_SLOTS, MARU_SLOT_ADMIN + 1);
	if (slot < MARU_GROUP_SLOTS) {
		queue->slot = slot;
		__set_bit(slot, mdev->slots);
		ret = __xa_alloc(&mdev->queues, &queue->id, queue, XA_LIMIT(0, limit - 1),
				 GFP_KERNEL);
		if (ret)
			__clear_bit(slot, mdev->slots);
	} else {
		ret = -ENOSPC;
	}
	xa_unlock_irq(&mdev->queues);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/* ---- the card's side ------------------------------------------------------------------ */

/**
 * maru_queue_send_create() - Make a queue on the card.
 * @queue: queue.
 * @start: first index that the card shall fetch.
 *
 * Context: process, sleeps. Return: as maru_admin_call().
 */
int maru_queue_send_create(struct maru_queue *queue, u64 start)
{
	struct maru_admin_sqe sqe = {
		.op = MARU_ADMIN_QUEUE_CREATE,
		.queue = {
			.queue = queue->id,
			.vm = queue->vm ? queue->vm->id : 0,
			.cls = queue->cls,
			.priority = READ_ONCE(queue->priority),
			.weight = READ_ONCE(queue->weight),
			.slot = queue->slot,
			.ring_log2 = MARU_QUEUE_RING_LOG2,
			.time_slice_us = READ_ONCE(queue->time_slice_us),
			.ring = maru_ring_entry(queue),
			.block = maru_ring_block_entry(queue),
			.start = start,
		},
	};

	return maru_admin_call(queue->mdev, &sqe, NULL);
}

static int maru_queue_make(struct maru_queue *queue)
{
	u32 sequence = maru_reset_sequence(queue->mdev);
	int ret;

	/* a card reset from here on makes it too */
	spin_lock_irq(&queue->lock);
	queue->on_card = true;
	spin_unlock_irq(&queue->lock);
	ret = maru_queue_send_create(queue, 0);
	if (ret == -EEXIST && (sequence & 1 || sequence != maru_reset_sequence(queue->mdev)))
		ret = 0;
	if (ret) {
		spin_lock_irq(&queue->lock);
		queue->on_card = false;
		spin_unlock_irq(&queue->lock);
	}
	return ret;
}

static bool maru_queue_is_unreachable(struct maru_device *mdev)
{
	return READ_ONCE(mdev->wedged) || drm_dev_is_unplugged(&mdev->drm);
}

/* Returns only when the card does not touch the queue's memory any more. */
static void maru_queue_unmake(struct maru_queue *queue)
{
	struct maru_admin_sqe sqe = {
		.op = MARU_ADMIN_QUEUE_DESTROY,
		.queue.queue = queue->id,
	};
	struct maru_device *mdev = queue->mdev;
	int ret;

	wait_var_event(&queue->creating, !READ_ONCE(queue->creating));
	while (READ_ONCE(queue->on_card) && !maru_queue_is_unreachable(mdev)) {
		ret = maru_admin_call(mdev, &sqe, NULL);
		/* cancelled: the core that knew it is dead, and the next is not told */
		if (!ret || ret == -ENOENT || ret == -ECANCELED || ret == -ENODEV)
			break;
		maru_reset_card(mdev, "a queue can not be destroyed");
		msleep(20);
	}
}

/* ---- life ----------------------------------------------------------------------------- */

static struct maru_queue *maru_queue_alloc(struct maru_device *mdev,
					   const struct maru_queue_desc *desc)
{
	struct maru_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);

	if (!queue)
		return NULL;
	kref_init(&queue->ref);
	queue->mdev = mdev;
	queue->vm = desc->vm;
	queue->file = desc->file;
	queue->cls = desc->cls;
	queue->priority = desc->priority;
	queue->weight = desc->weight;
	queue->time_limit_ms = desc->time_limit_ms;
	queue->fence_context = dma_fence_context_alloc(1);
	spin_lock_init(&queue->lock);
	mutex_init(&queue->submit_lock);
	INIT_LIST_HEAD(&queue->pending);
	return queue;
}

/**
 * maru_queue_create() - Create a queue.
 * @mdev: device.
 * @desc: what it shall be.
 *
 * Context: process, sleeps.
 * Return: queue, for maru_queue_kill(); ERR_PTR: -ENOSPC no queue left on the card; -EDQUOT;
 * -ENOENT the VM is being destroyed; -ENOMEM; -EIO wedged; -ENODEV gone.
 */
struct maru_queue *maru_queue_create(struct maru_device *mdev, const struct maru_queue_desc *desc)
{
	struct maru_queue *queue = maru_queue_alloc(mdev, desc);
	int ret;

	if (!queue)
		return ERR_PTR(-ENOMEM);
	ret = maru_file_charge(queue->file, MARU_RING_BYTES, false);
	if (ret)
		goto err_free;
	ret = maru_limit_alloc(queue);
	if (ret)
		goto err_charge;
	ret = maru_ring_alloc(queue);
	if (ret)
		goto err_limit;
	ret = maru_sched_init(queue);
	if (ret)
		goto err_ring;
	if (queue->vm) {
		ret = maru_vm_attach_queue(queue->vm);
		if (ret)
			goto err_sched;
	}
	ret = maru_queue_take_id(queue);
	if (ret)
		goto err_detach;

	/* from here on it is found by events and by resets: it ends as all others do */
	if (queue->vm)
		drm_gpuvm_get(&queue->vm->gpuvm);
	if (queue->file && MARU_FENCE_PINS_MODULE)
		__module_get(THIS_MODULE);
	drm_dev_get(&mdev->drm);
	atomic_inc(&mdev->counters.queues);
	ret = maru_queue_make(queue);
	if (ret) {
		maru_queue_kill(queue);
		return ERR_PTR(ret);
	}
	return queue;

err_detach:
	if (queue->vm)
		maru_vm_detach_queue(queue->vm);
err_sched:
	drm_sched_entity_fini(&queue->entity);
	drm_sched_fini(&queue->sched);
err_ring:
	maru_ring_free(queue);
err_limit:
	maru_limit_free(queue);
err_charge:
	maru_file_uncharge(queue->file, MARU_RING_BYTES);
err_free:
	kfree(queue);
	return ERR_PTR(ret);
}

/**
 * maru_queue_kill() - End a queue: its unfinished jobs end -ECANCELED.
 * @queue: queue; the maker's reference goes.
 *
 * Nobody can look it up any more. Jobs in the ring have ended, and what they used is free of
 * the card, when this returns; jobs that still wait for fences of others end after those.
 *
 * Context: process, sleeps, at worst through a card reset.
 */
void maru_queue_kill(struct maru_queue *queue)
{
	struct maru_device *mdev = queue->mdev;

	maru_queue_process(queue);
	/* who pushes has seen that it is not killed: wait for that push, then there is no more */
	down_write(&mdev->push_lock);
	spin_lock_irq(&queue->lock);
	queue->killed = true;
	spin_unlock_irq(&queue->lock);
	up_write(&mdev->push_lock);

	maru_sched_end(queue);
	maru_queue_unmake(queue);

	spin_lock_irq(&queue->lock);
	queue->on_card = false;
	maru_queue_fail_locked(queue, -ECANCELED);
	spin_unlock_irq(&queue->lock);
	maru_file_uncharge(queue->file, MARU_RING_BYTES);
	if (queue->vm)
		maru_vm_detach_queue(queue->vm);

	/* let the scheduler free the jobs, so that in the usual case nothing is left behind */
	wait_var_event_timeout(&queue->ref, kref_read(&queue->ref) == 1,
			       queue->file ? HZ : MAX_SCHEDULE_TIMEOUT);
	/* the device lives through the flush */
	drm_dev_get(&mdev->drm);
	maru_queue_put(queue);
	flush_work(&mdev->bury);
	drm_dev_put(&mdev->drm);
}

/**
 * maru_queue_close_file() - End all queues of a file.
 * @file: file that nobody calls any more.
 *
 * Context: postclose.
 */
void maru_queue_close_file(struct maru_file *file)
{
	struct maru_queue *queue;
	unsigned long id;

	xa_for_each(&file->queues, id, queue)
		maru_queue_kill(maru_queue_unlink(file, id));
}

/**
 * maru_queue_create_kernel() - Create a queue of the kernel, for packets on physical addresses.
 * @mdev: device.
 * @cls: MARU_CLASS_*.
 * @priority: MARU_PRIORITY_*.
 *
 * It outlives card resets, in which its jobs run again, and is never banned.
 *
 * Context: process, sleeps. Return: queue, for maru_queue_destroy_kernel(); ERR_PTR.
 */
struct maru_queue *maru_queue_create_kernel(struct maru_device *mdev, u32 cls, u32 priority)
{
	struct maru_queue_desc desc = {
		.cls = cls,
		.priority = priority,
		.weight = 100,
		.time_limit_ms = MARU_TIME_LIMIT_DEFAULT_MS,
	};

	return maru_queue_create(mdev, &desc);
}

/**
 * maru_queue_destroy_kernel() - End a queue of the kernel.
 * @queue: queue.
 *
 * Context: process, sleeps; all its fences are signalled when it returns.
 */
void maru_queue_destroy_kernel(struct maru_queue *queue)
{
	maru_queue_kill(queue);
}

/**
 * maru_queue_init() - Prepare a device for queues.
 * @mdev: device.
 *
 * Return: 0.
 */
int maru_queue_init(struct maru_device *mdev)
{
	xa_init_flags(&mdev->queues, XA_FLAGS_ALLOC | XA_FLAGS_LOCK_IRQ);
	init_rwsem(&mdev->push_lock);
	init_llist_head(&mdev->dead_queues);
	INIT_WORK(&mdev->bury, maru_queue_bury_work);
	__set_bit(MARU_SLOT_ADMIN, mdev->slots);
	return 0;
}

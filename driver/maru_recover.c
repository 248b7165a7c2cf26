// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues through a card reset, and at the end of the card.
 *
 * What the old core did not begin is still in the ring, and a new one is pointed to it. What
 * it had begun runs again only if that was allowed (IDEMPOTENT); else its fence says -ECANCELED,
 * and QUEUE_INFO counts it. The guilty queue is banned. Nothing ends twice, nothing is lost.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>
#include <linux/wait_bit.h>

#include "maru_device.h"
#include "maru_error.h"
#include "maru_limit.h"
#include "maru_mmio.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_ring.h"
#include "maru_sched.h"

/* Calls @fn for each queue that lives, with a reference and no lock. */
static void maru_queue_for_each(struct maru_device *mdev,
				void (*fn)(struct maru_queue *queue, int arg), int arg)
{
	struct maru_queue *queue;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&mdev->queues, id, queue) {
		if (!kref_get_unless_zero(&queue->ref))
			continue;
		rcu_read_unlock();
		fn(queue, arg);
		maru_queue_put(queue);
		rcu_read_lock();
	}
	rcu_read_unlock();
}

static void maru_queue_stop_sched(struct maru_queue *queue, int unused)
{
	maru_sched_stop(queue);
}

/**
 * maru_queue_pre_reset() - Before the core is replaced: emit no more.
 * @mdev: device.
 *
 * Context: reset worker, sleeps.
 */
void maru_queue_pre_reset(struct maru_device *mdev)
{
	maru_queue_for_each(mdev, maru_queue_stop_sched, 0);
}

static void maru_queue_keep_counters_locked(struct maru_queue *queue)
{
	const struct maru_queue_block *block = queue->block;
	struct maru_queue_block *base = &queue->base;

	base->active_ns += block->active_ns;
	base->model_ns += block->model_ns;
	for (int tier = 0; tier < ARRAY_SIZE(base->bytes); tier++)
		base->bytes[tier] += block->bytes[tier];
	base->storage_bytes += block->storage_bytes;
	base->picojoule += block->picojoule;
}

/* The head job is why the card was reset, or failed just before. */
static void maru_queue_punish_locked(struct maru_queue *queue, bool is_halted)
{
	u32 error = MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0);
	int err = -ETIME;

	if (is_halted) {
		error = READ_ONCE(queue->block->error);
		err = maru_error_errno(error) ?: -EIO;
	} else {
		queue->guilty_resets++;
	}
	if (queue->file)
		maru_queue_ban_locked(queue, error, err);
	else if (!list_empty(&queue->pending))
		maru_queue_end_head_locked(queue, err);
}

/* The head job was under way when somebody else's fault ended the core. */
static void maru_queue_spare_locked(struct maru_queue *queue)
{
	struct maru_job *job = list_first_entry_or_null(&queue->pending, struct maru_job, link);

	if (!job || job->flags & DRM_MARU_JOB_IDEMPOTENT)
		return;
	queue->innocent_resets++;
	maru_queue_end_head_locked(queue, -ECANCELED);
}

/* Decides what becomes of the jobs. Returns true when the new core has to know the queue. */
static bool maru_queue_settle_locked(struct maru_queue *queue)
{
	bool is_halted, has_begun, is_guilty;

	lockdep_assert_held(&queue->lock);
	if (queue->killed || !queue->on_card)
		return false;
	if (queue->state != DRM_MARU_QUEUE_STATE_OK) {
		queue->on_card = false;
		return false;
	}
	is_halted = queue->block->status == MARU_QUEUE_HALTED;
	is_guilty = queue->guilty;
	/* a queue that was told to drop its jobs calls them done */
	if (!is_guilty)
		maru_queue_retire_locked(queue);
	has_begun = READ_ONCE(queue->block->started) > queue->head;

	if (is_halted || is_guilty)
		maru_queue_punish_locked(queue, is_halted);
	else if (has_begun)
		maru_queue_spare_locked(queue);
	queue->guilty = false;
	queue->is_stuck = false;
	queue->stopping = false;
	maru_queue_keep_counters_locked(queue);
	maru_ring_restart_locked(queue, queue->head);
	maru_limit_restart_locked(queue);
	queue->on_card = queue->state == DRM_MARU_QUEUE_STATE_OK;
	queue->creating = queue->on_card;
	return queue->on_card;
}

static void maru_queue_recover(struct maru_queue *queue, int unused)
{
	struct maru_device *mdev = queue->mdev;
	bool cookie = dma_fence_begin_signalling();
	bool again = false;
	u64 start = 0;
	int ret, idx;

	if (drm_dev_enter(&mdev->drm, &idx)) {
		spin_lock_irq(&queue->lock);
		again = maru_queue_settle_locked(queue);
		start = queue->head;
		spin_unlock_irq(&queue->lock);
		drm_dev_exit(idx);
	}
	if (again) {
		ret = maru_queue_send_create(queue, start);
		spin_lock_irq(&queue->lock);
		queue->creating = false;
		if (ret) {
			drm_err(&mdev->drm, "queue %u: not known to the new core: %pe\n",
				queue->id, ERR_PTR(ret));
			queue->is_stuck = true;
		}
		spin_unlock_irq(&queue->lock);
		wake_up_var(&queue->creating);
		if (ret)
			maru_reset_card(mdev, "a queue could not be made again");
		else
			maru_doorbell_kick(mdev, queue->slot);
	}
	dma_fence_end_signalling(cookie);
	maru_sched_start(queue);
}

/**
 * maru_queue_post_reset() - Tell a new core the queues, and what is left in their rings.
 * @mdev: device whose VMs the core knows already.
 *
 * Context: reset worker, sleeps.
 */
void maru_queue_post_reset(struct maru_device *mdev)
{
	maru_queue_for_each(mdev, maru_queue_recover, 0);
}

static void maru_queue_lose(struct maru_queue *queue, int err)
{
	bool cookie = dma_fence_begin_signalling();

	spin_lock_irq(&queue->lock);
	if (queue->state != DRM_MARU_QUEUE_STATE_LOST) {
		queue->state = DRM_MARU_QUEUE_STATE_LOST;
		queue->lost_errno = err;
	}
	queue->on_card = false;
	maru_queue_fail_locked(queue, queue->lost_errno);
	spin_unlock_irq(&queue->lock);
	dma_fence_end_signalling(cookie);
	/* what it still has, it ends too */
	maru_sched_start(queue);
}

/**
 * maru_queue_fail_all() - The card is gone or wedged: end all jobs, also those to come.
 * @mdev: device whose card touches no memory any more.
 * @err: -ENODEV or -EIO.
 *
 * Context: process, sleeps.
 */
void maru_queue_fail_all(struct maru_device *mdev, int err)
{
	maru_queue_for_each(mdev, maru_queue_lose, err);
}

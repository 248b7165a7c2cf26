// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time limits of jobs, and the first rung of the ladder: the reset of one queue.
 *
 * Limits count the card's time, since wall time says little where the card shares its machine
 * with the driver. The scheduler's timer only brings the driver here to look. Nothing here
 * waits: all recovery runs on one ordered workqueue, on which the next rung may be due.
 */
#include <drm/drm_drv.h>
#include <drm/maru_accel.h>
#include <drm/maru_cmd.h>
#include <linux/slab.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_event.h"
#include "maru_limit.h"
#include "maru_queue.h"
#include "maru_reset.h"

/* Wall time, as a multiple of the card time that is allowed. */
#define MARU_LIMIT_WALL		10
/* A card with work that shows no heartbeat for so long is dead. It has 4 Hz to. */
#define MARU_LIMIT_TICK		(5 * HZ)
/* The card has a second to stop a queue. */
#define MARU_LIMIT_STOP		(3 * HZ)

/**
 * struct maru_queue_stop - A QUEUE_RESET under way; of a queue for life, as nothing may be
 * allocated when it is needed.
 * @request: its command.
 * @queue: queue, referenced while the command is under way.
 */
struct maru_queue_stop {
	struct maru_admin_request request;
	struct maru_queue *queue;
};

/** maru_limit_alloc() - Give a queue what its reset will need. Return: 0 or -ENOMEM. */
int maru_limit_alloc(struct maru_queue *queue)
{
	queue->stop = kzalloc(sizeof(*queue->stop), GFP_KERNEL);
	if (!queue->stop)
		return -ENOMEM;
	queue->stop->queue = queue;
	return 0;
}

/** maru_limit_free() - Undo it. */
void maru_limit_free(struct maru_queue *queue)
{
	kfree(queue->stop);
}

static unsigned long maru_limit_scale(struct maru_queue *queue)
{
	return max(queue->mdev->caps.limits.timeout_scale, 1U);
}

/**
 * maru_limit_restart_locked() - The time of the job that is first in the ring starts now.
 * @queue: queue.
 *
 * Context: any; queue->lock held, inside drm_dev_enter().
 */
void maru_limit_restart_locked(struct maru_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	queue->look.head = queue->head;
	queue->look.active_ns = READ_ONCE(queue->block->active_ns);
	queue->look.since = jiffies;
	queue->look.tick_since = jiffies;
}

enum maru_limit_verdict {
	MARU_LIMIT_GO_ON,
	MARU_LIMIT_OVER,
	MARU_LIMIT_DEAD,
};

static enum maru_limit_verdict maru_limit_judge_locked(struct maru_queue *queue,
						       struct maru_job *job)
{
	u64 active_ns = READ_ONCE(queue->block->active_ns);
	u32 tick = maru_event_tick(queue->mdev);
	struct maru_queue_look *look = &queue->look;
	unsigned long wall, scale = maru_limit_scale(queue);

	if (look->head != queue->head || active_ns < look->active_ns) {
		maru_limit_restart_locked(queue);
		return MARU_LIMIT_GO_ON;
	}
	if (active_ns - look->active_ns > (u64)job->time_limit_ms * NSEC_PER_MSEC)
		return MARU_LIMIT_OVER;
	/* what has not begun waits for others; the heartbeat shows that there are some */
	if (READ_ONCE(queue->block->started) <= queue->head)
		look->since = jiffies;
	wall = msecs_to_jiffies(job->time_limit_ms) * MARU_LIMIT_WALL * scale;
	if (time_after(jiffies, look->since + wall))
		return MARU_LIMIT_OVER;
	if (tick != look->tick) {
		look->tick = tick;
		look->tick_since = jiffies;
	} else if (time_after(jiffies, look->tick_since + MARU_LIMIT_TICK * scale)) {
		return MARU_LIMIT_DEAD;
	}
	return MARU_LIMIT_GO_ON;
}

/* The card has stopped the queue, or never will. */
static void maru_limit_stopped(struct maru_admin_request *request, int err, const u64 value[2])
{
	struct maru_queue_stop *stop = container_of(request, struct maru_queue_stop, request);
	struct maru_queue *queue = stop->queue;
	struct maru_device *mdev = queue->mdev;
	bool cookie = dma_fence_begin_signalling();
	unsigned long flags;
	int idx;

	spin_lock_irqsave(&queue->lock, flags);
	if (!err && queue->stopping && queue->state == DRM_MARU_QUEUE_STATE_OK &&
	    drm_dev_enter(&mdev->drm, &idx)) {
		queue->guilty_resets++;
		queue->guilty = false;
		atomic_inc(&mdev->reset->queue_resets);
		maru_queue_ban_locked(queue,
				      MARU_ERROR(MARU_ERR_TIMEOUT, MARU_ROLE_NONE, 0), -ETIME);
		drm_dev_exit(idx);
	}
	queue->stopping = false;
	/* half-dropped: what the card says of it now means nothing */
	queue->is_stuck = err;
	spin_unlock_irqrestore(&queue->lock, flags);
	dma_fence_end_signalling(cookie);

	/* these say that the card is reset, wedged or gone: that ends the jobs */
	if (err && err != -ECANCELED && err != -EIO && err != -ENODEV)
		maru_reset_card(mdev, "a queue does not stop");
	else if (err == -EIO && !READ_ONCE(mdev->wedged))
		maru_reset_card(mdev, "a queue reset failed");
	maru_queue_put(queue);
}

/* Ask the card to stop the queue; the rest is maru_limit_stopped()'s. */
static void maru_limit_stop(struct maru_queue *queue)
{
	struct maru_queue_stop *stop = queue->stop;

	stop->request = (struct maru_admin_request){
		.sqe = {
			.op = MARU_ADMIN_QUEUE_RESET,
			.queue_reset = { .queue = queue->id, .mode = MARU_RESET_DROP },
		},
		.done = maru_limit_stopped,
	};
	maru_queue_get(queue);
	maru_admin_send(queue->mdev, &stop->request);
}

/**
 * maru_limit_check() - Look whether the first job of a queue is over its limit, and act.
 * @queue: queue.
 *
 * Context: timeout_wq; does not wait.
 */
void maru_limit_check(struct maru_queue *queue)
{
	enum maru_limit_verdict verdict = MARU_LIMIT_GO_ON;
	struct maru_device *mdev = queue->mdev;
	bool send = false, is_late = false;
	struct maru_job *job;
	int idx;

	/* an interrupt may have been lost */
	maru_queue_process(queue);
	if (!drm_dev_enter(&mdev->drm, &idx))
		return;
	spin_lock_irq(&queue->lock);
	job = list_first_entry_or_null(&queue->pending, struct maru_job, link);
	if (!job || queue->state != DRM_MARU_QUEUE_STATE_OK || queue->killed ||
	    !queue->on_card || queue->is_stuck || maru_reset_pending(mdev)) {
		maru_limit_restart_locked(queue);
	} else if (queue->stopping) {
		is_late = time_after(jiffies, queue->stop_deadline);
	} else {
		verdict = maru_limit_judge_locked(queue, job);
	}
	if (verdict == MARU_LIMIT_OVER) {
		drm_dbg(&mdev->drm, "queue %u job %llu: over its limit of %u ms\n", queue->id,
			job->id, job->time_limit_ms);
		queue->guilty = true;
		/* the kernel's own jobs are right, so that the card is not */
		queue->is_stuck = !queue->file;
		queue->stopping = queue->file;
		send = queue->stopping;
		queue->stop_deadline = jiffies + MARU_LIMIT_STOP * maru_limit_scale(queue);
	}
	spin_unlock_irq(&queue->lock);

	if (send)
		maru_limit_stop(queue);
	else if (is_late)
		maru_reset_card(mdev, "a queue reset is not answered");
	else if (verdict == MARU_LIMIT_OVER)
		maru_reset_card(mdev, "a job of the kernel hangs");
	else if (verdict == MARU_LIMIT_DEAD)
		maru_reset_card(mdev, "no heartbeat while work is pending");
	drm_dev_exit(idx);
}

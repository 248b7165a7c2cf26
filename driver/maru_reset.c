// SPDX-License-Identifier: GPL-2.0-only
/*
 * Card reset: the core is replaced under a card that keeps its memory, and everything the old
 * one knew is told to the new one. Below it on the ladder stands the reset of a single queue
 * (maru_sched.c), above it the wedged device, which only a new bind cures.
 */
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_event.h"
#include "maru_fw.h"
#include "maru_irq.h"
#include "maru_queue.h"
#include "maru_reset.h"
#include "maru_trace.h"
#include "maru_ttm.h"
#include "maru_vm.h"

#define MARU_RESET_FRUITLESS	3
#define MARU_RESET_RAPID	16
#define MARU_RESET_QUIET	(5 * HZ)

/** maru_reset_is_mine() - Tell whether the caller is who resets or boots the card. */
bool maru_reset_is_mine(struct maru_device *mdev)
{
	return READ_ONCE(mdev->reset->task) == current;
}

/** maru_reset_sequence() - Count half resets: odd while one is on. */
u32 maru_reset_sequence(struct maru_device *mdev)
{
	return READ_ONCE(mdev->reset->sequence);
}

/** maru_reset_pending() - Tell whether the card is being reset or about to be. */
bool maru_reset_pending(struct maru_device *mdev)
{
	return test_bit(MARU_RESET_FLAG_PENDING, &mdev->reset->flags) ||
	       maru_reset_sequence(mdev) & 1;
}

/** maru_reset_progress() - A job finished: earlier resets were not in vain. */
void maru_reset_progress(struct maru_device *mdev)
{
	if (READ_ONCE(mdev->reset->fruitless))
		WRITE_ONCE(mdev->reset->fruitless, 0);
}

/**
 * maru_reset_card() - Ask for a card reset.
 * @mdev: device.
 * @why: reason, a constant string, shown in the log.
 *
 * Context: any. Several requests before the reset begins are one.
 */
void maru_reset_card(struct maru_device *mdev, const char *why)
{
	struct maru_reset *reset = mdev->reset;

	if (test_bit(MARU_RESET_FLAG_CLOSED, &reset->flags))
		return;
	if (test_and_set_bit(MARU_RESET_FLAG_PENDING, &reset->flags))
		return;
	WRITE_ONCE(reset->why, why);
	queue_work(mdev->timeout_wq, &reset->work);
}

/** maru_reset_lock() - Take the right to replace the core. Context: process, sleeps. */
void maru_reset_lock(struct maru_device *mdev)
{
	mutex_lock(&mdev->reset->lock);
	WRITE_ONCE(mdev->reset->task, current);
	WRITE_ONCE(mdev->reset->sequence, mdev->reset->sequence + 1);
}

/** maru_reset_unlock() - Give that right back. Context: process. */
void maru_reset_unlock(struct maru_device *mdev)
{
	WRITE_ONCE(mdev->reset->sequence, mdev->reset->sequence + 1);
	WRITE_ONCE(mdev->reset->task, NULL);
	mutex_unlock(&mdev->reset->lock);
	/* a core that crashed meanwhile told it to somebody who was not to care */
	if (!test_bit(MARU_RESET_FLAG_CLOSED, &mdev->reset->flags))
		maru_fw_suspect(mdev);
}

/*
 * The uevent of Documentation/gpu/drm-uapi.rst. drm_dev_wedged_event() sends it from the primary
 * node, which an accel device does not have.
 */
static void maru_reset_tell_wedged(struct maru_device *mdev)
{
	char *env[2] = { "WEDGED=rebind", NULL };

	if (mdev->drm.registered)
		kobject_uevent_env(&mdev->drm.accel->kdev->kobj, KOBJ_CHANGE, env);
}

/* The driver gives up: all work ends now, and new work is refused, until it is bound again. */
static void maru_reset_wedge(struct maru_device *mdev)
{
	set_bit(MARU_RESET_FLAG_CLOSED, &mdev->reset->flags);
	WRITE_ONCE(mdev->wedged, 1);
	drm_err(&mdev->drm, "wedged: unbind and bind the driver to use the card again\n");
	trace_maru_reset(mdev, "wedged");
	maru_fw_quiesce(mdev);
	maru_admin_close(mdev, -EIO);
	maru_queue_fail_all(mdev, -EIO);
	maru_reset_tell_wedged(mdev);
}

/**
 * maru_reset_prepare() - First half of a card reset: nothing new reaches the old core.
 * @mdev: device.
 *
 * Context: process, sleeps; reset lock held.
 */
void maru_reset_prepare(struct maru_device *mdev)
{
	lockdep_assert_held(&mdev->reset->lock);
	maru_queue_pre_reset(mdev);
	maru_vm_pre_reset(mdev);
	maru_irq_disable(mdev);
	maru_event_stop(mdev);
	maru_admin_stop(mdev);
}

/**
 * maru_reset_finish() - Second half: a new core gets to know what the old one knew.
 * @mdev: device, whose old core is dead.
 *
 * Context: process, sleeps; reset lock held.
 */
void maru_reset_finish(struct maru_device *mdev)
{
	struct maru_reset *reset = mdev->reset;
	bool closed = test_bit(MARU_RESET_FLAG_CLOSED, &reset->flags);
	int ret;

	lockdep_assert_held(&reset->lock);
	maru_ttm_unblock(mdev);
	maru_admin_fail_all(mdev, -ECANCELED);
	clear_bit(MARU_RESET_FLAG_PENDING, &reset->flags);
	ret = closed ? -EIO : maru_fw_boot(mdev);
	if (!ret) {
		atomic_inc(&reset->card_resets);
		maru_vm_post_reset(mdev);
		maru_queue_post_reset(mdev);
		maru_admin_open(mdev);
	}
	reset->last = jiffies;
	if (!ret)
		return;
	/* a reset from outside, with nobody to boot a core: what was stopped has to end */
	if (closed)
		maru_queue_fail_all(mdev, READ_ONCE(mdev->wedged) ? -EIO : -ENODEV);
	else if (maru_fw_is_gone(mdev))
		maru_device_lost(mdev);
	else
		maru_reset_wedge(mdev);
}

/* Jobs that kill core after core end with a wedged device, and so does a core that can't live. */
static bool maru_reset_is_vain(struct maru_device *mdev)
{
	struct maru_reset *reset = mdev->reset;

	if (atomic_read(&mdev->counters.jobs)) {
		if (reset->fruitless >= MARU_RESET_FRUITLESS)
			return true;
		WRITE_ONCE(reset->fruitless, reset->fruitless + 1);
		return false;
	}
	if (time_after(jiffies, reset->last + MARU_RESET_QUIET))
		reset->rapid = 0;
	return ++reset->rapid > MARU_RESET_RAPID;
}

static void maru_reset_work(struct work_struct *work)
{
	struct maru_reset *reset = container_of(work, struct maru_reset, work);
	struct maru_device *mdev = reset->mdev;
	const char *why = READ_ONCE(reset->why);
	int ret;

	maru_reset_lock(mdev);
	/* a reset through sysfs may have come first, or the end */
	if (!test_bit(MARU_RESET_FLAG_PENDING, &reset->flags) ||
	    test_bit(MARU_RESET_FLAG_CLOSED, &reset->flags))
		goto unlock;

	drm_warn(&mdev->drm, "card reset: %s\n", why);
	trace_maru_reset(mdev, why);
	if (maru_reset_is_vain(mdev)) {
		maru_reset_prepare(mdev);
		maru_ttm_unblock(mdev);
		maru_reset_wedge(mdev);
		goto unlock;
	}
	maru_reset_prepare(mdev);
	ret = maru_fw_restart(mdev);
	if (ret)
		drm_warn(&mdev->drm, "new core: %pe\n", ERR_PTR(ret));
	maru_reset_finish(mdev);
unlock:
	maru_reset_unlock(mdev);
}

static void maru_reset_lost_work(struct work_struct *work)
{
	struct maru_reset *reset = container_of(work, struct maru_reset, lost);
	struct maru_device *mdev = reset->mdev;

	drm_err(&mdev->drm, "the card is gone\n");
	trace_maru_reset(mdev, "lost");
	/* who sleeps inside drm_dev_enter() waits for a command: end those first */
	maru_admin_close(mdev, -ENODEV);
	maru_reset_lock(mdev);
	if (mdev->drm.registered)
		drm_dev_unplug(&mdev->drm);
	maru_queue_fail_all(mdev, -ENODEV);
	maru_reset_unlock(mdev);
}

/**
 * maru_device_lost() - The card left the bus: end all that waits for it.
 * @mdev: device.
 *
 * Context: any.
 */
void maru_device_lost(struct maru_device *mdev)
{
	struct maru_reset *reset = mdev->reset;

	set_bit(MARU_RESET_FLAG_CLOSED, &reset->flags);
	if (!test_and_set_bit(MARU_RESET_FLAG_LOST, &reset->flags))
		queue_work(mdev->timeout_wq, &reset->lost);
}

/**
 * maru_device_is_gone() - Tell whether the card left, or the driver is leaving it.
 * @mdev: device.
 *
 * True before the first call fails for it, while drm_dev_unplug() still waits for others.
 *
 * Context: any.
 */
bool maru_device_is_gone(struct maru_device *mdev)
{
	return test_bit(MARU_RESET_FLAG_LOST, &mdev->reset->flags) ||
	       drm_dev_is_unplugged(&mdev->drm);
}

/**
 * maru_reset_fini() - Reset no more.
 * @mdev: device.
 *
 * Context: process, sleeps; remove. A reset that runs is waited for, a loss taken to its end.
 * Return: true when the card was lost, and so unplugged, already.
 */
bool maru_reset_fini(struct maru_device *mdev)
{
	bool lost = test_and_set_bit(MARU_RESET_FLAG_LOST, &mdev->reset->flags);

	set_bit(MARU_RESET_FLAG_CLOSED, &mdev->reset->flags);
	cancel_work_sync(&mdev->reset->work);
	flush_work(&mdev->reset->lost);
	return lost;
}

/**
 * maru_reset_init() - Prepare for resets.
 * @mdev: device.
 *
 * Return: 0 or -ENOMEM.
 */
int maru_reset_init(struct maru_device *mdev)
{
	struct maru_reset *reset = drmm_kzalloc(&mdev->drm, sizeof(*reset), GFP_KERNEL);
	int ret;

	if (!reset)
		return -ENOMEM;
	ret = drmm_mutex_init(&mdev->drm, &reset->lock);
	if (ret)
		return ret;
	reset->mdev = mdev;
	reset->last = jiffies;
	INIT_WORK(&reset->work, maru_reset_work);
	INIT_WORK(&reset->lost, maru_reset_lost_work);
	mdev->reset = reset;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_RESET_H
#define MARU_RESET_H

#include "maru_types.h"

/**
 * struct maru_reset - The last two rungs of the ladder: card reset, wedged.
 * @mdev: device.
 * @work: resets the card; on timeout_wq as all recovery.
 * @lost: gives the card up that left the bus.
 * @lock: serialises who resets or brings up the core: @work, FLR through sysfs, probe, remove.
 *	No ioctl takes it, and nothing that the signalling path waits for.
 * @task: holds @lock; its own admin commands pass those that wait.
 * @sequence: odd while @lock is held: the core is being replaced or booted.
 * @flags: MARU_RESET_FLAG_*.
 * @why: reason of the next reset, a constant string.
 * @fruitless: card resets since a job finished.
 * @rapid: resets of an idle card, in a row.
 * @last: jiffies at the end of the last one.
 * @card_resets: done, for DRM_MARU_QUERY_RESETS.
 * @queue_resets: likewise.
 */
struct maru_reset {
	struct maru_device *mdev;
	struct work_struct work;
	struct work_struct lost;
	struct mutex lock;		/* outermost; no ioctl takes it */
	struct task_struct *task;
	u32 sequence;
	unsigned long flags;
	const char *why;
	unsigned int fruitless;
	unsigned int rapid;
	unsigned long last;
	atomic_t card_resets;
	atomic_t queue_resets;
};

#define MARU_RESET_FLAG_PENDING	0
#define MARU_RESET_FLAG_CLOSED	1	/* no more resets: removed, lost or wedged */
#define MARU_RESET_FLAG_LOST	2	/* unplugged, or about to be by one who took this */

int maru_reset_init(struct maru_device *mdev);
bool maru_reset_fini(struct maru_device *mdev);
void maru_reset_lock(struct maru_device *mdev);
void maru_reset_unlock(struct maru_device *mdev);

void maru_reset_card(struct maru_device *mdev, const char *why);
bool maru_reset_pending(struct maru_device *mdev);
void maru_reset_progress(struct maru_device *mdev);
void maru_reset_prepare(struct maru_device *mdev);
void maru_reset_finish(struct maru_device *mdev);
bool maru_reset_is_mine(struct maru_device *mdev);
u32 maru_reset_sequence(struct maru_device *mdev);

#endif

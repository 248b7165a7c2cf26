/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_ADMIN_H
#define MARU_ADMIN_H

#include "maru_types.h"

#define MARU_ADMIN_LOG2		6

/**
 * struct maru_admin_request - A command under way.
 * @sqe: what to send; id is filled in.
 * @done: called once, without a lock held, in any context: with 0 and the card's values, or
 *	with the errno of its status; -ECANCELED the card was reset and forgot it (nothing of
 *	it runs any more), -EIO wedged, -ENODEV gone.
 * @link: in the waiting list.
 * @deadline: jiffies, once it was sent.
 * @id: on the ring, once it was sent.
 *
 * From @link on it belongs to maru_admin.c between maru_admin_send() and @done.
 */
struct maru_admin_request {
	struct maru_admin_sqe sqe;
	void (*done)(struct maru_admin_request *request, int err, const u64 value[2]);
	struct list_head link;
	unsigned long deadline;
	u16 id;
};

int maru_admin_call(struct maru_device *mdev, struct maru_admin_sqe *sqe, u64 value[2]);
void maru_admin_send(struct maru_device *mdev, struct maru_admin_request *request);

int maru_admin_init(struct maru_device *mdev);
void maru_admin_start(struct maru_device *mdev);
void maru_admin_open(struct maru_device *mdev);
void maru_admin_stop(struct maru_device *mdev);
void maru_admin_fail_all(struct maru_device *mdev, int err);
void maru_admin_close(struct maru_device *mdev, int err);
bool maru_admin_process(struct maru_device *mdev);
bool maru_admin_is_busy(struct maru_device *mdev);
u64 maru_admin_sq_entry(struct maru_device *mdev);
u64 maru_admin_cq_entry(struct maru_device *mdev);

#endif

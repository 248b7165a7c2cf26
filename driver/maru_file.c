// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file has pinned: the rings of its queues and the page tables of its VMs. Without a
 * limit one file could leave the others no memory that moves.
 */
#include <linux/wait_bit.h>

#include "maru_device.h"
#include "maru_file.h"

#define MARU_FILE_PIN_SHARE	8	/* of HBM */

/** maru_file_pin_limit() - Bytes that a file may have pinned. */
u64 maru_file_pin_limit(struct maru_device *mdev)
{
	return mdev->caps.tiers[MARU_TIER_HBM].bytes / MARU_FILE_PIN_SHARE;
}

/**
 * maru_file_charge() - Count memory that is about to be pinned for a file.
 * @file: file; NULL: the kernel, which has no limit.
 * @bytes: how much.
 * @force: beyond the limit too: it is not the user who asks.
 *
 * Context: any. Return: 0, then for maru_file_uncharge(); -EDQUOT.
 */
int maru_file_charge(struct maru_file *file, u64 bytes, bool force)
{
	u64 sum;

	if (!file)
		return 0;
	sum = atomic64_add_return(bytes, &file->pinned_bytes);
	if (force || !MARU_REFUSE(file->mdev, sum > maru_file_pin_limit(file->mdev)))
		return 0;
	atomic64_sub(bytes, &file->pinned_bytes);
	return -EDQUOT;
}

/** maru_file_uncharge() - Undo maru_file_charge(). Context: any. */
void maru_file_uncharge(struct maru_file *file, u64 bytes)
{
	if (file)
		atomic64_sub(bytes, &file->pinned_bytes);
}

/** maru_file_begin_bind() - A bind job is about to give back what it did not need. */
void maru_file_begin_bind(struct maru_file *file)
{
	atomic_long_inc(&file->binds_begun);
}

/** maru_file_end_bind() - It has given it back. Context: any, as above. */
void maru_file_end_bind(struct maru_file *file)
{
	/* a full barrier, as wake_up_var() wants it */
	atomic_long_inc_return(&file->binds_ended);
	wake_up_var(&file->binds_ended);
}

/**
 * maru_file_settle() - Wait for what binds are about to give back.
 * @file: file.
 *
 * As many as had begun when it was called have to end, so that those which begin later do not
 * keep it.
 *
 * Context: process, sleeps, no lock held. Return: 0; -ERESTARTSYS a signal came.
 */
int maru_file_settle(struct maru_file *file)
{
	long begun = atomic_long_read(&file->binds_begun);

	return wait_var_event_interruptible(&file->binds_ended,
					    atomic_long_read(&file->binds_ended) - begun >= 0);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file has pinned: the rings of its queues and the page tables of its VMs. Without a
 * limit one file could leave the others no memory that moves.
 */
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

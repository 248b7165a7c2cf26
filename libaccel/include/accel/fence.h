/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_FENCE_H
#define ACCEL_FENCE_H

#include <accel/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_fence - wait, and tie work together
 *
 * A fence is a value on a timeline. Timelines are shared with other processes and drivers as
 * syncobjs, single fences as sync_files.
 */

/**
 * struct accel_fence - A moment: when @timeline reaches @value. A plain value, copied as such.
 * @timeline: NULL: a fence that has always been signalled.
 * @value: > 0.
 *
 * accel_queue_submit() gives one on the queue's own timeline; it is good until the queue is
 * destroyed.
 */
struct accel_fence {
	struct accel_timeline *timeline;
	uint64_t value;
};

/**
 * accel_deadline() - Make a deadline.
 * @timeout_ns: from now; negative counts as 0, and the sum stays below ACCEL_FOREVER.
 *
 * Context: Any thread.
 * Return: absolute CLOCK_MONOTONIC ns.
 */
ACCEL_API int64_t accel_deadline(int64_t timeout_ns);

/**
 * accel_fence_wait() - Wait for a fence, and tell how its work ended.
 * @fence: which.
 * @deadline_ns: until when, ACCEL_FOREVER, or 0: look once.
 *
 * Context: Any thread; sleeps.
 * Return: 0 the work is done and its results are visible; -ETIME the deadline passed, or the work
 * ran into its own time limit: accel_fence_is_signalled() tells which; -EINVAL, -ERANGE,
 * -EOPNOTSUPP the card refused a packet; -EFAULT it used an address that is not mapped;
 * -ECANCELED an earlier error stopped the queue, or the card was reset for another's fault; -EIO
 * the card failed; -ENODEV it is gone. accel_error_text() names packet and operand when the card
 * did. A timeline of accel_timeline_create() carries values only: there, the end of work is 0.
 */
ACCEL_API int accel_fence_wait(struct accel_fence fence, int64_t deadline_ns);

/**
 * accel_fence_is_signalled() - Look whether a fence has been reached, in error or not.
 * @fence: which.
 *
 * Context: Any thread; does not sleep.
 * Return: 1 or 0; -EINVAL a value of 0; -ENODEV the card is gone.
 */
ACCEL_API int accel_fence_is_signalled(struct accel_fence fence);

/**
 * accel_fence_export_sync_file() - Make a file descriptor that becomes readable at a fence.
 * @fence: which; its work must be submitted.
 * @fd: set on success; poll() it, close() it, or give it to another driver.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, or nothing was submitted for this value; -EMFILE; -ENODEV the card
 * is gone; -EOPNOTSUPP the way to this card has none.
 */
ACCEL_API int accel_fence_export_sync_file(struct accel_fence fence, int *fd);

/**
 * accel_timeline_create() - Make a timeline: a number that only rises, from 0.
 * @device: for which.
 * @timeline: set on success.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ENOMEM; -ENODEV the card is gone.
 */
ACCEL_API int accel_timeline_create(struct accel_device *device,
				    struct accel_timeline **timeline);

/**
 * accel_timeline_destroy() - Forget a timeline. Work that waits for it or signals it goes on.
 * @timeline: from accel_timeline_create() or an import, or NULL; never that of a queue.
 *
 * Context: One thread at a time for @timeline.
 */
ACCEL_API void accel_timeline_destroy(struct accel_timeline *timeline);

/**
 * accel_timeline_value() - Read a timeline.
 * @timeline: which.
 * @value: the largest that has been reached.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -ENODEV the card is gone.
 */
ACCEL_API int accel_timeline_value(struct accel_timeline *timeline, uint64_t *value);

/**
 * accel_timeline_signal() - Raise a timeline from the program.
 * @timeline: from accel_timeline_create().
 * @value: above all that is signalled or submitted.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, a queue's timeline, or a value of 0; -ENODEV the card is gone.
 */
ACCEL_API int accel_timeline_signal(struct accel_timeline *timeline, uint64_t value);

/**
 * accel_timeline_export() - Share a timeline with another process, as a syncobj.
 * @timeline: which.
 * @fd: set on success; the receiver passes it to accel_timeline_import().
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL; -EMFILE; -ENODEV the card is gone; -EOPNOTSUPP the way to this card
 * has none.
 */
ACCEL_API int accel_timeline_export(struct accel_timeline *timeline, int *fd);

/**
 * accel_timeline_import() - Take a timeline of another process or driver.
 * @device: for which.
 * @fd: of a syncobj; stays the caller's.
 * @timeline: set on success.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL or @fd is no syncobj; -ENOMEM; -ENODEV the card is gone; -EOPNOTSUPP
 * the way to this card has none.
 */
ACCEL_API int accel_timeline_import(struct accel_device *device, int fd,
				    struct accel_timeline **timeline);

/**
 * accel_timeline_import_sync_file() - Take a sync_file, as value 1 of a new timeline.
 * @device: for which.
 * @fd: of a sync_file; stays the caller's.
 * @timeline: set on success.
 *
 * Context: Any thread.
 * Return: as accel_timeline_import().
 */
ACCEL_API int accel_timeline_import_sync_file(struct accel_device *device, int fd,
					      struct accel_timeline **timeline);

#ifdef __cplusplus
}
#endif

#endif

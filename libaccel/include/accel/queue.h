/* SPDX-License-Identifier: MIT */
#ifndef ACCEL_QUEUE_H
#define ACCEL_QUEUE_H

#include <accel/cmd.h>
#include <accel/fence.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * DOC: accel_queue - run command buffers in order
 *
 * Work of one queue runs in the order of submission, work of different queues side by side. A
 * queue that an error has stopped stays stopped: the program sees the error, destroys the queue
 * and makes another.
 */

/** enum accel_priority - Of a queue. HIGH and REALTIME need CAP_SYS_NICE. */
enum accel_priority {
	ACCEL_PRIORITY_LOW	= 0,
	ACCEL_PRIORITY_NORMAL	= 1,
	ACCEL_PRIORITY_HIGH	= 2,
	ACCEL_PRIORITY_REALTIME	= 3,
};

/**
 * struct accel_queue_desc - How a queue is to be.
 * @size: sizeof(struct accel_queue_desc).
 * @cls: enum accel_class.
 * @priority: enum accel_priority.
 * @weight: share among queues of one priority, 1 … 1000; 0: 100.
 * @time_limit_ms: card time that one command buffer may take; 0: the driver's default.
 */
struct accel_queue_desc {
	size_t size;
	enum accel_class cls;
	enum accel_priority priority;
	uint32_t weight;
	uint32_t time_limit_ms;
};

#define ACCEL_QUEUE_DESC_INIT	{ sizeof(struct accel_queue_desc), ACCEL_CLASS_COMPUTE, \
				  ACCEL_PRIORITY_NORMAL, 0, 0 }

/**
 * accel_queue_create() - Make a queue: what is submitted to it runs in that order.
 * @device: for which.
 * @desc: how, or NULL: ACCEL_QUEUE_DESC_INIT.
 * @queue: set on success.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL or a field out of range; -EACCES the priority is not allowed; -ENOSPC
 * the card has no queue left; -EDQUOT the program may pin no more memory; -EOPNOTSUPP no such
 * class; -ENOMEM; -ENODEV the card is gone.
 */
ACCEL_API int accel_queue_create(struct accel_device *device, const struct accel_queue_desc *desc,
				 struct accel_queue **queue);

/**
 * accel_queue_destroy() - End a queue; its unfinished work ends -ECANCELED.
 * @queue: from accel_queue_create(), or NULL. Fences of its timeline are invalid afterwards.
 *
 * Context: One thread at a time for @queue.
 */
ACCEL_API void accel_queue_destroy(struct accel_queue *queue);

/**
 * struct accel_submit - A submission.
 * @size: sizeof(struct accel_submit).
 * @cmds: command buffers, run in this order.
 * @waits: fences to wait for before the first one.
 * @signals: fences of timelines that accel_timeline_create() made, to be signalled after the
 *	last one.
 * @cmd_count: how many; 0 only waits and signals.
 * @wait_count: how many.
 * @signal_count: how many.
 * @mbz: 0.
 */
struct accel_submit {
	size_t size;
	struct accel_cmd *const *cmds;
	const struct accel_fence *waits;
	const struct accel_fence *signals;
	uint32_t cmd_count;
	uint32_t wait_count;
	uint32_t signal_count;
	uint32_t mbz;
};

#define ACCEL_SUBMIT_INIT	{ sizeof(struct accel_submit), NULL, NULL, NULL, 0, 0, 0, 0 }

/**
 * accel_queue_submit() - Run a command buffer.
 * @queue: on which.
 * @cmd: what; it may be pending already.
 * @fence: set on success, or NULL.
 *
 * Context: Any thread, also for one @queue; one thread at a time for @cmd.
 * Return: 0; -EINVAL a NULL, or a @cmd of another device or made with ACCEL_CMD_CHECK;
 * -EOPNOTSUPP a packet that the queue's class does not take; -ECANCELED an error stopped the
 * queue: accel_queue_error() says which; destroy it; -ENOMEM; -EIO the driver gave the card up;
 * -ENODEV it is gone.
 */
ACCEL_API int accel_queue_submit(struct accel_queue *queue, struct accel_cmd *cmd,
				 struct accel_fence *fence);

/**
 * accel_queue_submit_all() - Run command buffers, with fences before and after: all or nothing.
 * @queue: on which.
 * @submit: what.
 * @fence: set on success, or NULL: when the last one is done.
 *
 * Context: Any thread, also for one @queue; one thread at a time for each command buffer.
 * Return: as accel_queue_submit(); -EINVAL also for a fence of another device, of value 0, or to
 * be signalled on a queue's timeline; -E2BIG more than the device takes at once.
 */
ACCEL_API int accel_queue_submit_all(struct accel_queue *queue, const struct accel_submit *submit,
				     struct accel_fence *fence);

/** enum accel_queue_state - Whether a queue takes work. */
enum accel_queue_state {
	ACCEL_QUEUE_OK		= 0,
	ACCEL_QUEUE_BANNED	= 1,	/* by an error of its work or its time limit */
	ACCEL_QUEUE_LOST	= 2,	/* the card is gone or given up */
};

/**
 * struct accel_queue_info - How a queue is. Filled by accel_queue_info().
 * @size: [IN] sizeof(struct accel_queue_info).
 * @state: enum accel_queue_state.
 * @error: negative errno of what stopped it, 0: nothing did.
 * @packet_offset: bytes, in the command buffer.
 * @tag: of the packet.
 * @error_value: the value that was wrong.
 * @error_address: of a fault, on the card.
 * @guilty_resets: resets that its work caused.
 * @innocent_resets: its work that was lost to others.
 * @submitted: command buffers.
 * @done: of them finished, in error or not.
 * @active_ns: card time used.
 * @model_ns: modelled.
 * @picojoule: modelled.
 * @bytes: moved, by enum accel_tier, then storage.
 */
struct accel_queue_info {
	size_t size;
	enum accel_queue_state state;
	int32_t error;
	uint32_t packet_offset;
	uint32_t tag;
	uint64_t error_value;
	uint64_t error_address;
	uint32_t guilty_resets;
	uint32_t innocent_resets;
	uint64_t submitted;
	uint64_t done;
	uint64_t active_ns;
	uint64_t model_ns;
	uint64_t picojoule;
	uint64_t bytes[4];
};

#define ACCEL_QUEUE_INFO_INIT	{ sizeof(struct accel_queue_info), ACCEL_QUEUE_OK, 0, 0, 0, 0, 0, \
				  0, 0, 0, 0, 0, 0, 0, { 0 } }

/**
 * accel_queue_info() - Tell how a queue is.
 * @queue: which.
 * @info: @info->size set; the rest is filled, as far as that size reaches.
 *
 * Context: Any thread.
 * Return: 0; -EINVAL a NULL, or @info->size is too small to hold itself; -ENODEV the card is
 * gone.
 */
ACCEL_API int accel_queue_info(struct accel_queue *queue, struct accel_queue_info *info);

/**
 * accel_queue_error() - Say in words what stopped a queue.
 * @queue: which.
 * @text: gets one line, cut to fit.
 * @bytes: of @text.
 *
 * As: packet 17 (+0x1240) MATMUL: operand A, dim[0] = 4095: BAD_SHAPE, dims do not go together.
 *
 * Context: Any thread.
 * Return: the errno of what stopped it; 0 nothing did, and @text is ""; -EINVAL a NULL or no
 * bytes.
 */
ACCEL_API int accel_queue_error(struct accel_queue *queue, char *text, size_t bytes);

/**
 * accel_queue_timeline() - Tell the timeline that a queue's own fences are on.
 * @queue: which.
 *
 * Context: Any thread.
 * Return: the timeline, which is the queue's; NULL if @queue is.
 */
ACCEL_API struct accel_timeline *accel_queue_timeline(struct accel_queue *queue);

#ifdef __cplusplus
}
#endif

#endif

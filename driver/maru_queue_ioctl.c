// SPDX-License-Identifier: GPL-2.0-only
/*
 * QUEUE_CREATE, QUEUE_DESTROY, QUEUE_SET, QUEUE_INFO.
 */
#include <drm/drm_file.h>
#include <drm/drm_ioctl.h>
#include <drm/maru_accel.h>
#include <linux/capability.h>

#include "maru_admin.h"
#include "maru_device.h"
#include "maru_queue.h"
#include "maru_sched.h"
#include "maru_vm.h"

#define MARU_WEIGHT_DEFAULT		100
#define MARU_WEIGHT_MAX			1000
#define MARU_TIME_SLICE_MIN_US		100
#define MARU_TIME_SLICE_MAX_US		1000000
/* A fence has to end in a time that one can wait for, whoever asks. */
#define MARU_TIME_LIMIT_BOUND_MS	3600000

static int maru_queue_check_priority(struct maru_device *mdev, u64 priority)
{
	if (MARU_REFUSE(mdev, priority > DRM_MARU_PRIORITY_REALTIME))
		return -EINVAL;
	if (priority >= DRM_MARU_PRIORITY_HIGH && MARU_REFUSE(mdev, !capable(CAP_SYS_NICE)))
		return -EACCES;
	return 0;
}

static int maru_queue_check_limit(struct maru_device *mdev, u64 time_limit_ms)
{
	if (MARU_REFUSE(mdev, time_limit_ms > MARU_TIME_LIMIT_BOUND_MS))
		return -EINVAL;
	if (time_limit_ms > MARU_TIME_LIMIT_MAX_MS && MARU_REFUSE(mdev, !capable(CAP_SYS_NICE)))
		return -EACCES;
	return 0;
}

static int maru_queue_check_mbz(struct maru_device *mdev,
				const struct drm_maru_queue_create *args)
{
	if (MARU_REFUSE(mdev, args->id) || MARU_REFUSE(mdev, args->group) ||
	    MARU_REFUSE(mdev, args->ns) || MARU_REFUSE(mdev, args->flags) ||
	    MARU_REFUSE(mdev, args->mbz) ||
	    MARU_REFUSE(mdev, args->ring_handle) || MARU_REFUSE(mdev, args->ring_offset) ||
	    MARU_REFUSE(mdev, args->ring_va) || MARU_REFUSE(mdev, args->ring_log2))
		return -EINVAL;
	return 0;
}

static int maru_queue_check(struct maru_device *mdev, const struct drm_maru_queue_create *args)
{
	int ret;

	if (MARU_REFUSE(mdev, args->cls > DRM_MARU_CLASS_STORAGE) ||
	    MARU_REFUSE(mdev, args->mode > DRM_MARU_QUEUE_USER) ||
	    MARU_REFUSE(mdev, args->weight > MARU_WEIGHT_MAX))
		return -EINVAL;
	if (args->cls == DRM_MARU_CLASS_STORAGE || args->mode == DRM_MARU_QUEUE_USER)
		return -EOPNOTSUPP;
	ret = maru_queue_check_mbz(mdev, args);
	if (ret)
		return ret;
	if (MARU_REFUSE(mdev, !(mdev->caps.engines.classes & BIT(args->cls))))
		return -EOPNOTSUPP;
	ret = maru_queue_check_priority(mdev, args->priority);
	if (ret)
		return ret;
	return maru_queue_check_limit(mdev, args->time_limit_ms);
}

/** maru_queue_create_ioctl() - DRM_IOCTL_MARU_QUEUE_CREATE. */
int maru_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct maru_file *file = drm_file->driver_priv;
	struct drm_maru_queue_create *args = data;
	struct maru_queue_desc desc = {
		.file = file,
		.cls = args->cls,
		.priority = args->priority,
		.weight = args->weight ?: MARU_WEIGHT_DEFAULT,
		.time_limit_ms = args->time_limit_ms ?: MARU_TIME_LIMIT_DEFAULT_MS,
	};
	struct maru_queue *queue;
	int ret;

	ret = maru_queue_check(mdev, args);
	if (ret)
		return ret;
	desc.vm = maru_vm_lookup(file, args->vm);
	if (MARU_REFUSE(mdev, !desc.vm))
		return -ENOENT;
	queue = maru_queue_create(mdev, &desc);
	maru_vm_put(desc.vm);
	if (IS_ERR(queue))
		return PTR_ERR(queue);

	args->slot = 0;
	args->group_offset = 0;
	args->wake_offset = 0;
	/* the id last: from here on another thread may find it, and destroy it */
	ret = xa_alloc(&file->queues, &args->id, queue, xa_limit_31b, GFP_KERNEL);
	if (ret)
		maru_queue_kill(queue);
	return ret == -EBUSY ? -ENOSPC : ret;
}

/** maru_queue_destroy_ioctl() - DRM_IOCTL_MARU_QUEUE_DESTROY. */
int maru_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_queue_destroy *args = data;
	struct maru_queue *queue;

	if (MARU_REFUSE(mdev, args->mbz))
		return -EINVAL;
	queue = maru_queue_unlink(drm_file->driver_priv, args->id);
	if (MARU_REFUSE(mdev, !queue))
		return -ENOENT;
	maru_queue_kill(queue);
	return 0;
}

/* Tell the card; a new core is told by what the queue remembers. */
static int maru_queue_set_on_card(struct maru_queue *queue, u32 *field, u32 property, u32 value)
{
	struct maru_admin_sqe sqe = {
		.op = MARU_ADMIN_QUEUE_SET,
		.queue_set = { .queue = queue->id, .property = property, .value = value },
	};
	u32 old = READ_ONCE(*field);
	int ret;

	WRITE_ONCE(*field, value);
	if (!READ_ONCE(queue->on_card))
		return 0;
	ret = maru_admin_call(queue->mdev, &sqe, NULL);
	/* it is not there any more, as after a ban and a card reset */
	if (!ret || ret == -ENOENT || ret == -ECANCELED)
		return 0;
	WRITE_ONCE(*field, old);
	return ret;
}

static int maru_queue_set(struct maru_queue *queue, u32 property, u64 value)
{
	struct maru_device *mdev = queue->mdev;
	int ret;

	switch (property) {
	case DRM_MARU_PROPERTY_PRIORITY:
		ret = maru_queue_check_priority(mdev, value);
		return ret ?: maru_queue_set_on_card(queue, &queue->priority,
						     MARU_PROPERTY_PRIORITY, value);
	case DRM_MARU_PROPERTY_WEIGHT:
		if (MARU_REFUSE(mdev, !value || value > MARU_WEIGHT_MAX))
			return -EINVAL;
		return maru_queue_set_on_card(queue, &queue->weight, MARU_PROPERTY_WEIGHT,
					      value);
	case DRM_MARU_PROPERTY_TIME_SLICE:
		if (MARU_REFUSE(mdev, value < MARU_TIME_SLICE_MIN_US ||
				value > MARU_TIME_SLICE_MAX_US))
			return -EINVAL;
		return maru_queue_set_on_card(queue, &queue->time_slice_us,
					      MARU_PROPERTY_TIME_SLICE, value);
	case DRM_MARU_PROPERTY_TIME_LIMIT:
		if (MARU_REFUSE(mdev, !value))
			return -EINVAL;
		ret = maru_queue_check_limit(mdev, value);
		if (!ret)
			maru_sched_set_limit(queue, value);
		return ret;
	case DRM_MARU_PROPERTY_IRQ_US:
		return -EOPNOTSUPP;
	default:
		return MARU_REFUSE(mdev, "unknown property") ? -EINVAL : 0;
	}
}

/** maru_queue_set_ioctl() - DRM_IOCTL_MARU_QUEUE_SET. */
int maru_queue_set_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_queue_set *args = data;
	struct maru_queue *queue;
	int ret;

	queue = maru_queue_lookup(drm_file->driver_priv, args->id);
	if (MARU_REFUSE(mdev, !queue))
		return -ENOENT;
	ret = maru_queue_set(queue, args->property, args->value);
	maru_queue_put(queue);
	return ret;
}

static void maru_queue_info(struct maru_queue *queue, struct drm_maru_queue_info *info)
{
	struct maru_queue_block sum;

	maru_queue_process(queue);
	maru_queue_counters(queue, &sum);
	spin_lock_irq(&queue->lock);
	info->state = queue->state;
	info->error = queue->error.error;
	info->packet_offset = queue->error.packet_offset;
	info->tag = queue->error.tag;
	info->error_value = queue->error.error_value;
	info->error_va = queue->error.error_va;
	info->error_job = queue->error.job;
	info->guilty_resets = queue->guilty_resets;
	info->innocent_resets = queue->innocent_resets;
	spin_unlock_irq(&queue->lock);
	info->done = atomic64_read(&queue->finished);
	/* done first, so that it is never the larger one; its partner: maru_job_push() */
	smp_rmb();
	info->submitted = atomic64_read(&queue->submitted);
	info->active_ns = sum.active_ns;
	info->model_ns = sum.model_ns;
	info->picojoule = sum.picojoule;
	memcpy(info->bytes, sum.bytes, sizeof(sum.bytes));
	info->bytes[ARRAY_SIZE(sum.bytes)] = sum.storage_bytes;
}

/** maru_queue_info_ioctl() - DRM_IOCTL_MARU_QUEUE_INFO. */
int maru_queue_info_ioctl(struct drm_device *drm, void *data, struct drm_file *drm_file)
{
	struct maru_device *mdev = to_maru_device(drm);
	struct drm_maru_queue_info *args = data;
	struct maru_queue *queue;

	if (MARU_REFUSE(mdev, args->mbz))
		return -EINVAL;
	queue = maru_queue_lookup(drm_file->driver_priv, args->id);
	if (MARU_REFUSE(mdev, !queue))
		return -ENOENT;
	maru_queue_info(queue, args);
	maru_queue_put(queue);
	return 0;
}

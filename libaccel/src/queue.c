// SPDX-License-Identifier: MIT
/* Queues as objects. What they run is in submit.c, how it ended in pending.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "pending.h"

int accel_queue_create(struct accel_device *device, const struct accel_queue_desc *desc,
		       struct accel_queue **out)
{
	static const struct accel_queue_desc plain = ACCEL_QUEUE_DESC_INIT;
	struct accel_queue *queue;
	int error;

	if (!device || !out)
		return accel_refuse(-EINVAL, "accel_queue_create: %s: NULL",
				    device ? "queue" : "device");
	if (!desc)
		desc = &plain;
	if (desc->size != sizeof(*desc))
		return accel_refuse(-EINVAL, "accel_queue_create: desc: its size is %zu, not %zu",
				    desc->size, sizeof(*desc));
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return accel_refuse(-ENOMEM, "accel_queue_create: out of host memory");
	queue->device = device;
	queue->cls = desc->cls;
	queue->timeline.device = device;
	queue->timeline.queue = queue;
	STAILQ_INIT(&queue->pending);
	STAILQ_INIT(&queue->spare);
	pthread_mutex_init(&queue->submit_lock, NULL);
	pthread_mutex_init(&queue->lock, NULL);
	error = device->ops->timeline_create(&queue->timeline);
	if (error)
		goto free;
	error = device->ops->queue_create(queue, desc);
	if (error)
		goto timeline;
	pthread_mutex_lock(&device->queues_lock);
	LIST_INSERT_HEAD(&device->queues, queue, entry);
	pthread_mutex_unlock(&device->queues_lock);
	*out = queue;
	return 0;

timeline:
	device->ops->timeline_destroy(&queue->timeline);
free:
	pthread_mutex_destroy(&queue->lock);
	pthread_mutex_destroy(&queue->submit_lock);
	free(queue);
	return accel_refuse(error, "accel_queue_create: class %u, priority %u, weight %u: %s",
			    (unsigned int)desc->cls, (unsigned int)desc->priority, desc->weight,
			    accel_errno_text(error));
}

void accel_queue_destroy(struct accel_queue *queue)
{
	struct accel_device *device;

	if (!queue)
		return;
	device = queue->device;
	pthread_mutex_lock(&device->queues_lock);
	LIST_REMOVE(queue, entry);
	pthread_mutex_unlock(&device->queues_lock);
	device->ops->queue_destroy(queue);	/* nothing of it runs any more */
	pending_drop_all(queue);
	device->ops->timeline_destroy(&queue->timeline);
	pthread_mutex_destroy(&queue->lock);
	pthread_mutex_destroy(&queue->submit_lock);
	free(queue->failures);
	free(queue);
}

struct accel_timeline *accel_queue_timeline(struct accel_queue *queue)
{
	return queue ? &queue->timeline : NULL;
}

int accel_queue_info(struct accel_queue *queue, struct accel_queue_info *info)
{
	struct accel_queue_info all = ACCEL_QUEUE_INFO_INIT;
	struct drm_maru_queue_info raw;
	int error;

	if (!queue || !info)
		return accel_refuse(-EINVAL, "accel_queue_info: %s: NULL",
				    queue ? "info" : "queue");
	if (info->size <= sizeof(info->size) || info->size > sizeof(all))
		return accel_refuse(-EINVAL, "accel_queue_info: info: its size is %zu, not %zu",
				    info->size, sizeof(all));
	error = queue->device->ops->queue_info(queue, &raw);
	if (error)
		return accel_refuse(error, "accel_queue_info: %s", accel_errno_text(error));
	all.state = (enum accel_queue_state)raw.state;
	all.error = raw.state == DRM_MARU_QUEUE_STATE_OK ? 0 : pending_errno(queue, &raw);
	all.packet_offset = raw.packet_offset;
	all.tag = raw.tag;
	all.error_value = raw.error_value;
	all.error_address = raw.error_va;
	all.guilty_resets = raw.guilty_resets;
	all.innocent_resets = raw.innocent_resets;
	all.submitted = raw.submitted;
	all.done = raw.done;
	all.active_ns = raw.active_ns;
	all.model_ns = raw.model_ns;
	all.picojoule = raw.picojoule;
	memcpy(all.bytes, raw.bytes, sizeof(all.bytes));
	all.size = info->size;
	memcpy(info, &all, info->size);
	return 0;
}

int accel_queue_error(struct accel_queue *queue, char *text, size_t bytes)
{
	int error;

	if (!queue || !text || !bytes)
		return accel_refuse(-EINVAL, "accel_queue_error: %s", !queue ? "queue: NULL" :
				    !text ? "text: NULL" : "bytes: 0");
	accel_queue_retire(queue);
	pthread_mutex_lock(&queue->lock);
	error = queue->error;
	snprintf(text, bytes, "%s", queue->error_text);
	pthread_mutex_unlock(&queue->lock);
	return error;
}

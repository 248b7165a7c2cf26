// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "internal.h"

int64_t accel_deadline(int64_t timeout_ns)
{
	struct timespec now;
	int64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = now.tv_sec * 1000000000ll + now.tv_nsec;
	if (timeout_ns < 0)
		return now_ns;
	return timeout_ns > ACCEL_FOREVER - 1 - now_ns ? ACCEL_FOREVER - 1 : now_ns + timeout_ns;
}

static void note_done(struct accel_timeline *timeline, uint64_t value)
{
	uint64_t done = atomic_load(&timeline->done);

	while (done < value && !atomic_compare_exchange_weak(&timeline->done, &done, value))
		;
}

int accel_timeline_look(struct accel_timeline *timeline, uint64_t *value)
{
	int error = timeline->device->ops->timeline_value(timeline, value);

	if (!error)
		note_done(timeline, *value);
	return error;
}

/* A wait for what nobody has submitted would never end: on a queue's timeline that is known. */
static int check_fence(struct accel_fence fence, const char *call)
{
	struct accel_queue *queue = fence.timeline->queue;
	uint64_t last;

	if (!fence.value)
		return accel_refuse(-EINVAL, "%s: fence: its value is 0", call);
	if (!queue)
		return 0;
	pthread_mutex_lock(&queue->lock);
	last = queue->value;
	pthread_mutex_unlock(&queue->lock);
	if (fence.value > last)
		return accel_refuse(-EINVAL, "%s: fence: value %llu, but only %llu was submitted",
				    call, (unsigned long long)fence.value,
				    (unsigned long long)last);
	return 0;
}

int accel_fence_wait(struct accel_fence fence, int64_t deadline_ns)
{
	static const char call[] = "accel_fence_wait";
	struct accel_timeline *timeline = fence.timeline;
	int error;

	if (!timeline)
		return 0;
	error = check_fence(fence, call);
	if (error)
		return error;
	if (atomic_load(&timeline->done) < fence.value) {
		error = timeline->device->ops->timeline_wait(timeline, fence.value, deadline_ns);
		if (error)
			return accel_refuse(error, "%s: %s", call, error == -ETIME ?
					    "the deadline passed" : accel_errno_text(error));
		note_done(timeline, fence.value);
	}
	if (!timeline->queue)
		return 0;
	accel_queue_retire(timeline->queue);
	return accel_queue_failure(timeline->queue, fence.value);
}

int accel_fence_is_signalled(struct accel_fence fence)
{
	static const char call[] = "accel_fence_is_signalled";
	uint64_t value;
	int error;

	if (!fence.timeline)
		return 1;
	if (!fence.value)
		return accel_refuse(-EINVAL, "%s: fence: its value is 0", call);
	if (atomic_load(&fence.timeline->done) >= fence.value)
		return 1;
	error = accel_timeline_look(fence.timeline, &value);
	if (error)
		return accel_refuse(error, "%s: %s", call, accel_errno_text(error));
	return value >= fence.value;
}

static struct accel_timeline *timeline_new(struct accel_device *device)
{
	struct accel_timeline *timeline = calloc(1, sizeof(*timeline));

	if (timeline)
		timeline->device = device;
	return timeline;
}

static void publish(struct accel_timeline *timeline, struct accel_timeline **out)
{
	struct accel_device *device = timeline->device;

	pthread_mutex_lock(&device->lock);
	LIST_INSERT_HEAD(&device->timelines, timeline, entry);
	pthread_mutex_unlock(&device->lock);
	*out = timeline;
}

int accel_timeline_create(struct accel_device *device, struct accel_timeline **out)
{
	static const char call[] = "accel_timeline_create";
	struct accel_timeline *timeline;
	int error;

	if (!device || !out)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, device ? "timeline" : "device");
	timeline = timeline_new(device);
	error = timeline ? device->ops->timeline_create(timeline) : -ENOMEM;
	if (error) {
		free(timeline);
		return accel_refuse(error, "%s: %s", call, accel_errno_text(error));
	}
	publish(timeline, out);
	return 0;
}

void accel_timeline_destroy(struct accel_timeline *timeline)
{
	struct accel_device *device;

	if (!timeline || timeline->queue)
		return;
	device = timeline->device;
	pthread_mutex_lock(&device->lock);
	LIST_REMOVE(timeline, entry);
	pthread_mutex_unlock(&device->lock);
	device->ops->timeline_destroy(timeline);
	free(timeline);
}

int accel_timeline_value(struct accel_timeline *timeline, uint64_t *value)
{
	static const char call[] = "accel_timeline_value";
	int error;

	if (!timeline || !value)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, timeline ? "value" : "timeline");
	error = accel_timeline_look(timeline, value);
	return error ? accel_refuse(error, "%s: %s", call, accel_errno_text(error)) : 0;
}

int accel_timeline_signal(struct accel_timeline *timeline, uint64_t value)
{
	static const char call[] = "accel_timeline_signal";
	int error;

	if (!timeline || !value)
		return accel_refuse(-EINVAL, "%s: %s", call, timeline ? "value: 0" :
				    "timeline: NULL");
	if (timeline->queue)
		return accel_refuse(-EINVAL, "%s: timeline: a queue's is the queue's to signal",
				    call);
	error = timeline->device->ops->timeline_signal(timeline, value);
	return error ? accel_refuse(error, "%s: %s", call, accel_errno_text(error)) : 0;
}

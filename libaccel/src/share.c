// SPDX-License-Identifier: MIT
/* Fences to and from other processes and drivers, as file descriptors. */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

int accel_fence_export_sync_file(struct accel_fence fence, int *fd)
{
	static const char call[] = "accel_fence_export_sync_file";
	const struct accel_backend_ops *ops;
	int error;

	if (!fence.timeline || !fd || !fence.value)
		return accel_refuse(-EINVAL, "%s: %s", call, !fd ? "fd: NULL" :
				    fence.timeline ? "fence: its value is 0" :
				    "fence: it has no timeline");
	ops = fence.timeline->device->ops;
	error = ops->sync_file_export ?
		ops->sync_file_export(fence.timeline, fence.value, fd) : -EOPNOTSUPP;
	if (error == -EINVAL)
		return accel_refuse(error, "%s: fence: nothing is submitted for it yet", call);
	return error ? accel_refuse(error, "%s: %s", call, accel_errno_text(error)) : 0;
}

int accel_timeline_export(struct accel_timeline *timeline, int *fd)
{
	static const char call[] = "accel_timeline_export";
	const struct accel_backend_ops *ops;
	int error;

	if (!timeline || !fd)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, timeline ? "fd" : "timeline");
	ops = timeline->device->ops;
	error = ops->timeline_export ? ops->timeline_export(timeline, fd) : -EOPNOTSUPP;
	return error ? accel_refuse(error, "%s: %s", call, accel_errno_text(error)) : 0;
}

static int import(struct accel_device *device, int fd, struct accel_timeline **out,
		  int (*take)(struct accel_timeline *timeline, int fd), const char *call)
{
	struct accel_timeline *timeline;
	int error = -EOPNOTSUPP;

	timeline = calloc(1, sizeof(*timeline));
	if (!timeline)
		return accel_refuse(-ENOMEM, "%s: out of host memory", call);
	timeline->device = device;
	if (take)
		error = take(timeline, fd);
	if (error) {
		free(timeline);
		return accel_refuse(error, "%s: fd %d: %s", call, fd, accel_errno_text(error));
	}
	pthread_mutex_lock(&device->lock);
	LIST_INSERT_HEAD(&device->timelines, timeline, entry);
	pthread_mutex_unlock(&device->lock);
	*out = timeline;
	return 0;
}

int accel_timeline_import(struct accel_device *device, int fd, struct accel_timeline **timeline)
{
	static const char call[] = "accel_timeline_import";

	if (!device || !timeline)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, device ? "timeline" : "device");
	return import(device, fd, timeline, device->ops->timeline_import, call);
}

int accel_timeline_import_sync_file(struct accel_device *device, int fd,
				    struct accel_timeline **timeline)
{
	static const char call[] = "accel_timeline_import_sync_file";

	if (!device || !timeline)
		return accel_refuse(-EINVAL, "%s: %s: NULL", call, device ? "timeline" : "device");
	return import(device, fd, timeline, device->ops->sync_file_import, call);
}

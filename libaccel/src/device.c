// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int device_init(struct accel_device *device)
{
	int error = accel_caps_load(device, &device->caps);

	if (error)
		return accel_refuse(error, "accel_device_open: %s: its capabilities: %s",
				    device->path, accel_errno_text(error));
	error = accel_va_init(&device->va, device->caps.limits.va_start,
			      device->caps.limits.va_end);
	if (error)
		return accel_refuse(error, "accel_device_open: %s: its address space: %s",
				    device->path, accel_errno_text(error));
	return 0;
}

int accel_device_open_way(const struct accel_backend_ops *ops, const char *place,
			  struct accel_device **out)
{
	struct accel_device *device = calloc(1, sizeof(*device));
	int error;

	if (!device)
		return accel_refuse(-ENOMEM, "accel_device_open: out of host memory");
	device->ops = ops;
	pthread_mutex_init(&device->queues_lock, NULL);
	pthread_mutex_init(&device->lock, NULL);
	error = ops->open(device, place);
	if (error) {
		if (ops->explains_open)
			goto free;
		if (place)
			accel_refuse(error, "accel_device_open: %s: %s", place,
				     error == -ENODEV ? "no MARU card" : accel_errno_text(error));
		else
			accel_refuse(error, "accel_device_open: no card of the way '%s': %s",
				     ops->way, error == -ENODEV ?
				     "no node in /dev/accel belongs to the driver maru" :
				     accel_errno_text(error));
		goto free;
	}
	error = device_init(device);
	if (error)
		goto close;
	*out = device;
	return 0;

close:
	ops->close(device);
free:
	pthread_mutex_destroy(&device->lock);
	pthread_mutex_destroy(&device->queues_lock);
	free(device);
	return error;
}

int accel_device_open(const char *spec, struct accel_device **device)
{
	const char *way = spec ? spec : getenv("ACCEL_DEVICE"), *place;
	size_t length;

	if (!device)
		return accel_refuse(-EINVAL, "accel_device_open: device: NULL");
	if (!way || !*way)
		way = "kernel";
	length = strcspn(way, ":,");
	if (length == 6 && !strncmp(way, "direct", length))
		return accel_device_open_way(&accel_direct_ops, way + length, device);
	place = strchr(way, ':');
	length = place ? (size_t)(place - way) : strlen(way);
	if (place && !*++place)
		return accel_refuse(-EINVAL, "accel_device_open: '%s': nothing behind the colon",
				    way);
	if (length == 6 && !strncmp(way, "kernel", length))
		return accel_device_open_way(&accel_kernel_ops, place, device);
	return accel_refuse(-EINVAL, "accel_device_open: '%s': want 'kernel', "
			    "'kernel:/dev/accel/accelN' or 'direct'", way);
}

void accel_device_close(struct accel_device *device)
{
	struct accel_timeline *timeline;
	struct accel_memory *memory;
	struct accel_queue *queue;
	struct accel_cmd *cmd;

	if (!device)
		return;
	while ((queue = LIST_FIRST(&device->queues)))
		accel_queue_destroy(queue);
	while ((cmd = LIST_FIRST(&device->cmds)))
		accel_cmd_free(cmd);
	while ((timeline = LIST_FIRST(&device->timelines)))
		accel_timeline_destroy(timeline);
	while ((memory = LIST_FIRST(&device->memories)))
		accel_memory_free(memory);
	device->ops->close(device);
	accel_va_fini(&device->va);
	pthread_mutex_destroy(&device->lock);
	pthread_mutex_destroy(&device->queues_lock);
	free(device);
}

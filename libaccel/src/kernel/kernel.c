// SPDX-License-Identifier: MIT
/* The node in /dev/accel, and the table of this way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "kernel.h"

#define NODES	"/dev/accel"

const struct accel_backend_ops accel_kernel_ops = {
	.way			= "kernel",
	.open			= kernel_open,
	.close			= kernel_close,
	.query			= kernel_query,
	.memory_create		= kernel_memory_create,
	.memory_destroy		= kernel_memory_destroy,
	.memory_map		= kernel_memory_map,
	.memory_wait		= kernel_memory_wait,
	.queue_create		= kernel_queue_create,
	.queue_destroy		= kernel_queue_destroy,
	.queue_info		= kernel_queue_info,
	.queue_submit		= kernel_queue_submit,
	.job_status		= kernel_job_status,
	.job_free		= kernel_job_free,
	.timeline_create	= kernel_timeline_create,
	.timeline_destroy	= kernel_timeline_destroy,
	.timeline_value		= kernel_timeline_value,
	.timeline_wait		= kernel_timeline_wait,
	.timeline_signal	= kernel_timeline_signal,
	.timeline_export	= kernel_timeline_export,
	.timeline_import	= kernel_timeline_import,
	.sync_file_export	= kernel_sync_file_export,
	.sync_file_import	= kernel_sync_file_import,
};

static bool is_maru(int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool is_ours = version && version->name && !strcmp(version->name, "maru");

	drmFreeVersion(version);
	return is_ours;
}

/* Return: a descriptor of a MARU node or -errno. */
static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ENXIO || errno == ENOENT ? -ENODEV : -errno;
	if (is_maru(fd))
		return fd;
	close(fd);
	return -ENODEV;
}

static int is_accel(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "accel", 5);
}

/* The first node that is ours; if there is none, why the nearest one was not to be had. */
static int find_node(char *path, size_t bytes)
{
	struct dirent **entries;
	int count = scandir(NODES, &entries, is_accel, versionsort);
	int result = -ENODEV, fd = -ENODEV;

	for (int i = 0; i < count; i++) {
		if (fd < 0) {
			snprintf(path, bytes, NODES "/%.64s", entries[i]->d_name);
			fd = open_node(path);
			if (fd < 0 && fd != -ENODEV)
				result = fd;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return fd >= 0 ? fd : result;
}

int kernel_open(struct accel_device *device, const char *place)
{
	struct drm_maru_vm_create create = { 0 };
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int error;

	if (!kernel)
		return -ENOMEM;
	if (place) {
		snprintf(device->path, sizeof(device->path), "%s", place);
		kernel->fd = open_node(place);
	} else {
		kernel->fd = find_node(device->path, sizeof(device->path));
	}
	if (kernel->fd < 0) {
		error = kernel->fd;
		free(kernel);
		return error;
	}
	error = accel_ioctl(kernel->fd, DRM_IOCTL_MARU_VM_CREATE, &create);
	if (error) {
		close(kernel->fd);
		free(kernel);
		return error;
	}
	kernel->vm = create.id;
	device->backend = kernel;
	return 0;
}

void kernel_close(struct accel_device *device)
{
	struct kernel *kernel = kernel_of(device);

	close(kernel->fd);		/* the VM goes with its file */
	free(kernel);
}

int kernel_query(struct accel_device *device, uint32_t id, void *answer, uint32_t *bytes)
{
	struct drm_maru_query query = { .id = id, .size = *bytes, .ptr = (uintptr_t)answer };
	int error = accel_ioctl(kernel_of(device)->fd, DRM_IOCTL_MARU_QUERY, &query);

	if (!error)
		*bytes = query.size;
	return error;
}

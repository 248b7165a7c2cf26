// SPDX-License-Identifier: MIT
/* Timelines are syncobjs. */
#include <errno.h>

#include "kernel.h"

static int fd_of(const struct accel_timeline *timeline)
{
	return kernel_of(timeline->device)->fd;
}

int kernel_syncobj_create(int fd, uint32_t *handle)
{
	struct drm_syncobj_create create = { 0 };
	int error = accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);

	if (!error)
		*handle = create.handle;
	return error;
}

void kernel_syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int kernel_timeline_create(struct accel_timeline *timeline)
{
	return kernel_syncobj_create(fd_of(timeline), &timeline->handle);
}

void kernel_timeline_destroy(struct accel_timeline *timeline)
{
	kernel_syncobj_destroy(fd_of(timeline), timeline->handle);
}

int kernel_timeline_value(struct accel_timeline *timeline, uint64_t *value)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&timeline->handle,
		.points = (uintptr_t)value,
		.count_handles = 1,
	};

	return accel_ioctl(fd_of(timeline), DRM_IOCTL_SYNCOBJ_QUERY, &array);
}

int kernel_timeline_wait(struct accel_timeline *timeline, uint64_t value, int64_t deadline_ns)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&timeline->handle,
		.points = (uintptr_t)&value,
		.timeout_nsec = deadline_ns,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return accel_ioctl(fd_of(timeline), DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

int kernel_timeline_signal(struct accel_timeline *timeline, uint64_t value)
{
	struct drm_syncobj_timeline_array array = {
		.handles = (uintptr_t)&timeline->handle,
		.points = (uintptr_t)&value,
		.count_handles = 1,
	};

	return accel_ioctl(fd_of(timeline), DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

int kernel_timeline_export(struct accel_timeline *timeline, int *fd)
{
	struct drm_syncobj_handle export = { .handle = timeline->handle, .fd = -1 };
	int error = accel_ioctl(fd_of(timeline), DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);

	if (!error)
		*fd = export.fd;
	return error;
}

int kernel_timeline_import(struct accel_timeline *timeline, int fd)
{
	struct drm_syncobj_handle import = { .fd = fd };
	int error = accel_ioctl(fd_of(timeline), DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import);

	if (!error)
		timeline->handle = import.handle;
	return error;
}

static int transfer(int fd, uint32_t from, uint64_t from_value, uint32_t to, uint64_t to_value)
{
	struct drm_syncobj_transfer transfer = {
		.src_handle = from, .src_point = from_value,
		.dst_handle = to, .dst_point = to_value,
	};

	return accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
}

/* A point has no sync_file of its own: its fence goes through a binary syncobj. */
int kernel_sync_file_export(struct accel_timeline *timeline, uint64_t value, int *out)
{
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, .fd = -1,
	};
	int fd = fd_of(timeline);
	int error = kernel_syncobj_create(fd, &export.handle);

	if (error)
		return error;
	error = transfer(fd, timeline->handle, value, export.handle, 0);
	if (!error)
		error = accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);
	kernel_syncobj_destroy(fd, export.handle);
	if (!error)
		*out = export.fd;
	return error;
}

int kernel_sync_file_import(struct accel_timeline *timeline, int sync_file)
{
	struct drm_syncobj_handle import = {
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, .fd = sync_file,
	};
	int fd = fd_of(timeline);
	int error = kernel_syncobj_create(fd, &import.handle);

	if (error)
		return error;
	error = accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import);
	if (!error)
		error = kernel_timeline_create(timeline);
	if (!error) {
		error = transfer(fd, import.handle, 0, timeline->handle, 1);
		if (error)
			kernel_timeline_destroy(timeline);
	}
	kernel_syncobj_destroy(fd, import.handle);
	return error;
}

// SPDX-License-Identifier: GPL-2.0-only
/* The node and its objects, for guest tests. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"

static bool node_is_maru(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !node_call(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "maru");
}

int node_open(void)
{
	const char *path = getenv("MARU_NODE");
	char node[32];
	int fd, err = -ENOENT;

	if (path) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	for (int i = 0; i < 8; i++) {
		snprintf(node, sizeof(node), "/dev/accel/accel%d", i);
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			if (errno != ENOENT)
				err = -errno;
			continue;
		}
		if (node_is_maru(fd))
			return fd;
		close(fd);
	}
	return err;
}

int node_open_wait(unsigned int ms)
{
	uint64_t end = now_ns() + ms * 1000000ULL;
	int fd;

	while ((fd = node_open()) < 0 && now_ns() < end)
		usleep(20000);
	return fd;
}

int node_call(int fd, unsigned long request, void *arg)
{
	while (ioctl(fd, request, arg)) {
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	return 0;
}

int query(int fd, uint32_t id, void *answer, uint32_t size)
{
	struct drm_maru_query q = { .id = id, .size = size, .ptr = (uintptr_t)answer };

	return node_call(fd, DRM_IOCTL_MARU_QUERY, &q);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

int bo_create(int fd, struct bo *bo, uint64_t size, uint32_t tier, uint32_t vm)
{
	struct drm_maru_bo_create create = {
		.size = size, .tiers = 1u << tier, .preferred = tier,
		.flags = DRM_MARU_BO_CPU, .vm = vm,
	};
	int err;

	memset(bo, 0, sizeof(*bo));
	err = node_call(fd, DRM_IOCTL_MARU_BO_CREATE, &create);
	if (err)
		return err;
	bo->handle = create.handle;
	bo->size = (size + PAGE - 1) & ~(PAGE - 1);
	return 0;
}

int bo_map(int fd, struct bo *bo)
{
	struct drm_maru_bo_mmap offset = { .handle = bo->handle };
	void *map;
	int err;

	err = node_call(fd, DRM_IOCTL_MARU_BO_MMAP, &offset);
	if (err)
		return err;
	map = mmap(NULL, bo->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset.offset);
	if (map == MAP_FAILED)
		return -errno;
	bo->map = map;
	return 0;
}

int bo_create_at(int fd, struct bo *bo, uint64_t size, uint32_t tier, uint32_t vm, uint64_t va)
{
	int err;

	err = bo_create(fd, bo, size, tier, vm);
	if (err)
		return err;
	err = bo_map(fd, bo);
	if (!err)
		err = vm_map(fd, vm, bo, va);
	if (err)
		bo_close(fd, bo);
	return err;
}

void bo_close(int fd, struct bo *bo)
{
	struct drm_gem_close handle = { .handle = bo->handle };

	if (bo->map)
		munmap(bo->map, bo->size);
	if (bo->handle)
		node_call(fd, DRM_IOCTL_GEM_CLOSE, &handle);
	memset(bo, 0, sizeof(*bo));
}

int vm_create(int fd, uint32_t *id)
{
	struct drm_maru_vm_create create = { 0 };
	int err;

	err = node_call(fd, DRM_IOCTL_MARU_VM_CREATE, &create);
	*id = create.id;
	return err;
}

int vm_destroy(int fd, uint32_t id)
{
	struct drm_maru_vm_destroy destroy = { .id = id };

	return node_call(fd, DRM_IOCTL_MARU_VM_DESTROY, &destroy);
}

static int vm_bind_one(int fd, uint32_t vm, struct drm_maru_bind_op *op)
{
	struct drm_maru_vm_bind bind = { .vm = vm, .ops = ARRAY(op, 1) };

	return node_call(fd, DRM_IOCTL_MARU_VM_BIND, &bind);
}

int vm_map(int fd, uint32_t vm, struct bo *bo, uint64_t va)
{
	struct drm_maru_bind_op op = {
		.op = DRM_MARU_BIND_MAP, .handle = bo->handle, .va = va, .bytes = bo->size,
	};
	int err;

	err = vm_bind_one(fd, vm, &op);
	if (!err)
		bo->va = va;
	return err;
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t bytes)
{
	struct drm_maru_bind_op op = { .op = DRM_MARU_BIND_UNMAP, .va = va, .bytes = bytes };

	return vm_bind_one(fd, vm, &op);
}

int queue_create(int fd, uint32_t vm, uint32_t cls, uint32_t time_limit_ms, uint32_t *id)
{
	struct drm_maru_queue_create create = {
		.vm = vm, .cls = cls, .priority = DRM_MARU_PRIORITY_NORMAL,
		.time_limit_ms = time_limit_ms,
	};
	int err;

	err = node_call(fd, DRM_IOCTL_MARU_QUEUE_CREATE, &create);
	*id = create.id;
	return err;
}

int queue_destroy(int fd, uint32_t id)
{
	struct drm_maru_queue_destroy destroy = { .id = id };

	return node_call(fd, DRM_IOCTL_MARU_QUEUE_DESTROY, &destroy);
}

int queue_set(int fd, uint32_t id, uint32_t property, uint64_t value)
{
	struct drm_maru_queue_set set = { .id = id, .property = property, .value = value };

	return node_call(fd, DRM_IOCTL_MARU_QUEUE_SET, &set);
}

int queue_info(int fd, uint32_t id, struct drm_maru_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = id;
	return node_call(fd, DRM_IOCTL_MARU_QUEUE_INFO, info);
}

int syncobj_create(int fd, bool signalled, uint32_t *handle)
{
	struct drm_syncobj_create create = {
		.flags = signalled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0,
	};
	int err;

	err = node_call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	*handle = create.handle;
	return err;
}

void syncobj_destroy(int fd, uint32_t handle)
{
	struct drm_syncobj_destroy destroy = { .handle = handle };

	node_call(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
}

int syncobj_signal(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array timeline = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
	};
	struct drm_syncobj_array binary = { .handles = (uintptr_t)&handle, .count_handles = 1 };

	if (point)
		return node_call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &timeline);
	return node_call(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &binary);
}

int syncobj_wait(int fd, uint32_t handle, uint64_t point, unsigned int ms)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
		.timeout_nsec = now_ns() + ms * 1000000ULL,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
	};

	return node_call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

int sync_file_wait(int file, unsigned int ms)
{
	struct pollfd poller = { .fd = file, .events = POLLIN };

	return poll(&poller, 1, ms) == 1 ? 0 : -ETIME;
}

/* Asks for the fences too: their names are read then. */
int sync_file_error(int file)
{
	struct sync_fence_info fences[4] = { 0 };
	struct sync_file_info info = { .num_fences = 4, .sync_fence_info = (uintptr_t)fences };
	int err = 0;

	if (ioctl(file, SYNC_IOC_FILE_INFO, &info))
		err = -errno;
	else if (info.status == 0)
		err = -EBUSY;
	else if (info.status < 0)
		err = info.status;
	return err;
}

int syncobj_error(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_transfer transfer = { .src_handle = handle, .src_point = point };
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, .fd = -1,
	};
	int err;

	/* A point becomes a file by way of a binary syncobj. */
	err = syncobj_create(fd, false, &transfer.dst_handle);
	if (err)
		return err;
	export.handle = transfer.dst_handle;
	err = node_call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer);
	if (!err)
		err = node_call(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);
	if (!err) {
		err = sync_file_error(export.fd);
		close(export.fd);
	}
	syncobj_destroy(fd, transfer.dst_handle);
	return err;
}

int syncobj_result(int fd, uint32_t handle, uint64_t point)
{
	int err = syncobj_wait(fd, handle, point, WAIT_MS);

	return err ? err : syncobj_error(fd, handle, point);
}

int submit(int fd, struct drm_maru_job *jobs, uint32_t count, uint32_t *refused)
{
	struct drm_maru_submit call = { .jobs = ARRAY(jobs, count) };
	int err;

	err = node_call(fd, DRM_IOCTL_MARU_SUBMIT, &call);
	if (refused)
		*refused = call.refused;
	return err;
}

int submit_one(int fd, uint32_t queue, uint64_t va, uint32_t bytes, uint64_t id, uint32_t out,
	       uint64_t point)
{
	struct drm_maru_sync sync = sync_signal_to(out, point);
	struct drm_maru_job job = {
		.queue = queue, .va = va, .bytes = bytes, .id = id, .syncs = ARRAY(&sync, !!out),
	};

	return submit(fd, &job, 1, NULL);
}

int submit_run(int fd, uint32_t queue, uint64_t va, uint32_t bytes)
{
	uint32_t sync;
	int err;

	err = syncobj_create(fd, false, &sync);
	if (err)
		return err;
	err = submit_one(fd, queue, va, bytes, 0, sync, 0);
	if (!err)
		err = syncobj_result(fd, sync, 0);
	syncobj_destroy(fd, sync);
	return err;
}

int work_open(struct work *w, uint32_t cls, uint32_t time_limit_ms, uint64_t data_bytes,
	      uint32_t tier)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->fd = node_open_wait(10000);
	if (w->fd < 0)
		return w->fd;
	err = vm_create(w->fd, &w->vm);
	if (!err)
		err = queue_create(w->fd, w->vm, cls, time_limit_ms, &w->queue);
	if (!err)
		err = syncobj_create(w->fd, false, &w->sync);
	if (!err)
		err = bo_create_at(w->fd, &w->commands, 256 << 10, DRM_MARU_TIER_SYSTEM, w->vm,
				   VA_COMMANDS);
	if (!err)
		err = bo_create_at(w->fd, &w->data, data_bytes, tier, w->vm, VA_DATA);
	if (err)
		work_close(w);
	return err;
}

void work_close(struct work *w)
{
	if (w->fd < 0)
		return;
	bo_close(w->fd, &w->data);
	bo_close(w->fd, &w->commands);
	close(w->fd);
	w->fd = -1;
}

// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "kernel.h"

int kernel_queue_create(struct accel_queue *queue, const struct accel_queue_desc *desc)
{
	struct kernel *kernel = kernel_of(queue->device);
	struct drm_maru_queue_create create = {
		.vm = kernel->vm,
		.cls = desc->cls,
		.mode = DRM_MARU_QUEUE_KERNEL,
		.priority = desc->priority,
		.weight = desc->weight,
		.time_limit_ms = desc->time_limit_ms,
	};
	int error = accel_ioctl(kernel->fd, DRM_IOCTL_MARU_QUEUE_CREATE, &create);

	if (!error)
		queue->id = create.id;
	return error;
}

void kernel_queue_destroy(struct accel_queue *queue)
{
	struct drm_maru_queue_destroy destroy = { .id = queue->id };

	accel_ioctl(kernel_of(queue->device)->fd, DRM_IOCTL_MARU_QUEUE_DESTROY, &destroy);
}

int kernel_queue_info(struct accel_queue *queue, struct drm_maru_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = queue->id;
	return accel_ioctl(kernel_of(queue->device)->fd, DRM_IOCTL_MARU_QUEUE_INFO, info);
}

static uint32_t add_timelines(struct drm_maru_sync *syncs, uint32_t count,
			      const struct accel_fence *fences, uint32_t fence_count,
			      uint32_t flags)
{
	for (uint32_t i = 0; i < fence_count; i++) {
		if (!fences[i].timeline)
			continue;
		syncs[count++] = (struct drm_maru_sync){
			.type = DRM_MARU_SYNC_TIMELINE,
			.flags = flags,
			.handle = fences[i].timeline->handle,
			.value = fences[i].value,
		};
	}
	return count;
}

static struct drm_maru_array array_of(const struct drm_maru_sync *syncs, uint32_t count)
{
	return (struct drm_maru_array){ sizeof(*syncs), count, (uintptr_t)syncs };
}

/* Waits go to the first job, signals to the last one, which may be the same. */
static void set_syncs(const struct accel_queue *queue, const struct accel_jobs *batch,
		      struct drm_maru_job *jobs, struct drm_maru_sync *syncs)
{
	const struct accel_fence own = {
		(struct accel_timeline *)&queue->timeline, batch->pending->last
	};
	uint32_t waits = add_timelines(syncs, 0, batch->waits, batch->wait_count, 0), all;

	all = add_timelines(syncs, waits, &own, 1, DRM_MARU_SYNC_SIGNAL);
	all = add_timelines(syncs, all, batch->signals, batch->signal_count, DRM_MARU_SYNC_SIGNAL);
	syncs[all++] = (struct drm_maru_sync){
		.type = DRM_MARU_SYNC_SYNCOBJ,
		.flags = DRM_MARU_SYNC_SIGNAL,
		.handle = batch->pending->status,
	};
	if (batch->count == 1) {
		jobs[0].syncs = array_of(syncs, all);
		return;
	}
	jobs[0].syncs = array_of(syncs, waits);
	jobs[batch->count - 1].syncs = array_of(syncs + waits, all - waits);
}

int kernel_queue_submit(struct accel_queue *queue, const struct accel_jobs *batch)
{
	struct drm_maru_sync syncs[ACCEL_SYNCS_MAX];
	struct drm_maru_job jobs[ACCEL_JOBS_MAX];
	struct drm_maru_submit submit = {
		.jobs = { sizeof(jobs[0]), batch->count, (uintptr_t)jobs },
	};
	int fd = kernel_of(queue->device)->fd;
	int error;

	if (!batch->pending->status) {
		error = kernel_syncobj_create(fd, &batch->pending->status);
		if (error)
			return error;
	}
	for (uint32_t i = 0; i < batch->count; i++) {
		jobs[i] = (struct drm_maru_job){
			.queue = queue->id,
			.flags = batch->jobs[i].is_idempotent ? DRM_MARU_JOB_IDEMPOTENT : 0,
			.va = batch->jobs[i].address,
			.bytes = batch->jobs[i].bytes,
			.id = batch->jobs[i].id,
			.syncs = { .stride = sizeof(syncs[0]) },
		};
	}
	set_syncs(queue, batch, jobs, syncs);
	return accel_ioctl(fd, DRM_IOCTL_MARU_SUBMIT, &submit);
}

/* A fence's error is seen through a sync_file only. */
int kernel_job_status(struct accel_queue *queue, struct accel_pending *pending)
{
	struct drm_syncobj_handle export = {
		.handle = pending->status,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct sync_file_info info = { 0 };
	int error;

	error = accel_ioctl(kernel_of(queue->device)->fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export);
	if (error)
		return error;
	error = accel_ioctl(export.fd, SYNC_IOC_FILE_INFO, &info);
	close(export.fd);
	if (error)
		return error;
	return info.status < 0 ? info.status : 0;
}

void kernel_job_free(struct accel_queue *queue, struct accel_pending *pending)
{
	if (pending->status)
		kernel_syncobj_destroy(kernel_of(queue->device)->fd, pending->status);
}

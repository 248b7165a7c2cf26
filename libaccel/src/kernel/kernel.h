/* SPDX-License-Identifier: MIT */
/* The way through the driver: what its files share. */
#ifndef ACCEL_KERNEL_H
#define ACCEL_KERNEL_H

#include "../internal.h"
#include "../ioctl.h"

struct kernel {
	int fd;
	uint32_t vm;
};

static inline struct kernel *kernel_of(const struct accel_device *device)
{
	return device->backend;
}

int kernel_open(struct accel_device *device, const char *place);
void kernel_close(struct accel_device *device);
int kernel_query(struct accel_device *device, uint32_t id, void *answer, uint32_t *bytes);

int kernel_memory_create(struct accel_memory *memory);
void kernel_memory_destroy(struct accel_memory *memory);
int kernel_memory_map(struct accel_memory *memory, void **pointer);
int kernel_memory_wait(struct accel_memory *memory, int64_t deadline_ns);

int kernel_queue_create(struct accel_queue *queue, const struct accel_queue_desc *desc);
void kernel_queue_destroy(struct accel_queue *queue);
int kernel_queue_info(struct accel_queue *queue, struct drm_maru_queue_info *info);
int kernel_queue_submit(struct accel_queue *queue, const struct accel_jobs *jobs);
int kernel_job_status(struct accel_queue *queue, struct accel_pending *pending);
void kernel_job_free(struct accel_queue *queue, struct accel_pending *pending);

int kernel_syncobj_create(int fd, uint32_t *handle);
void kernel_syncobj_destroy(int fd, uint32_t handle);
int kernel_timeline_create(struct accel_timeline *timeline);
void kernel_timeline_destroy(struct accel_timeline *timeline);
int kernel_timeline_value(struct accel_timeline *timeline, uint64_t *value);
int kernel_timeline_wait(struct accel_timeline *timeline, uint64_t value, int64_t deadline_ns);
int kernel_timeline_signal(struct accel_timeline *timeline, uint64_t value);
int kernel_timeline_export(struct accel_timeline *timeline, int *fd);
int kernel_timeline_import(struct accel_timeline *timeline, int fd);
int kernel_sync_file_export(struct accel_timeline *timeline, uint64_t value, int *fd);
int kernel_sync_file_import(struct accel_timeline *timeline, int fd);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MARU_QUEUE_H
#define MARU_QUEUE_H

#include "maru_types.h"

/**
 * struct maru_queue_desc - What a queue shall be; checked by the caller.
 * @vm: VM its jobs run in, NULL: the kernel's.
 * @file: owner, NULL: the kernel.
 * @cls: MARU_CLASS_*.
 * @priority: MARU_PRIORITY_*.
 * @weight: 1 … 1000.
 * @time_limit_ms: card time of a job.
 */
struct maru_queue_desc {
	struct maru_vm *vm;
	struct maru_file *file;
	u32 cls;
	u32 priority;
	u32 weight;
	u32 time_limit_ms;
};

/* object: maru_queue.c */
int maru_queue_init(struct maru_device *mdev);
struct maru_queue *maru_queue_create(struct maru_device *mdev, const struct maru_queue_desc *desc);
u32 maru_queue_limit(struct maru_device *mdev);
struct maru_queue *maru_queue_lookup(struct maru_file *file, u32 id);
struct maru_queue *maru_queue_unlink(struct maru_file *file, u32 id);
void maru_queue_get(struct maru_queue *queue);
void maru_queue_put(struct maru_queue *queue);
void maru_queue_kill(struct maru_queue *queue);
int maru_queue_send_create(struct maru_queue *queue, u64 start);
void maru_queue_close_file(struct maru_file *file);
struct maru_queue *maru_queue_create_kernel(struct maru_device *mdev, u32 cls, u32 priority);
void maru_queue_destroy_kernel(struct maru_queue *queue);

/* what the card tells: maru_done.c */
void maru_queue_process_id(struct maru_device *mdev, u32 id);
void maru_queue_scan_all(struct maru_device *mdev);
void maru_queue_process(struct maru_queue *queue);
unsigned int maru_queue_retire_locked(struct maru_queue *queue);
void maru_queue_end_head_locked(struct maru_queue *queue, int err);
void maru_queue_ban_locked(struct maru_queue *queue, u32 error, int err);
void maru_queue_fail_locked(struct maru_queue *queue, int err);
int maru_queue_refusal_locked(const struct maru_queue *queue);
void maru_queue_counters(struct maru_queue *queue, struct maru_queue_block *sum);
u64 maru_queue_active_ns(struct maru_file *file, u32 cls);

/* card reset and the end: maru_recover.c */
void maru_queue_pre_reset(struct maru_device *mdev);
void maru_queue_post_reset(struct maru_device *mdev);
void maru_queue_fail_all(struct maru_device *mdev, int err);

/* jobs: maru_job.c */
struct dma_fence *maru_queue_submit_kernel(struct maru_queue *queue, u64 va, u32 bytes,
					   struct dma_fence *dep);

int maru_queue_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_queue_destroy_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_queue_set_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_queue_info_ioctl(struct drm_device *drm, void *data, struct drm_file *file);
int maru_submit_ioctl(struct drm_device *drm, void *data, struct drm_file *file);

#endif
